"""The vault as a graph."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.index.conftest import Desk
from vaultbot.index.catalog import Catalog
from vaultbot.index.graph import Backlink, Graph, Named, Neighbour
from vaultbot.index.reader import CatalogReader


@pytest.fixture
def graph(desk: Desk) -> Graph:
    """Asks about the desk's notes as they were at the last run."""
    return Graph(desk.reader)


def backlink(desk: Desk, path: str) -> Backlink:
    (found,) = Graph(desk.reader).backlinks(path)
    return found


# ── one note ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_links_are_told_in_their_order_with_where_they_lead(desk: Desk, graph: Graph) -> None:
    desk.write("Bread.md", "---\nis: '[[Food]]'\n---\n![[loaf.png]] of [[rye|Rye bread]] and [[Nowhere]]. [[#Top]]")
    desk.write("Food.md", "")
    desk.write("Grain/Rye.md", "")
    desk.write("img/loaf.png", b"\x89PNG")
    desk.run()

    assert [(edge.link.key or edge.link.raw, edge.target) for edge in graph.outgoing("Bread.md")] == [
        ("is", "Food.md"),
        ("![[loaf.png]]", "img/loaf.png"),
        ("[[rye|Rye bread]]", "Grain/Rye.md"),
        ("[[Nowhere]]", None),
        ("[[#Top]]", "Bread.md"),
    ]


def test_a_link_says_whether_its_heading_or_block_is_there(desk: Desk, graph: Graph) -> None:
    desk.write("H.md", "# Top\n## Alpha: one\nwords ^b1")
    desk.write(
        "Home.md", "[[H#alpha one]] [[H#Top#Beta]] [[H#^b1]] [[H#^b2]] [[H]] [[Gone#x]] [[#Here]] [[doc.pdf#page=3]]"
    )
    desk.write("doc.pdf", b"%PDF")
    desk.run()

    assert [edge.subpath_ok for edge in graph.outgoing("Home.md")] == [
        True, False, True, False, None, None, False, None,
    ]  # fmt: skip


def test_a_backlink_comes_with_its_line_heading_and_words(desk: Desk) -> None:
    desk.write("Rye.md", "")
    desk.write("Home.md", "---\ntags: [a]\n---\n# Bread\n\nNothing.\n\n## Sour\nA loaf of [[rye|dark rye]] a day.")
    desk.run()

    found = backlink(desk, "Rye.md")

    assert (found.edge.source, found.title, found.edge.link.line) == ("Home.md", "Home", 9)
    assert found.heading_path == ("Bread", "Sour")
    assert found.context == "A loaf of dark rye a day."


def test_a_backlink_from_a_property_has_its_type(desk: Desk) -> None:
    desk.write("Food.md", "")
    desk.write("Bread.md", "---\nis: '[[Food]]'\n---\n# Bread\n")
    desk.run()

    found = backlink(desk, "Food.md")

    assert (found.edge.link.key, found.heading_path, found.context) == ("is", (), "")


def test_a_long_line_is_cut_around_the_link(desk: Desk) -> None:
    desk.write("Rye.md", "")
    desk.write("Home.md", "Rye here. " + "filler " * 60 + "a loaf of [[Rye]] bread " + "filler " * 60)
    desk.run()

    context = backlink(desk, "Rye.md").context

    assert "a loaf of Rye bread" in context
    assert context.startswith("… filler")
    assert context.endswith("filler …")
    assert len(context) < 180


def test_what_no_reader_sees_is_not_shown_around_a_backlink(desk: Desk) -> None:
    desk.write("Rye.md", "")
    desk.write("Home.md", "Before %% secret [[Rye]] %%")
    desk.run()

    found = backlink(desk, "Rye.md")

    assert found.edge.link.in_comment
    assert found.context == ""


def test_a_note_that_is_kept_out_of_search_links_without_being_quoted(desk: Desk) -> None:
    desk.write(".obsidian/app.json", '{"userIgnoreFilters": ["Private/"]}')
    desk.write("Private/Diary.md", "# Secret\nI ate [[Rye]].")
    desk.write("Rye.md", "")
    desk.run()

    found = backlink(desk, "Rye.md")

    assert (found.edge.source, found.context) == ("Private/Diary.md", "")


def test_links_of_a_note_to_itself_are_no_backlinks(desk: Desk, graph: Graph) -> None:
    desk.write("Home.md", "# Top\n[[#Top]] [[Home]]")
    desk.run()

    assert graph.backlinks("Home.md") == []
    assert graph.neighbours("Home.md") == []


def test_neighbours_are_linked_either_way_by_their_types(desk: Desk, graph: Graph) -> None:
    desk.write("Bread.md", "---\nis: '[[Food]]'\n---\n[[Food]], [[Rye]], [[Nowhere]], ![[loaf.png]]")
    desk.write("Food.md", "")
    desk.write("Rye.md", "of:: [[Bread]]")
    desk.write("Home.md", "[[Bread]]")
    desk.write("loaf.png", b"\x89PNG")
    desk.run()

    assert graph.neighbours("Bread.md") == [
        Neighbour("Food.md", "Food", "out", ("is",)),
        Neighbour("Home.md", "Home", "in", ()),
        Neighbour("Rye.md", "Rye", "both", ("of",)),
    ]


def test_a_property_link_in_a_nested_map_is_off_the_graph(desk: Desk, graph: Graph) -> None:
    desk.write("Home.md", "---\nmap:\n  deep: '[[Rye]]'\n  none: '[[Nowhere]]'\n---\n")
    desk.write("Rye.md", "")
    desk.run()

    assert [edge.link.nested for edge in graph.outgoing("Home.md")] == [True, True]
    assert graph.backlinks("Rye.md") == []
    assert graph.neighbours("Rye.md") == []
    assert graph.unresolved() == []
    assert graph.isolated() == ["Home.md", "Rye.md"]


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("Food/Kimchi.md", [Named("Food/Kimchi.md", "path")]),
        ("food/kimchi", [Named("Food/Kimchi.md", "path")]),
        ("Kimchi", [Named("Food/Kimchi.md", "title"), Named("Trips/Kimchi.md", "title")]),
        (" /trips/KIMCHI.md ", [Named("Trips/Kimchi.md", "path")]),
        ("gimchi", [Named("Food/Kimchi.md", "alias")]),
        ("Rye", [Named("Rye.md", "path")]),
        ("imchi", []),
        ("", []),
    ],
)
def test_a_note_is_known_by_path_title_and_alias(desk: Desk, graph: Graph, name: str, found: list[Named]) -> None:
    desk.write("Food/Kimchi.md", "---\naliases: [Gimchi, Rye]\n---\n")
    desk.write("Trips/Kimchi.md", "")
    desk.write("Rye.md", "")
    desk.run()

    assert graph.named(name) == found


def test_a_folder_is_known_in_any_case_when_it_has_files(desk: Desk, graph: Graph) -> None:
    desk.write("Food/Sweet/Cake.md", "")
    desk.run()

    assert graph.folder("food/sweet/") == "Food/Sweet/"
    assert graph.folder("Food/Sw") is None


def test_the_graph_knows_what_is_kept_out_of_search_and_the_day(desk: Desk, graph: Graph) -> None:
    desk.write(".obsidian/templates.json", '{"folder": "Templates"}')
    desk.write("Templates/Day.md", "Words")
    desk.write("2025-02-03.md", "Words")
    desk.run()

    template, day = graph.standing("Templates/Day.md"), graph.standing("2025-02-03.md")

    assert template is not None
    assert (template.kept_out, template.searched) == ("template", False)
    assert day is not None
    assert (day.date, day.kept_out, day.searched) == ("2025-02-03", "", True)
    assert graph.standing("None.md") is None


# ── the whole vault ────────────────────────────────────────────────────────────────────────────────────────────


def test_orphans_dead_ends_and_isolated_notes_are_told_apart(desk: Desk, graph: Graph) -> None:
    desk.write("Orphan.md", "[[End]]")
    desk.write("End.md", "# Top\n[[#Top]] [[Nowhere]]")
    desk.write("Alone.md", "[[Alone]]")
    desk.write("Picture.md", "![[loaf.png]] [[Back]]")
    desk.write("Back.md", "[[Picture]]")
    desk.write("loaf.png", b"\x89PNG")
    desk.run()

    assert graph.orphans() == ["Alone.md", "Orphan.md"]
    assert graph.dead_ends() == ["Alone.md", "End.md"]
    assert graph.isolated() == ["Alone.md"]


def test_unresolved_links_are_grouped_by_what_they_name(desk: Desk, graph: Graph) -> None:
    desk.write("A.md", "[[Gone]] [[Other]] %% [[gone.md#x]] %%")
    desk.write("B.md", "[gone](Gone.md) ![[Gone|x]]")
    desk.run()

    found = graph.unresolved()

    assert [(one.linkpath, [edge.source for edge in one.edges]) for one in found] == [
        ("Gone", ["A.md", "A.md", "B.md", "B.md"]),
        ("Other", ["A.md"]),
    ]


def test_a_link_to_a_missing_heading_dangles_and_is_not_unresolved(desk: Desk, graph: Graph) -> None:
    desk.write("H.md", "# Top")
    desk.write("Home.md", "[[H#Top]] [[H#Nope]] [[H#^no]] [[Gone#x]] [[pic.png#height=20]] [[H#[^1]]] [[H#^area=x]]")
    desk.write("pic.png", b"\x89PNG")
    desk.run()

    assert [edge.link.raw for edge in graph.dangling()] == ["[[H#Nope]]", "[[H#^no]]", "[[H#[^1]]]"]


def test_a_heading_that_appears_ends_the_dangling_of_links_in_other_notes(desk: Desk, graph: Graph) -> None:
    desk.write("H.md", "# Top")
    desk.write("Home.md", "[[H#New]]")
    desk.run()
    assert len(graph.dangling()) == 1

    desk.write("H.md", "# Top\n# New")
    desk.run()

    assert graph.dangling() == []


def test_nothing_is_said_of_headings_too_long_to_be_kept(desk: Desk, graph: Graph) -> None:
    long = "very long heading " * 30
    desk.write("H.md", f"# {long}")
    desk.write("Home.md", f"[[H#{long.strip()}]]")
    desk.run()

    assert graph.dangling() == []
    assert graph.outgoing("Home.md")[0].subpath_ok is None


def test_an_ambiguous_link_comes_with_every_file_it_fits(desk: Desk, graph: Graph) -> None:
    for path in ("aa/Tie.md", "bb/Tie.md", "bb/x/Tie.md", "bb/Tied.md"):
        desk.write(path, "")
    desk.write("Home.md", "[[Tie]] [[bb/Tie]]")
    desk.run()

    ((edge, fitting),) = graph.ambiguous()

    assert (edge.link.raw, edge.target) == ("[[Tie]]", "aa/Tie.md")
    assert fitting == ("aa/Tie.md", "bb/Tie.md", "bb/x/Tie.md")


def test_notes_of_the_same_name_are_found(desk: Desk, graph: Graph) -> None:
    for path in ("a/Index.md", "b/index.md", "Other.md", "pic.png", "x/pic.png"):
        desk.write(path, "")
    desk.run()

    assert graph.duplicate_titles() == [("a/Index.md", "b/index.md")]


def test_names_that_other_systems_take_for_one_are_found(tmp_path: Path) -> None:
    catalog = Catalog(tmp_path / "catalog.db")
    catalog.set_files(["Cafe\u0301.md", "Caf\u00e9.md", "x/NOTE.md", "X/note.md", "Note.md"])

    assert Graph(CatalogReader(catalog.file)).colliding_files() == [
        ("Cafe\u0301.md", "Caf\u00e9.md"),
        ("X/note.md", "x/NOTE.md"),
    ]
    catalog.close()


def test_attachments_that_nothing_links_to_are_found(desk: Desk, graph: Graph) -> None:
    desk.write("Home.md", "![[used.png]]")
    for path in ("used.png", "img/unused.png", "All.base", "Board.canvas", "paper.pdf"):
        desk.write(path, b"{}")
    desk.run()

    assert graph.unlinked_attachments() == ["img/unused.png", "paper.pdf"]
    assert "Home.md" in graph.unlinked_files()


def test_a_canvas_links_by_its_cards(desk: Desk, graph: Graph) -> None:
    cards = [
        {"id": "1", "type": "text", "text": "Plan of [[Rye]] bread"},
        {"id": "2", "type": "file", "file": "Food.md"},
    ]
    desk.write("Board.canvas", json.dumps({"nodes": cards, "edges": []}))
    desk.write("Rye.md", "")
    desk.write("Food.md", "")
    desk.run()

    assert [edge.target for edge in graph.outgoing("Board.canvas")] == ["Rye.md", "Food.md"]
    assert backlink(desk, "Rye.md").context == "Plan of Rye bread"
    assert backlink(desk, "Food.md").heading_path == ()
    assert graph.named("Board") == [Named("Board.canvas", "title")]
    assert graph.orphans() == []
    assert graph.dead_ends() == ["Food.md", "Rye.md"]


def test_what_lint_tells_of_notes_and_files_is_there(desk: Desk, graph: Graph) -> None:
    desk.write("Bad.md", "---\na: [\n---\n# Top\n### See [[Bad|x]]\nwords ^b1")
    desk.write("Good.md", "---\naliases: [Fine]\n---\n")
    desk.run()

    assert [(path, problem.slug) for path, problem in graph.problems()] == [("Bad.md", "frontmatter")]
    assert graph.aliases() == [("Fine", "Good.md")]
    assert graph.headings("Bad.md") == [("Top",), ("Top", "See [[Bad|x]]")]
    assert graph.kept_out() == {}
    assert graph.skipped() == []
