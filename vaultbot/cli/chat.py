"""`vaultbot chat`: one question after the other, each understood from those before it.

The conversation is kept in memory alone and ends with the chat. Without a terminal each line of standard input is a
question or a command.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, suppress
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from vaultbot.cli.filters import After, Before, InPath, On, Tag
from vaultbot.cli.opener import open_link
from vaultbot.cli.render import AnswerPrinter, bold, dim, plain, print_sources
from vaultbot.cli.session import NoStart, Session
from vaultbot.cli.transcript import transcript
from vaultbot.errors import InvalidRequest, NotRunning, VaultbotError
from vaultbot.paths import absolute

_REMEMBERED = 40  #: messages
_LONGEST = 20_000  #: characters of a message that the daemon takes


def chat(
    session: Session,
    tag: Tag = None,
    path: InPath = None,
    before: Before = None,
    after: After = None,
    on: On = None,
    model: Annotated[Path | None, typer.Option("--model", help="A GGUF file to use in this chat.")] = None,
    extract: Annotated[
        bool, typer.Option("--extract", help="Ask no model: the best sentences, in reading order.")
    ] = False,
    no_start: NoStart = False,
) -> None:
    """Ask one question after the other.

    A question is understood from those before it. /help lists what else can be typed.
    """
    if session.json:
        raise InvalidRequest("a chat is for people; programs send messages to POST /api/ask (docs/api.md)")
    given = {"tag": tag, "path": path, "before": before, "after": after, "on": on, "extract": extract or None}
    body = {name: value for name, value in given.items() if value is not None}
    if model is not None:
        body["model"] = str(absolute(model))
    session.client(start=not no_start, until_indexed=True)  # What keeps it from answering is told before a question.
    Chat(session, body, start=not no_start).run()


class Chat:
    """A conversation at the terminal."""

    def __init__(self, session: Session, body: Mapping[str, object], *, start: bool) -> None:
        self._session = session
        self._body = dict(body)  #: what every question is sent with
        self._start = start
        self._history: list[dict[str, object]] = []
        self._turns: list[tuple[str, Mapping[str, Any]]] = []  #: questions and their answers, to be saved
        self._typed = _lines()
        self._question: str | None = None  #: the last one
        self._answer: Mapping[str, Any] | None = None  #: what was said to it; None when that failed or was stopped
        self._commands: dict[str, tuple[str, str, Callable[[str], None]]] = {
            "/sources": ("", "what the last answer cites, word for word", self._sources),
            "/open": ("N", "open source N in Obsidian", self._open),
            "/retry": ("", "ask the last question again", self._retry),
            "/save": ("[NOTE]", "write this conversation into a new note of the vault, after asking", self._save),
            "/model": ("[FILE]", "answer with this GGUF file; without a file, with the settings' model", self._model),
            "/new": ("", "forget the conversation", self._new),
            "/help": ("", "this list", self._help),
            "/quit": ("", "end the chat; so does Ctrl-D. Ctrl-C stops an answer", lambda _: None),
        }

    def run(self) -> None:
        """Read and answer until there is no more, or /quit."""
        if sys.stdin.isatty():
            print(dim("Ask your notes. /help lists the commands, Ctrl-D ends the chat."))
        for line in self._typed:
            try:
                if not sys.stdin.isatty():
                    print(f"> {plain(line)}", flush=True)
                if line.split(maxsplit=1)[0] == "/quit":
                    return
                self._take(line)
            except KeyboardInterrupt:
                print("\nstopped")
            except VaultbotError as error:
                print(f"error: {plain(str(error))}", file=sys.stderr)
            print(flush=True)

    def _take(self, line: str) -> None:
        if not line.startswith("/"):
            self._ask(line)
            return
        name, _, rest = line.partition(" ")
        if name not in self._commands:
            raise InvalidRequest(f"there is no command {plain(name[:40])}; /help lists them")
        self._commands[name][2](rest.strip())

    def _ask(self, question: str) -> None:
        self._question, self._answer = question, None
        asked: dict[str, object] = {"role": "user", "content": question}
        body = {**self._body, "messages": [*self._history[-_REMEMBERED:], asked], "stream": True}
        # Looked for each time: a daemon ends when nobody has asked it for long.
        client = self._session.client(start=self._start, until_indexed=True)
        with (
            closing(AnswerPrinter(verbose=self._session.verbose)) as printer,
            closing(client.events("POST", "/api/ask", body)) as events,
        ):
            for name, data in events:
                printer.show(name, data)
                if name == "done":
                    self._answer = data
        if self._answer is None:
            raise NotRunning("the daemon broke off in the middle of the answer; try /retry, or see: vaultbot status")
        titles = list(dict.fromkeys(citation["title"] for citation in self._answer["citations"]))
        answered = {"role": "assistant", "content": self._answer["answer"][:_LONGEST], "cited": titles[:50]}
        self._history += [asked, answered]
        self._turns.append((question, self._answer))

    # ── commands ───────────────────────────────────────────────────────────────────────────────────────────────

    def _sources(self, _: str) -> None:
        print_sources(self._citations())

    def _open(self, number: str) -> None:
        found = [citation for citation in self._citations() if str(citation["n"]) == number]
        if not found:
            raise InvalidRequest("say which source, like: /open 1 (see /sources)")
        uri = found[0]["uri"]
        print(plain(uri), flush=True)
        if not open_link(uri):
            raise InvalidRequest("nothing on this machine opens such links; is Obsidian installed?")

    def _retry(self, _: str) -> None:
        if self._question is None:
            raise InvalidRequest("nothing was asked yet")
        if self._answer is not None:
            del self._history[-2:], self._turns[-1:]
        self._ask(self._question)

    def _model(self, file: str) -> None:
        self._body.pop("model", None)
        if not file:
            print("the settings' model answers")
            return
        path = absolute(Path(file).expanduser())
        if not path.is_file():
            raise InvalidRequest(f"there is no file {plain(str(path))}; the settings' model answers")
        if self._body.pop("extract", None):
            print("no longer quotes alone")
        self._body["model"] = str(path)
        print(f"{bold(plain(path.name))} answers")

    def _save(self, name: str) -> None:
        if not self._turns:
            raise InvalidRequest("there is nothing to save yet; ask something")
        client = self._session.client(start=self._start, until_indexed=True)
        if not name:
            name = client.post("/api/title", {"messages": self._history[-_REMEMBERED:]})["title"]
        path = name if name.lower().endswith(".md") else f"{name}.md"
        answers = "1 answer" if len(self._turns) == 1 else f"{len(self._turns)} answers"
        print(f"Write {answers} into the new note {bold(plain(path))}? [y/N] ", end="", flush=True)
        if next(self._typed, "").strip().lower() not in ("y", "yes"):
            print("not saved")
            return
        saved = client.post(
            "/api/notes", {"path": path, "text": transcript(self._turns, day=datetime.now().astimezone().date())}
        )
        print(f"saved as {bold(plain(saved['note']))}; to take it back: vaultbot undo")

    def _new(self, _: str) -> None:
        self._history.clear()
        self._turns.clear()
        self._question = self._answer = None
        print("forgotten")

    def _help(self, _: str) -> None:
        for name, (argument, what, _do) in self._commands.items():
            print(f"  {f'{name} {argument}':<15} {what}")

    def _citations(self) -> list[Mapping[str, Any]]:
        citations = list(self._answer["citations"]) if self._answer else []
        if not citations:
            raise InvalidRequest("there is no answer with sources yet; ask something")
        return citations


def _lines() -> Iterator[str]:
    """What is typed, without empty lines, until there is no more."""
    typed = sys.stdin.isatty()
    if typed:
        with suppress(ImportError):
            import readline  # noqa: F401 - `input` has arrow keys with it, and earlier lines of this chat alone
    if isinstance(sys.stdin, io.TextIOWrapper):
        sys.stdin.reconfigure(errors="replace")
    while True:
        try:
            line = input("> ") if typed else sys.stdin.readline()
        except EOFError:
            print()
            return
        except KeyboardInterrupt:
            if not typed:
                raise
            print(dim("\n/quit or Ctrl-D ends the chat"))
            continue
        if not (line or typed):
            return
        if line.strip():
            yield " ".join(line.split())
