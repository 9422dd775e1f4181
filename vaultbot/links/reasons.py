"""Why a link is suggested, in plain words, from the same signals that it is ranked by."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from vaultbot.links.features import COLUMN
from vaultbot.links.ranker import Doubles
from vaultbot.protocols import FloatArray

_MOST = 4
_WAYS = {
    "by_title": "the words are the note's title",
    "by_alias": "the words are an alias of the note",
    "by_headline": "the words are the note's first heading",
    "by_inflected": "the words are a form of the note's name",
    "by_short": "the words are short for the note's name",
    "by_heading": "the words are a heading in the note",
    "by_part": "the words are a part of the note's name",
}
_CLOSE, _CLOSE_PASSAGE = 10, 0.5


class _Signal:
    """The signals of one candidate by their names."""

    def __init__(self, row: FloatArray) -> None:
        self._row = row

    def __getitem__(self, name: str) -> float:
        return float(self._row[COLUMN[name]])

    def count(self, name: str) -> int:
        """A count that was kept as a logarithm."""
        return round(float(np.expm1(self[name])))


def _way(signal: _Signal) -> str:
    return next((words for name, words in _WAYS.items() if signal[name]), "")


def _habit(signal: _Signal) -> str:
    meant, stand = signal.count("meant_it"), signal.count("phrase_links") + signal.count("phrase_plain")
    if not meant:
        return ""
    where = "the only other note" if stand == 1 else f"{meant} of {stand} other notes"
    return f"in {where} with these words they link there"


def _linked(signal: _Signal) -> str:
    linked, named = signal.count("linked_from"), signal.count("named_only")
    if not linked:
        return ""
    links = f"{_notes(linked)} link{'s' if linked == 1 else ''} to it"
    return f"{links}, and {named} more name it" if named > 1 and not signal["unnamed"] else links


def _neighbours(signal: _Signal) -> str:
    voters = round(20 * signal["neighbour_share"])
    return f"{voters} of the closest notes link to it" if voters > 1 else ""


def _near(signal: _Signal) -> str:
    if not signal["has_meaning"]:
        return ""
    if signal.count("cosine_rank") < _CLOSE:
        return "it is one of the closest notes in meaning"
    return "what stands here is close to it in meaning" if signal["this_passage"] >= _CLOSE_PASSAGE else ""


def _title(signal: _Signal) -> str:
    if signal["title_shared"] >= 0.3:
        return "the two titles have words in common"
    return "the words of its title stand in the note" if signal["unnamed"] and signal["title_covered"] >= 0.9 else ""


def _steps(signal: _Signal) -> str:
    return "notes that are linked with this one are linked with it" if signal["two_steps"] > 0.5 else ""


def _around(signal: _Signal) -> str:
    return "the lines around it are links" if signal["links_around"] >= 0.5 else ""


#: What is told, and the signals that decide how much it counts.
_TOLD: Mapping[Callable[[_Signal], str], tuple[str, ...]] = {
    _way: (*_WAYS, "share", "written_so", "words", "letters", "unnamed", "likely"),
    _habit: ("by_link_text", "phrase_linked", "phrase_links", "phrase_plain", "means_it", "meant_it", "likely_rank"),
    _linked: ("target_linked", "linked_from", "target_odds", "named_only"),
    _neighbours: ("neighbours", "neighbour_share"),
    _near: ("cosine", "cosine_rank", "cosine_above", "nearest_passage", "this_passage", "likely_here", "unnamed_near"),
    _title: ("title_covered", "title_said", "title_shared", "title_shared_said", "part_shared"),
    lambda signal: "it links here" if signal["links_back"] else "": ("links_back",),
    _steps: ("two_steps", "three_steps"),
    _around: ("links_around", "opens_item", "whole"),
}


def reasons(signals: FloatArray, shares: Doubles) -> tuple[str, ...]:
    """What speaks for a candidate, the strongest first. `shares` is what each signal adds to its score."""
    signal = _Signal(signals)
    told = []
    for words_for, names in _TOLD.items():
        if words := words_for(signal):
            told.append((sum(float(shares[COLUMN[name]]) for name in names), words))
    told.sort(key=lambda one: -one[0])
    return tuple(words for _, words in told[:_MOST])


def _notes(count: int) -> str:
    return "one note" if count == 1 else f"{count} notes"
