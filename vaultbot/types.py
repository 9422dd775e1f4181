"""The nouns of vaultbot, as frozen values.

Offsets count Unicode code points in `Note.text`; lines and columns count from 1; paths are relative to the vault and
always use "/". What Obsidian means by each noun is described in docs/glossary.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from vaultbot.difference import Difference

JsonValue: TypeAlias = "bool | int | float | str | list[JsonValue] | dict[str, JsonValue] | None"

# ── on disk ────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class FileStamp:
    """What the file system says of a file without reading it: equal stamps mean an unchanged file."""

    size: int  #: bytes
    mtime_ns: int
    ctime_ns: int
    ino: int


#: Problems that keep a part of a note out of the index.
DAMAGES = ("frontmatter", "encoding", "truncated", "canvas", "base", "excalidraw", "pdf", "embedding")


@dataclass(frozen=True, slots=True)
class Problem:
    """Something a person may want to mend; vaultbot went on without it."""

    slug: str  #: "frontmatter", "encoding", "truncated", "binary", "unreadable", "symlink", …
    message: str
    line: int | None = None


MaskKind = Literal["frontmatter", "code", "math", "html", "html-comment", "comment", "query"]


@dataclass(frozen=True, slots=True)
class Mask:
    """A stretch of a note that is not ordinary prose.

    Links and tags do not count in any of them, save in "comment" (`%%…%%`), where Obsidian does count them.
    """

    kind: MaskKind
    start: int
    end: int
    lang: str = ""  #: a fenced block's language, lower case


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading of a note and the section it opens."""

    level: int  #: 1 to 6
    text: str  #: as a reader sees it: "Why it works"
    path: tuple[str, ...]  #: with its parents: ("Quantization", "Why it works")
    line: int
    start: int  #: of the heading line
    end: int  #: end of the heading line, newline excluded
    written: tuple[str, ...] = ()  #: the path as the file has it, which is what a link must name: "See [[A|b]]"


LinkKind = Literal["wiki", "markdown", "property"]


@dataclass(frozen=True, slots=True)
class Link:
    """A link as written; where it leads is the resolver's to say.

    `[[Note#Heading|shown]]` has linkpath "Note", subpath "#Heading" and display "shown". A property link
    (`is: "[[Note]]"`) also has the key it stands under, which is the type of the edge.
    """

    kind: LinkKind
    raw: str  #: exactly as in the file: text[start:end] == raw
    linkpath: str  #: "" means this very note
    subpath: str  #: "#Heading", "#A#B", "#^block" or ""
    display: str | None
    start: int
    end: int
    line: int
    col: int
    embed: bool = False  #: a transclusion: ![[…]]
    key: str | None = None  #: the property's name, as written: "is"
    key_path: str | None = None  #: "is" or, in a list, "is.0"
    in_comment: bool = False
    nested: bool = False  #: deep in a property, where Obsidian sees no link: key_path "is.name.0"


@dataclass(frozen=True, slots=True)
class Tag:
    """A tag as written, without "#": "ml/compression"."""

    name: str
    line: int
    start: int
    end: int
    in_frontmatter: bool = False
    in_comment: bool = False


@dataclass(frozen=True, slots=True)
class BlockId:
    """A `^id` that a link can point at."""

    name: str
    line: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Note:
    """One note, read as Obsidian reads it; or another document of the vault with its words put as in one."""

    path: str  #: vault-relative, always with "/"
    title: str  #: the file's name without its extension; never the first heading
    text: str  #: decoded, BOM removed, line ends as in the file
    body_start: int  #: offset of the first character after the frontmatter
    body_line: int  #: its line
    properties: Mapping[str, JsonValue] = field(default_factory=dict)
    aliases: tuple[str, ...] = ()
    tags: tuple[Tag, ...] = ()
    headings: tuple[Heading, ...] = ()
    links: tuple[Link, ...] = ()
    blocks: tuple[BlockId, ...] = ()
    masks: tuple[Mask, ...] = ()  #: ordered, not overlapping
    visible: tuple[str, ...] = ()  #: line by line, what a reader sees; "" for hidden lines. visible[0] is line 1
    rows: Mapping[int, str] = field(default_factory=dict)  #: table rows by line: "Name: Ann; Age: 3"
    #: First and last line of each footnote, by the line that is the first to refer to it.
    footnotes: Mapping[int, tuple[tuple[int, int], ...]] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()

    @property
    def folder(self) -> str:
        """The folder's path, "" for the vault's root."""
        return self.path.rpartition("/")[0]


# ── in the index ───────────────────────────────────────────────────────────────────────────────────────────────

ChunkView = Literal["card", "passage"]


@dataclass(frozen=True, slots=True)
class Chunk:
    """A passage of one note: small enough to embed, long enough to quote.

    The "card" of a note is a chunk too: its title, aliases, headings and first lines, which is what a topical question
    should find. A card is never quoted.
    """

    note: str  #: the note's path
    view: ChunkView
    ordinal: int  #: place among the note's chunks of this view, from 0
    heading_path: tuple[str, ...]  #: where the passage starts; empty above the first heading
    start_line: int
    end_line: int  #: inclusive
    text: str  #: what a reader sees, one line per line of the note
    context: str  #: title and headings put before the text when it is embedded
    indexed: str = ""  #: what is searched in place of the text, with more to find it by; "" where they are the same

    @property
    def embedded_text(self) -> str:
        """What the embedder gets; its hash is the key of the stored vector."""
        return "\n".join(part for part in (self.context, self.indexed or self.text) if part)


@dataclass(frozen=True, slots=True)
class Skipped:
    """A file that was left out or failed, and why."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class IndexReport:
    """What one run of the indexer did."""

    added: int = 0
    changed: int = 0
    renamed: int = 0
    removed: int = 0
    unchanged: int = 0
    skipped: tuple[Skipped, ...] = ()
    failed: tuple[Skipped, ...] = ()
    damaged: tuple[Skipped, ...] = ()  #: notes that were read in this run, but not wholly: broken YAML, cut off, …
    embedded: int = 0  #: texts that went through the embedder
    notes: int = 0  #: notes in the index afterwards
    chunks: int = 0
    took_s: float = 0.0
    warnings: tuple[str, ...] = ()

    @property
    def touched(self) -> bool:
        """Whether the index differs from before the run."""
        return bool(self.added or self.changed or self.renamed or self.removed)


IndexStage = Literal["scan", "words", "index", "vectors", "prepare"]


@dataclass(frozen=True, slots=True)
class IndexProgress:
    """How far a run of the indexer has come, for a progress bar."""

    stage: IndexStage
    done: int
    total: int
    notes_per_s: float
    left_s: float | None  #: None until it can be told


# ── found ──────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Hit:
    """A passage that answers a search, best first."""

    path: str
    title: str
    heading_path: tuple[str, ...]
    line_start: int  #: of the passage
    line_end: int
    line: int  #: the line that matches best, which the heading path, wikilink and uri are of
    text: str  #: the passage as a reader sees it
    score: float  #: 0 to 1, comparable within one search only
    wikilink: str
    uri: str
    matched: tuple[str, ...] = ()  #: the words of the question as they stand in the text
    explained: Mapping[str, Any] | None = None  #: on demand: what speaks for it (docs/retrieval.md)
    copies: tuple[str, ...] = ()  #: paths of notes with the same text, which are no hits of their own


@dataclass(frozen=True, slots=True)
class SearchResult:
    """The answer to one search."""

    query: str
    hits: tuple[Hit, ...]
    took_ms: float
    warnings: tuple[str, ...] = ()
    left_out: tuple[Skipped, ...] = ()  #: on demand: notes that are no hits, and why


# ── answered ───────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Citation:
    """Where a statement comes from: one record for terminal, API and plugin."""

    n: int  #: from 1
    path: str
    title: str
    heading_path: tuple[str, ...]
    line_start: int
    line_end: int
    quote: str  #: word for word what a reader of the note sees there
    wikilink: str  #: "[[path#H1#H2|title › H2]]"
    uri: str  #: "obsidian://open?vault=…&file=…%23Heading"


Support = Literal["quote", "supported", "unsupported"]


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence of an answer and what it stands on.

    "quote": word for word from the cited note. "supported": the model's words, checked against the cited note.
    "unsupported": the model's words, not found in the notes (only shown when the settings want that).
    """

    text: str
    citations: tuple[int, ...]
    support: Support


Match = Literal["strong", "good", "weak", "none"]


@dataclass(frozen=True, slots=True)
class Timings:
    """Milliseconds from the question's arrival."""

    retrieve: float = 0.0
    first_token: float | None = None  #: the model's first token; None when no model was asked
    total: float = 0.0


@dataclass(frozen=True, slots=True)
class TokenUsage:
    """Tokens of one generation; `cached` of the prompt's tokens needed no work."""

    prompt: int = 0
    cached: int = 0
    completion: int = 0


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer, every sentence of which carries its sources."""

    question: str
    answer: str
    sentences: tuple[Sentence, ...]
    citations: tuple[Citation, ...]
    grounded: bool  #: every sentence is a quote or supported by its citation
    refused: bool  #: nothing relevant was found, and the model was not asked
    model: str | None
    timings_ms: Timings
    tokens: TokenUsage
    match: Match = "none"
    nearest: tuple[Hit, ...] = ()  #: with a refusal: the notes that came closest
    differences: tuple[Difference, ...] = ()  #: where the notes say two things
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Sources:
    """The first event of a streamed answer: how well the notes match."""

    match: Match
    model: str | None  #: the model that is going to be asked; None when quotes are the answer


@dataclass(frozen=True, slots=True)
class Spoken:
    """An event of a streamed answer: a sentence, and the citations it is the first to use."""

    sentence: Sentence
    citations: tuple[Citation, ...]
    remark: str = ""  #: to be shown behind it: "(Not in your notes.)"


@dataclass(frozen=True, slots=True)
class Waiting:
    """An event of a streamed answer: the model answers others first."""

    before: int  #: questions; 0 when it begins with this one


AskEvent: TypeAlias = Sources | Spoken | Waiting | Answer  #: Sources first, Spoken for every sentence, Answer last


# ── suggested ──────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Suggestion:
    """Words in a note that could link to another note. Nothing is written until a person accepts it."""

    kind: Literal["mention"]
    note: str
    target: str  #: path of the note to link to
    text: str  #: the words as they stand in the note
    replacement: str  #: "[[Quantization|quantization]]"
    line: int
    col: int
    start: int
    end: int
    matched: str  #: the title or alias that was found
    by: Literal["title", "alias"]
    context: str  #: the line around it
    alternatives: tuple[str, ...] = ()  #: other notes of that name


# ── reported ───────────────────────────────────────────────────────────────────────────────────────────────────

DaemonState = Literal["starting", "indexing", "ready", "vault-missing", "degraded", "stopping"]
