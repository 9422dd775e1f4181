"""Which notes the user keeps out."""

from __future__ import annotations

import pytest

from vaultbot.errors import ConfigError
from vaultbot.vault.ignore import Ignore, exclude_spec
from vaultbot.vault.obsidian import ObsidianSettings


def ignoring(*filters: str) -> Ignore:
    """Obsidian's excluded files."""
    return Ignore(exclude_spec(()), ObsidianSettings(user_ignore_filters=filters))


def is_excluded(ignore: Ignore, path: str) -> bool:
    return ignore.unsearched(path) == "excluded"


def test_nothing_is_kept_out_by_default() -> None:
    ignore = Ignore(exclude_spec(()))

    assert not ignore.excludes("Note.md")
    assert ignore.unsearched("Note.md") is None


@pytest.mark.parametrize("path", ["Templates/x.md", "templates/deep/x.md", "Temp.md", "temporary/x.md"])
def test_obsidians_filters_are_prefixes_without_case(path: str) -> None:
    assert is_excluded(ignoring("Temp"), path)
    assert not is_excluded(ignoring("emp"), path)


def test_obsidians_filters_are_no_globs() -> None:
    assert not is_excluded(ignoring("*.md"), "Note.md")


def test_what_obsidian_hides_may_still_be_read() -> None:
    assert not ignoring("Temp").excludes("Temp.md")


@pytest.mark.parametrize(("path", "out"), [("a/Draft 12.md", True), ("a/draft 9.md", True), ("a/Draft.md", False)])
def test_a_filter_between_slashes_is_a_regular_expression(path: str, out: bool) -> None:
    assert is_excluded(ignoring(r"/draft \d+/"), path) is out


def test_a_broken_expression_is_named_and_the_others_hold() -> None:
    ignore = ignoring("/(/", "b/")

    assert is_excluded(ignore, "b/x.md")
    assert not is_excluded(ignore, "a/x.md")
    assert "/(/" in ignore.warnings[0]


def test_what_an_expression_that_would_never_end_cannot_be_tried_on_is_kept_out() -> None:
    ignore = ignoring("/(a|aa)+$/", "b/")

    assert is_excluded(ignore, "a" * 200 + ".md")
    assert is_excluded(ignore, "b/x.md")
    assert is_excluded(ignore, "c/x.md")
    assert "takes too long" in ignore.warnings[0]
    assert len(ignore.warnings) == 1


@pytest.mark.parametrize(
    "bomb", ["/(?:(?:(?:(?:a|b){90}){90}){90}){90}/", "/a{99999999}/", "/(?:(?:a|b){1,60000}){,60000}/"]
)
def test_an_expression_that_would_fill_the_memory_is_not_compiled(bomb: str) -> None:
    ignore = ignoring(bomb, "b/")

    assert not is_excluded(ignore, "a/x.md")
    assert is_excluded(ignore, "b/x.md")
    assert "repeats too much" in ignore.warnings[0]


def test_an_honest_expression_for_days_works() -> None:
    assert is_excluded(ignoring(r"/^Daily\/[0-9]{4}-[0-9]{2}-[0-9]{2}/"), "Daily/2026-05-11.md")


def test_an_endless_list_of_expressions_is_cut() -> None:
    ignore = ignoring(*(f"/x{number}/" for number in range(100)))

    assert is_excluded(ignore, "x0.md")
    assert len(ignore.warnings) == 80


@pytest.mark.parametrize(
    ("path", "out"),
    [
        ("x/Private/a.md", True),
        ("Private.md", False),
        ("Top.md", True),
        ("x/Top.md", False),
        ("x/keep.tmp.md", False),
    ],
)
def test_exclude_is_written_as_in_gitignore(path: str, out: bool) -> None:
    ignore = Ignore(exclude_spec(("Private/", "/Top.md", "*.tmp.md", "!keep.tmp.md")))

    assert ignore.excludes(path) is out
    assert ignore.unsearched(path) is None


def test_a_pattern_that_is_none_is_a_wrong_setting() -> None:
    with pytest.raises(ConfigError, match="exclude"):
        exclude_spec(["!"])


@pytest.mark.parametrize(
    ("path", "template"),
    [
        ("Templates/Day.md", True),
        ("templates/deep/Day.MD", True),
        ("Templates.md", False),
        ("Templates of ours/Day.md", False),
        ("a/Templates/Day.md", False),
        ("Meta/Straße/x.md", True),
        ("Meta/STRASSE/x.md", True),
        ("Meta/Day.md", True),
        ("meta/day.md", True),
        ("Meta/Week.md", True),
        ("Meta/Days.md", False),
        ("Day.md", False),
    ],
)
def test_templates_are_those_of_the_folders_and_the_files_chosen(path: str, template: bool) -> None:
    settings = ObsidianSettings(
        template_folders=("Templates", "Meta/Straße"), template_files=("Meta/Day", "Meta/Week.md")
    )

    assert (Ignore(exclude_spec(()), settings).unsearched(path) == "template") is template


def test_a_template_that_is_hidden_too_counts_as_hidden() -> None:
    settings = ObsidianSettings(user_ignore_filters=("Templates/",), template_folders=("Templates",))

    assert Ignore(exclude_spec(()), settings).unsearched("Templates/Day.md") == "excluded"
