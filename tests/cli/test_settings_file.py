"""One line of a settings file is changed; all else stays as its owner wrote it."""

from __future__ import annotations

from pathlib import Path

import pytest

from vaultbot.cli.settings_file import add_vault, move_vault, remove_vault, rename_vault, write_setting
from vaultbot.errors import ConfigError, VaultbotError


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "config.toml"


def changed(file: Path, before: str) -> str:
    file.write_bytes(before.encode())
    write_setting(file, ("model",), "path", "/m/a.gguf")
    return file.read_bytes().decode()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", '[model]\npath = "/m/a.gguf"\n'),
        ("[vault]\npath = 'x'", "[vault]\npath = 'x'\n\n[model]\npath = \"/m/a.gguf\"\n"),
        ("[vault]\npath = 'x'\n\n", "[vault]\npath = 'x'\n\n[model]\npath = \"/m/a.gguf\"\n"),
        ('[model]\npath = "auto"\nseed = 3\n', '[model]\npath = "/m/a.gguf"\nseed = 3\n'),
        ("[model]\nseed = 3\n", '[model]\npath = "/m/a.gguf"\nseed = 3\n'),
        ("[model]", '[model]\npath = "/m/a.gguf"\n'),
        ("[ model ]  # mine\n  path='b'  # why\n", '[ model ]  # mine\npath = "/m/a.gguf"  # why\n'),
        (
            "[model]\nseed = 1\n[vault]\npath = 'x'\n",
            "[model]\npath = \"/m/a.gguf\"\nseed = 1\n[vault]\npath = 'x'\n",
        ),
        ("# [model]\n# path = 1\n", '# [model]\n# path = 1\n\n[model]\npath = "/m/a.gguf"\n'),
        ("[model]\r\npath = 'b'\r\n", '[model]\r\npath = "/m/a.gguf"\r\n'),
        ("\ufeff[model]\npath = 'b'\n", '\ufeff[model]\npath = "/m/a.gguf"\n'),
        ("[model]\npath = 'a # b'\n", '[model]\npath = "/m/a.gguf"\n'),
    ],
)
def test_only_that_line_is_changed(file: Path, before: str, after: str) -> None:
    assert changed(file, before) == after


@pytest.mark.parametrize(
    "before",
    [
        "model = { path = 'b' }\n",
        "model.path = 'b'\n",
        '[model]\npath = """\nb"""\n',
        "[vault]\nexclude = ['''\n[model]\n''']\n",
        "[[model]]\npath = 'b'\n",
        "model = 3\n",
        "no toml\n",
    ],
)
def test_a_file_that_is_written_otherwise_is_left_as_it_is(file: Path, before: str) -> None:
    with pytest.raises(ConfigError, match=r'set it there: \[model\] path = "/m/a\.gguf"'):
        changed(file, before)

    assert file.read_bytes().decode() == before
    assert [one.name for one in file.parent.iterdir()] == ["config.toml"]


def test_a_new_file_is_for_its_owner_alone_and_an_old_one_keeps_its_mode(file: Path, tmp_path: Path) -> None:
    write_setting(tmp_path / "new" / "config.toml", ("model",), "path", "auto")
    file.write_text("")
    file.chmod(0o640)
    write_setting(file, ("model",), "path", "auto")

    assert (tmp_path / "new" / "config.toml").stat().st_mode & 0o777 == 0o600
    assert file.stat().st_mode & 0o777 == 0o640


def test_a_link_stays_one(file: Path, tmp_path: Path) -> None:
    real = tmp_path / "dotfiles.toml"
    real.write_text("")
    file.symlink_to(real)

    write_setting(file, ("model",), "path", 'C:\\a "b".gguf')

    assert file.is_symlink()
    assert real.read_text() == '[model]\npath = "C:\\\\a \\"b\\".gguf"\n'


def test_what_cannot_be_read_or_written_is_told(file: Path, tmp_path: Path) -> None:
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match="is not UTF-8"):
        write_setting(file, ("model",), "path", "auto")

    with pytest.raises(VaultbotError, match=r"cannot write .*set it there"):
        write_setting(file / "config.toml", ("model",), "path", "auto")


# ── vaults by name ─────────────────────────────────────────────────────────────────────────────────────────────

MINE = """\
# Mine.
[vault]
path = "home"  # the usual one

[vaults.home]
path = "/home"
# About the next.
[vaults."日本 メモ"]  # memo
path = "/memo"
[ vaults . "日本 メモ" . model ]
seed = 3
# About the server.
[server]
port = 1
"""


def test_a_vault_is_added_with_its_port_and_without(file: Path) -> None:
    add_vault(file, "my notes", Path("/n"), port=8766)
    add_vault(file, "work", Path('/w "x"'), port=None)

    assert file.read_text() == (
        '[vaults."my notes"]\npath = "/n"\n\n[vaults."my notes".server]\nport = 8766\n\n'
        '[vaults.work]\npath = "/w \\"x\\""\n'
    )


def test_a_vault_that_was_moved_or_is_the_default_gets_its_line_alone_changed(file: Path) -> None:
    file.write_text(MINE)

    move_vault(file, "日本 メモ", Path("/new"))
    write_setting(file, ("vault",), "path", "日本 メモ")

    assert file.read_text() == MINE.replace('"/memo"', '"/new"').replace('"home"  #', '"日本 メモ"  #')


def test_a_vault_is_renamed_with_all_its_tables_and_as_the_default(file: Path) -> None:
    file.write_text(MINE)

    rename_vault(file, "日本 メモ", "memo")
    rename_vault(file, "home", "at home")

    assert file.read_text() == (
        MINE.replace('"home"  #', '"at home"  #')
        .replace("[vaults.home]", '[vaults."at home"]')
        .replace('[vaults."日本 メモ"]', "[vaults.memo]")
        .replace('[ vaults . "日本 メモ" . model ]', "[vaults.memo.model]")
    )


def test_a_vault_is_taken_out_and_the_comments_stay(file: Path) -> None:
    file.write_text(MINE)

    remove_vault(file, "日本 メモ")

    before, after = MINE.split('[vaults."日本 メモ"]')[0], MINE.split("seed = 3\n")[1]
    assert file.read_text() == before + after


def test_a_name_is_found_however_its_letters_are_composed(file: Path) -> None:
    composed, decomposed = "\u30ac", "\u30ab\u3099"
    file.write_text(f"[vaults.'{decomposed}']\npath = '/g'\n")

    rename_vault(file, composed, "g")

    assert file.read_text() == "[vaults.g]\npath = '/g'\n"


@pytest.mark.parametrize(
    "before",
    [
        "vaults.work.path = '/w'\n",
        "[vaults]\nwork = { path = '/w' }\n",
        "[vault]\nexclude = ['''\n[vaults.work]\n''']\n[vaults]\nwork.path = '/w'\n",
    ],
)
def test_vaults_that_are_written_otherwise_are_left_to_their_owner(file: Path, before: str) -> None:
    file.write_text(before)

    with pytest.raises(ConfigError, match=r"does not change; take out \[vaults\.work\]"):
        remove_vault(file, "work")
    with pytest.raises(ConfigError, match=r"does not change; \[vaults\.work\] becomes \[vaults\.job\]"):
        rename_vault(file, "work", "job")

    assert file.read_text() == before
