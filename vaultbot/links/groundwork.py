"""All that is read of a vault before links can be ranked: names, every note's reading, vectors of cards, title words.

It is made once per state of the vault and shared by all notes.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import cached_property

import numpy as np

from vaultbot.errors import NoteNotFound, ShuttingDown
from vaultbot.index.analyzer import terms
from vaultbot.links.characters import BoolArray, IntArray
from vaultbot.links.features import Signals
from vaultbot.links.folding import fold_name, fold_text
from vaultbot.links.meaning import Meaning, NoteVectors, TitleWords
from vaultbot.links.names import Called, Names, Vocabulary, words_of
from vaultbot.links.places import LinkSection, link_sections, usage
from vaultbot.links.reading import Reader, Reading, visible_words
from vaultbot.links.survey import Habits, Survey
from vaultbot.links.view import Page, VaultView
from vaultbot.types import Link
from vaultbot.vault.listing import is_note

_NO_STEMS = np.zeros(0, np.int32)


class Groundwork:
    """What is known of one vault.

    To be laid within a snapshot of the view's reader. Raises ShuttingDown soon after `stopping` is set.
    """

    def __init__(self, view: VaultView, stopping: threading.Event | None = None) -> None:
        self.view = view
        self.paths = [path for path in view.graph.notes() if is_note(path)]
        self.numbers = {path: number for number, path in enumerate(self.paths)}
        self.offered: BoolArray = np.array([path in view.targets for path in self.paths], bool)
        called = self._called()
        self.names = Names(called, self._link_texts(), Vocabulary(self._words()))
        self.titles = TitleWords([(one.title, *one.aliases) for one in called])
        self.reader = Reader(self.names, self._leads_to)
        self._sections: list[LinkSection] = []
        self._hashes: dict[str, str] = {}  #: of the notes' bytes when they were read
        self.survey = Survey(self.names, list(self._readings(stopping)), notes=len(self.paths))
        self.meaning = Meaning(self._cards())
        self.habits = Habits(self.survey)
        self.usage = usage(self._sections)

    def _leads_to(self, source: str, link: Link) -> int:
        path = self.view.resolver.resolve(link.linkpath, source).path
        return self.numbers.get(path, -1) if path is not None else -1

    @cached_property
    def signals(self) -> Signals:
        """The signals of links as the vault is."""
        return self.signals_with(self.habits)

    def signals_with(self, habits: Habits) -> Signals:
        """The signals with some links hidden."""
        return Signals(self.survey, habits, self.meaning, self.titles, self.offered)

    # ── one note ───────────────────────────────────────────────────────────────────────────────────────────────

    def stems(self, path: str) -> tuple[IntArray, IntArray]:
        """The title words of the vault that stand in a note, and those that stand in its title."""
        row = self.view.reader.connection.execute(
            "SELECT headings || ' ' || body, note.title FROM note_terms JOIN note ON note.id = note_terms.rowid"
            " WHERE note.path = ?",
            (path,),
        ).fetchone()
        if row is None:
            return _NO_STEMS, _NO_STEMS
        return self.titles.stems(row[0].split(" ")), self.titles.stems(terms(row[1]))

    def vectors(self, path: str) -> NoteVectors | None:
        """The vectors of a note; None where there are none."""
        if self.meaning.cards is None or self.view.fingerprint is None:
            return None
        rows = self.view.reader.connection.execute(
            "SELECT chunk.view, start_line, end_line, vector.vector FROM note JOIN chunk ON chunk.note = note.id"
            " CROSS JOIN vector ON vector.text_hash = chunk.text_hash AND vector.fingerprint = ?"
            " WHERE note.path = ? ORDER BY chunk.view, ordinal",
            (self.view.fingerprint, path),
        ).fetchall()
        card = next((np.frombuffer(blob, np.float32) for kind, _, _, blob in rows if kind == "card"), None)
        passages = [row for row in rows if row[0] == "passage"]
        if card is None and not passages:
            return None
        matrix = np.frombuffer(b"".join(row[3] for row in passages), np.float32)
        lines = np.array([(row[1], row[2]) for row in passages], np.int32).reshape(-1, 2)
        return NoteVectors(card, matrix.reshape(len(passages), -1 if passages else 1), lines)

    # ── reading the vault ──────────────────────────────────────────────────────────────────────────────────────

    def _called(self) -> list[Called]:
        db = self.view.reader.connection
        headings: dict[str, list[tuple[int, str]]] = {}
        for path, level, text in db.execute(
            "SELECT note.path, level, text FROM heading JOIN note ON note.id = heading.note ORDER BY note.id, ordinal"
        ):
            headings.setdefault(path, []).append((level, text))
        titled = {
            path: title
            for path, title in db.execute(
                "SELECT path, json_extract(properties, '$.title') FROM note WHERE properties LIKE '%\"title\"%'"
            )
            if isinstance(title, str)
        }
        called = []
        for path in self.paths:
            target = self.view.targets.get(path)
            if target is None:
                called.append(Called(""))
                continue
            inside = headings.get(path, [])
            headline = next((text for level, text in inside[:1] if level == 1), None)
            headlines = [one for one in (headline, titled.get(path)) if one]
            below = [text for level, text in inside if text not in headlines]
            called.append(Called(target.title, target.aliases, tuple(headlines), tuple(dict.fromkeys(below))))
        return called

    def _link_texts(self) -> Counter[tuple[str, int]]:
        """How often each words lead to each note."""
        found: Counter[tuple[str, int]] = Counter()
        rows = self.view.reader.connection.execute(
            "SELECT kind, linkpath, subpath, display, target FROM link"
            " WHERE target NOTNULL AND key IS NULL AND NOT embed AND NOT nested"
        )
        for kind, linkpath, subpath, display, target in rows:
            if (number := self.numbers.get(target)) is not None and self.offered[number]:
                shown = visible_words(Link(kind, "", linkpath, subpath, display, 0, 0, 1, 1))
                found[fold_name(shown), number] += 1
        return found

    def _words(self) -> Iterable[str]:
        counted: Counter[str] = Counter()
        for (text,) in self.view.reader.connection.execute("SELECT text FROM chunk WHERE view = 'passage'"):
            counted.update(words_of(fold_text(text)[0]))
        return (word for word, _ in counted.most_common())

    def _readings(self, stopping: threading.Event | None) -> Iterator[Reading]:
        for path in self.paths:
            if stopping is not None and stopping.is_set():
                raise ShuttingDown("vaultbot is shutting down; links are ranked after the next start")
            try:
                page = self.view.page(path)
                self._sections += link_sections(page.note)
                reading = self.reader.read(self.numbers[path], page.note)
                self._hashes[path] = page.sha256
                yield reading
            except NoteNotFound:  # It went since the catalog was written.
                continue

    def read(self, page: Page) -> Reading:
        """A note's reading as it is now."""
        number = self.numbers.get(page.path, -1)
        if self._hashes.get(page.path) == page.sha256:
            return self.survey.readings[self.survey.by_note[number]]
        return self.reader.read(number, page.note)

    def _cards(self) -> np.ndarray[tuple[int, int], np.dtype[np.float32]] | None:
        rows, matrix = self.view.cards
        if not rows:
            return None
        cards = np.zeros((len(self.paths), matrix.shape[1]), np.float32)
        for path, row in rows.items():
            cards[self.numbers[path]] = matrix[row]
        return cards
