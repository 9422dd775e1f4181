"""Where a link to a related note goes."""

from __future__ import annotations

import pytest

from vaultbot.links.places import Usage, link_sections, place_for, usage
from vaultbot.vault.markdown import parse_note


def placed(text: str, usual: Usage | None = None) -> str | None:
    note = parse_note("Home.md", text)
    edit = place_for(note, "[[X]]", usual or Usage())
    return None if edit is None else text[: edit.start] + edit.text + text[edit.end :]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("Words.\n", "Words.\n\n## Related\n\n- [[X]]\n"),
        ("Words.", "Words.\n\n## Related\n\n- [[X]]"),
        ("", "## Related\n\n- [[X]]"),
        ("---\na: 1\n---\n", "---\na: 1\n---\n## Related\n\n- [[X]]"),
        ("A.\n\n## See also\n\n* [[B]]\n\n## End\n\nC.\n", "A.\n\n## See also\n\n* [[B]]\n* [[X]]\n\n## End\n\nC.\n"),
        ("## Related\n1. [[B]]\n", "## Related\n1. [[B]]\n2. [[X]]\n"),
        ("## Related\n- [[B]]\n  - under it\n", "## Related\n- [[B]]\n  - under it\n- [[X]]\n"),
        ("## Related\n", "## Related\n\n- [[X]]\n"),
        ("## Siehe auch\n- [[B]]\n", "## Siehe auch\n- [[B]]\n- [[X]]\n"),
        ("Text.\n\nRelated: [[A]], [[B]]\n\nMore.\n", "Text.\n\nRelated: [[A]], [[B]], [[X]]\n\nMore.\n"),
        ("A.\r\n\r\n## Related\r\n- [[B]]\r\n", "A.\r\n\r\n## Related\r\n- [[B]]\r\n- [[X]]\r\n"),
        ("これは日本語のノートです。\n", "これは日本語のノートです。\n\n## 関連項目\n\n- [[X]]\n"),
        ("```\ncode\n```\n", "```\ncode\n```\n\n## Related\n\n- [[X]]\n"),
    ],
)
def test_a_related_note_goes_to_the_list_of_such_links(before: str, after: str) -> None:
    assert placed(before) == after


@pytest.mark.parametrize("text", ["Words.\n\n```\nnever closed", "Words.\n\n%% never closed"])
def test_nothing_is_added_behind_a_block_that_never_ends(text: str) -> None:
    assert placed(text) is None


def test_the_vaults_own_way_of_such_lists_is_followed() -> None:
    note = parse_note("A.md", "Words.\n\n# Nachbarn\n* [[B]]\n* [[C]]\n")
    sections = [section for _ in range(3) for section in link_sections(note)]

    assert placed("Words.\n", usage(sections)) == "Words.\n\n# Nachbarn\n* [[X]]\n"


def test_a_section_with_words_of_its_own_is_no_list_of_links() -> None:
    assert list(link_sections(parse_note("A.md", "## Plants\n- [[B]] is green\n"))) == []
