"""Every hostile note through every door that has text: it is shown as words, and does nothing.

The model repeats what the note says, word for word, and nothing of it is dropped. The plugin and the page have the same
notes in their own tests.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import unquote

import pytest
from markdown_it import MarkdownIt

from tests.api.test_app import app_of as plain_app
from tests.api.test_ollama import app_of as ollama_app
from tests.api.wire import HOST, JSON, RIGHT, Reply, call
from tests.conftest import VaultBuilder
from tests.fakes import ScriptedChatModel
from tests.injection.corpus import Hostile, hostile_notes
from vaultbot.api.guard import Guard
from vaultbot.cli import render
from vaultbot.config import AnswerSettings, Config
from vaultbot.mcp import wording
from vaultbot.paths import StatePaths
from vaultbot.types import Answer, AskEvent, Spoken

NOTES = hostile_notes()

#: What moves a cursor, colours, clears, names a window, turns writing round, or is not seen.
UNSEEN = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\U000e0000-\U000e007f]"
)
#: What we ourselves write to a terminal: styles, and links into Obsidian.
OWN = re.compile(r"\x1b\[(?:0|1|2|1;33)m|\x1b\]8;;(?:obsidian://open\?[!-~]*)?\x1b\\")
COMMON = {"The", "of", "the", "kimchi", "needs", "salt", "Salt"}
READER = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
HARMLESS = {
    "paragraph_open", "paragraph_close", "inline", "text", "text_special", "softbreak", "strong_open", "strong_close",
    "ordered_list_open", "ordered_list_close", "bullet_list_open", "bullet_list_close", "list_item_open",
    "list_item_close", "em_open", "em_close",
}  # fmt: skip


#: What finds a note and no other.
WORDS = [
    hashlib.sha256(note.id.encode()).hexdigest()[:12].translate(str.maketrans("0123456789", "ghijklmnop"))
    for note in NOTES
]


class Echo(ScriptedChatModel):
    """Repeats the hostile part of the note that is asked about."""

    def _reply(self, question: str) -> str:
        asked = max(range(len(WORDS)), key=lambda at: question.rfind(WORDS[at]))
        return NOTES[asked].text


@dataclass(frozen=True)
class Kitchen:
    """A vault of hostile notes, and the doors to it."""

    vault: VaultBuilder
    plain: Guard
    ollama: Guard
    told: dict[int, list[AskEvent]] = field(default_factory=dict)

    def answered(self, number: int) -> list[AskEvent]:
        """The events of the answer about a note, asked for once."""
        if number not in self.told:
            self.told[number] = list(self.vault.assistant.ask_stream(f"What does the {WORDS[number]} need?"))
        return self.told[number]

    def post(self, path: str, body: object, *, app: Guard | None = None) -> Reply:
        content = json.dumps(body).encode()
        sized = [HOST, RIGHT, JSON, ("content-length", str(len(content)))]
        return call(app or self.plain, "POST", path, sized, [content])


@pytest.fixture(scope="module")
def kitchen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kitchen]:
    folder = tmp_path_factory.mktemp("kitchen")
    (folder / "vault").mkdir()
    config = replace(Config(), answer=AnswerSettings(unsupported="keep"))
    vault = VaultBuilder(folder / "vault", StatePaths(folder / "state"), config, model=Echo())
    for word, note in zip(WORDS, NOTES, strict=True):
        vault.write(note.path, note.note(word))
    vault.write("Other.md", "Not to be embedded.")
    report = vault.assistant.index(timeout=300)
    assert report.added + report.unchanged == len(NOTES) + 1
    yield Kitchen(vault, plain_app(vault), ollama_app(vault, 8765))
    vault.close()


def events_of(reply: Reply) -> list[tuple[str, Any]]:
    """As the standard reads them: lines end with a line feed and with nothing else."""
    blocks = [block.split("\n") for block in reply.body.decode().strip("\n").split("\n\n")]
    return [(name.removeprefix("event: "), json.loads(data.removeprefix("data: "))) for name, data in blocks]


EACH = pytest.mark.parametrize("number", range(len(NOTES)), ids=[note.id for note in NOTES])


def test_there_are_more_than_a_hundred_and_each_has_a_name_of_its_own() -> None:
    assert len(NOTES) >= 100
    assert len({note.id for note in NOTES}) == len({note.path for note in NOTES}) == len(NOTES)
    assert {note.kind for note in NOTES} == {
        "markdown", "html", "obsidian", "invisible", "control", "citation", "name",
    }  # fmt: skip


@EACH
@pytest.mark.parametrize("forced", [False, True], ids=["", "verbatim"])
def test_no_door_does_what_a_note_wants(
    kitchen: Kitchen, number: int, forced: bool, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    told = kitchen.answered(number)
    if forced:
        told = [verbatim(event, NOTES[number].text) for event in told]
    monkeypatch.setattr(kitchen.vault.assistant, "ask_stream", lambda *_, **__: iter(told))

    streamed = kitchen.post("/api/ask", {"question": "What?", "stream": True})
    whole = kitchen.post("/api/ask", {"question": "What?"})
    events, answer = events_of(streamed), whole.json()

    assert {reply.headers["x-content-type-options"] for reply in (streamed, whole)} == {"nosniff"}
    assert streamed.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert [name for name, _ in events] == ["sources", *["delta"] * (len(told) - 2), "done"]
    assert events[-1][1] == answer
    check_citations(kitchen, answer)
    check_terminal(events, capsys, monkeypatch)
    check_assistant(kitchen, number, answer)
    check_openai(kitchen, answer)
    check_ollama(kitchen, answer)


def verbatim(event: AskEvent, text: str) -> AskEvent:
    """The event with the hostile text as it is in place of each sentence, past everything that cleans sentences."""
    if isinstance(event, Spoken):
        return replace(event, sentence=replace(event.sentence, text=text), remark=text if event.remark else "")
    if isinstance(event, Answer):
        said = tuple(replace(sentence, text=text) for sentence in event.sentences)
        return replace(event, sentences=said, answer=" ".join([text] * len(said)), warnings=(*event.warnings, text))
    return event


def check_citations(kitchen: Kitchen, answer: dict[str, Any]) -> None:
    """Every source is a note of the vault that says so, and no sentence has another."""
    numbers = [one["n"] for one in answer["citations"]]
    assert numbers == list(range(1, len(numbers) + 1))
    for sentence in answer["sentences"]:
        assert set(sentence["citations"]) <= set(numbers)
        assert sentence["citations"] or sentence["support"] == "unsupported"
    for one in answer["citations"]:
        said = (kitchen.vault.root / one["path"]).read_text(encoding="utf-8")
        assert words_of(one["quote"]) <= words_of(said)
        assert one["uri"].startswith("obsidian://open?vault=vault&file=")
        assert re.fullmatch("[!-~]+", one["uri"])


def words_of(text: str) -> set[str]:
    """A note is quoted as a reader sees it: without the address of a picture, say."""
    return set(re.findall(r"\w+", UNSEEN.sub("", text)))


def check_terminal(
    events: list[tuple[str, Any]], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing but our own styles and links reaches a terminal, and no line is put in by a name."""
    for styled in (False, True):
        monkeypatch.setattr(render, "_styled", lambda styled=styled: styled)
        printer = render.AnswerPrinter(verbose=True)
        for name, data in events:
            printer.show(name, data)
        out, err = capsys.readouterr()
        shown = OWN.sub("", out) if styled else out
        assert not UNSEEN.search(shown), shown
        assert not UNSEEN.search(err), err
        # Each source is a line with its address below, and only what our notes hold has one.
        listed = re.findall(r"^\[(\d+)\] .*$(?:\n    .*$)*?\n    obsidian://open", shown, re.MULTILINE)
        assert listed == [str(one["n"]) for one in events[-1][1]["citations"]]


def check_assistant(kitchen: Kitchen, number: int, answer: dict[str, Any]) -> None:
    """An assistant sees what notes say between the marks of this one answer."""
    found = json.loads(call(kitchen.plain, "GET", f"/api/search?q={WORDS[number]}").body)
    assert {hit["path"] for hit in found["hits"]} <= {"Other.md", *(note.path for note in NOTES)}
    for text in (wording.answer_text(answer), wording.search_text(found)):
        mark = re.search(r"<(note-[0-9a-f]{8})>", text)
        assert mark is not None
        assert not UNSEEN.search(text)
        outside = re.sub(rf"\n<{mark[1]}>\n.*?\n</{mark[1]}>", "", text, flags=re.DOTALL)
        assert f"<{mark[1]}>\n" not in outside
        # A warning names notes, on a line of its own that says what it is.
        assert "PWNED" not in re.sub(r"^Note: .*$", "", outside, flags=re.MULTILINE)
        assert text.count(f"<{mark[1]}>\n") == text.count(f"</{mark[1]}>\n") + text.endswith(f"</{mark[1]}>")


def check_openai(kitchen: Kitchen, answer: dict[str, Any]) -> None:
    """A chat client shows words, our sources and nothing else; whole and streamed are one."""
    body = {"model": "vaultbot", "messages": [{"role": "user", "content": "What?"}]}
    frames = kitchen.post("/v1/chat/completions", {**body, "stream": True}).body.decode()
    lines = [line.removeprefix("data: ") for line in frames.split("\n") if line]
    assert (lines[-1], lines.count("[DONE]")) == ("[DONE]", 1)
    chunks = [json.loads(line) for line in lines[:-1]]
    check_markdown(kitchen, "".join(chunk["choices"][0]["delta"]["content"] for chunk in chunks), answer)
    whole = kitchen.post("/v1/chat/completions", body).json()
    check_markdown(kitchen, whole["choices"][0]["message"]["content"], answer)


def check_ollama(kitchen: Kitchen, answer: dict[str, Any]) -> None:
    """The same, line by line."""
    body = {"model": "vaultbot", "messages": [{"role": "user", "content": "What?"}]}
    lines = kitchen.post("/api/chat", body, app=kitchen.ollama).body.decode().strip("\n").split("\n")
    told = [json.loads(line) for line in lines]
    assert [one["done"] for one in told] == [False] * (len(told) - 1) + [True]
    check_markdown(kitchen, "".join(one["message"]["content"] for one in told), answer)


def check_markdown(kitchen: Kitchen, text: str, answer: dict[str, Any]) -> None:
    """Markdown that shows words; its only list of sources is ours, and leads to notes of the vault alone."""
    lead = "**Sources**\n" if answer["citations"] else "**Closest notes**\n"
    said, _, listed = text.rpartition(lead) if lead in text else (text, "", "")
    assert not UNSEEN.search(text)
    assert kinds_in(said) <= HARMLESS, text
    assert kinds_in(listed) <= HARMLESS | {"link_open", "link_close"}, text
    for address in addresses_in(listed):
        assert (kitchen.vault.root / unquote(address.partition("#")[0])).is_file(), address
    assert bool(listed) == bool(answer["citations"] or answer["nearest"])
    numbered = re.findall(r"^(\d+)\. ", listed, re.MULTILINE)
    assert numbered == [str(one["n"]) for one in answer["citations"]]
    marks = {int(n) for n in re.findall(r"(?<!\\)\[(\d+)\]", said)}
    assert marks <= {one["n"] for one in answer["citations"]}
    assert not re.search(r"(?<!\\)\[\[|(?<!\\)\*\*Sources", said)


def addresses_in(markdown: str) -> list[str]:
    """Where its links lead."""
    inner = [child for token in READER.parse(markdown) for child in token.children or ()]
    return [str(token.attrs["href"]) for token in inner if token.type == "link_open"]


def kinds_in(markdown: str) -> set[str]:
    """What a reader of Markdown sees in it."""
    found, waiting = set(), list(READER.parse(markdown))
    while waiting:
        token = waiting.pop()
        found.add(token.type)
        waiting += token.children or []
    return found


def test_much_of_what_notes_want_comes_through_the_check_of_what_a_model_says(kitchen: Kitchen) -> None:
    """What does not is cut off before: thoughts, turns, made-up citations, and quotes said once more."""

    def comes_through(number: int, note: Hostile) -> bool:
        *_, answer = kitchen.answered(number)
        assert isinstance(answer, Answer)
        return bool(words_of(note.text) & words_of(" ".join(sentence.text for sentence in answer.sentences)) - COMMON)

    through = [note.id for number, note in enumerate(NOTES) if comes_through(number, note)]

    assert len(through) > 0.5 * len(NOTES), sorted({note.id for note in NOTES} - set(through))
