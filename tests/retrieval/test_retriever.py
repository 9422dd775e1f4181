"""Search: by words and by meaning, in titles, aliases, headings and text, in three languages."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conftest import VaultBuilder
from vaultbot.errors import InvalidRequest
from vaultbot.retrieval.query import parse_query

KIMCHI = "---\naliases: [gimchi]\n---\nCabbage, salt, time.\n\n## Second stage\n\nKeep the jar in a cold cellar."


def test_an_alias_finds_its_note(vault: VaultBuilder) -> None:
    vault.write("Food/Kimchi.md", KIMCHI)
    vault.write("Food/Bread.md", "Flour, water, salt.")

    assert vault.search("gimchi")[0].path == "Food/Kimchi.md"


def test_a_title_and_a_heading_find_their_note(vault: VaultBuilder) -> None:
    vault.write("Food/Kimchi.md", KIMCHI)
    vault.write("Food/Bread.md", "Flour, water, salt.")

    assert vault.search("kimchi")[0].path == "Food/Kimchi.md"
    assert vault.search("second stage")[0].path == "Food/Kimchi.md"


def test_a_hit_opens_the_heading_over_the_matching_line(vault: VaultBuilder) -> None:
    vault.write("Food/Kimchi.md", KIMCHI)

    hit = vault.search("cold cellar")[0]

    assert hit.heading_path == ("Second stage",)
    assert hit.line == 8
    assert hit.wikilink == "[[Food/Kimchi#Second stage|Kimchi › Second stage]]"
    assert parse_qs(urlsplit(hit.uri).query) == {"vault": ["vault"], "file": ["Food/Kimchi#Second stage"]}


def test_a_link_names_the_heading_as_the_file_has_it(vault: VaultBuilder) -> None:
    vault.write("N.md", "## See [[Kimchi|the jar]]\n\nSalted turnips.")

    hit = vault.search("salted turnips")[0]

    assert hit.heading_path == ("See the jar",)
    assert hit.wikilink == "[[N#See Kimchi the jar|N › See the jar]]"


def test_the_words_of_the_question_are_named_as_they_stand_in_the_text(vault: VaultBuilder) -> None:
    vault.write("Trees.md", "Pruned trees bear well, and Pruning is quick.")

    assert vault.search("prune a tree")[0].matched == ("Pruned", "trees", "Pruning")


@pytest.mark.parametrize(
    ("question", "path"),
    [("量子化とは何ですか", "量子化.md"), ("重み", "量子化.md"), ("堆肥需要什么", "堆肥.md"), ("碳氮比", "堆肥.md")],
)
def test_japanese_and_chinese_are_found(vault: VaultBuilder, question: str, path: str) -> None:
    vault.write("量子化.md", "量子化とは、モデルの重みを少ないビット数で表す技術である。")
    vault.write("堆肥.md", "堆肥最合适的碳氮比是25比1到30比1。")
    vault.write("味噌.md", "味噌は大豆と麹と塩から作る。")

    assert vault.search(question)[0].path == path


def test_words_alone_do_without_an_embedder(vault: VaultBuilder) -> None:
    vault.embedder = None
    vault.write("Kimchi.md", KIMCHI)

    assert vault.search("cabbage")[0].path == "Kimchi.md"


def test_meaning_finds_what_no_word_matches(vault: VaultBuilder) -> None:
    vault.write("Kimchi.md", KIMCHI)
    vault.write("Bread.md", "Flour and water.")

    assert {hit.path for hit in vault.search("zzz")} == {"Kimchi.md", "Bread.md"}


def test_each_note_is_there_once_with_its_best_passage(vault: VaultBuilder) -> None:
    filler = "\n\n".join(
        f"Paragraph {n} about nothing in particular, with words enough to fill a passage." for n in range(90)
    )
    vault.write("Long.md", f"{filler}\n\nThe zucchini was enormous.\n\n{filler}")
    vault.write("Other.md", "A zucchini, small.")

    hits = vault.search("enormous zucchini")

    assert sorted(hit.path for hit in hits) == ["Long.md", "Other.md"]
    assert "The zucchini was enormous." in next(hit.text for hit in hits if hit.path == "Long.md")


def test_scores_fall_and_stay_between_nought_and_one(vault: VaultBuilder) -> None:
    for n in range(12):
        vault.write(f"{n}.md", f"Tomatoes {'and basil ' * n}")

    scores = [hit.score for hit in vault.search("tomatoes and basil", limit=10)]

    assert len(scores) == 10
    assert scores == sorted(scores, reverse=True)
    assert all(0 <= score <= 1 for score in scores)


@pytest.mark.parametrize("limit", [0, 51, -1])
def test_a_limit_out_of_range_names_the_range(vault: VaultBuilder, limit: int) -> None:
    vault.write("a.md", "a")

    with pytest.raises(InvalidRequest, match="from 1 to 50"):
        vault.search("a", limit=limit)


def test_an_empty_vault_finds_nothing_and_says_why(vault: VaultBuilder) -> None:
    vault.index()

    result = vault.assistant.search("anything")

    assert result.hits == ()
    assert "is it the folder that you open in Obsidian" in result.warnings[0]


def test_no_question_makes_a_search_fail(vault: VaultBuilder) -> None:
    vault.write("a.md", 'Some "quoted" text AND a NEAR(b) col:x -y * ^ 量子化')
    vault.index()

    @settings(max_examples=200, deadline=None)
    @given(st.text(min_size=1, max_size=40).filter(lambda text: bool(text.split())))
    def search(text: str) -> None:
        vault.assistant.search(text)

    search()
    for text in ('"', "AND", "a-b", "col:x", "(a", "NEAR(", "*", "^a", "'", "\\", "\0", "a OR", "{", "+a -b"):
        vault.assistant.search(text)


def test_a_hit_tells_on_demand_what_speaks_for_it(vault: VaultBuilder) -> None:
    vault.write("Crop rotation.md", "Beans before cabbages.")
    vault.write("Cabbage.md", "# Crop rotation\n\nCabbages want lime.")
    vault.index()

    hits = vault.assistant.search("crop rotation", explain=True).hits

    by_title, by_heading = (hit.explained for hit in sorted(hits, key=lambda hit: hit.path, reverse=True))
    assert by_title is not None
    assert by_heading is not None
    assert (by_title["name"], by_title["heading"]) == (1.0, 0.0)
    assert (by_heading["name"], by_heading["heading"]) == (0.0, 1.0)
    assert vault.assistant.search("crop rotation").hits[0].explained is None


def test_words_alone_find_what_meaning_would_not(vault: VaultBuilder) -> None:
    vault.write("A.md", "heap heap heap")
    vault.write("B.md", "compost")
    vault.index()

    lexical = vault.assistant.search("compost", mode="lexical").hits
    dense = vault.assistant.search("compost", mode="dense", explain=True).hits

    assert [hit.path for hit in lexical] == ["B.md"]
    assert {hit.path for hit in dense} == {"A.md", "B.md"}
    assert all(hit.explained and hit.explained["words"] == 0.0 for hit in dense)


def test_meaning_alone_is_refused_where_nothing_compares_meanings(vault: VaultBuilder) -> None:
    vault.embedder = None
    vault.write("A.md", "compost")
    vault.index()

    with pytest.raises(InvalidRequest, match="no embedding model"):
        vault.assistant.search("compost", mode="dense")


def test_a_copy_of_a_note_takes_no_place_among_the_passages_for_an_answer(vault: VaultBuilder) -> None:
    vault.write("Heap.md", "A compost heap wants carbon.")
    vault.write("Heap (conflicted copy).md", "A compost heap  wants carbon.")
    vault.write("Bed.md", "Compost feeds the bed.")
    vault.index()
    retriever = vault.assistant._retriever

    with vault.assistant._reader.snapshot():
        (reading,) = retriever.readings(parse_query("compost heap"))
        found = retriever.passages(reading, limit=2)

    assert sorted(one.passage.text for one in found) == ["A compost heap wants carbon.", "Compost feeds the bed."]


# ── a question in the vault's words ────────────────────────────────────────────────────────────────────────────


def test_a_slip_finds_what_was_meant_and_says_so(vault: VaultBuilder) -> None:
    vault.embedder = None
    vault.write("Kimchi.md", KIMCHI)
    vault.write("Bread.md", "Flour, water, salt.")

    result = vault.found("a cold celllar")

    assert result.hits[0].path == "Kimchi.md"
    assert result.hits[0].matched == ("cold", "cellar")
    assert result.warnings == ("searched for “cellar” instead of “celllar”",)


def test_a_word_in_another_alphabet_finds_the_note_that_has_it_in_latin(vault: VaultBuilder) -> None:
    vault.embedder = None
    vault.write("Bread.md", "Flour, water, salt.")
    vault.write("Formulas.md", "# Formulas\n\nHow bread is written down.")

    assert vault.search("формула")[0].path == "Formulas.md"


def test_an_abbreviation_finds_the_notes_that_only_have_its_long_form(vault: VaultBuilder) -> None:
    vault.embedder = None
    vault.write("Terms.md", "We speak of retrieval-augmented generation (RAG) here.")
    vault.write("Talk.md", "Why retrieval-augmented generation needs good notes, and what it costs.")
    vault.write("Dust.md", "An old rag is good for dusting.")

    hits = vault.search("what does RAG cost?")

    assert hits[0].path == "Talk.md"
    assert "retrieval" in hits[0].matched


def test_other_words_count_less_than_those_of_the_question(vault: VaultBuilder) -> None:
    vault.embedder = None
    vault.write("Terms.md", "Central processing unit (CPU).")
    vault.write("Said.md", "The CPU is idle when it waits for memory.")
    vault.write("Meant.md", "The central processing unit is idle when it waits for memory.")

    assert [hit.path for hit in vault.search("idle CPU") if hit.path != "Terms.md"] == ["Said.md", "Meant.md"]


def test_a_mended_question_is_put_to_the_notes_of_its_filter(vault: VaultBuilder) -> None:
    vault.write("Kimchi.md", f"---\ntags: [food]\n{KIMCHI[4:]}")
    vault.write("Cellars.md", "All about the cellar.")

    result = vault.found("tag:food cold celllar")

    assert [hit.path for hit in result.hits] == ["Kimchi.md"]
    assert result.warnings == ("searched for “cellar” instead of “celllar”",)
