"""What a note says, for comparing it with another one word by word."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence

from vaultbot.index.analyzer import Token, content_terms, terms, tokens
from vaultbot.index.reader import NoteRecord, Passage
from vaultbot.index.sentences import sentences

_READ = 100_000  #: characters of a note that are looked at
_COPY = 0.95  #: of the words, from where two notes say the same
_TEXT_SHOWN = 240  #: characters


class Wording:
    """What a note says, for comparing; of a very long one the beginning."""

    def __init__(self, note: NoteRecord, passages: Sequence[Passage]) -> None:
        self.note = note
        self.passages = {passage.rowid: passage for passage in passages}
        self._body = "\n\n".join(passage.text for passage in passages)[:_READ]
        self._text = "\n".join((note.title, *note.aliases, self._body))
        #: Numbers, single characters and short words of an alphabet are in many notes by accident.
        self.terms = [
            term
            for term in content_terms(self._text)
            if len(term) > (2 if term.isascii() else 1) and not term.isdigit()
        ]
        self._counts = Counter(terms(self._body))
        self._tokens: list[Token] | None = None

    def says_the_same(self, other: Wording) -> bool:
        """Whether the two have nearly all their words in common."""
        most = max(self._counts.total(), other._counts.total())
        return most > 0 and (self._counts & other._counts).total() >= _COPY * most

    def written(self, wanted: Mapping[str, float]) -> tuple[str, ...]:
        """The terms as words of this note, the rarest first; those that overlap, as 量子 and 子化 do, are one."""
        if self._tokens is None:
            known = set(self.terms)
            self._tokens = [token for token in tokens(self._text) if token.term in known]
            self._tokens.sort(key=lambda token: token.start)
        found: dict[str, float] = {}
        told: set[str] = set()
        start = end = 0
        run: set[str] = set()

        def tell() -> None:
            if run - told:
                told.update(run)
                found.setdefault(self._text[start:end], max(wanted[term] for term in run))

        for token in self._tokens:
            if token.term not in wanted:
                continue
            if token.start >= end:
                tell()
                run, start = set(), token.start
            run.add(token.term)
            end = max(end, token.end)
        tell()
        return tuple(sorted(found, key=lambda word: -found[word]))


def with_most(passages: Iterable[Passage], wanted: Mapping[str, float]) -> Passage | None:
    weighed = [(sum(wanted[term] for term in set(terms(one.text)) & wanted.keys()), one) for one in passages]
    best = max(weighed, key=lambda one: one[0], default=None)
    return best[1] if best and best[0] > 0 else None


def nearest_sentence(text: str, wanted: Collection[str]) -> tuple[int, str]:
    """The sentence with most of the terms, of several the longest, and how many lines stand before its line."""
    lines = text.split("\n")
    offset = max(range(len(lines)), key=lambda place: _weight(lines[place], wanted))
    line = lines[offset]
    return offset, max(sentences(line), key=lambda sentence: _weight(sentence, wanted), default=line)


def _weight(text: str, wanted: Collection[str]) -> tuple[int, int]:
    return len(set(terms(text)).intersection(wanted)), len(text.strip())


def clipped(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= _TEXT_SHOWN else text[:_TEXT_SHOWN].rstrip() + " …"
