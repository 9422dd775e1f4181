"""Files that try to make reading a vault slow, wrong or fatal; of any size, so that their cost can be measured.

Nobody writes them, save a fuzzer, a broken converter, a sync conflict or a stranger whose vault one opens.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import isqrt

_NESTED = 40_000


@dataclass(frozen=True, slots=True)
class Hostile:
    """A kind of file. What nests by indentation holds as many levels as fit."""

    name: str
    make: Callable[[int], bytes]  #: the file of about so many bytes
    extension: str = "md"

    @property
    def path(self) -> str:
        """A name for the file that every disk takes."""
        return f"{''.join(c if c.isalnum() else '-' for c in self.name)}.{self.extension}"


def corpus() -> Iterator[Hostile]:
    """All of them, each under a name of its own."""
    for unit in _UNITS:
        yield Hostile(f"over and over: {unit!r}", _again(unit))
    for name, make in (_MARKDOWN | _PROPERTIES | _ENCODINGS).items():
        yield Hostile(name, make)
    for name, make in _JSON.items():
        yield Hostile(f"canvas: {name}", make, "canvas")
    yield Hostile("drawing: many elements", _json_of({"type": "text", "text": "[[a]] ^b #c"}, "elements"), "excalidraw")
    yield Hostile("drawing: nothing but brackets", _again("["), "excalidraw")
    yield Hostile(
        "base: many views", _text(lambda size: "views:\n" + _fill("  - name: v\n    order: [a]\n", size)), "base"
    )
    yield Hostile("base: nested lists", _text(lambda size: "views: " + "[" * size), "base")


#: File names that a disk may hold, as bytes: no Unicode, odd, or not what they seem.
NAMES = (
    b"lone surrogate \xed\xa0\x80.md",
    b"latin-1 caf\xe9.md",
    b"cut \xf0\x9f\x9a.md",
    b"two\nlines.md",
    b"back\\slash.md",
    b"escape \x1b[31m.md",
    b" .md",
    b"#|^[[]]%%.md",
    b"x" * 250 + b".md",
    "e\u0301 and \u00e9.md".encode(),
    "\u202egnp.md".encode(),
    "\u00a0.md".encode(),
)


# ── how they are made ──────────────────────────────────────────────────────────────────────────────────────────


def _fill(unit: str, size: int) -> str:
    """The unit as often as it fits."""
    return unit * (size // len(unit.encode("utf-8", "surrogatepass")))


def _text(make: Callable[[int], str]) -> Callable[[int], bytes]:
    return lambda size: make(size).encode("utf-8", "surrogatepass")


def _again(unit: str) -> Callable[[int], bytes]:
    return _text(lambda size: _fill(unit, size))


def _growing(line: Callable[[int], str]) -> Callable[[int], bytes]:
    """Lines that get longer, as many as fit."""
    return _text(lambda size: "".join(map(line, range(isqrt(2 * size // len(line(1).rstrip("x\n")))))))


def _properties(make: Callable[[int], str]) -> Callable[[int], bytes]:
    return _text(lambda size: f"---\n{make(size)}\n---\n[[Only]]\n")


def _json_of(item: object, key: str = "nodes") -> Callable[[int], bytes]:
    """A canvas of one thing many times."""

    def make(size: int) -> bytes:
        one = json.dumps(item)
        return f'{{"{key}": [{",".join([one] * (size // (len(one) + 1)))}]}}'.encode()

    return make


# fmt: off
#: Every way of opening or closing something, and pairs of them that get into each other's way.
_UNITS = (
    "[[", "]]", "[", "]", "![[", "![](", "[[a|", "[[a#", "[](", "](", "[a](", "[a](b)", "[[a]]", "[x](<", '[x](a "',
    "[x](a(", "[^", "[^1]", "[^1]: x\n", "^[", "^a", "a ^b\n", "[[#[^a]]] ", "[[ %%%% ", "[[a\n", "[a]: b\n",
    "[[Sq]uare]] ", "`", "``", "`a``b", "$", "$$", "$1 ", "a$1", "\\", "\\$", "%", "%%", "%% ", "a%%b\n", "%% <!-- ",
    "<!--", "-->", "<!-- -->", "<", "<a ", "<a>", "</", "<a href='", "<div>\n", "</div>\n", "<script>\n", "<?",
    "<![CDATA[", "<http://", "&#", "&amp;", "&a", "*", "_", "**a", "*a _b ", "**a*", "_a*", "~", "~~", "=", "==",
    "==a", "#", "#a", "#a/", "a#b", "http://", "a://", "::", "a:: [[b]] ", "[a:: [[b]] ", "(a:: b) ", "a:: b\n", ":",
    "|", "\\|", "|a", "|a|\n", "|-", "|a|\n|-|\n", "-|-\n", "> ", ">", ">\n", "> > > \n", "> [!note] ", "> [!note]\n",
    "- ", "-", "- a\n", "-\n", "- [ ] ", "* ", "+ a\n\n", "1. ", "1. a\n", "1", "123456789. ", "\t", " ", "    a\n\n",
    "   x\n\n", "\n", "\r", "\r\n", "\r\r\n", "\n\r", "\f", "\v", "# ", "# a\n", "#\n", "###### a ######\n", "a\n=\n",
    "a\n-\n", "=\n", "---\n", "***\n", "```\n", "~~~\n", "```a\n", "```dataview\n", "a", "a ", "a. ", "a.", ".", "?!",
    "。", "量", "量。", "🚀", "e\u0301", "\u0301", "\u200d", "\u200b", "\ufeff", "\u202e", "\u00a0", "\ud800", "\ufffd",
    "\U000e0041", "\x1b[2J", "{{date}}", "<% a %>", "word [[a|b]] *c* `d` $e$ #f ==g== %%h%% <b>i</b>\n",
)
# fmt: on

_MARKDOWN = {
    "a thousand kinds of run of backticks": _growing(lambda n: "`" * n + " "),
    "fences that each need a longer one": _growing(lambda n: "`" * (n + 3) + "\n"),
    "headings of ever longer number signs": _growing(lambda n: "#" * n + "\n"),
    "quotes that go one deeper in every line": _growing(lambda n: "> " * n + "x\n"),
    "callouts that go one deeper in every line": _growing(lambda n: "> " * n + "[!note] x\n"),
    "lists that go one deeper in every line": _growing(lambda n: "  " * n + "- x\n"),
    "emphasis that goes one deeper in every word": _growing(lambda n: "*" * n + "x "),
    "brackets that close as they opened": _text(lambda size: "[" * (size // 2) + "]" * (size // 2)),
    "wikilinks that close as they opened": _text(lambda size: "[[" * (size // 4) + "]]" * (size // 4)),
    "parentheses in a destination": _text(lambda size: "[x](" + "(" * (size // 2) + ")" * (size // 2)),
    "stars that close as they opened": _text(lambda size: "*a " * (size // 6) + " a*" * (size // 6)),
    f"{_NESTED:,} quotes": _text(lambda size: _fill("> " * _NESTED + "[[Only]]\n", max(size, 2 * _NESTED + 9))),
    f"{_NESTED:,} list items": _text(lambda size: _fill("- " * _NESTED + "[[Only]]\n", max(size, 2 * _NESTED + 9))),
    f"{_NESTED:,} callouts": _text(lambda size: _fill("> [!a] " * _NESTED + "\n", max(size, 7 * _NESTED + 1))),
    f"{_NESTED:,} brackets": _text(lambda size: _fill("[" * _NESTED + "]" * _NESTED, max(size, 2 * _NESTED))),
    "a table as wide as the note": _text(lambda size: _wide_table(size // 8)),
    "a table that is one column short": _text(lambda size: "|a" * (size // 4) + "|\n" + "|-" * (size // 4 - 1) + "|\n"),
    "a table of very many rows": _text(lambda size: "|a|b|\n|-|-|\n" + _fill("|[[c\\|d]]|`|`|\n", size)),
    "one word": _again("abcdefghij"),
    "one line of words": _again("the quick brown fox "),
    "one sentence over many lines": _again("the quick brown fox\n"),
    "one line of characters": _again("記憶図書館言語季節"),
    "one line of links": _again("[[Only|this one]] and [that](Only.md#Heading) "),
    "one heading": _text(lambda size: "# " + _fill("very long ", size)),
    "a heading for every line": _text(lambda size: "".join(f"{'#' * (n % 6 + 1)} h{n}\n" for n in range(size // 10))),
    "the same two lines": _again("## Heading [[Only]] ^id\nText #tag\n"),
    "a comment that never ends": _text(lambda size: "%%\n" + _fill("[[Only]] #tag `a` $b$\n", size)),
    "comments that open in code": _again("`%%` %% `%%`\n\n"),
    "formulas that never end": _again("$$ a\n\n"),
    "line ends of every kind": _again("a\r\nb\rc\nd\n\r\r\n\ne\r"),
    "a drawing": _text(lambda size: "---\nexcalidraw-plugin: parsed\n---\n## Drawing\n```json\n" + "[" * size),
    "a board": _text(
        lambda size: "---\nkanban-plugin: board\n---\n" + _fill("## Lane\n**Complete**\n- [ ] [[a]]\n", size)
    ),
    "a long note": _again(
        "A sentence about [[Only]] and #tags that ends. " * 8 + "\n\n## Heading\n\n- item\n- item\n\n"
    ),
}

_PROPERTIES = {
    "properties that never end": _text(lambda size: "---\n" + _fill("a: b\n", size)),
    "properties: a bomb of anchors": _properties(
        lambda size: "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(f"b{n}: &b{n} [{'*a,' * 9}]\n" for n in range(size // 40))
    ),
    "properties: one anchor": _properties(lambda size: "a: &a " + "x" * size),
    "properties: merge keys": _properties(lambda size: "a: &a {b: c}\n" + _fill("<<: *a\n", size)),
    "properties: nested flow lists": _properties(lambda size: "a: " + "[" * size),
    "properties: nested flow maps": _properties(lambda size: "a: " + "{a: " * (size // 4)),
    "properties: closed flow lists": _properties(lambda size: "a: " + "[" * (size // 2) + "]" * (size // 2)),
    "properties: nested block lists": _properties(lambda size: "a:\n" + "- " * (size // 2) + "x"),
    "properties: nested block maps": _properties(
        lambda size: "".join(f"{' ' * n}a:\n" for n in range(isqrt(2 * size)))
    ),
    "properties: many keys": _properties(lambda size: "".join(f"key{n}: v\n" for n in range(size // 12))),
    "properties: one key again and again": _properties(lambda size: _fill("tags: a\n", size)),
    "properties: many tags": _properties(lambda size: "tags:\n" + _fill("  - tag\n", size)),
    "properties: many aliases": _properties(
        lambda size: "aliases: [" + ",".join(f"a{n}" for n in range(size // 7)) + "]"
    ),
    "properties: many links": _properties(lambda size: "up:\n" + _fill('  - "[[Only|a]]"\n', size)),
    "properties: a number without end": _properties(lambda size: "a: " + "9" * size),
    "properties: an exponent without end": _properties(lambda size: "a: 1e" + "9" * size),
    "properties: base sixty": _properties(lambda size: "a: " + _fill("1:", size) + "1"),
    "properties: an open quote": _properties(lambda size: 'a: "' + _fill("\\n x\n ", size)),
    "properties: a folded text": _properties(lambda size: "a: >\n" + _fill("  x\n\n", size)),
    "properties: tags of the language": _properties(
        lambda size: _fill("a: !!python/object/apply:os.system [b]\n", size)
    ),
    "properties: question marks": _properties(lambda size: _fill("? ", size)),
    "properties: comments": _properties(lambda size: _fill("# a\n", size)),
    "properties: blanks": _properties(lambda size: " " * size),
    "properties: tabs": _properties(lambda size: "a:\n" + _fill("\tb: c\n", size)),
    "properties: a line that is almost the last": _properties(lambda size: _fill("--- \u00a0\n", size)),
}


def _wide_table(columns: int) -> str:
    return "\n".join("|" + cell * columns for cell in ("a|", "-|", "[[b]]|"[:4], "c|"))


def _mixed(size: int) -> bytes:
    return "Ein schöner Satz über Käse.\n".encode("latin-1") * (size // 64) + "量子化 🚀\n".encode() * (size // 32)


_ENCODINGS: dict[str, Callable[[int], bytes]] = {
    "two encodings in one file": _mixed,
    "bytes that are no text": lambda size: bytes(range(128, 256)) * (size // 128),
    "one byte that is no text in every line": lambda size: b"a line of words \xff\n" * (size // 18),
    "surrogates written in UTF-8": lambda size: b"\xed\xa0\x80\xed\xb0\x80 a\n" * (size // 9),
    "overlong characters": lambda size: b"\xc0\xaf\xf0\x80\x80\xaf \n" * (size // 8),
    "a character that is cut off": lambda size: b"a" * size + "🚀".encode()[:3],
    "UTF-16": lambda size: _fill("[[量]] 🚀\n", size // 2).encode("utf-16"),
    "UTF-16 of an odd length": lambda size: b"\xff\xfe" + b"[\0[\0" * (size // 4) + b"\0",
    "UTF-16 of half pairs": lambda size: b"\xff\xfe" + b"\0\xd8a\0" * (size // 4),
    "UTF-32": lambda size: _fill("[[a]] 🚀\n", size // 4).encode("utf-32"),
    "a mark of UTF-16 before UTF-8": lambda size: b"\xfe\xff" + b"[[a]]\n" * (size // 6),
    "many byte order marks": lambda size: b"\xef\xbb\xbf" * (size // 3),
    "nothing but NUL": lambda size: b"\0" * size,
    "NUL behind the head": lambda size: b"words\n" * 2000 + b"\0 [[a]]\n" * (size // 8),
    "Shift JIS": lambda size: "量子化とは何か。\n".encode("cp932") * (size // 17),
}

_JSON = {
    "nothing but brackets": _again("["),
    "nested cards": _text(lambda size: '{"nodes":' * (size // 9)),
    "closed brackets": _text(lambda size: '{"nodes":' + "[" * (size // 2) + "]" * (size // 2) + "}"),
    "many text cards": _json_of({"id": "1", "type": "text", "text": "[[Only]] #tag ^id\n- a"}),
    "many file cards": _json_of({"id": "1", "type": "file", "file": "a\n]]|b.md", "subpath": "#a"}),
    "cards of the wrong type": _json_of({"id": [], "type": {}, "text": 1, "file": None}),
    "many arrows": _json_of({"fromNode": "1", "toNode": "2", "label": "a\nb"}, "edges"),
    "one huge card": lambda size: json.dumps({"nodes": [{"type": "text", "text": _fill("[[a]] $b ", size)}]}).encode(),
    "a number without end": _text(lambda size: '{"nodes": ' + "9" * size + "}"),
    "an open string": _text(lambda size: '{"nodes": "' + "a" * size),
    "surrogates": _text(lambda size: '{"nodes":[{"type":"text","text":"' + "\\ud800" * (size // 6) + '"}]}'),
}
