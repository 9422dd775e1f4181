"""Why a hit is where it is, and why another note is no hit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from itertools import islice

from vaultbot.index.analyzer import query_terms, tokens
from vaultbot.index.reader import CatalogReader
from vaultbot.retrieval.query import Query
from vaultbot.retrieval.ranking import Scores, Weights
from vaultbot.types import JsonValue, Skipped

_NAMED = 3  #: notes for each reason
_LOOKED_AT = 10_000  #: notes that are kept out, and files that were skipped
#: Why a note is read for its links alone, by the catalog's word for it.
WHY_UNSEARCHED = {
    "excluded": 'Obsidian\'s "Excluded files" name it',
    "template": "it is in the vault's folder of templates",
    "": "it is a template: it holds marks to be filled in",
}


def explained(scores: Scores, note: int, weights: Weights) -> dict[str, JsonValue]:
    """The signals of a note, each from 0 to 1, what each adds to its score, and which view of the note is nearer."""
    signals, share = scores.signals[note], scores.words_share
    whole = 1 + weights.name + weights.heading
    worth = {"meaning": 1 - share, "words": share, "name": weights.name, "heading": weights.heading}
    values = asdict(signals)
    card, passage = signals.card_cosine, signals.passage_cosine
    nearer = "passage" if passage is not None and (card is None or passage >= card) else "card"
    return {
        **{name: _rounded(value) for name, value in values.items()},
        "words_share": round(share, 4),
        "parts": {name: round(values[name] * weight / whole, 4) for name, weight in worth.items()},
        "view": None if card is None and passage is None else nearer,
    }


def missing_words(reader: CatalogReader, query: Query, notes: Sequence[int]) -> dict[int, tuple[str, ...]]:
    """The words of the question that each note lacks, as the question has them."""
    words: dict[str, str] = {}
    for token in tokens(query.text):
        if token.term in query.terms:
            words.setdefault(token.term, query.text[token.start : token.end])
    lacking: dict[int, list[str]] = {note: [] for note in notes}
    for term, word in words.items():
        having = dict(reader.match_notes([term], limit=None, within=notes))
        for note in lacking.keys() - having.keys():
            lacking[note].append(word)
    return {note: tuple(dict.fromkeys(found)) for note, found in lacking.items()}


def beaten(reader: CatalogReader, scores: Mapping[int, float], shown: Sequence[int]) -> Iterator[Skipped]:
    """The next notes in the ranking, that there was no room for."""
    left = sorted((note for note in scores if note not in shown), key=lambda note: -scores[note])[:_NAMED]
    paths = {note: path for note, (path, _) in reader.titles(left).items()}
    verb = "is" if len(shown) == 1 else "are"
    for place, note in enumerate(left, len(shown) + 1):
        yield Skipped(paths[note], f"comes in place {place}, with {scores[note]:.2f}, and {len(shown)} {verb} shown")


def filtered_out(
    reader: CatalogReader, scores: Mapping[int, float], within: frozenset[int], filter_: str
) -> Iterator[Skipped]:
    """The best notes that the filter left out."""
    best = sorted((note for note in scores if note not in within), key=lambda note: -scores[note])[:_NAMED]
    paths = {note: path for note, (path, _) in reader.titles(best).items()}
    for note in best:
        yield Skipped(paths[note], f"does not fit the filter: {filter_}")


def kept_out(reader: CatalogReader, query: Query) -> Iterator[Skipped]:
    """Notes that say in their names what was asked, and that are not searched at all."""
    wanted = set(query.terms)
    rows = reader.connection.execute(
        "SELECT path, title, kept_out FROM note WHERE NOT searched ORDER BY path LIMIT ?", (_LOOKED_AT,)
    )
    notes = (
        Skipped(path, f"is not searched: {WHY_UNSEARCHED.get(why, why)}")
        for path, title, why in rows
        if wanted & set(query_terms(title))
    )
    files = (one for one in reader.skipped()[:_LOOKED_AT] if wanted & set(query_terms(one.path)))
    yield from islice(notes, _NAMED)
    yield from islice(files, _NAMED)


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
