"""Which scripts the notes are written in, told from their titles."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.shelf import a_shelf
from vaultbot.index.scripts import script_shares, title_scripts


@pytest.mark.parametrize(
    ("texts", "shares"),
    [
        (["Kimchi", "Éclair"], {"LATIN": 1.0}),
        (["かな", "カナ", "漢字"], {"KANA": 4 / 6, "CJK": 2 / 6}),
        (["Дом", "Haus"], {"LATIN": 4 / 7, "CYRILLIC": 3 / 7}),
        (["김치", "ｶﾅ"], {"HANGUL": 0.5, "KANA": 0.5}),
        (["2026-05-12", "🌊", ""], {}),
    ],
)
def test_letters_are_counted_by_script(texts: list[str], shares: dict[str, float]) -> None:
    assert script_shares(texts) == pytest.approx(shares)


def test_titles_tell_the_scripts_of_a_vault(tmp_path: Path) -> None:
    with a_shelf(tmp_path) as shelf:
        assert title_scripts(shelf.db) == {}
        for number in range(400):
            shelf.write(f"{'堆肥' if number < 40 else 'Note'} {number}.md", "Text.")

        shares = title_scripts(shelf.db)

    assert list(shares) == ["LATIN", "CJK"]
    assert shares["CJK"] == pytest.approx(80 / (80 + 260 * 4))
