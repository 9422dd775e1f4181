"""Which engines the settings choose, and how the product goes on while one of them loads or fails."""

from __future__ import annotations

import json
import sqlite3
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from tests.chat_server import chat_server, speaks
from tests.cli.machine import until
from tests.embedding_server import Reply, embedding_server, embeds
from tests.fakes import HashEmbedder
from tests.gguf_files import scripted_model
from vaultbot.adapters.onnx import OnnxEmbedder
from vaultbot.adapters.openai_chat import OpenAiChatModel
from vaultbot.adapters.openai_embedder import OpenAiEmbedder, _Patience
from vaultbot.adapters.sentence_transformers import SentenceTransformersEmbedder
from vaultbot.bootstrap import assemble, make_chat_model, make_embedder
from vaultbot.config import AnswerSettings, Config, EmbeddingSettings, IndexSettings, ModelSettings
from vaultbot.errors import ConfigError, ModelInvalid, ModelMissing
from vaultbot.models.starter import starter_embedding_model
from vaultbot.paths import StatePaths
from vaultbot.types import Answer


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("VAULTBOT_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def settings(embedding: EmbeddingSettings) -> Config:
    return replace(Config(), embedding=embedding)


def test_the_same_model_has_the_same_vectors_by_either_engine_and_others_in_int8() -> None:
    fast = make_embedder(Config())
    slow = make_embedder(settings(EmbeddingSettings(engine="torch", precision="int8")))
    small = make_embedder(settings(EmbeddingSettings(precision="int8")))
    named = make_embedder(settings(EmbeddingSettings(model=str(starter_embedding_model()))))

    assert isinstance(fast, OnnxEmbedder)
    assert isinstance(slow, SentenceTransformersEmbedder)
    assert isinstance(small, OnnxEmbedder)
    assert named is not None
    assert fast.name == slow.name == small.name == "all-MiniLM-L6-v2"
    assert fast.fingerprint == slow.fingerprint == named.fingerprint != small.fingerprint
    assert make_embedder(settings(EmbeddingSettings(model="none"))) is None


def test_the_setting_says_by_what_it_is_what_kind_of_model_it_is(tmp_path: Path) -> None:
    file = scripted_model(tmp_path / "chat.gguf", ["ok"])
    remote = EmbeddingSettings(base_url="http://127.0.0.1:1/v1", remote_model="nomic-embed-text")

    server = make_embedder(settings(remote))

    assert isinstance(server, OpenAiEmbedder)
    assert server.name == "nomic-embed-text at http://127.0.0.1:1/v1"
    with pytest.raises(ModelInvalid, match="is a language model"):
        make_embedder(settings(EmbeddingSettings(model=str(file))))
    with pytest.raises(ModelInvalid, match="is a language model"):
        make_embedder(settings(EmbeddingSettings(model=str(file.rename(tmp_path / "chat")))))
    with pytest.raises(ModelMissing, match="there is no model file"):
        make_embedder(settings(EmbeddingSettings(model=str(tmp_path / "none.GGUF"))))
    with pytest.raises(ModelMissing, match="no embedding model folder"):
        make_embedder(settings(EmbeddingSettings(model=str(tmp_path / "none"))))


def test_a_servers_key_is_read_from_the_variable_of_that_name(monkeypatch: pytest.MonkeyPatch) -> None:
    with embedding_server() as server:
        remote = EmbeddingSettings(base_url=server.address, remote_model="m", key_variable="MY_KEY")
        with pytest.raises(ConfigError, match="the environment variable MY_KEY, which is not set"):
            make_embedder(settings(remote))

        monkeypatch.setenv("MY_KEY", "s3cret")
        embedder = make_embedder(settings(remote))
        assert embedder is not None
        embedder.embed_query("salt")

    assert server.headers[0]["Authorization"] == "Bearer s3cret"


def test_notes_go_to_another_machine_only_with_leave_and_the_status_says_so(tmp_path: Path) -> None:
    vault = tmp_path / "Notes"
    vault.mkdir()
    away = EmbeddingSettings(base_url="http://192.0.2.1:1/v1", remote_model="m")
    with pytest.raises(ConfigError, match="would be sent there"):
        assemble(settings(away), vault, StatePaths(tmp_path / "state"))

    assistant = assemble(settings(replace(away, allow_remote=True)), vault, StatePaths(tmp_path / "state"))
    assistant.worker.start()
    try:
        until(lambda: assistant.state().state == "ready")
        (notice,) = assistant.state().notices
        assert notice.startswith("the text of your notes and your questions are sent to http://192.0.2.1:1/v1 to be")
    finally:
        assistant.close(timeout=30)


@pytest.mark.parametrize(
    ("now", "serves", "told"),
    [
        (EmbeddingSettings(), "all-MiniLM-L6-v2", True),
        (EmbeddingSettings(base_url="http://127.0.0.1:1/v1", remote_model="m"), "m at http://127.0.0.1:1/v1", True),
        (EmbeddingSettings(base_url="http://192.0.2.2:1/v1", remote_model="m"), "m at http://192.0.2.2:1/v1", True),
        (EmbeddingSettings(base_url="http://192.0.2.1:1/v1", remote_model="n"), "m at http://192.0.2.1:1/v1", False),
    ],
)
def test_nothing_more_is_sent_to_a_server_elsewhere_once_the_settings_name_it_no_more(
    tmp_path: Path, now: EmbeddingSettings, serves: str, told: bool
) -> None:
    """Not even while the new model has no vectors yet, and although servers elsewhere are still allowed."""
    vault, state = tmp_path / "Notes", StatePaths(tmp_path / "state")
    vault.mkdir()
    away = EmbeddingSettings(base_url="http://192.0.2.1:1/v1", remote_model="m", allow_remote=True)
    assistant = assemble(settings(away), vault, state)
    assistant.worker.start()
    until(lambda: assistant.state().state == "ready")
    assistant.close(timeout=30)

    assistant = assemble(settings(replace(now, allow_remote=True)), vault, state)

    assert assistant.embedder is not None
    assert assistant.embedder.name == serves
    reason = "your settings do not name http://192.0.2.1:1/v1 any more, so nothing is sent there"
    assert any(reason in notice for notice in assistant.state().notices) is told
    assistant.close(timeout=30)


def test_a_server_that_hangs_keeps_no_note_from_being_found_by_its_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vaultbot.adapters.openai_embedder._PASSAGES", _Patience(4, 0.3))
    vault, gate = tmp_path / "Notes", threading.Event()
    vault.mkdir()
    (vault / "Kimchi.md").write_text("Cabbage is left with salt until it is sour.")
    with embedding_server() as server:

        def hang(_: object) -> Reply:
            assert gate.wait(60)
            return 503, {}, b""

        server.answer = hang
        remote = EmbeddingSettings(base_url=server.address, remote_model="m")
        assistant = assemble(settings(remote), vault, StatePaths(tmp_path / "state"))
        assistant.worker.start()
        try:
            until(lambda: assistant.state().state == "degraded")
            assert "does not embed (it took too long)" in assistant.state().message
            (vault / "Bread.md").write_text("Bread is baked until it is brown.")
            assistant.worker.wake()
            until(lambda: assistant.search("brown bread").hits != ())
            assert assistant.search("sour cabbage").hits[0].path == "Kimchi.md"
            assert [text for text in server.texts if text != "ready"] == [
                "Kimchi\nCabbage is left with salt until it is sour."
            ]
        finally:
            gate.set()
            assistant.close(timeout=30)


@pytest.mark.parametrize("other", [HashEmbedder(fingerprint="other"), HashEmbedder(dimensions=32)])
def test_a_server_with_another_model_under_the_same_name_mixes_nothing_and_another_name_mends_it(
    tmp_path: Path, other: HashEmbedder
) -> None:
    vault, state = tmp_path / "Notes", StatePaths(tmp_path / "state")
    vault.mkdir()
    for name in ("Kimchi", "Bread", "Salt"):
        (vault / f"{name}.md").write_text(f"What is to be known of {name} and of salt.")
    with embedding_server() as server:
        remote = EmbeddingSettings(base_url=server.address, remote_model="m")
        assistant = assemble(settings(remote), vault, state)
        assistant.worker.start()
        assistant.index(timeout=60)
        assistant.close(timeout=30)

        server.answer = embeds(other)
        assistant = assemble(settings(remote), vault, state)
        assistant.worker.start()
        try:
            until(lambda: assistant.state().state == "ready")
            found = assistant.search("known of salt")
            assert len(found.hits) == 3
            assert "has another model than before under the name m" in found.warnings[0]
            (vault / "New.md").write_text("What is new of salt.")
            with pytest.raises(ModelInvalid, match=r"set \[embedding\] remote_model to another name"):
                assistant.index(timeout=60)
            assert "New.md" in [hit.path for hit in assistant.search("what is new").hits]
            assert len(assistant.related("Salt.md").notes) > 0
        finally:
            assistant.close(timeout=30)

        assistant = assemble(settings(replace(remote, remote_model="n")), vault, state)
        assistant.worker.start()
        try:
            until(lambda: assistant.state().state == "ready")
            found = assistant.search("known of salt", mode="dense")
            assert (len(found.hits), found.warnings) == (4, ())
            assert assistant.related("New.md").warnings == ()
        finally:
            assistant.close(timeout=30)


def test_a_server_that_is_not_running_leaves_words_and_its_vectors_come_when_it_is(tmp_path: Path) -> None:
    vault = tmp_path / "Notes"
    vault.mkdir()
    (vault / "Kimchi.md").write_text("Cabbage is left with salt until it is sour.")
    with embedding_server() as server:
        server.answer = lambda _: (503, {}, b"")
        remote = EmbeddingSettings(base_url=server.address, remote_model="m")
        assistant = assemble(settings(remote), vault, StatePaths(tmp_path / "state"))
        assistant.worker.start()
        try:
            until(lambda: assistant.state().state == "degraded")
            assert "does not embed (it says 503 Service Unavailable)" in assistant.state().message
            found = assistant.search("sour cabbage")
            assert [hit.path for hit in found.hits] == ["Kimchi.md"]
            assert found.warnings[0].startswith(f"words alone were searched, for {server.address} does not embed")

            server.answer = embeds()
            assert assistant.index(timeout=60).embedded == 1
            assert assistant.state().state == "ready"
        finally:
            assistant.close(timeout=30)


def test_an_embedding_model_is_never_exported_into_the_vault(home: Path) -> None:
    with pytest.raises(ConfigError, match="is inside the vault"):
        make_embedder(Config(), vault=home.parent)


def test_a_note_is_found_by_its_meaning_and_the_status_says_why_that_is_slow(tmp_path: Path, home: Path) -> None:
    vault = tmp_path / "Notes"
    vault.mkdir()
    (vault / "Kimchi.md").write_text("Cabbage is left with salt until it is sour.")
    home.mkdir()
    (home / "cache").write_text("No folder, so nothing can be exported.")
    assistant = assemble(Config(), vault, StatePaths(tmp_path / "state"))
    assistant.worker.start()
    try:
        until(lambda: assistant.state().state == "ready")

        assert [hit.path for hit in assistant.search("fermented vegetables").hits] == ["Kimchi.md"]
        (notice,) = assistant.state().notices
        assert notice.startswith("the embedding model all-MiniLM-L6-v2 runs with torch, which is slower: the folder ")
    finally:
        assistant.close(timeout=30)


def test_another_embedding_model_takes_over_and_its_vectors_are_there_at_the_next_start(tmp_path: Path) -> None:
    vault, state = tmp_path / "Notes", StatePaths(tmp_path / "state")
    vault.mkdir()
    for name in ("Kimchi", "Bread", "Salt"):
        (vault / f"{name}.md").write_text(f"What is to be known of {name} and of salt.")

    def folders() -> list[str]:
        return sorted(path.name for path in state.root.glob("vectors*"))

    with embedding_server() as server:
        remote = EmbeddingSettings(base_url=server.address, remote_model="one")
        found = {}
        for number, model in enumerate(("one", "two", "two", "one")):
            assistant = assemble(settings(replace(remote, remote_model=model)), vault, state)
            assert assistant.embedder is not None
            serving = assistant.embedder.name.split()[0]
            before = len(server.texts)
            assistant.worker.start()
            until(lambda it=assistant: it.state().state == "ready")  # type: ignore[misc]
            result = assistant.search("what is known of salt", mode="dense")
            assert len(result.hits) == 3
            assert result.warnings == ()
            embedded = [text for text in server.texts[before:] if "to be known of" in text]
            assistant.close(timeout=30)
            found[number] = serving, len(set(embedded)), len(embedded), folders()

    assert found == {
        0: ("one", 3, 3, ["vectors"]),
        1: ("one", 3, 3, ["vectors.next"]),
        2: ("two", 1, 1, ["vectors"]),  # One, to see whether it is the same model still.
        3: ("two", 1, 1, ["vectors.next"]),
    }


# ── settings of an earlier version ─────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("key", ["base_url", "model"])
def test_a_server_of_an_earlier_version_goes_on_answering_until_the_new_model_is_ready(
    tmp_path: Path, key: str
) -> None:
    """The settings that made the index are kept in it; its address once stood in `model`."""
    vault, state = tmp_path / "Notes", StatePaths(tmp_path / "state")
    vault.mkdir()
    (vault / "Kimchi.md").write_text("Cabbage is left with salt until it is sour.")
    with embedding_server() as server:
        before = EmbeddingSettings(base_url=server.address, remote_model="m")
        assistant = assemble(settings(before), vault, state)
        assistant.worker.start()
        until(lambda: assistant.state().state == "ready")
        assistant.close(timeout=30)
        if key == "model":
            keep_recipe(state, {"model": server.address, "remote_model": "m", "allow_remote": False, "batch_size": 8})

        assistant = assemble(settings(replace(before, remote_model="n")), vault, state)

        assert assistant.embedder is not None
        assert assistant.embedder.name == f"m at {server.address}"
        assistant.close(timeout=30)


@pytest.mark.parametrize("recipe", [{}, [], 7, {"model": 7}, {"model": "auto", "batch_size": "x", "odd": 1}])
def test_a_recipe_that_is_none_costs_the_model_before_and_nothing_else(tmp_path: Path, recipe: object) -> None:
    vault, state = tmp_path / "Notes", StatePaths(tmp_path / "state")
    vault.mkdir()
    with embedding_server() as server:
        before = EmbeddingSettings(base_url=server.address, remote_model="m")
        assistant = assemble(settings(before), vault, state)
        assistant.worker.start()
        until(lambda: assistant.state().state == "ready")
        assistant.close(timeout=30)
        keep_recipe(state, recipe)

        assistant = assemble(settings(replace(before, remote_model="n")), vault, state)

        assert assistant.embedder is not None
        assert assistant.embedder.name == f"n at {server.address}"
        assert any("the one before cannot be used any more" in notice for notice in assistant.state().notices)
        assistant.close(timeout=30)


def keep_recipe(state: StatePaths, recipe: object) -> None:
    catalog = sqlite3.connect(state.catalog)
    with catalog:
        assert catalog.execute("UPDATE meta SET value = ? WHERE key = 'recipe'", (json.dumps(recipe),)).rowcount
    catalog.close()


# ── a language model on a server ───────────────────────────────────────────────────────────────────────────────


def answering(model: ModelSettings) -> Config:
    return replace(Config(), model=model, embedding=EmbeddingSettings(model="none"))


@pytest.fixture
def kitchen(tmp_path: Path) -> Path:
    vault = tmp_path / "Notes"
    vault.mkdir()
    (vault / "Kimchi.md").write_text("Kimchi is cabbage that is left with salt until it is sour.")
    return vault


def asked(config: Config, vault: Path) -> tuple[Answer, tuple[str, ...]]:
    """What it answers, and what status says then."""
    assistant = assemble(config, vault, StatePaths(vault.parent / "state"))
    assistant.worker.start()
    try:
        assistant.index(timeout=60)
        return assistant.ask("What is kimchi?"), assistant.notices()
    finally:
        assistant.close(timeout=30)


def test_a_server_answers_from_the_notes_with_the_key_of_the_settings(
    kitchen: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_KEY", "s3cret")
    with chat_server() as server:
        server.play = speaks("Kimchi is sour cabbage that is left with salt. The moon is made of cheese.")
        remote = ModelSettings(base_url=server.address, key_variable="MY_KEY", remote_model="qwen2.5:7b")

        answer, notices = asked(replace(answering(remote), answer=AnswerSettings(unsupported="mark")), kitchen)

        assert answer.model == f"qwen2.5:7b at {server.address}"
        assert [(one.text, one.support) for one in answer.sentences if one.support != "quote"][-1:] == [
            ("The moon is made of cheese.", "unsupported")
        ]
        assert notices == ()
        assert server.headers[-1]["Authorization"] == "Bearer s3cret"
        assert "left with salt until" in server.asked[-1]["messages"][-1]["content"]


def test_a_server_that_is_away_leaves_the_quotes_and_the_reason(kitchen: Path) -> None:
    answer, notices = asked(answering(ModelSettings(base_url="http://127.0.0.1:1/v1")), kitchen)

    assert (answer.model, answer.refused) == (None, False)
    assert "sour" in answer.answer
    for told in (" ".join(answer.warnings), " ".join(notices)):
        assert "http://127.0.0.1:1/v1 does not answer (Connection refused): is the server running?" in told


def test_questions_go_to_another_machine_only_with_leave_and_the_status_says_so(kitchen: Path) -> None:
    away = ModelSettings(base_url="http://192.0.2.1:1/v1")
    with pytest.raises(ConfigError, match=r"your questions, .* would be sent there; .*\[model\] allow_remote = true"):
        assemble(answering(away), kitchen, StatePaths(kitchen.parent / "state"))

    allowed = assemble(answering(replace(away, allow_remote=True)), kitchen, StatePaths(kitchen.parent / "state"))
    (notice,) = allowed.notices()
    assert notice.startswith("your questions, and the passages that are found for them, are sent to http://192.0.2.1:1")
    allowed.close(timeout=30)


def test_none_is_none_and_a_file_of_a_question_is_that_file(tmp_path: Path) -> None:
    remote = ModelSettings(base_url="http://127.0.0.1:1/v1", remote_model="m")
    file = scripted_model(tmp_path / "Mine.gguf", ["ok"])

    assert isinstance(make_chat_model(answering(remote), None), OpenAiChatModel)
    assert make_chat_model(answering(replace(remote, path="none")), None) is None
    named = make_chat_model(answering(remote), file)
    assert named is not None
    assert named.name == "Mine (F32)"
    both = EmbeddingSettings(model="none", base_url="http://127.0.0.1:1/v1", remote_model="m")
    assert make_embedder(settings(both)) is None


def test_a_model_for_embedding_must_be_named_and_the_server_lists_those_it_has() -> None:
    with chat_server() as server:
        server.models = [{"id": "nomic-embed-text"}, {"id": "bge-m3"}]

        with pytest.raises(ConfigError, match=r"\[embedding\] remote_model must .*; it has: nomic-embed-text, bge-m3"):
            make_embedder(settings(EmbeddingSettings(base_url=server.address)))


def test_a_chroma_server_elsewhere_gets_vectors_only_with_leave(kitchen: Path) -> None:
    config = replace(Config(), index=IndexSettings(chroma_url="https://192.0.2.1"))

    with pytest.raises(ConfigError, match=r"vectors .* would be sent there; .*\[index\] chroma_allow_remote = true"):
        assemble(config, kitchen, StatePaths(kitchen.parent / "state"))
