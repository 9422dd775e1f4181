"""Which name was meant."""

from __future__ import annotations

import pytest

from vaultbot.links.nearest import NearNames, Patience


def nearest(name: str, *names: str, comparisons: int = 1000) -> str | None:
    return NearNames(names, Patience(comparisons), alike=0.85).nearest(name)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("Quantisation", "Quantization"),
        ("abstract syntax trees", "Abstract syntax tree"),
        ("Exmaple", "Example"),
        ("bézier patch", "Bezier patch"),
        ("Cramer’s rule", "Cramer's rule"),
        ("Soil-pH", "Soil pH"),
    ],
)
def test_a_slip_of_the_pen_is_understood(written: str, meant: str) -> None:
    assert nearest(written, "Something else", meant) == meant


@pytest.mark.parametrize(
    ("written", "other"),
    [
        ("Chapter 1", "Chapter 2"),
        ("2025-01-03", "2025-01-04"),
        ("bijection", "injection"),
        ("affine function", "linear function"),
        ("log-normal distribution", "normal distribution"),
        ("RAG", "RAM"),
        ("x" * 300, "x" * 299),
        ("Home", "Bread"),
    ],
)
def test_the_name_of_something_else_is_not_meant(written: str, other: str) -> None:
    assert nearest(written, other) is None


def test_the_most_alike_of_thousands_is_found() -> None:
    names = [f"Note about {word} {word[::-1]}" for word in (f"w{n:05}x" for n in range(5000))]

    assert nearest("Knowledge destillation", *names, "Knowledge distillation", "Knowledge distilleries") == (
        "Knowledge distillation"
    )


def test_patience_ends() -> None:
    patience = Patience(10)
    names = NearNames(
        [f"Quantization of {letter}{other}" for letter in "abcdefg" for other in "hijklmn"], patience, alike=0.9
    )

    assert names.nearest("Quantization of zz") is None
    assert patience.left == 0
    assert names.nearest("Quantization of a h") is None
