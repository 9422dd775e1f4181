"""A question's way to its answer.

    passages ─▶ sentences, weighed ─▶ gate ─▶ quotes, shown at once ─▶ model ─▶ each sentence checked ─▶ answer

The quotes are the answer's backbone: word for word from the notes. What a model adds is shown only sentence by
sentence, each after its check, with the citation of what supports it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from vaultbot.answering.citations import Citations, answer_text
from vaultbot.answering.differing import differing
from vaultbot.answering.enough import Enough
from vaultbot.answering.evidence import Evidence, Weigher
from vaultbot.answering.followup import Turn, stand_alone
from vaultbot.answering.gate import Verdict, judge, strength_of
from vaultbot.answering.grounding import supporting
from vaultbot.answering.language import language_of_question, other_script
from vaultbot.answering.places import Places
from vaultbot.answering.prompt import Prompt, build_prompt, labels_of, tier_of
from vaultbot.answering.quotes import extract, opening, same_words
from vaultbot.answering.restater import Restater
from vaultbot.answering.rewriter import Rewriter
from vaultbot.answering.statements import Statements, says_no
from vaultbot.answering.templates import load_refusal
from vaultbot.answering.titles import Namer
from vaultbot.config import AnswerSettings, ModelSettings, RetrievalSettings
from vaultbot.difference import Difference
from vaultbot.errors import InvalidRequest, ModelCrashed, ModelMissing, Unreachable
from vaultbot.protocols import ChatModel
from vaultbot.retrieval.filters import Options
from vaultbot.retrieval.hits import Found
from vaultbot.retrieval.query import MAX_QUESTION, Query, parse_question
from vaultbot.retrieval.retriever import Reading, Retriever
from vaultbot.types import Answer, AskEvent, Hit, Sentence, Sources, Spoken, Timings, TokenUsage, Waiting

_NEAREST = 3
_QUOTE_FLOOR = 0.8  #: a quote must match by itself nearly as well as the notes as a whole
_FEW_NOTES = 20  #: as many as some days have


@dataclass(frozen=True, slots=True, kw_only=True)
class Answerer:
    """Answers questions from the notes. Safe to use from several threads; the model serves one at a time."""

    retriever: Retriever
    weigher: Weigher
    vault_name: str
    retrieval: RetrievalSettings
    generation: ModelSettings
    shown: AnswerSettings
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

    def title(self, turns: Sequence[Turn], model: ChatModel | None) -> str:
        """A short title for a conversation, by the model if it can, else by rule."""
        return Namer(prompts=self.prompts).title(turns, model)

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
        self._language = language_of_question(self._question)
        self._refusal = load_refusal(folder=room.prompts)
        self._disowned = False  #: the model said that the sources do not answer
        self._enough = Enough(cancel)
        self._cancel = cancel
        self._citations = Citations(room.vault_name)
        self._sentences: list[Sentence] = []
        self._warnings: list[str] = []
        self._differences: list[Difference] = []
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
        quoted = extract(look.best) if self._extractive else opening(look.best)
        for one in quoted:
            yield self._speak(one.text, one, support="quote")
        yield from self._differing(quoted, look)
        if model is not None:
            yield from self._checked(model, look)
        if self._disowned:
            verdict = Verdict("weak", verdict.strength)
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
        looks = self._looks(self._query, wordings)
        if looks[-1].verdict.refused and (look := self._as_a_follow_up()):
            return look
        self._warnings += looks[-1].reading.warnings
        if trouble := self._room.retriever.trouble:
            self._warnings.append(trouble)
        return looks[0] if looks[-1].verdict.refused else looks[-1]

    def _looks(self, query: Query, wordings: Sequence[str] = ()) -> list[_Look]:
        looks: list[_Look] = []
        for reading in self._room.retriever.readings(query, wordings=wordings):
            looks.append(self._look(reading))
            if not looks[-1].verdict.refused:
                break
        return looks

    def _as_a_follow_up(self) -> _Look | None:
        """What is found for a question that no rule takes for a follow-up and that finds nothing by itself.

        It is only a guess, so whatever is found is shown with caution.
        """
        guessed = stand_alone(self._turns, surely=True)
        if guessed in (self._question, stand_alone(self._turns)):
            return None
        with suppress(InvalidRequest):
            look = self._looks(parse_question(guessed, today=self._room.retriever.today(), options=self._options))[-1]
            if not look.verdict.refused:
                self._warnings += (f"understood as: {guessed}", *look.reading.warnings)
                return replace(look, verdict=Verdict("weak", look.verdict.strength))
        return None

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

    def _differing(self, quoted: Sequence[Evidence], look: _Look) -> Iterator[AskEvent]:
        """Quote what other notes say to the contrary, too."""
        for found in differing(self._query, quoted, look.best, weigher=self._room.weigher):
            days = [self._room.weigher.day_of(one.path) for one in found.both]
            if any(same_words(found.both[1].text, said.text) for said in self._sentences):
                citation, _ = self._citations.cite(found.both[1])
            else:
                yield (spoken := self._speak(found.both[1].text, found.both[1], support="quote"))
                citation = self._citations.all()[spoken.sentence.citations[0] - 1]
            first, _ = self._citations.cite(found.both[0])
            sides = [(first.n, found.words[0], days[0]), (citation.n, found.words[1], days[1])]
            if days[0] and days[1] and days[0] > days[1]:
                sides.reverse()
            (n, words, day), (other_n, other_words, other_day) = sides
            self._differences.append(Difference(found.kind, (n, other_n), (words, other_words), (day, other_day)))

    # ── the model's part ───────────────────────────────────────────────────────────────────────────────────────

    def _fitting_model(self) -> ChatModel | None:
        model = self._model
        if model is not None and not self._query.latin and tier_of(model).reads_only_latin:
            return None  # A model of this size says nothing useful in other scripts.
        return model

    def _checked(self, model: ChatModel, look: _Look) -> Iterator[AskEvent]:
        tier, shown = tier_of(model), self._room.shown.unsupported
        statements = Statements(labels=labels_of(look.found))
        heard: list[str] = []
        try:
            prompt = build_prompt(
                model,
                self._query,
                told=self._told(),
                best=look.best,
                evidence=look.evidence,
                found=look.found,
                max_tokens=self._room.generation.max_tokens,
                folder=self._room.prompts,
                places=self._room.places,
            )
            for text in self._generated(model, prompt, statements):
                if isinstance(text, Waiting):
                    yield text
                    continue
                if says_no(text, self._refusal.words.values()):
                    self._disowned = not any(said.support == "supported" for said in self._sentences)
                    continue
                heard.append(text)
                if any(same_words(text, said.text) for said in self._sentences):
                    continue
                source = supporting(
                    text,
                    self._query,
                    look.evidence,
                    weigher=self._room.weigher,
                    best=tier.trusted,
                    skipping=tier.skips,
                )
                if source is not None:
                    self._disowned = False
                    yield self._speak(text, source, support="supported")
                elif shown != "drop":
                    self._sentences.append(Sentence(text, (), "unsupported"))
                    yield Spoken(self._sentences[-1], (), self._remark())
        except (ModelMissing, ModelCrashed, Unreachable) as error:
            self._model = None if self._first_token_ms is None else model
            self._warnings.append(str(error))
        self._warnings += self._about(model, statements, heard)

    def _about(self, model: ChatModel, statements: Statements, heard: Sequence[str]) -> list[str]:
        """What is odd in what the model said."""
        if statements.thought and not heard and not self._disowned and not self._cancel.is_set():
            tokens = self._usage.completion
            return [f"{model.name} thought aloud for {tokens} tokens and came to no answer; raise [model] max_tokens"]
        said = " ".join(heard)
        if other_script(said, self._query.text) and not any(
            same_words(said, one.text) for one in self._sentences if one.support == "quote"
        ):
            return [f"{model.name} did not answer in {self._language}"]
        return [f"{model.name} found no answer in these passages"] if self._disowned else []

    def _told(self) -> dict[str, str]:
        """What fills a template's placeholders besides the question."""
        today = self._room.retriever.today().isoformat()
        return {"date": today, "vault": self._room.vault_name, "language": self._language}

    def _remark(self) -> str:
        if self._room.shown.unsupported == "keep":
            return ""
        return f"({self._refused(()).strip()})"

    def _refused(self, nearest: Sequence[Hit]) -> str:
        sources = ", ".join(hit.wikilink for hit in nearest)
        return self._refusal.text(question=self._question, sources=sources, **self._told())

    def _generated(self, model: ChatModel, prompt: Prompt, statements: Statements) -> Iterator[str | Waiting]:
        """What the model says, statement by statement, as soon as each is complete; before, how long it is not free."""
        count = 0
        stream = model.stream(prompt.messages, max_tokens=prompt.max_tokens, prefix=prompt.prefix, cancel=self._enough)
        try:
            for piece in stream:
                if piece.before is not None:
                    yield Waiting(piece.before)
                    continue
                if piece.usage is not None:
                    self._usage = piece.usage
                if piece.text and self._first_token_ms is None:
                    self._first_token_ms = self._elapsed()
                found = statements.heard(piece.text)
                # Cut off by the limit or in a circle, the last one is no sentence.
                if piece.usage is not None and not piece.circled and piece.usage.completion < prompt.max_tokens:
                    found += statements.rest()
                for text in found:
                    if not self._enough.is_set():
                        yield text
                        count += 1
                    if prompt.sentences is not None and count >= prompt.sentences:
                        self._enough.set()  # The stream ends now, and still tells its usage.
                if statements.over:
                    self._enough.set()
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
            answer=answer_text(self._sentences, remark=self._remark()) if self._sentences else self._refused(nearest),
            sentences=tuple(self._sentences),
            citations=self._citations.all(),
            grounded=bool(self._sentences) and all(s.support != "unsupported" for s in self._sentences),
            refused=verdict.refused,
            model=model,
            timings_ms=Timings(round(self._retrieve_ms, 1), self._first_token_ms, round(self._elapsed(), 1)),
            tokens=self._usage,
            match=verdict.match,
            nearest=nearest,
            differences=tuple(self._differences),
            warnings=tuple(self._warnings),
        )

    def _elapsed(self) -> float:
        return round((time.perf_counter() - self._began) * 1000, 1)
