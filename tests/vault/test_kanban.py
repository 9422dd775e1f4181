"""Boards of the Kanban plugin."""

from __future__ import annotations

from vaultbot.vault.markdown import parse_note

BOARD = """\
---
kanban-plugin: board
---

## Doing

- [ ] Sow the beans, see [[Soil pH]] #garden

## Done

**Complete**
- [x] Buy seeds **today**

***

## Archive

- [x] Order lime

%% kanban:settings
```
{"kanban-plugin":"board","list-collapse":[false,true]}
```
%%
"""


def test_lanes_are_headings_cards_are_items_and_settings_are_hidden() -> None:
    note = parse_note("Plot.md", BOARD)

    assert [heading.text for heading in note.headings] == ["Doing", "Done", "Archive"]
    assert [line for line in note.visible if line] == [
        "Doing",
        "- [ ] Sow the beans, see Soil pH #garden",
        "Done",
        "- [x] Buy seeds today",
        "Archive",
        "- [x] Order lime",
    ]
    assert [link.linkpath for link in note.links] == ["Soil pH"]


def test_the_mark_of_a_lane_of_finished_cards_is_known_in_any_language() -> None:
    note = parse_note("Plot.md", BOARD.replace("**Complete**", "\n**完了** "))

    assert "完了" not in "".join(note.visible)


def test_in_any_other_note_such_a_line_is_text() -> None:
    note = parse_note("Plot.md", BOARD.replace("kanban-plugin", "title"))

    assert "Complete" in note.visible
