"""A question's way to its answer.

    passages ─▶ sentences, weighed ─▶ gate ─▶ quotes, shown at once ─▶ model ─▶ each sentence checked ─▶ answer

The quotes are the answer's backbone: word for word from the notes. What a model adds is shown only sentence by
sentence, each after its check, with the citation of what supports it.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from vaultbot.answering.citations import Citations
from vaultbot.answering.enough import Enough
from vaultbot.answering.evidence import Evidence, Weigher
from vaultbot.answering.followup import Turn, stand_alone
from vaultbot.answering.gate import Verdict, judge, strength_of
from vaultbot.answering.grounding import supporting
from vaultbot.answering.places import Places
from vaultbot.answering.prompt import Prompt, build_prompt, tier_of
from vaultbot.answering.quotes import extract, opening, same_words
from vaultbot.answering.restater import Restater
from vaultbot.answering.rewriter import Rewriter
from vaultbot.config import ModelSettings, RetrievalSettings
from vaultbot.errors import InvalidRequest, ModelCrashed, ModelMissing, Unreachable
from vaultbot.index.sentences import sentence_spans
from vaultbot.protocols import ChatModel
from vaultbot.retrieval.filters import Options
from vaultbot.retrieval.hits import Found
from vaultbot.retrieval.query import MAX_QUESTION, Query, parse_question
from vaultbot.retrieval.retriever import Reading, Retriever
from vaultbot.types import Answer, AskEvent, Hit, Sentence, Sources, Spoken, Timings, TokenUsage

NOT_IN_YOUR_NOTES = "Not in your notes."

_NEAREST = 3
_QUOTE_FLOOR = 0.8  #: a quote must match by itself nearly as well as the notes as a whole
_FEW_NOTES = 20  #: as many as some days have
_MARK = re.compile(r"\s*\[\d+\](?:,)?")
_OPENING = re.compile(r"^(?:according to (?:the )?(?:notes?|\[\d+\]),?\s*)", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answerer:
    """Answers questions from the notes. Safe to use from several threads; the model serves one at a time."""

    retriever: Retriever
    weigher: Weigher
    vault_name: str
    retrieval: RetrievalSettings
    generation: ModelSettings
    prompts: Path | None  #: a folder with templates of one's own
    restater: Restater
    rewriter: Rewriter | None = None  #: gets other words for the question; None when the settings want none
    places: Places = field(default_factory=Places)

    def ask(
        self,
        question: str,
        *,
        model: ChatModel | None,
        options: Options | None = None,
        history: Sequence[Turn] = (),
        extractive: bool = False,
        cancel: threading.Event | None = None,
    ) -> Iterator[AskEvent]:
        """The events of an answer; the last is the whole `Answer`.

        Without a model the quotes are the answer. With `extractive` no model is asked, and more is quoted, in reading
        order. A question that leans on the turns of `history` before it is made to stand alone, and the notes are
        asked that. Setting `cancel` ends the generation soon.
        Raises InvalidRequest for what is no question. A model that fails leaves the quotes and a warning.
        """
        query = self.query(question, options, history=history)
        turns = (*history, Turn("user", question))
        asked = None if extractive else model
        cancel = cancel or threading.Event()
        return _Asking(self, turns, query, options, asked, cancel, extractive=extractive).events()

    def query(self, question: str, options: Options | None = None, *, history: Sequence[Turn] = ()) -> Query:
        """The question, standing alone, taken apart.

        Raises InvalidRequest when it is empty, endless or nothing but filters.
        """
        if question.strip() and len(question) <= MAX_QUESTION:
            question = stand_alone((*history, Turn("user", question)))
        return parse_question(question, today=self.retriever.today(), options=options)


@dataclass(frozen=True, slots=True)
class _Look:
    """What one reading of the question finds."""

    reading: Reading
    found: list[Found]
    evidence: list[Evidence]
    best: list[Evidence]  #: what could be quoted, best first
    verdict: Verdict  #: "none" where nothing can be quoted


class _Asking:
    """One question on its way."""

    def __init__(
        self,
        room: Answerer,
        turns: Sequence[Turn],
        query: Query,
        options: Options | None,
        model: ChatModel | None,
        cancel: threading.Event,
        *,
        extractive: bool,
    ) -> None:
        self._began = time.perf_counter()
        self._room = room
        self._turns = turns
        self._question = turns[-1].content
        self._options = options
        self._query = query
        self._model = model
        self._extractive = extractive
        self._enough = Enough(cancel)
        self._cancel = cancel
        self._citations = Citations(room.vault_name)
        self._sentences: list[Sentence] = []
        self._warnings: list[str] = []
        self._usage = TokenUsage()
        self._retrieve_ms = 0.0
        self._first_token_ms: float | None = None

    def events(self) -> Iterator[AskEvent]:
        nearest: tuple[Hit, ...] = ()
        self._understand()
        rewriter = self._room.rewriter
        wordings = rewriter.wordings(self._query, self._model, cancel=self._cancel) if rewriter and self._model else ()
        with self._room.weigher.snapshot():
            look = self._looked(wordings)
            if look.verdict.refused:
                nearest = self._room.retriever.hits(look.reading, limit=_NEAREST)
        verdict, self._query = look.verdict, look.reading.query
        self._retrieve_ms = self._elapsed()
        if verdict.refused:
            yield Sources("none", None)
            yield self._answer(verdict, nearest=nearest)
            return
        model = None if verdict.cautious else self._fitting_model()
        yield Sources(verdict.match, model.name if model else None)
        for one in extract(look.best) if self._extractive else opening(look.best):
            yield self._speak(one.text, one, support="quote")
        if model is not None:
            yield from self._checked(model, look)
        yield self._answer(verdict, model=model.name if model and self._model else None)

    def _understand(self) -> None:
        """Let the model say what a follow-up asks, and tell how it was understood."""
        understood = stand_alone(self._turns)
        restated = self._room.restater.restated(self._turns, self._model, cancel=self._cancel)
        if restated != understood:
            with suppress(InvalidRequest):  # The rule's own question holds in any case.
                self._query = parse_question(restated, today=self._room.retriever.today(), options=self._options)
                understood = restated
        if understood != self._question:
            self._warnings.append(f"understood as: {understood}")

    # ── the notes' part ────────────────────────────────────────────────────────────────────────────────────────

    def _looked(self, wordings: Sequence[str]) -> _Look:
        """The first reading of the question that the notes answer. Where none is, the likeliest one tells what came
        closest."""
        looks: list[_Look] = []
        for reading in self._room.retriever.readings(self._query, wordings=wordings):
            looks.append(self._look(reading))
            if not looks[-1].verdict.refused:
                break
        self._warnings += looks[-1].reading.warnings
        if trouble := self._room.retriever.trouble:
            self._warnings.append(trouble)
        return looks[0] if looks[-1].verdict.refused else looks[-1]

    def _look(self, reading: Reading) -> _Look:
        room, query = self._room, reading.query
        found = room.retriever.passages(reading, limit=room.retrieval.passages)
        evidence = room.weigher.evidence(query, found)
        verdict = judge(
            query,
            evidence,
            refuse_below=room.retrieval.refuse_below,
            caution_below=room.retrieval.caution_below,
            few_days=reading.notes is not None and len(reading.notes) <= _FEW_NOTES and query.is_dated,
        )
        floor = _QUOTE_FLOOR * room.retrieval.refuse_below
        best = sorted((e for e in evidence if e.quotable and strength_of(query, e) >= floor), key=lambda e: -e.score)
        return _Look(reading, found, evidence, best, verdict if best else Verdict("none", verdict.strength))

    # ── the model's part ───────────────────────────────────────────────────────────────────────────────────────

    def _fitting_model(self) -> ChatModel | None:
        model = self._model
        if model is not None and not self._query.latin and tier_of(model).reads_only_latin:
            return None  # A model of this size says nothing useful in other scripts.
        return model

    def _checked(self, model: ChatModel, look: _Look) -> Iterator[AskEvent]:
        tier = tier_of(model)
        try:
            prompt = build_prompt(
                model,
                self._query,
                best=look.best,
                evidence=look.evidence,
                found=look.found,
                max_tokens=self._room.generation.max_tokens,
                folder=self._room.prompts,
                places=self._room.places,
            )
            for text in self._generated(model, prompt):
                clean = _cleaned(text)
                if not clean or any(same_words(clean, said.text) for said in self._sentences):
                    continue
                source = supporting(clean, self._query, look.evidence, weigher=self._room.weigher, best=tier.trusted)
                if source is not None:
                    yield self._speak(clean, source, support="supported")
                elif self._room.generation.show_unsupported:
                    self._sentences.append(Sentence(clean, (), "unsupported"))
                    yield Spoken(self._sentences[-1], ())
        except (ModelMissing, ModelCrashed, Unreachable) as error:
            self._model = None if self._first_token_ms is None else model
            self._warnings.append(str(error))

    def _generated(self, model: ChatModel, prompt: Prompt) -> Iterator[str]:
        """Complete sentences of the model, as soon as each is complete."""
        written, given, count = "", 0, 0
        stream = model.stream(prompt.messages, max_tokens=prompt.max_tokens, prefix=prompt.prefix, cancel=self._enough)
        try:
            for piece in stream:
                if piece.usage is not None:
                    self._usage = piece.usage
                if piece.text and self._first_token_ms is None:
                    self._first_token_ms = self._elapsed()
                written += piece.text
                done = piece.usage is not None
                spans = sentence_spans(written[given:])
                # Cut off by the limit or in a circle, the last one is no sentence.
                whole = done and not piece.circled and self._usage.completion < prompt.max_tokens
                for start, end in spans if whole else spans[:-1]:
                    if not self._enough.is_set():
                        yield written[given + start : given + end]
                        count += 1
                    if prompt.sentences is not None and count >= prompt.sentences:
                        self._enough.set()  # The stream ends now, and still tells its usage.
                if not done and len(spans) > 1:
                    given += spans[-1][0]
        finally:
            close: Callable[[], None] | None = getattr(stream, "close", None)
            if close:
                close()

    # ── the answer's parts ─────────────────────────────────────────────────────────────────────────────────────

    def _speak(self, text: str, source: Evidence, *, support: str) -> Spoken:
        citation, new = self._citations.cite(source)
        sentence = Sentence(text, (citation.n,), "quote" if support == "quote" else "supported")
        self._sentences.append(sentence)
        return Spoken(sentence, (citation,) if new else ())

    def _answer(self, verdict: Verdict, *, model: str | None = None, nearest: tuple[Hit, ...] = ()) -> Answer:
        return Answer(
            question=self._question,
            answer=answer_text(self._sentences) if self._sentences else NOT_IN_YOUR_NOTES,
            sentences=tuple(self._sentences),
            citations=self._citations.all(),
            grounded=bool(self._sentences) and all(s.support != "unsupported" for s in self._sentences),
            refused=verdict.refused,
            model=model,
            timings_ms=Timings(round(self._retrieve_ms, 1), self._first_token_ms, round(self._elapsed(), 1)),
            tokens=self._usage,
            match=verdict.match,
            nearest=nearest,
            warnings=tuple(self._warnings),
        )

    def _elapsed(self) -> float:
        return round((time.perf_counter() - self._began) * 1000, 1)


def answer_text(sentences: Sequence[Sentence]) -> str:
    """The sentences with their citations: "Quantization stores weights with fewer bits. [1]"."""
    return " ".join(s.text + "".join(f" [{n}]" for n in s.citations) for s in sentences)


def _cleaned(text: str) -> str:
    """Without the numbers the model wrote: which source supports a sentence is for us to say."""
    text = _MARK.sub("", _OPENING.sub("", text.strip())).strip().lstrip(",;: ")
    return text[:1].upper() + text[1:]
