"""Large vaults out of a small one: its notes, then as many more as are wanted, put together from its paragraphs.

Vectors for these are put together as well, out of those of the paragraphs, with some noise: they lie where real ones
would, and a hundred thousand notes cost no more embedding than the small vault.
"""

from __future__ import annotations

import hashlib
import random
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench.vaults import note_files
from bench.wrapped import WrappedEmbedder
from vaultbot.config import Config
from vaultbot.index.chunker import chunk_note
from vaultbot.protocols import Embedder, FloatArray
from vaultbot.vault.documents import parse_document

_FRONTMATTER = re.compile(r"\A---\n.*?^---\n", re.DOTALL | re.MULTILINE)
_FENCE = re.compile(r"^\s*(?:```|~~~)")
#: Length of the noise against the vector's own: two copies of a paragraph have a cosine of about .92.
_NOISE = 0.3
_FROM_ELSEWHERE = 0.5  #: of a note's paragraphs


@dataclass(frozen=True, slots=True)
class _Source:
    path: Path  #: in its vault
    text: str
    frontmatter: str
    blocks: Sequence[str]


class Paragraphs:
    """The notes that larger vaults are made of: so many of `vault` that they have `distinct` passages and cards."""

    def __init__(self, vault: Path, embedder: Embedder, *, distinct: int) -> None:
        self._embedder = embedder
        self._sources: list[_Source] = []
        texts: dict[str, None] = {}
        files = note_files(vault)
        random.Random(1).shuffle(files)
        for file in files:
            if len(texts) >= distinct:
                break
            source = _source(file, file.relative_to(vault))
            note = parse_document(source.path.as_posix(), source.text)
            self._sources.append(source)
            chunks = chunk_note(note, max_tokens=Config().index.chunk_tokens, count_tokens=embedder.count_tokens)
            texts.update(dict.fromkeys(chunk.embedded_text for chunk in chunks))
        if not self._sources:
            raise SystemExit(f"there are no notes in {vault}; give the folder that you open in Obsidian")
        self.texts = list(texts)

    @property
    def notes(self) -> int:
        """How many notes there are."""
        return len(self._sources)

    def write(self, folder: Path, *, notes: int) -> None:
        """Make a vault of so many notes, the same every time; a larger one begins like a smaller one."""
        rng = random.Random(2)
        (folder / ".obsidian").mkdir(parents=True)
        for number in range(notes):
            source = self._sources[number % len(self._sources)]
            copy = number // len(self._sources)
            file = folder / source.path
            if copy:
                # Thousands of files in one folder are nobody's vault.
                file = file.parent / f"{copy // 10}" / f"{file.stem} {copy}.md"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(self._recombined(rng, source) if copy else source.text, encoding="utf-8")

    def _recombined(self, rng: random.Random, source: _Source) -> str:
        blocks = [
            rng.choice(rng.choice(self._sources).blocks) if rng.random() < _FROM_ELSEWHERE else block
            for block in source.blocks
        ]
        return source.frontmatter + "\n\n".join(blocks) + "\n"

    def vectors(self) -> Mapping[str, FloatArray]:
        """For every line of a text that is embedded, the vector of that text."""
        vectors: dict[str, FloatArray] = {}
        for start in range(0, len(self.texts), 64):
            part = self.texts[start : start + 64]
            for text, vector in zip(part, self._embedder.embed_documents(part), strict=True):
                for line in _lines(text):
                    vectors.setdefault(line, vector)
        return vectors


def _source(file: Path, path: Path) -> _Source:
    text = file.read_text(encoding="utf-8", errors="replace")
    frontmatter = _FRONTMATTER.match(text)
    start = frontmatter.end() if frontmatter else 0
    return _Source(path, text, text[:start], list(_blocks(text[start:])) or [""])


def _blocks(body: str) -> Iterator[str]:
    """What stands between blank lines; code is one block."""
    held: list[str] = []
    in_code = False
    for line in [*body.splitlines(), ""]:
        if _FENCE.match(line):
            in_code = not in_code
        if line.strip() or in_code:
            held.append(line)
        elif held:
            yield "\n".join(held)
            held = []
    if held:
        yield "\n".join([*held, "```"])  # Left open, it would swallow what it is put before.


class NearbyVectors(WrappedEmbedder):
    """An `Embedder` for recombined notes: a text's vector is the mean of its lines' vectors, and noise.

    Questions, and texts without a known line, are embedded by the real one.
    """

    def __init__(self, embedder: Embedder, vectors: Mapping[str, FloatArray]) -> None:
        super().__init__(embedder)
        self._vectors = vectors

    def embed_documents(self, texts: Sequence[str]) -> FloatArray:
        """(len(texts), dimensions) unit vectors."""
        return np.stack([self._nearby(text) for text in texts]) if texts else np.zeros((0, self.dimensions), np.float32)

    def _nearby(self, text: str) -> FloatArray:
        known = [(len(line), self._vectors[line]) for line in _lines(text) if line in self._vectors]
        if not known:
            real: FloatArray = self.embedder.embed_documents([text])[0]
            return real
        mean = np.sum([length * vector for length, vector in known], axis=0)
        digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()
        noise = np.random.default_rng(int.from_bytes(digest)).standard_normal(self.dimensions)
        near = mean / np.linalg.norm(mean) + _NOISE * noise / np.linalg.norm(noise)
        return np.asarray(near / np.linalg.norm(near), np.float32)


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]
