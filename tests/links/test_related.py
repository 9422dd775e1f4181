"""Notes that are close to a note and not linked with it."""

from __future__ import annotations

import pytest

from tests.conftest import VaultBuilder
from vaultbot.errors import DataDamaged, InvalidRequest, NoteNotFound
from vaultbot.links.related import Related, RelatedNotes
from vaultbot.retrieval.filters import Options

RYE = "A sourdough starter of rye flour bubbles after three days near the stove."
OAT = "The sourdough starter of oat flour bubbles after four days near the window."
CHESS = "Bishops move diagonally, rooks along ranks and files."


def related(vault: VaultBuilder, note: str, *, limit: int = 8, options: Options | None = None) -> RelatedNotes:
    """Brings the index up to date first."""
    vault.index()
    return vault.assistant.related(note, limit=limit, options=options)


def paths(vault: VaultBuilder, note: str, **filters: object) -> list[str]:
    return [one.path for one in related(vault, note, options=Options(**filters)).notes]  # type: ignore[arg-type]


def only(found: RelatedNotes) -> Related:
    (one,) = found.notes
    return one


def test_the_closest_note_comes_first(vault: VaultBuilder) -> None:
    vault.write("Rye.md", RYE)
    vault.write("Chess.md", CHESS)
    vault.write("Oat.md", OAT)

    found = related(vault, "Rye")

    assert [one.path for one in found.notes] == ["Oat.md", "Chess.md"]
    assert found.note == "Rye.md"
    assert 0 <= found.notes[1].score < found.notes[0].score <= 1
    assert (found.notes[0].wikilink, found.notes[0].uri) == ("[[Oat|Oat]]", "obsidian://open?vault=vault&file=Oat")
    assert found.warnings == ()


def test_what_is_linked_either_way_by_any_kind_of_link_is_left_out(vault: VaultBuilder) -> None:
    vault.write(
        "Rye.md", f"---\nis: '[[Property]]'\n---\n{RYE} [[Linked]] ![[Embedded]] [m](Markdown.md)\nof:: [[Field]]"
    )
    for name in ("Property", "Linked", "Embedded", "Markdown", "Field", "Free"):
        vault.write(f"{name}.md", OAT)
    vault.write("Linking.md", f"{OAT} [[Rye]]")

    assert paths(vault, "Rye") == ["Free.md"]


def test_templates_and_excluded_notes_are_left_out(vault: VaultBuilder) -> None:
    vault.write(".obsidian/templates.json", '{"folder": "Templates"}')
    vault.write(".obsidian/app.json", '{"userIgnoreFilters": ["Attic/"]}')
    for path in ("Rye.md", "Templates/Bread.md", "Attic/Old.md", "Oat.md"):
        vault.write(path, RYE)

    assert paths(vault, "Rye") == ["Oat.md"]


def test_of_a_note_that_is_kept_out_of_search_nothing_is_told(vault: VaultBuilder) -> None:
    vault.write(".obsidian/app.json", '{"userIgnoreFilters": ["Attic/"]}')
    vault.write("Attic/Old.md", RYE)
    vault.write("Oat.md", OAT)

    found = related(vault, "Old")

    assert found.notes == ()
    assert found.warnings == ("this note is kept out of search, so what it says is not known",)


def test_no_embedding_is_computed(vault: VaultBuilder) -> None:
    vault.write("Rye.md", RYE)
    vault.write("Oat.md", OAT)
    vault.index()
    assert vault.embedder is not None
    vault.embedder.failure = RuntimeError("asked")

    assert only(vault.assistant.related("Rye")).path == "Oat.md"


# ── why ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_closest_passages_are_told_with_heading_and_line(vault: VaultBuilder) -> None:
    filler = "\n\n".join(f"Entry {n} tells at some length of errands, letters and the weather." for n in range(40))
    vault.write("Diary.md", f"# Days\n\n{filler}\n\n# See [[Bread]]\n\nIt rained. {RYE}\n\n{filler}")
    vault.write("Oat.md", f"# Notes\n\n## Starter\n\n{OAT}")

    one = only(related(vault, "Diary"))

    assert one.here is not None
    assert one.there is not None
    assert (one.here.heading_path, one.here.line, one.here.text) == (("See Bread",), 85, RYE)
    assert one.here.uri == "obsidian://open?vault=vault&file=Diary%23See%20Bread"
    assert (one.there.heading_path, one.there.line, one.there.text) == (("Notes", "Starter"), 5, OAT)
    assert one.there.uri == "obsidian://open?vault=vault&file=Oat%23Notes%23Starter"


def test_shared_tags_links_and_rare_words_are_told(vault: VaultBuilder) -> None:
    vault.write("Rye.md", f"{RYE} #Bread/Rye #slow [[Flour]], [[Flour|again]] and [[Yeast]]")
    vault.write("Oat.md", "---\ntags: [bread/rye]\n---\nStarters bubble. [[flour.md]] [[Salt]] #quick")
    for name in ("Flour", "Salt", "Yeast"):
        vault.write(f"{name}.md", name)

    one = next(one for one in related(vault, "Rye").notes if one.path == "Oat.md")

    assert one.tags == ("Bread/Rye",)
    assert one.links == ("Flour.md",)
    assert set(one.words) >= {"starter", "bubbles"}


def test_words_that_many_notes_have_are_no_reason(vault: VaultBuilder) -> None:
    for n in range(30):
        vault.write(f"Day {n}.md", "Weather was fine.")
    vault.write("Rye.md", "Weather for sourdough.")
    vault.write("Oat.md", "Sourdough weather.")

    assert only(related(vault, "Rye", options=Options(path="Oat"))).words == ("sourdough",)


def test_words_of_scripts_without_blanks_are_told_whole(vault: VaultBuilder) -> None:
    vault.write("一.md", "量子化は重みを小さくする。")
    vault.write("二.md", "量子化の欠点を書く。")

    assert only(related(vault, "一")).words == ("量子化",)


def test_a_copy_is_told_from_a_note_about_the_same(vault: VaultBuilder) -> None:
    vault.write("Rye.md", RYE)
    vault.write("Rye 1.md", RYE.upper())
    vault.write("Oat.md", OAT)

    assert {one.path: one.near_copy for one in related(vault, "Rye").notes} == {"Rye 1.md": True, "Oat.md": False}


# ── filters ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_only_notes_that_fit_the_filters_are_looked_at(vault: VaultBuilder) -> None:
    vault.write("Rye.md", RYE)
    vault.write("Daily/2026-05-12.md", f"{OAT} #bread")
    vault.write("Daily/2026-05-13.md", OAT)
    vault.write("Chess.md", f"{CHESS} #bread")

    assert paths(vault, "Rye", tags=["bread"]) == ["Daily/2026-05-12.md", "Chess.md"]
    assert paths(vault, "Rye", path="Daily/", after="2026-05-12") == ["Daily/2026-05-13.md"]
    assert paths(vault, "Rye", on="2026-05-12") == ["Daily/2026-05-12.md"]
    assert paths(vault, "Rye", before="2026-05-13") == ["Daily/2026-05-12.md"]


def test_a_filter_that_nothing_fits_is_told(vault: VaultBuilder) -> None:
    vault.write("Rye.md", RYE)
    vault.write("Oat.md", OAT)

    assert related(vault, "Rye", options=Options(tags=["x"])).warnings == ("no note fits the filter: tagged #x",)
    with pytest.raises(InvalidRequest, match="no date"):
        related(vault, "Rye", options=Options(on="nonsense"))


def test_a_filter_changes_no_score_and_needs_no_vector_index(vault: VaultBuilder) -> None:
    vault.write("Rye.md", RYE)
    vault.write("In/Oat.md", OAT)
    vault.write("In/Chess.md", CHESS)
    scores = [(one.path, one.score) for one in related(vault, "Rye").notes]
    vault.vectors.vectors.clear()

    filtered = related(vault, "Rye", options=Options(path="In/"))

    assert [(one.path, one.score) for one in filtered.notes] == scores


def test_a_note_behind_hundreds_of_linked_ones_is_found(vault: VaultBuilder) -> None:
    links = "\n".join(f"[[Loaf {n}]]" for n in range(300))
    vault.write("Hub.md", f"Bread and butter.\n{links}")
    for n in range(300):
        vault.write(f"Loaf {n}.md", "Bread and butter.")
    vault.write("Far.md", "Bread on a plate of clay, eaten in spring by friends.")

    assert paths(vault, "Hub") == ["Far.md"]


# ── without meaning ────────────────────────────────────────────────────────────────────────────────────────────


def test_without_an_embedder_rare_words_decide_and_a_warning_says_so(vault: VaultBuilder) -> None:
    vault.embedder = None
    vault.write("Rye.md", f"# Rye\n\nFiller.\n\n{RYE}")
    vault.write("Oat.md", f"Something else.\n\n{OAT}")
    for n in range(5):
        vault.write(f"Chess {n}.md", CHESS)

    found = related(vault, "Rye")

    one = only(found)
    assert (one.path, 0 < one.score < 1) == ("Oat.md", True)
    assert one.here is not None
    assert one.there is not None
    assert (one.here.line, one.there.line) == (5, 3)
    assert "words alone were compared" in found.warnings[0]


def test_a_damaged_vector_index_leaves_the_notes_that_share_words(vault: VaultBuilder) -> None:
    vault.write("Rye.md", RYE)
    vault.write("Oat.md", OAT)
    vault.write("Chess.md", CHESS)
    exact = related(vault, "Rye").notes[0]
    vault.vectors.failure = DataDamaged("it is damaged")

    found = vault.assistant.related("Rye")

    assert found.notes == (exact,)
    assert "the vector index is not ready" in found.warnings[0]


def test_words_decide_where_the_embedder_cannot_read_the_script(vault: VaultBuilder) -> None:
    """To an embedder of English all Japanese is alike, as these two notes are to this one by their numbers."""
    vault.write("量子化.md", "量子化は重みを小さくする。 1 1 1 1")
    vault.write("味噌.md", "味噌は大豆と麹から作る。 1 1 1 1")
    vault.write("欠点.md", "精度が下がる量子化と重み。")

    assert paths(vault, "量子化")[0] == "欠点.md"


def test_an_empty_note_is_close_to_others_by_its_name_alone(vault: VaultBuilder) -> None:
    vault.write("Sourdough starter.md", "")
    vault.write("Sourdough bread.md", "")

    one = only(related(vault, "Sourdough starter"))

    assert (one.path, one.here, one.there, one.near_copy) == ("Sourdough bread.md", None, None, False)


# ── wrong requests ─────────────────────────────────────────────────────────────────────────────────────────────


def test_a_note_that_is_not_there_and_a_limit_out_of_range_are_told(vault: VaultBuilder) -> None:
    vault.write("Rye.md", RYE)

    with pytest.raises(NoteNotFound, match="no such note"):
        related(vault, "Nope")
    with pytest.raises(InvalidRequest, match="from 1 to 50"):
        related(vault, "Rye", limit=51)


def test_no_more_notes_come_than_were_asked_for(vault: VaultBuilder) -> None:
    for n in range(5):
        vault.write(f"{n}.md", RYE)

    assert [one.path for one in related(vault, "0", limit=2).notes] == ["1.md", "2.md"]
