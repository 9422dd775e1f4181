"""Which notes are templates."""

from __future__ import annotations

import pytest

from vaultbot.vault.markdown import parse_note
from vaultbot.vault.templates import is_template


@pytest.mark.parametrize(
    "text",
    [
        "# <% tp.file.title %>",
        "<%* const day = 1 -%>\nwords",
        "---\ncreated: <% tp.date.now() %>\n---\nwords",
        "<div>\n<% tp.file.cursor() %>\n</div>",
        "[[<% tp.date.now() %>]]",
        "# {{title}}",
        "on {{date}} at {{time}}",
        "[[{{date:YYYY-MM-DD}}]] {{ time:HH:mm }}",
        "{{Title}}",
    ],
)
def test_a_note_with_places_to_fill_in_is_a_template(text: str) -> None:
    assert is_template(parse_note("Note.md", text))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Write `{{title}}` and `<% tp.date.now() %>` in your template.",
        "```\n<% tp.date.now() %> {{date}}\n```",
        "    {{title}}",
        "$a <% b %> {{title}}$",
        '---\ntitle: "{{title}}"\n---\nwords',
        "less <% than",
        "per cent %> and <%",
        "{{name}} and {{cookiecutter.title}}",
        "{title} {{dates}} {{timer}}",
    ],
)
def test_a_note_that_tells_of_templates_is_none(text: str) -> None:
    assert not is_template(parse_note("Note.md", text))


@pytest.mark.timeout(60)
@pytest.mark.parametrize("unit", ["<%", "`<%`", "`{{title}}` ", "{{date:", "{{ "])
def test_a_hostile_note_is_judged_in_linear_time(unit: str) -> None:
    is_template(parse_note("Note.md", unit * (250_000 // len(unit)) + "%>"))
