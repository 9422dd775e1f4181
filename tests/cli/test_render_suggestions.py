"""How suggestions look in a terminal."""

from __future__ import annotations

from typing import Any

import pytest

from vaultbot.cli.render_suggestions import print_suggestions

_AROUND = 80  #: characters that the daemon shows on each side of the words


def shown(capsys: pytest.CaptureFixture[str], line: str, words: str) -> str:
    """The line around the words, as it is printed."""
    at = line.index(words)
    one: dict[str, Any] = {
        "kind": "mention", "note": "Tomato.md", "target": "Compost.md", "text": words, "line": 1, "col": at + 1,
        "context": line[max(0, at - _AROUND) : at + len(words) + _AROUND].strip(), "score": 0.5, "reasons": ["why"],
        "edit": {"type": "replace", "text": f"[[{words}]]"}, "alternatives": [], "key": None,
    }  # fmt: skip
    print_suggestions([{"suggestions": [one]}], verbose=False)
    return capsys.readouterr().out.splitlines()[1].removeprefix("  ")


def test_a_long_line_is_cut_between_words(capsys: pytest.CaptureFixture[str]) -> None:
    line = f"Begins here {'and because it goes on ' * 5}with compost in it {'and because it goes on ' * 5}to the end."

    cut = shown(capsys, line, "compost")

    before, _, behind = cut.partition(" **compost** ")
    assert before.startswith("… ")
    assert behind.endswith(" …")
    assert set(before.split() + behind.split()) <= {*line.split(), "…"}
    assert len(cut) > 150


@pytest.mark.parametrize(
    "line",
    [
        "They like compost.",
        "    - They like compost, of course.",
        f"They like compost {'and' * 24} so on.",
        f"compost{'x' * 30}",
    ],
)
def test_a_line_that_is_shown_whole_is_not_cut(capsys: pytest.CaptureFixture[str], line: str) -> None:
    assert shown(capsys, line, "compost") == line.strip().replace("compost", "**compost**")


def test_a_line_without_blanks_loses_nothing_that_could_be_shown(capsys: pytest.CaptureFixture[str]) -> None:
    line = "量子化の欠点は精度が下がること。" * 8 + "堆肥" + "を庭の土に混ぜると水もちがよくなる。" * 8

    assert shown(capsys, line, "堆肥") == f"… {line[48:128]}**堆肥**{line[130:210]} …"


@pytest.mark.parametrize("columns", [40, 80, 100])
@pytest.mark.parametrize(
    "line",
    [
        "They like compost.",
        f"{'and because it goes on ' * 5}with compost in it {'and because it goes on ' * 5}to the end.",
        "量子化の欠点は精度が下がること。" * 8 + "compost" + "を庭の土に混ぜると水もちがよくなる。" * 8,
    ],
)
def test_on_a_terminal_it_is_one_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, columns: int, line: str
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)

    cut = shown(capsys, line, "compost").replace("**", "")

    assert "compost" in cut
    assert 2 + sum(2 if ord(one) > 0x3000 else 1 for one in cut) <= columns
    assert set(cut.split()) <= {*line.split(), "…"} or "量" in line
