from __future__ import annotations

import tomllib
import unicodedata
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from vaultbot.config import Config, example_toml
from vaultbot.config_reader import config_file, read_settings
from vaultbot.errors import ConfigError

EXAMPLE = Path(__file__).parent.parent / "config.example.toml"

#: For every setting something that it must refuse, as it would stand in the file.
WRONG = {
    "vault.path": "7",
    "vault.exclude": '"Archive"',
    "index.max_note_mb": "0",
    "index.pdf": '"no"',
    "index.max_pdf_mb": "1001",
    "index.chunk_tokens": "59",
    "index.rescan_minutes": "1.5",
    "embedding.model": "true",
    "index.chroma_url": '"127.0.0.1:8000"',
    "index.chroma_key_variable": '"sk-3f9a"',
    "index.chroma_key_keyring": '"sk/3f9a"',
    "index.chroma_allow_remote": "1",
    "embedding.base_url": '"ftp://127.0.0.1"',
    "embedding.key_keyring": '"two words"',
    "embedding.remote_model": '"two\\nlines"',
    "embedding.key_variable": '"sk-3f9a"',
    "embedding.allow_remote": '"yes"',
    "embedding.engine": '"cuda"',
    "embedding.precision": '"int4"',
    "embedding.batch_size": "257",
    "retrieval.limit": "51",
    "retrieval.passages": "0",
    "retrieval.refuse_below": "1.01",
    "retrieval.caution_below": "nan",
    "retrieval.reranker": "true",
    "retrieval.rerank_top": "1",
    "retrieval.rerank_ms": "9",
    "retrieval.expand": '"yes"',
    "model.path": "[]",
    "model.base_url": "7",
    "model.remote_model": '"two\\nlines"',
    "model.key_variable": '"sk-3f9a"',
    "model.key_keyring": "7",
    "model.allow_remote": '"yes"',
    "model.remote_billions": "-7",
    "model.context_tokens": "511",
    "model.gpu_layers": '"most"',
    "model.threads": "0",
    "model.temperature": "-0.1",
    "model.top_k": "-1",
    "model.top_p": "1.1",
    "model.min_p": "-0.1",
    "model.repeat_penalty": "0.9",
    "model.seed": "-1",
    "model.idle_minutes": "0",
    "model.keep_prompt": '"yes"',
    "model.max_tokens": '"400"',
    "answer.unsupported": '"hide"',
    "models.hub": '"http://hub.example"',
    "models.folder": "7",
    "prompts.folder": "1979-05-27",
    "server.port": "65536",
    "server.idle_minutes": "inf",
    "server.allowed_origins": "[1]",
    "server.log_format": '"yaml"',
    "server.ollama_compat": "1",
}

NAMES = [
    f"{section.name}.{item.name}" for section in fields(Config) for item in fields(getattr(Config(), section.name))
]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("VAULTBOT_HOME", str(tmp_path))
    return tmp_path


def written(folder: Path, text: str) -> Path:
    file = folder / "settings.toml"
    file.write_text(text, encoding="utf-8")
    return file


def read(file: Path | None = None, *, flags: Mapping[str, Any] | None = None, **variables: str) -> Config:
    return read_settings(file, environ=variables, flags=flags).everywhere


# ── the example ────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_example_file_shows_every_setting_with_its_default() -> None:
    assert EXAMPLE.read_text(encoding="utf-8") == example_toml(), (
        "write it again: python -m vaultbot.config > config.example.toml"
    )
    assert read(EXAMPLE) == Config()
    assert [f"{section}.{key}" for section, table in tomllib.loads(example_toml()).items() for key in table] == NAMES


# ── which is stronger ──────────────────────────────────────────────────────────────────────────────────────────


def test_flags_are_stronger_than_the_environment_and_that_than_the_file(home: Path) -> None:
    file = written(home, "[server]\nport = 1\nidle_minutes = 1\n[retrieval]\nlimit = 1\n")

    config = read(file, flags={"server.port": 3}, VAULTBOT_SERVER_PORT="2", VAULTBOT_SERVER_IDLE_MINUTES="2")

    assert (config.server.port, config.server.idle_minutes, config.retrieval.limit) == (3, 2, 1)


def test_the_file_in_the_config_folder_is_read_and_may_be_missing(home: Path) -> None:
    assert config_file() == home / "config.toml"
    assert read() == Config()

    config_file().write_text("\ufeff[server]\nport = 1\n", encoding="utf-8")

    assert read().server.port == 1


# ── what a variable may say ────────────────────────────────────────────────────────────────────────────────────


def test_a_variable_is_read_as_its_setting_needs_it() -> None:
    config = read(
        VAULTBOT_VAULT_PATH="/notes/2026",
        VAULTBOT_VAULT_EXCLUDE="Archive/, *.tmp.md",
        VAULTBOT_MODEL_THREADS="4",
        VAULTBOT_MODEL_GPU_LAYERS="auto",
        VAULTBOT_MODEL_TEMPERATURE="0.5",
        VAULTBOT_INDEX_PDF="false",
        VAULTBOT_ANSWER_UNSUPPORTED="mark",
        VAULTBOT_SERVER_ALLOWED_ORIGINS="http://localhost:3000,app://x",
    )

    assert (config.vault.path, config.vault.exclude) == ("/notes/2026", ("Archive/", "*.tmp.md"))
    assert (config.model.threads, config.model.gpu_layers, config.model.temperature) == (4, "auto", 0.5)
    assert config.answer.unsupported == "mark"
    assert config.index.pdf is False
    assert config.server.allowed_origins == ("http://localhost:3000", "app://x")


@pytest.mark.parametrize("folder", ["/123", "/true", "/[a]", '/"quoted"', "/2026-05-11"])
def test_a_folder_may_be_called_anything(folder: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir("/")

    assert read(VAULTBOT_VAULT_PATH=folder.removeprefix("/")).vault.path == folder


def test_a_misspelt_variable_is_not_passed_over() -> None:
    with pytest.raises(ConfigError, match=r"unknown variable VAULTBOT_SERVER_PROT; allowed are VAULTBOT_SERVER_PORT, "):
        read(VAULTBOT_SERVER_PROT="1")

    assert read(VAULTBOT_HOME="/elsewhere", VAULTBOT_FAULT="a:kill:1") == Config()


# ── paths ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_relative_path_starts_where_it_was_written(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / "sub").mkdir()
    monkeypatch.chdir(home / "sub")
    monkeypatch.setenv("HOME", "/people/ana")
    file = written(home, '[model]\npath = "models/a.gguf"\n[prompts]\nfolder = "~/prompts"\n')

    config = read(file, VAULTBOT_EMBEDDING_MODEL="mini")

    assert config.model.path == str(home / "models" / "a.gguf")
    assert config.embedding.model == str(home / "sub" / "mini")
    assert config.prompts.folder == "/people/ana/prompts"


def test_words_in_place_of_a_path_stay_words(home: Path) -> None:
    file = written(home, '[model]\npath = "none"\n[embedding]\nmodel = "auto"\n')

    assert (read(file).model.path, read(file).embedding.model) == ("none", "auto")


# ── what is refused ────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", NAMES)
def test_every_setting_refuses_a_wrong_value_and_says_what_is_allowed(home: Path, name: str) -> None:
    section, key = name.split(".")
    file = written(home, f"[{section}]\n{key} = {WRONG[name]}\n")

    with pytest.raises(ConfigError) as refused:
        read(file)

    assert str(refused.value).startswith(f"{file}: [{section}] {key} = ")
    assert "; it must be " in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("name", NAMES)
def test_every_setting_refuses_it_from_the_environment_too(name: str) -> None:
    variable = f"VAULTBOT_{name.replace('.', '_')}".upper()
    texts = ("path", "folder", "embedding.model", "remote_model", "key_", "reranker", "exclude", "origins")
    if any(word in name for word in texts):
        assert read_settings(environ={variable: "anything"}).everywhere != Config()
        return
    with pytest.raises(ConfigError, match=rf"the variable {variable}: .*; it must be "):
        read_settings(environ={variable: "anything"})


def test_a_long_wrong_value_is_not_repeated_whole(home: Path) -> None:
    with pytest.raises(ConfigError) as refused:
        read(written(home, f'[server]\nport = "{"x" * 10_000}"\n'))

    assert len(str(refused.value)) < 400


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (b"[server\n", "is not valid TOML: "),
        (b"\xff\xfe[\x00", "is not valid TOML: "),
        (b"port = 1\n", "unknown section [port]; the sections are vault, index, embedding, "),
        (b"[[server]]\nport = 1\n", "unknown section [server]"),
        (b"[server]\nhost = 1\n", "unknown setting [server] host; allowed are port, "),
    ],
)
def test_a_file_that_is_wrong_is_named(home: Path, text: bytes, told: str) -> None:
    file = home / "settings.toml"
    file.write_bytes(text)

    with pytest.raises(ConfigError) as refused:
        read(file)

    assert str(file) in str(refused.value)
    assert told in str(refused.value)


def test_a_file_that_was_named_must_be_there(home: Path) -> None:
    with pytest.raises(ConfigError, match=r"there is no settings file .*; make one with: vaultbot init"):
        read(home / "none.toml")
    with pytest.raises(ConfigError, match=r"cannot read .*Is a directory"):
        read(home)


# ── other servers ──────────────────────────────────────────────────────────────────────────────────────────────


def test_an_address_is_no_path(home: Path) -> None:
    address = "http://127.0.0.1:11434/v1"

    for section, path in (("embedding", "model"), ("model", "path")):
        assert getattr(read(written(home, f'[{section}]\nbase_url = "{address}"\n')), section).base_url == address
        with pytest.raises(ConfigError, match=rf"\[{section}\] {path} = .* is not allowed; it must be .*a path"):
            read(written(home, f'[{section}]\n{path} = "{address}"\n'))
    assert read(VAULTBOT_EMBEDDING_BASE_URL="HTTPS://example.test/v1").embedding.base_url == "HTTPS://example.test/v1"


@pytest.mark.parametrize(
    ("key", "told"),
    [
        ("key_variable", "must be the name of an environment variable"),
        ("key_keyring", "must be a name in letters, digits, dots and dashes"),
    ],
)
@pytest.mark.parametrize("section", ["embedding", "model", "index"])
def test_a_key_in_place_of_its_name_is_not_shown(home: Path, section: str, key: str, told: str) -> None:
    prefix = "chroma_" if section == "index" else ""
    file = written(home, f'[{section}]\n{prefix}{key} = "sk-3f9a/+4711"\n')

    with pytest.raises(ConfigError, match=told) as refused:
        read(file)
    assert "3f9a" not in str(refused.value)


# ── several vaults ─────────────────────────────────────────────────────────────────────────────────────────────

TWO = """
[vault]
path = "home"
exclude = ["Everywhere/"]
[server]
port = 1
idle_minutes = 1
[retrieval]
limit = 1
passages = 1

[vaults.home]
path = "Notes"
[vaults."日本 メモ"]
path = "~/Memo"
exclude = ["Old/"]
[vaults."日本 メモ".server]
port = 2
idle_minutes = 2
[vaults."日本 メモ".retrieval]
limit = 2
"""


def test_what_is_set_for_one_vault_is_stronger_than_the_file_and_weaker_than_environment_and_flags(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(home))
    variables = {"VAULTBOT_SERVER_IDLE_MINUTES": "3", "VAULTBOT_RETRIEVAL_LIMIT": "3", "VAULTBOT_VAULT_PATH": "home"}

    settings = read_settings(written(home, TWO), environ=variables, flags={"retrieval.limit": 4})
    one, other = settings.vaults["home"], settings.vaults["日本 メモ"]

    assert (other.server.port, other.server.idle_minutes, other.retrieval.limit, other.retrieval.passages) == (
        2,
        3,
        4,
        1,
    )
    assert (one.server.port, one.server.idle_minutes, one.retrieval.limit) == (1, 3, 4)
    assert (one.vault.path, one.vault.exclude) == (str(home / "Notes"), ("Everywhere/",))
    assert (other.vault.path, other.vault.exclude) == (str(home / "Memo"), ("Old/",))
    assert (settings.everywhere.vault.path, settings.everywhere.server.port) == ("home", 1)


def test_a_vaults_own_settings_hold_by_whatever_path_its_folder_is_reached(home: Path) -> None:
    (home / "Notes").mkdir()
    (home / "link").symlink_to(home / "Notes")
    settings = read_settings(written(home, TWO + '[vaults.home.answer]\nunsupported = "mark"\n'), environ={})

    assert settings.name_of(home / "link") == "home"
    assert settings.of(home / "link").answer.unsupported == "mark"
    assert settings.of(home / "link").vault.path == str(home / "link")
    assert settings.name_of(home) is None
    assert settings.of(home).answer.unsupported == "drop"


def test_the_same_name_typed_on_another_system_is_the_same_name(home: Path) -> None:
    decomposed = unicodedata.normalize("NFD", "ガーデン")
    settings = read_settings(written(home, f'[vault]\npath = "{decomposed}"\n[vaults.\'{decomposed}\']\npath = "G"\n'))

    assert (list(settings.vaults), settings.everywhere.vault.path) == (["ガーデン"], "ガーデン")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "[vaults.work]\nport = 1\npath = 'W'\n",
            "unknown setting [vaults.work] port; allowed are path, exclude, [index]",
        ),
        ("[vaults.work]\npath = 'W'\n[vaults.work.vault]\n", "unknown setting [vaults.work] vault; allowed are path"),
        (
            "[vaults.'a b']\npath = 'W'\n[vaults.'a b'.server]\nport = 'x'\n",
            '[vaults."a b".server] port = "x" is not allowed; it must be a whole number',
        ),
        ("[vaults.work]\nexclude = []\n", "[vaults.work] lacks its path, the vault's folder"),
        ("[vaults.work]\npath = ''\n", "[vaults.work] lacks its path, the vault's folder"),
        ("[vaults.work]\npath = 3\n", "[vaults.work] path = 3 is not allowed"),
        ("[vaults]\nwork = 'W'\n", "[vaults] holds a table for each name, like: [vaults.work] path"),
        ("[[vaults]]\npath = 'W'\n", "[vaults] holds a table for each name"),
        ("[vaults.'a/b']\npath = 'W'\n", '[vaults."a/b"] is no name for one vault; it must be up to 40 characters'),
        ("[vaults.-x]\npath = 'W'\n", "[vaults.-x] is no name for one vault"),
        ("[vaults.a]\npath = 'W'\n[vaults.b]\npath = './W/'\n", "[vaults.a] and [vaults.b] are the same folder"),
    ],
)
def test_what_is_wrong_about_a_vault_is_told_with_its_place(home: Path, text: str, told: str) -> None:
    file = written(home, text)

    with pytest.raises(ConfigError) as refused:
        read_settings(file, environ={})

    assert str(refused.value).startswith(f"{file}: {told}")
    assert "\n" not in str(refused.value)
