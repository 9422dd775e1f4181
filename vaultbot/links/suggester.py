"""Suggestions of links for a note: words that could link, and related notes that no words name; the likeliest first."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from vaultbot.links.features import Candidates
from vaultbot.links.groundwork import Groundwork
from vaultbot.links.names import By
from vaultbot.links.places import Usage, place_for
from vaultbot.links.ranker import Doubles, Ranker
from vaultbot.links.reading import Reading
from vaultbot.links.reasons import reasons
from vaultbot.links.survey import entries_of
from vaultbot.links.view import Page, suggestion_id
from vaultbot.suggestion import Replacement, Suggestion

MOST = 30  #: suggestions of one note
_LEAST = 0.005  #: what is less likely is not worth a line


class Suggester:
    """Suggests links in the notes of one vault, as it was when the groundwork was laid. To be used within a snapshot.

    The page that is asked about is read as it is now. Safe to use from several threads.
    """

    def __init__(self, ground: Groundwork, ranker: Ranker) -> None:
        self._ground = ground
        self._ranker = ranker
        self._usage: Usage = ground.usage

    def suggest(self, page: Page, *, limit: int = MOST) -> list[Suggestion]:
        """The links that the note could have, the likeliest first; none where its owner wants none."""
        if not page.wants or limit < 1:
            return []
        reading = self._ground.read(page)
        stems, title_stems = self._ground.stems(page.path)
        found = self._ground.signals.of(
            reading,
            np.zeros(len(reading.links), bool),
            self._ground.vectors(page.path),
            stems=stems,
            title_stems=title_stems,
            surveyed=reading.note in self._ground.survey.by_note,
        )
        if not len(found.targets):
            return []
        scores = self._ranker.scores(page.path, found.signals)
        return _first(self._suggestions(page, reading, found, scores), limit)

    def _suggestions(self, page: Page, reading: Reading, found: Candidates, scores: Doubles) -> Iterator[Suggestion]:
        shares = self._ranker.shares(page.path, found.signals)
        rows = page.table_rows()
        told: set[int] = set()
        for place in np.argsort(-scores, kind="stable").tolist():
            score = float(scores[place])
            if score < _LEAST:
                return
            if place in told:
                continue
            why = reasons(found.signals[place], shares[place])
            others = self._of_the_same_name(found, scores, place)
            if found.open[place]:
                one = self._mention(page, reading, found, place, score, why, others, rows)
            else:
                one = self._related(page, found, place, score, why)
                others = []
            if one is not None:
                told.update(others)
                yield one

    def _of_the_same_name(self, found: Candidates, scores: Doubles, place: int) -> list[int]:
        """Other notes that the very same words name wholly, the likeliest first."""
        form = int(found.form[place])
        if form < 0:
            return []
        names = self._ground.names
        entries, _ = entries_of(names, np.array([form], np.int32))
        whole = names.notes[entries[names.by[entries] <= int(By.ALIAS)]]
        if int(found.targets[place]) not in whole:
            return []
        same = np.flatnonzero((found.form == form) & np.isin(found.targets, whole))
        return [other for other in same[np.argsort(-scores[same], kind="stable")].tolist() if other != place]

    def _mention(
        self,
        page: Page,
        reading: Reading,
        found: Candidates,
        place: int,
        score: float,
        why: tuple[str, ...],
        others: list[int],
        table_rows: frozenset[int],
    ) -> Suggestion | None:
        target = self._ground.paths[int(found.targets[place])]
        start, end = reading.in_file(int(found.start[place]), int(found.end[place]))
        words = page.note.text[start:end]
        line, col, around = page.place(start, end)
        link = self._ground.view.writer.link(target, page.path, display=words, table=line in table_rows)
        if link is None:
            return None
        return Suggestion(
            id=suggestion_id("mention", page.path, target, words),
            kind="mention",
            note=page.path,
            target=target,
            text=words,
            edit=Replacement(start, end, link),
            score=round(score, 4),
            reasons=why,
            line=line,
            col=col,
            context=around,
            sha256=page.sha256,
            alternatives=tuple(self._ground.paths[int(found.targets[other])] for other in others),
        )

    def _related(
        self, page: Page, found: Candidates, place: int, score: float, why: tuple[str, ...]
    ) -> Suggestion | None:
        target = self._ground.paths[int(found.targets[place])]
        link = self._ground.view.writer.link(target, page.path)
        edit = place_for(page.note, link, self._usage) if link else None
        if link is None or edit is None:
            return None
        line, col, around = page.place(edit.start, edit.end)
        return Suggestion(
            id=suggestion_id("semantic", page.path, target, ""),
            kind="semantic",
            note=page.path,
            target=target,
            text=link,
            edit=edit,
            score=round(score, 4),
            reasons=why,
            line=line,
            col=col,
            context=around,
            sha256=page.sha256,
        )


def _first(found: Iterator[Suggestion], limit: int) -> list[Suggestion]:
    return [one for one, _ in zip(found, range(limit), strict=False)]
