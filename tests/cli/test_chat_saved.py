"""A conversation that is kept as a note: only after asking, never over another note, and with its sources."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any, cast

import pytest

from vaultbot.cli.chat import Chat
from vaultbot.cli.session import Session
from vaultbot.cli.transcript import escaped, transcript
from vaultbot.errors import InvalidRequest

CITATION = {
    "n": 1, "path": "Food/Bread.md", "title": "Bread", "heading_path": [], "line_start": 3, "line_end": 3,
    "quote": "Bread rises.", "wikilink": "[[Food/Bread|Bread]]", "uri": "obsidian://open?vault=v&file=Food%2FBread",
}  # fmt: skip


def answer(*sentences: tuple[str, str], **more: Any) -> dict[str, Any]:
    said = [
        {"text": text, "support": support, "citations": [] if support == "unsupported" else [1]}
        for text, support in sentences
    ]
    return {
        "answer": " ".join(text for text, _ in sentences), "sentences": said, "citations": [CITATION] if said else [],
        "nearest": [], "differences": [], "refused": not said, "warnings": [], "match": "good", "model": None,
        "timings_ms": {"retrieve": 1.0, "first_token": None, "total": 2.0},
        "tokens": {"prompt": 0, "cached": 0, "completion": 0}, **more,
    }  # fmt: skip


class FakeClient:
    """Answers every question alike and keeps what is posted."""

    def __init__(self) -> None:
        self.posted: list[tuple[str, Mapping[str, Any]]] = []
        self.refuses: Exception | None = None

    def events(self, method: str, path: str, body: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
        yield "done", answer(("Bread rises.", "quote"), question=body["messages"][-1]["content"])

    def post(self, path: str, body: Mapping[str, Any]) -> Any:
        self.posted.append((path, body))
        if path == "/api/title":
            return {"title": "Bread"}
        if self.refuses:
            raise self.refuses
        return {"note": body["path"], "sha256": "", "run": "1", "uri": "obsidian://open"}


class FakeSession:
    verbose = False

    def __init__(self) -> None:
        self.fake = FakeClient()

    def client(self, **_: object) -> FakeClient:
        return self.fake


def chatted(monkeypatch: pytest.MonkeyPatch, *lines: str, refuses: Exception | None = None) -> FakeClient:
    session = FakeSession()
    session.fake.refuses = refuses
    monkeypatch.setattr("sys.stdin", io.StringIO("".join(f"{line}\n" for line in lines)))
    Chat(cast("Session", session), {}, start=True).run()
    return session.fake


def saved(client: FakeClient) -> list[Mapping[str, Any]]:
    return [body for path, body in client.posted if path == "/api/notes"]


def test_the_conversation_becomes_a_note_when_that_is_confirmed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    client = chatted(monkeypatch, "What does bread do?", "why?", "/save Chats/Bread talk", "y")

    (note,) = saved(client)
    assert note["path"] == "Chats/Bread talk.md"
    assert note["text"].count("## ") == 2
    assert "> Bread rises.\n> — [[Food/Bread|Bread]]" in note["text"]
    shown = capsys.readouterr().out
    assert "Write 2 answers into the new note Chats/Bread talk.md? [y/N]" in shown
    assert "saved as Chats/Bread talk.md; to take it back: vaultbot undo" in shown


@pytest.mark.parametrize("said", ["n", "", "What is rye?", "/quit"])
def test_nothing_is_written_unless_it_is(monkeypatch: pytest.MonkeyPatch, said: str) -> None:
    assert saved(chatted(monkeypatch, "What does bread do?", "/save Bread", said)) == []


def test_when_the_input_ends_nothing_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    assert saved(chatted(monkeypatch, "What does bread do?", "/save Bread")) == []


def test_without_a_name_it_gets_a_title(monkeypatch: pytest.MonkeyPatch) -> None:
    assert saved(chatted(monkeypatch, "What does bread do?", "/save", "yes"))[0]["path"] == "Bread.md"


def test_an_empty_conversation_is_not_saved(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert chatted(monkeypatch, "/save", "What does bread do?", "/new", "/save x").posted == []
    assert capsys.readouterr().err == "error: there is nothing to save yet; ask something\n" * 2


def test_a_note_that_is_there_is_told_and_the_chat_goes_on(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    there = InvalidRequest("there is Bread.md already; choose another name")
    client = chatted(monkeypatch, "What does bread do?", "/save Bread", "y", "/save Bread 2", "n", refuses=there)

    assert len(saved(client)) == 1
    assert "error: there is Bread.md already" in capsys.readouterr().err


def test_an_answer_asked_again_is_saved_once(monkeypatch: pytest.MonkeyPatch) -> None:
    assert saved(chatted(monkeypatch, "What does bread do?", "/retry", "/save x", "y"))[0]["text"].count("## ") == 1


# ── the note's text ────────────────────────────────────────────────────────────────────────────────────────────


def test_quotes_checked_sentences_and_others_are_told_apart() -> None:
    said = answer(("Bread rises.", "quote"), ("It does rise.", "supported"), ("It sings.", "unsupported"))

    assert transcript([("What does bread do?", said)], day=date(2026, 5, 12)) == (
        "---\ncreated: 2026-05-12\n---\n\n"
        "## What does bread do?\n\n"
        "> Bread rises.\n> — [[Food/Bread|Bread]]\n\n"
        "It does rise. ([[Food/Bread|Bread]])\n\n"
        "It sings. *(not found in the notes)*\n"
    )


def test_a_refusal_names_the_closest_notes() -> None:
    refused = answer(nearest=[{"wikilink": "[[Kimchi]]"}]) | {"answer": "Not in your notes."}

    assert transcript([("Why?", refused)], day=date(2026, 5, 12)).endswith(
        "## Why?\n\nNot in your notes.\n\nThe closest notes:\n\n- [[Kimchi]]\n"
    )


@pytest.mark.parametrize(
    ("words", "written"),
    [
        ("[[Secret]] and ![[Secret]]", r"\[\[Secret\]\] and !\[\[Secret\]\]"),
        ("<script>x</script>", r"\<script\>x\</script\>"),
        ("%% hidden %%", r"\%\% hidden \%\%"),
        ("<% tp.file %> `= this.x`", r"\<\% tp.file \%\> \`\= this.x\`"),
        ("# no heading #tag", r"\# no heading \#tag"),
        ("- no list", r"\- no list"),
        ("> no quote", r"\> no quote"),
        ("key:: value", "key:: value"),
        ("Bread rises.", "Bread rises."),
        ("パンは膨らむ。", "パンは膨らむ。"),
    ],
)
def test_words_of_a_note_do_nothing_where_they_are_repeated(words: str, written: str) -> None:
    assert escaped(words) == written
