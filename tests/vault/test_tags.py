"""Which tags are the same, and which are found by which search."""

from __future__ import annotations

import pytest

from vaultbot.vault.tags import tag_covers, tag_key


@pytest.mark.parametrize(("one", "other"), [("Recipe", "recipe"), ("cafe\u0301", "Café"), ("ПРИВЕТ", "привет")])
def test_case_and_composition_make_no_difference(one: str, other: str) -> None:
    assert tag_key(one) == tag_key(other)


@pytest.mark.parametrize(
    ("wanted", "name", "found"),
    [("a", "a", True), ("a", "a/b", True), ("A/b", "a/B/c", True), ("a", "ab", False), ("a/b", "a", False)],
)
def test_a_tag_is_found_by_those_above_it(wanted: str, name: str, found: bool) -> None:
    assert tag_covers(wanted, name) is found
