"""A small vault as people have them, and what people and programs do to it, always the same for a seed."""

from __future__ import annotations

import json
import os
import random
from pathlib import Path

_WORDS = "harbour ledger theorem orchard violin glacier notebook lantern vaccine sonata beehive estuary tariff".split()
_JAPANESE = "記憶 台所 図書館 言語 季節 散歩 設計 論文".split()
_FOLDERS = ("", "Plants", "Notes/Deep", "日本語")
_WHEN = 1_700_000_000


def make_vault(root: Path, rng: random.Random, *, notes: int = 14) -> None:
    """Fill the empty folder: notes that link to each other, a canvas, a picture, and a note that is hardly one."""
    (root / ".obsidian").mkdir(parents=True)
    for number in range(notes):
        _write(root / rng.choice(_FOLDERS) / f"Note {number}.md", _note(rng, number))
    _write(root / "Board.canvas", json.dumps({"nodes": [{"id": "1", "type": "text", "text": "[[Note 1]] harbour"}]}))
    _write(root / "Broken.md", "---\ntags: [a\n---\n" + _sentence(rng))
    (root / "picture.png").write_bytes(b"\x89PNG\r\n" + rng.randbytes(99))
    (root / "gone.md").symlink_to("nowhere")


def change(root: Path, rng: random.Random) -> str:
    """Do something to the vault; what."""
    files = notes_of(root)
    what = rng.choice(_CHANGES) if len(files) > 4 else "write"
    file = rng.choice(files) if files else root / "First.md"
    fresh = rng.randrange(10**9)
    if what == "write":
        _write(root / rng.choice(_FOLDERS) / f"New {fresh}.md", _note(rng, fresh), when=None)
    elif what == "rewrite":
        _write(file, _note(rng, fresh), when=None)
    elif what == "append":
        _write(file, file.read_text(encoding="utf-8") + f"\n{_sentence(rng)}\n", when=None)
    elif what == "save as editors do":
        temporary = file.with_name(f".{file.name}.tmp")
        _write(temporary, _note(rng, fresh), when=None)
        temporary.replace(file)
    elif what == "delete and write anew":
        text = file.read_text(encoding="utf-8")
        file.unlink()
        _write(file, text, when=None)
    elif what == "rename":
        file.rename(file.with_name(f"Renamed {fresh}.md"))
    elif what == "swap":
        other, aside = rng.choice(files), file.with_name("aside")
        file.rename(aside)
        if other != file:
            other.rename(file)
        aside.rename(other)
    elif what == "rename a folder":
        folders = [entry for entry in root.iterdir() if entry.is_dir() and entry.name != ".obsidian"]
        if folders:
            rng.choice(folders).rename(root / f"Folder {fresh}")
    elif what == "touch":
        os.utime(file, (_WHEN + fresh % 1000, _WHEN))
    elif what == "same size and time":
        info, text = file.stat(), file.read_text(encoding="utf-8")
        file.write_text(text[::-1], encoding="utf-8")
        os.utime(file, ns=(info.st_atime_ns, info.st_mtime_ns))
    else:
        file.unlink()
    return what


_CHANGES = (
    "write", "write", "rewrite", "rewrite", "append", "append", "save as editors do", "delete and write anew", "rename",
    "swap", "rename a folder", "touch", "same size and time", "delete",
)  # fmt: skip


def notes_of(root: Path) -> list[Path]:
    """Its notes, in order."""
    return sorted(path for path in root.rglob("*.md") if path.is_file())


def _note(rng: random.Random, number: int) -> str:
    parts = [f"# Topic {number}"]
    if rng.random() < 0.4:
        parts.insert(0, f"---\naliases: [a{number}]\ntags: [t{number % 5}]\n---")
    parts += [_sentence(rng) for _ in range(rng.randint(1, 3))]
    if rng.random() < 0.3:
        parts += ["## More", _sentence(rng)]
    return "\n\n".join(parts) + "\n"


def _sentence(rng: random.Random) -> str:
    words = rng.sample(_JAPANESE if rng.random() < 0.2 else _WORDS, 5)
    return f"On day {rng.randrange(10**6)} the {' '.join(words)} of [[Note {rng.randrange(20)}]] #t{rng.randrange(9)}."


def _write(file: Path, text: str, *, when: int | None = _WHEN) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    if when is not None:
        os.utime(file, (when, when))
