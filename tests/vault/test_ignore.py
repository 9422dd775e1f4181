"""Which notes the user keeps out."""

from __future__ import annotations

import json

import pytest

from vaultbot.errors import ConfigError
from vaultbot.vault.ignore import Ignore, exclude_spec, user_filters


def ignoring(*filters: str, exclude: tuple[str, ...] = ()) -> Ignore:
    return Ignore(exclude_spec(exclude), filters)


def test_nothing_is_kept_out_by_default() -> None:
    assert not ignoring().excludes("Note.md")


@pytest.mark.parametrize("path", ["Templates/x.md", "templates/deep/x.md", "Temp.md", "temporary/x.md"])
def test_obsidians_filters_are_prefixes_without_case(path: str) -> None:
    assert ignoring("Temp").excludes(path)
    assert not ignoring("emp").excludes(path)


def test_obsidians_filters_are_no_globs() -> None:
    assert not ignoring("*.md").excludes("Note.md")


@pytest.mark.parametrize(("path", "out"), [("a/Draft 12.md", True), ("a/draft 9.md", True), ("a/Draft.md", False)])
def test_a_filter_between_slashes_is_a_regular_expression(path: str, out: bool) -> None:
    assert ignoring(r"/draft \d+/").excludes(path) is out


def test_a_broken_expression_is_named_and_the_others_hold() -> None:
    ignore = ignoring("/(/", "b/")

    assert ignore.excludes("b/x.md")
    assert not ignore.excludes("a/x.md")
    assert "/(/" in ignore.warnings[0]


def test_an_expression_that_would_never_end_is_given_up() -> None:
    ignore = ignoring("/(a|aa)+$/", "b/")

    assert not ignore.excludes("a" * 200 + ".md")
    assert ignore.excludes("b/x.md")
    assert "takes too long" in ignore.warnings[0]
    assert len(ignore.warnings) == 1


def test_an_endless_list_of_expressions_is_cut() -> None:
    ignore = ignoring(*(f"/x{number}/" for number in range(100)))

    assert ignore.excludes("x0.md")
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
    ignore = ignoring(exclude=("Private/", "/Top.md", "*.tmp.md", "!keep.tmp.md"))

    assert ignore.excludes(path) is out


def test_a_pattern_that_is_none_is_a_wrong_setting() -> None:
    with pytest.raises(ConfigError, match="exclude"):
        exclude_spec(["!"])


def test_filters_come_from_obsidians_settings() -> None:
    assert user_filters(json.dumps({"userIgnoreFilters": ["a/", 5, "b"], "x": 1}).encode()) == ("a/", "b")
    assert user_filters(b'{"userIgnoreFilters": null}') == ()
    assert user_filters(b"{}") == ()


@pytest.mark.parametrize("settings", [b"", b"{", b"[]", b"\xff", b'{"userIgnoreFilters": "a/"}', b"[" * 200_000])
def test_settings_that_cannot_be_read_are_an_error(settings: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        user_filters(settings)
