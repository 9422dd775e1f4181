"""What a terminal shows of a note and of what is wrong."""

from __future__ import annotations

from typing import Any

import pytest

from vaultbot.cli.render_vault import KINDS, print_lint, print_note, print_related
from vaultbot.links.lint import KINDS as FOUND_KINDS


def link(target: str | None, **more: Any) -> dict[str, Any]:
    linkpath = (target or "Gone").removesuffix(".md")
    plain: dict[str, Any] = {
        "raw": f"[[{linkpath}]]", "kind": "wiki", "key": None, "key_path": None, "embed": False, "in_comment": False,
        "nested": False, "linkpath": linkpath, "subpath": "", "target": target, "ambiguous": False,
        "subpath_ok": None, "uri": target and "obsidian://open",
    }  # fmt: skip
    return {**plain, **more}


def backlink(path: str, **more: Any) -> dict[str, Any]:
    plain: dict[str, Any] = {
        "path": path, "line": 3, "heading_path": [], "kind": "wiki", "key": None, "in_comment": False, "subpath": "",
        "subpath_ok": None, "shown": "Bread", "context": "", "uri": "obsidian://open",
    }  # fmt: skip
    return {**plain, **more}


def page(**more: Any) -> dict[str, Any]:
    plain: dict[str, Any] = {
        "path": "Food/Bread.md", "title": "Bread", "found_by": "title", "uri": "obsidian://open", "date": None,
        "searched": True, "unsearched_because": None, "properties": {}, "aliases": [], "tags": [], "open_tasks": 0,
        "done_tasks": 0, "links": [], "backlinks": [], "neighbours": [], "problems": [],
    }  # fmt: skip
    return {**plain, **more}


def finding(slug: str, path: str = "Home.md", line: int | None = 1, **more: Any) -> dict[str, Any]:
    return {"slug": slug, "severity": FOUND_KINDS[slug], "path": path, "line": line, "message": "it is wrong",
            "fix": None, **more}  # fmt: skip


def linted(*findings: dict[str, Any]) -> dict[str, Any]:
    count = {name: sum(one["severity"] == name for one in findings) for name in ("error", "warning", "info")}
    return {"findings": findings, "errors": count["error"], "warnings": count["warning"], "infos": count["info"]}


def lines(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return [line.rstrip() for line in capsys.readouterr().out.splitlines()]


def test_a_note_without_anything_takes_three_lines(capsys: pytest.CaptureFixture[str]) -> None:
    print_note(page(), verbose=False)

    assert lines(capsys) == ["Bread  Food/Bread.md", "", "0 neighbours"]


def test_a_note_says_what_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    print_note(
        page(
            found_by="alias", date="2025-02-03", searched=False, unsearched_because="it is excluded", aliases=["loaf"],
            tags=["a/b", "c"], open_tasks=1, done_tasks=2,
            properties={"aliases": ["loaf"], "tags": ["c"], "Date": "2025-02-03", "mood": "good", "n": [1, 2]},
            problems=[{"slug": "tag", "message": "no tag", "line": 2}],
        ),
        verbose=False,
    )  # fmt: skip

    assert lines(capsys)[:9] == [
        "Bread  Food/Bread.md  2025-02-03",
        "found by an alias",
        "not searched: it is excluded",
        "aliases   loaf",
        "tags      #a/b · #c",
        "tasks     1 open, 2 done",
        "mood      good",
        "n         [1, 2]",
        "problem   Food/Bread.md:2  no tag",
    ]


def test_links_stand_by_their_types_with_what_is_odd_about_them(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    links = [
        link("a/Rye.md"), link("a/Rye.md"), link(None), link("a/Tie.md", ambiguous=True),
        link("Rye.md", subpath="#A#B", subpath_ok=False), link("Rye.md", key="of"), link("loaf.png", embed=True),
        link("Bread.md", linkpath="", subpath="#Top", subpath_ok=True), link("Hid.md", in_comment=True),
        link("Food.md", kind="property", key="is", key_path="is.0"),
        link("Deep.md", kind="property", key="map", key_path="map.deep", nested=True),
    ]  # fmt: skip
    print_note(page(links=links, properties={"is": ["[[Food]]"]}), verbose=False)

    assert lines(capsys)[1:-2] == [
        "",
        "Links",
        "  is → Food",
        "  map.deep → Deep",
        "  links → Rye ×2 · Gone (missing) · a/Tie (ambiguous)",
        "          Rye › A › B (no such place in it) · this note › Top",
        "          Hid (in a comment)",
        "  embeds → loaf.png",
        "  of:: → Rye",
    ]


def test_backlinks_stand_with_their_places_and_words(capsys: pytest.CaptureFixture[str]) -> None:
    backlinks = [
        backlink("Home.md", heading_path=["Food", "Sour"], context="A loaf of Bread a day."),
        backlink("Rye.md", kind="property", key="is"),
        backlink("Oat.md", key="of", context="of: Bread"),
        backlink("Old.md", subpath="#Crust", subpath_ok=False),
        backlink("Sly.md", in_comment=True),
        backlink("Plan.canvas", line=20),
    ]
    print_note(page(backlinks=backlinks), verbose=False)

    assert lines(capsys)[1:-2] == [
        "",
        "Backlinks 6",
        "  Home.md:3  Food › Sour",
        "    A loaf of Bread a day.",
        "  Rye.md:3  is → this note",
        "  Oat.md:3  of:: → this note",
        "    of: Bread",
        "  Old.md:3  #Crust is not in this note",
        "  Sly.md:3  in a comment",
        "  Plan.canvas",
    ]


def test_many_backlinks_are_cut_unless_all_are_wanted(capsys: pytest.CaptureFixture[str]) -> None:
    many = page(backlinks=[backlink(f"{n}.md") for n in range(30)])

    print_note(many, verbose=False)
    assert "  10 more; --verbose lists them" in lines(capsys)
    print_note(many, verbose=True)
    assert "  29.md:3" in lines(capsys)


def test_neighbours_are_counted(capsys: pytest.CaptureFixture[str]) -> None:
    print_note(page(neighbours=[{"direction": "both"}, {"direction": "in"}]), verbose=False)

    assert lines(capsys)[-1] == "2 neighbours, 1 linked both ways"


def test_no_note_plays_tricks_with_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    evil = "x\033[2J\u202e"
    print_note(
        page(
            path=evil, title=evil, aliases=[evil], tags=[evil], properties={evil: evil, "l": [evil]},
            links=[link(evil), link(None, linkpath=evil, key=evil, subpath=evil)],
            backlinks=[backlink(evil, heading_path=[evil], context=evil, shown=evil, key=evil)],
            problems=[{"slug": "tag", "message": evil, "line": None}],
        ),
        verbose=True,
    )  # fmt: skip
    print_lint(linted(finding("unresolved", evil, message=evil, fix=evil)), verbose=True)

    shown = capsys.readouterr().out
    assert "\033" not in shown
    assert "\u202e" not in shown


def test_nothing_wrong_is_said_in_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    print_lint(linted(), verbose=False)

    assert lines(capsys) == ["nothing is wrong"]


def test_findings_stand_by_kind_and_information_is_counted(capsys: pytest.CaptureFixture[str]) -> None:
    print_lint(
        linted(
            finding("frontmatter", "Bad.md", 3),
            finding("name-collision", "A.md", None, fix="rename one"),
            finding("unresolved", "B.md", 2, message='no file is called "Kimchi"', severity="info"),
            finding("orphan", "C.md", None),
            finding("orphan", "D.md", None),
        ),
        verbose=False,
    )

    assert lines(capsys) == [
        "Properties that cannot be read  frontmatter, 1",
        "  Bad.md:3  it is wrong",
        "",
        "File names that are one and the same elsewhere  name-collision, 1",
        "  A.md  it is wrong",
        "    → rename one",
        "",
        "Links that lead nowhere  unresolved, 1",
        '  B.md:2  no file is called "Kimchi"',
        "",
        "For information",
        "  orphan                   2  Notes that nothing links to",
        "  --verbose lists them, or --kind with one of these words",
        "",
        "2 errors, 3 for information; nothing was changed",
    ]


def test_what_is_wrong_in_many_places_is_told_once_and_what_can_be_mended_first(
    capsys: pytest.CaptureFixture[str],
) -> None:
    many = [finding("unresolved", "A.md", n, message="many") for n in range(1, 7)]
    mendable = finding("unresolved", "Z.md", 1, message="one", fix="perhaps [[x]]")

    print_lint(linted(*many, mendable), verbose=False)

    assert lines(capsys)[1:9] == [
        "  Z.md:1  one", "    → perhaps [[x]]", "  many", "    A.md:1", "    A.md:2", "    A.md:3", "    A.md:4",
        "    and 2 more",
    ]  # fmt: skip


def test_a_long_list_is_cut_unless_all_is_wanted(capsys: pytest.CaptureFixture[str]) -> None:
    many = linted(*(finding("dangling", "A.md", n, message=f"number {n}") for n in range(1, 26)))

    print_lint(many, verbose=False)
    assert "  5 more; --verbose lists them" in lines(capsys)
    print_lint(many, verbose=True)
    assert "  A.md:25  number 25" in lines(capsys)


def test_information_is_listed_when_it_is_wanted(capsys: pytest.CaptureFixture[str]) -> None:
    print_lint(linted(finding("orphan", "C.md", None)), verbose=True)

    assert lines(capsys)[:2] == ["Notes that nothing links to  orphan, 1", "  C.md"]


def test_every_kind_of_finding_has_a_name_for_people() -> None:
    assert set(KINDS) == set(FOUND_KINDS)


# ── what is close to a note ────────────────────────────────────────────────────────────────────────────────────


def test_a_copy_is_told_and_the_words_of_notes_play_no_tricks(capsys: pytest.CaptureFixture[str]) -> None:
    one = {
        "path": "Rye\x1b[31m 1.md", "title": "Rye 1", "score": 0.987, "near_copy": True, "here": None, "there": None,
        "tags": ["bread\x07"], "links": ["Food/Flour.md"], "words": ["starter"], "uri": "obsidian://open",
    }  # fmt: skip
    print_related({"note": "Rye.md", "notes": [one], "warnings": ["words alone were compared"]})

    shown = capsys.readouterr()
    assert shown.out.splitlines() == [
        "Rye 1  Rye[31m 1.md  0.99",
        "  says the same in the same words",
        "  tags    #bread",
        "  links   Flour",
        "  words   starter",
        "",
        "1 note that Rye.md is not linked with",
    ]
    assert shown.err == "note: words alone were compared\n"


def test_nothing_related_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    print_related({"note": "Rye.md", "notes": [], "warnings": []})

    assert capsys.readouterr().out == "nothing found that it is not linked with already\n"
