"""Questions with known answers: a vault, and for each question the notes that should be found.

A set is a folder with `vault/` and `questions.jsonl`; bench/README.md describes the fields.
"""

from __future__ import annotations

import hashlib
import json
import random
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bench.vaults import note_files
from vaultbot.index.analyzer import STOP_WORDS

_LONG_WORD = re.compile(r"[a-z]{5,}", re.IGNORECASE)
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_FRONTMATTER = re.compile(r"\A---\n.*?^---\n", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Question:
    """A question and the notes that answer it, by their paths in the vault."""

    query: str
    relevant: tuple[str, ...]
    partial: tuple[str, ...] = ()  #: notes that answer a part of it, worth half
    exclude: tuple[str, ...] = ()  #: notes that are no answer and hold the question's very words
    answers: tuple[str, ...] = ()  #: what the answer may be, word for word
    passage: str = ""  #: the text that holds it


@dataclass(frozen=True, slots=True)
class QuestionSet:
    """A vault and its questions."""

    name: str
    vault: Path
    questions: tuple[Question, ...]


def load_set(folder: Path, *, most: int | None = None) -> QuestionSet:
    """Read a set; of more than `most` questions always the same ones. Exits with a reason when it is none."""
    vault, file = folder / "vault", folder / "questions.jsonl"
    if not vault.is_dir() or not file.is_file():
        raise SystemExit(f"{folder} is no set of questions: it needs vault/ and questions.jsonl, see bench/README.md")
    held = {path.relative_to(vault).as_posix() for path in note_files(vault)}
    questions = []
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
        if line.strip():
            try:
                questions.append(_question(json.loads(line), held))
            except ValueError as error:
                raise SystemExit(f"{file}, line {number}: {error}; mend it, see bench/README.md") from None
    if not questions:
        raise SystemExit(f"{file} holds no questions; write one as JSON in every line, see bench/README.md")
    if most is not None and len(questions) > most:
        taken = set(sorted(questions, key=_chance)[:most])
        questions = [question for question in questions if question in taken]
    return QuestionSet(folder.resolve().name, vault, tuple(questions))


def _question(value: Any, held: set[str]) -> Question:
    if not isinstance(value, dict) or not isinstance(value.get("query"), str) or not value["query"].strip():
        raise ValueError('a question is an object with "query" and "relevant"')
    lists: dict[str, tuple[str, ...]] = {}
    for name in ("relevant", "partial", "exclude", "answers"):
        items = value.get(name, [])
        if not isinstance(items, list) or not all(isinstance(item, str) for item in items):
            raise ValueError(f'"{name}" must be a list of texts')
        lists[name] = tuple(items)
    if not lists["relevant"]:
        raise ValueError('"relevant" names no note')
    for path in (*lists["relevant"], *lists["partial"]):
        if path not in held:
            raise ValueError(f"there is no note {path} in the vault")
    return Question(value["query"], passage=str(value.get("passage", "")), **lists)


def _chance(question: Question) -> bytes:
    return hashlib.sha256(question.query.encode("utf-8", "surrogatepass")).digest()


def with_long_notes(given: QuestionSet, folder: Path) -> QuestionSet:
    """The same questions to a vault, made in `folder`, in which all notes of a folder are one: the sections of a long
    note. Finding the note is easy there, and finding the place in it is not."""
    joined: dict[str, list[str]] = {}
    moved: dict[str, str] = {}
    for file in note_files(given.vault):
        path = file.relative_to(given.vault)
        name = path.parent.as_posix() if path.parent != Path() else path.stem
        moved[path.as_posix()] = f"{name}.md"
        body = _FRONTMATTER.sub("", file.read_text(encoding="utf-8", errors="replace")).strip()
        parts = joined.setdefault(name, [])
        parts.append(f"## Part {len(parts) + 1}\n\n{body}\n")
    for name, parts in joined.items():
        note = folder / f"{name}.md"
        note.parent.mkdir(parents=True, exist_ok=True)
        note.write_text("\n".join(parts), encoding="utf-8")

    def there(paths: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(moved.get(path, path) for path in paths))

    questions = (
        replace(one, relevant=there(one.relevant), partial=there(one.partial), exclude=there(one.exclude))
        for one in given.questions
    )
    return QuestionSet(f"{given.name}, long notes", folder, tuple(questions))


def with_typos(questions: tuple[Question, ...], *, seed: int = 13) -> Iterator[tuple[int, Question]]:
    """Each question that has a word of five letters or more besides stop words, with a slip in one such word, and its
    place among all."""
    rng = random.Random(seed)
    for place, question in enumerate(questions):
        words = [word for word in _LONG_WORD.finditer(question.query) if word.group().lower() not in STOP_WORDS]
        if words:
            word = rng.choice(words)
            slipped = _slip(rng, word.group())
            query = f"{question.query[: word.start()]}{slipped}{question.query[word.end() :]}"
            yield place, replace(question, query=query)


def _slip(rng: random.Random, word: str) -> str:
    """A letter dropped, doubled, wrong, or swapped with the next; never the first one, and never the same word."""
    slips: tuple[Callable[[int], str], ...] = (
        lambda at: word[:at] + word[at + 1 :],
        lambda at: word[:at] + word[at] + word[at:],
        lambda at: word[:at] + rng.choice(_LETTERS) + word[at + 1 :],
        lambda at: word[:at] + word[at + 1 : at + 2] + word[at] + word[at + 2 :],
    )
    while True:
        slipped = rng.choice(slips)(rng.randrange(1, len(word)))
        if slipped != word:
            return slipped
