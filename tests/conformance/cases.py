"""The conformance cases as values, and the one vault they are read in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

import yaml

_HERE = Path(__file__).parent

#: How surely we know that Obsidian does so; README.md tells what each means.
Mark = Literal["documented", "observed", "measured", "third-party", "inferred"]
MARKS: Sequence[Mark] = get_args(Mark)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One statement about how a vault is read. What is None is not checked."""

    subject: str  #: the file it stands in
    id: str  #: unique within its subject
    shows: str
    mark: Mark
    row: int | None = None  #: in the table of edge cases, which numbers them from 1 to 85
    departs: str | None = None  #: what Obsidian does instead, where vaultbot means to differ
    pending: str | None = None  #: why it fails as yet
    files: Mapping[str, str] = field(default_factory=dict)  #: on top of the fixture
    source: str = "Note.md"
    text: str | None = None  #: of the source

    links: Sequence[Any] | None = None  #: path, None for unresolved, or a mapping; all links in order
    tags: Sequence[str] | None = None
    tag_counts: Mapping[str, int] | None = None
    covered_by: Mapping[str, bool] | None = None  #: whether a search for this tag finds the note
    aliases: Sequence[str] | None = None
    properties: Mapping[str, Any] | None = None
    title: str | None = None
    headings: Sequence[str] | None = None  #: "## Alpha"
    sections: Mapping[str, Sequence[int]] | None = None  #: first and last line
    blocks: Sequence[str] | None = None
    block_lines: Mapping[str, Sequence[int]] | None = None
    problems: Sequence[str] | None = None  #: their slugs
    visible: str | None = None  #: what a reader sees; blank lines at the end do not count
    hides: Sequence[str] | None = None  #: what a reader does not see
    masks: Sequence[str] | None = None  #: "code: `x`"

    notes: Sequence[str] | None = None  #: are read and searched
    left_out: Sequence[str] | None = None  #: are link targets, but not searched
    unsearched: Mapping[str, str] | None = None  #: all that is read for its links only, and why
    attachments: Sequence[str] | None = None
    absent: Sequence[str] | None = None  #: do not belong to the vault

    date: str | None = None  #: the day that the source is about; "" for none
    daily_names: Mapping[str, bool] | None = None  #: whether a link names a day

    open: Mapping[str, Any] | None = None  #: vault, path, headings
    uri: str | None = None
    write: Mapping[str, str] | None = None  #: target, and the link that leads to it

    @property
    def name(self) -> str:
        """As it stands in the test's id: "07-resolution-case-of-a-name"."""
        row = f"{self.row:02}-" if self.row else ""
        return f"{row}{self.subject}-{self.id}"


def load_cases() -> list[Case]:
    """Every case of every file. Raises TypeError for a key that no case has."""
    return [
        Case(subject=path.stem, **entry)
        for path in sorted((_HERE / "cases").glob("*.yaml"))
        for entry in yaml.safe_load(path.read_text(encoding="utf-8"))
    ]


def fixture() -> dict[str, str]:
    """The vault's files: path -> text."""
    files: dict[str, str] = yaml.safe_load((_HERE / "fixture.yaml").read_text(encoding="utf-8"))
    return files


def write_vault(root: Path, files: Mapping[str, str]) -> None:
    """Make the vault on disk, byte for byte."""
    for path, text in files.items():
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text.encode())


def as_vault_files(case: Case) -> Iterator[tuple[str, str]]:
    """The fixture with the case's own files and its source: what to open in Obsidian."""
    yield from {**fixture(), **case.files, **({case.source: case.text} if case.text is not None else {})}.items()
