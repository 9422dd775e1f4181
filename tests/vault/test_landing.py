"""Many links into one note are judged at once, and each as if it were alone."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from vaultbot.vault.landing import landing
from vaultbot.vault.markdown import parse_note
from vaultbot.vault.subpaths import anchors, lands

WORDS = st.sampled_from(["A", "b", "A: b!", "see [[A|b]]", "[A](b.md)", "!!!"])


def landed(text: str, *subpaths: str) -> set[str]:
    note = parse_note("Note.md", text)
    names = [name for name, _ in anchors(note)]
    return landing(subpaths, [heading.written for heading in note.headings], names)


def test_headings_blocks_and_footnotes_are_landed_on() -> None:
    text = "# Top\n## Alpha: one/two\nwords[^n] ^b1\n\n[^n]: more"

    assert landed(text, "#top", "#alpha one two", "#Top#Alpha one two", "#^B1", "#[^n]", "#Gone", "#^b2", "#[^m]") == {
        "#top",
        "#alpha one two",
        "#Top#Alpha one two",
        "#^B1",
        "#[^n]",
    }


def test_a_heading_must_stand_below_those_named_before_it() -> None:
    text = "# A\n## B\n### C\n# D\n"

    assert landed(text, "#A#C", "#A#B#C", "#D#C", "#C#A", "#B#B") == {"#A#C", "#A#B#C"}


def test_thousands_of_headings_and_links_are_no_trouble() -> None:
    headings = [path for n in range(20_000) for path in ([f"H{n}"], [f"H{n}", "Same"])]
    subpaths = [f"#H{n}#Same" for n in range(0, 40_000, 2)]

    assert len(landing(subpaths, headings, [])) == 10_000


@given(
    st.lists(st.tuples(st.integers(1, 4), WORDS), max_size=8),
    st.lists(st.lists(WORDS, min_size=1, max_size=4).map(lambda parts: "#" + "#".join(parts)), max_size=6),
)
def test_each_link_is_judged_as_if_it_were_alone(outline: list[tuple[int, str]], subpaths: list[str]) -> None:
    note = parse_note("Note.md", "\n".join(f"{'#' * level} {words}" for level, words in outline))

    assert landing(subpaths, [heading.written for heading in note.headings], []) == {
        subpath for subpath in subpaths if lands(subpath, note.headings, [])
    }
