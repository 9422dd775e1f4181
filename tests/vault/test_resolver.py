"""Where links lead, row by row as Obsidian has been seen to do it."""

from __future__ import annotations

import random
import unicodedata
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vaultbot.vault.resolver import Resolution, Resolver, basename_key, path_key

VAULT = (
    "Note.md",
    "a/Note.md",
    "b/Note.md",
    "x/Peer.md",
    "y/Peer.md",
    "a/b/Short.md",
    "zzzz/Short.md",
    "aa/Tie.md",
    "bb/Tie.md",
    "b/Only.md",
    "Log.md",
    "Ext.MD",
    "Sq]uare.md",
    "My Note.md",
    "sub/My Sub.md",
    "a#1.md",
    "Café.md",
    "api/pandas.DataFrame.xs.md",
    "img/pic.png",
    "files/doc.pdf",
    "Board.canvas",
)


@pytest.mark.parametrize(
    ("source", "link", "target"),
    [
        ("b/src.md", "Note", "Note.md"),  # the root's own beats the neighbour
        ("a/src.md", "b/Note", "b/Note.md"),
        ("y/src.md", "Peer", "y/Peer.md"),
        ("Note.md", "Short", "a/b/Short.md"),  # 12 characters against 13
        ("Note.md", "log", "Log.md"),
        ("Note.md", "LOG.MD", "Log.md"),
        ("Note.md", "Ext", "Ext.MD"),
        ("Note.md", "AI", None),  # an alias is no name
        ("x/src.md", "./Peer", "x/Peer.md"),
        ("x/src.md", "../y/Peer", "y/Peer.md"),
        ("x/src.md", "../y/Peer.md", "y/Peer.md"),
        ("x/src.md", "../../y/Peer", None),
        ("x/src.md", "./Only", None),  # relative means exactly there
        ("Note.md", "/b/Only", "b/Only.md"),
        ("Note.md", "/Only", None),
        ("Note.md", "DataFrame.xs", None),
        ("Note.md", "pandas.DataFrame.xs", "api/pandas.DataFrame.xs.md"),
        ("Note.md", "pic", None),
        ("Note.md", "pic.png", "img/pic.png"),
        ("Note.md", " Note  ", "Note.md"),
        ("Note.md", "Sq]uare", "Sq]uare.md"),
        ("sub/src.md", "My Note", "My Note.md"),
        ("sub/src.md", "My\u00a0Note", "My Note.md"),
        ("Note.md", "My Sub", "sub/My Sub.md"),
        ("Note.md", "a#1.md", "a#1.md"),
        ("Note.md", "My%20Note", None),
        ("Note.md", unicodedata.normalize("NFD", "Café"), "Café.md"),
        ("Note.md", "Board.canvas", "Board.canvas"),
        ("H.md", "", "H.md"),
        ("Note.md", "b/", None),
        ("Note.md", "nly", None),  # whole names only
    ],
)
def test_a_link_leads_where_obsidian_would_go(source: str, link: str, target: str | None) -> None:
    assert Resolver(VAULT).resolve(link, source) == Resolution(target)


@pytest.mark.parametrize(
    ("source", "link", "target"), [("Note.md", "Tie", "aa/Tie.md"), ("y/deep/src.md", "Peer", "x/Peer.md")]
)
def test_equally_short_paths_are_ambiguous_and_the_first_is_taken(source: str, link: str, target: str) -> None:
    assert Resolver(VAULT).resolve(link, source) == Resolution(target, ambiguous=True)


def test_a_partial_path_matches_any_path_that_ends_so() -> None:
    resolver = Resolver(["x/subdir/note.md", "x/otherdir/note.md", "note.txt"])

    assert resolver.resolve("subdir/note", "x/otherdir/note.md").path == "x/subdir/note.md"
    assert resolver.resolve("dir/note", "x/otherdir/note.md").path is None


def test_the_own_folder_wins_for_a_partial_path_too() -> None:
    resolver = Resolver(["a/day/note.md", "much/longer/day/note.md"])

    assert resolver.resolve("day/note", "much/longer/day/src.md") == Resolution("much/longer/day/note.md")


def test_a_new_file_at_the_root_takes_over_all_links_of_its_name() -> None:
    resolver = Resolver(VAULT)
    resolver.add("Peer.md")
    assert resolver.resolve("Peer", "y/src.md") == Resolution("Peer.md")

    resolver.remove("Peer.md")
    assert resolver.resolve("Peer", "y/src.md") == Resolution("y/Peer.md")


def test_a_note_is_meant_before_a_file_without_extension() -> None:
    resolver = Resolver(["src/Makefile", "docs/Makefile.md"])
    assert resolver.resolve("Makefile", "Note.md") == Resolution("docs/Makefile.md")

    resolver.remove("docs/Makefile.md")
    assert resolver.resolve("Makefile", "Note.md") == Resolution("src/Makefile")


def test_files_that_differ_in_case_only_are_both_reachable_by_their_spelling() -> None:
    resolver = Resolver(["a/Note.md", "a/note.md"])

    assert resolver.resolve("a/note", "x.md") == Resolution("a/note.md")
    assert resolver.resolve("a/Note.md", "x.md") == Resolution("a/Note.md")
    assert resolver.resolve("a/NOTE", "x.md") == Resolution("a/Note.md", ambiguous=True)


def test_removing_what_was_never_added_changes_nothing() -> None:
    resolver = Resolver(["a/Note.md"])
    resolver.remove("b/Note.md")
    resolver.remove("Other.md")

    assert resolver.resolve("Note", "x.md").path == "a/Note.md"


@pytest.mark.parametrize(
    ("path", "link"),
    [("x/Note.md", "../x/NOTE"), ("Note.MD", "Note.md"), ("i/p.png", "P.png"), ("v.md.md", "v.md")],
)
def test_a_file_and_the_links_it_may_answer_share_a_key(path: str, link: str) -> None:
    assert basename_key(path) == basename_key(link)


NAMES = st.lists(st.sampled_from(["a", "b", "Note", "note", "é", "e\u0301", "x.y"]), min_size=1, max_size=3)
FILES = NAMES.flatmap(
    lambda names: st.sampled_from([".md", ".MD", ".png"]).map(lambda suffix: "/".join(names) + suffix)
)
LINKS = NAMES.flatmap(lambda names: st.sampled_from(["", ".md", ".png"]).map(lambda suffix: "/".join(names) + suffix))


@given(st.sets(FILES, min_size=1, max_size=12), FILES, LINKS, st.randoms(use_true_random=False))
def test_the_order_of_files_makes_no_difference(files: set[str], source: str, link: str, chance: random.Random) -> None:
    shuffled = sorted(files)
    chance.shuffle(shuffled)

    assert Resolver(shuffled).resolve(link, source) == Resolver(sorted(files)).resolve(link, source)


@given(st.sets(FILES, max_size=12), FILES, FILES, LINKS)
def test_only_links_with_the_files_key_can_change_when_it_comes_or_goes(
    files: set[str], added: str, source: str, link: str
) -> None:
    resolver = Resolver(files - {added})
    before = resolver.resolve(link, source)
    resolver.add(added)
    resolver.add(added)
    during = resolver.resolve(link, source)
    resolver.remove(added)

    assert resolver.resolve(link, source) == before
    if during != before:
        assert basename_key(link) == basename_key(added)


@given(st.sets(FILES, max_size=12), FILES, LINKS, st.sampled_from(["NFC", "NFD"]))
def test_the_composition_of_file_names_makes_no_difference(
    files: set[str], source: str, link: str, form: Literal["NFC", "NFD"]
) -> None:
    as_on_disk = {unicodedata.normalize(form, path) for path in files}
    found = Resolver(as_on_disk).resolve(unicodedata.normalize("NFC", link), unicodedata.normalize(form, source))
    same = Resolver(unicodedata.normalize("NFC", path) for path in files)
    expected = same.resolve(unicodedata.normalize("NFC", link), unicodedata.normalize("NFC", source))

    assert found.ambiguous == expected.ambiguous
    assert found.path == (expected.path and unicodedata.normalize(form, expected.path))


@given(st.text())
def test_a_key_is_its_own_key(path: str) -> None:
    assert path_key(path_key(path)) == path_key(path)


def test_composition_survives_folding() -> None:
    assert path_key("\u03aa\u0301") == path_key("\u0390")  # Ϊ́ and ΐ
