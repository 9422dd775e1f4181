"""Hooks of mkdocs: the site also has the pages that lie beside docs/, and its links lead there."""

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).parent.parent

#: Where a file of the project is on the site. The README is its first page, so docs/index.md has another name there.
_PLACES = {
    "README.md": "index.md",
    "docs/index.md": "index-of-notes.md",
    "CHANGELOG.md": "CHANGELOG.md",
    "CONTRIBUTING.md": "CONTRIBUTING.md",
    "SECURITY.md": "SECURITY.md",
    "bench/README.md": "bench.md",
    "config.example.toml": "config.example.toml",
}
_SOURCES = {place: source for source, place in _PLACES.items()}
_LINK = re.compile(r"(?P<label>!?\[[^\[\]]*\])\((?P<target>[^()\s]+)\)")


def on_files(files: Files, config: Any) -> Files:
    """Add the pages from elsewhere."""
    if (ours := files.get_file_from_path("index.md")) is not None:
        files.remove(ours)
    for source, place in _PLACES.items():
        files.append(File.generated(config, place, content=(ROOT / source).read_text(encoding="utf-8")))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """The page with links that are right on the site; of a link to a file that is not on it, the words stay."""
    name = page.file.src_uri
    source = _SOURCES.get(name, f"docs/{name}")

    def moved(link: re.Match[str]) -> str:
        target, hash_mark, anchor = link["target"].partition("#")
        if not target or "://" in target:
            return link[0]
        wanted = posixpath.normpath(posixpath.join(posixpath.dirname(source), target))
        place = _PLACES.get(wanted, wanted.removeprefix("docs/") if wanted.startswith("docs/") else None)
        return f"{link['label']}({place}{hash_mark}{anchor})" if place else link["label"].strip("![]")

    return _LINK.sub(moved, markdown)
