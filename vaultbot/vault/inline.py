"""Links, tags and masks inside a paragraph, in one pass from left to right.

Whatever opens first wins: a backtick inside `[[…]]` is part of the link, a `[[` inside backticks is code. Each
search for a closing mark is remembered, or ends at the next opening one: hostile text costs no more.
"""

from __future__ import annotations

import html
import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Collection, Sequence, Set
from typing import Literal

from vaultbot.types import Link, Mask, MaskKind, Tag
from vaultbot.vault.containers import footnote_key
from vaultbot.vault.html_tags import HTML_TAG, html_shown
from vaultbot.vault.reading import Mark, emphasis_marks
from vaultbot.vault.targets import Target, is_internal, markdown_target, read_destination, split_target

_TAG_NAME = re.compile(r"[^\u2000-\u206f\u2e00-\u2e7f\s'!\"#$%&()*+,.:;<=>?@^`{|}~\[\]\\]+")

_TOKEN = re.compile(r"[\\`$<\[\]#%&*_~=:]")
_AUTOLINK = re.compile(r"<[A-Za-z][A-Za-z0-9+.-]{1,31}:[^\s<>]*>")
_ENTITY = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
_FOOTNOTE = re.compile(r"\[\^([^\[\]\s]{1,64})\]")
_FOOTNOTE_SUBPATH = re.compile(r"#\[\^[^\[\]\s|]{1,64}\]$")
_URL = re.compile(r"://[^\s<>\[\]()|*`\"]+")
_MATH_END = re.compile(r"[^\s\\]\$(?![0-9])")
_IMAGE_SIZE = re.compile(r"\d{1,5}(?:x\d{1,5})?")
_PUNCTUATION = frozenset("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~")


class BacktickRuns:
    """The runs of backticks in a stretch of text, so that each finds its closing run without a search."""

    def __init__(self, text: str, start: int, end: int) -> None:
        self._starts: dict[int, list[int]] = {}
        for run in re.compile("`+").finditer(text, start, end):
            self._starts.setdefault(run.end() - run.start(), []).append(run.start())

    def closing(self, after: int, length: int) -> int | None:
        """Where the next run of exactly `length` backticks starts, at or behind `after`."""
        starts = self._starts.get(length, [])
        index = bisect_left(starts, after)
        return starts[index] if index < len(starts) else None


def clean_tag(name: str, *, trim: str = "/") -> str:
    """The tag's name without what does not count at its end, or "" when it is no tag: `#1984` is a number."""
    name = name.rstrip(trim)
    return "" if (name.isascii() and name.isdigit()) or not _TAG_NAME.fullmatch(name) else name


def whole_link(value: str) -> Link | None:
    """The link that makes up all of `value`, as property links do; offsets count from the stripped value."""
    value = value.strip()
    if not value.startswith("["):
        return None
    scanner = InlineScanner(value, [0])
    scanner.scan(0, len(value))
    return scanner.links[0] if len(scanner.links) == 1 and scanner.links[0].raw == value else None


class InlineScanner:
    """Collects what the paragraphs of one note hold; `scan` is called once for each paragraph, in order."""

    def __init__(
        self,
        text: str,
        line_starts: Sequence[int],
        quoted: Set[int] = frozenset(),
        footnotes: Collection[str] = (),
    ) -> None:
        """`quoted` holds the offsets that a quote's `>` makes the start of a line, `footnotes` the note's own."""
        self.links: list[Link] = []
        self.tags: list[Tag] = []
        self.masks: list[Mask] = []
        self.marks: list[Mark] = []
        self.footnotes: dict[str, int] = {}  # the line that refers to each first
        self._text = text
        self._footnotes = footnotes
        self._line_starts = line_starts
        self._quoted = quoted
        self._handlers: dict[str, Callable[[int], int]] = {
            "\\": self._escape,
            "`": self._code,
            "$": self._math,
            "<": self._angle,
            "[": self._open_bracket,
            "]": self._close_bracket,
            "#": self._tag,
            "%": self._comment,
            "&": self._entity,
            ":": self._url,
            "*": self._delimiter,
            "_": self._delimiter,
            "~": self._delimiter,
            "=": self._delimiter,
        }

    def scan(self, start: int, end: int, *, in_comment: bool = False, in_table: bool = False) -> None:
        """Read the paragraph text[start:end]."""
        text, search, handlers = self._text, _TOKEN.search, self._handlers
        token = search(text, start, end)
        if not token:
            return
        self._start, self._limit = start, end
        self._end = end  # nearer than the limit while inside an inline comment
        self._in_comment, self._in_table = in_comment, in_table
        self._run_start = start  # where the current stretch of plain text begins: a tag may stand there
        self._escaped = -1
        self._brackets: list[int] = []  # offsets of open "["; ~offset for "!["
        self._bracket_tags: dict[int, Tag] = {}
        self._last_link = -1
        self._delimiters: list[tuple[int, int]] = []
        self._backticks: BacktickRuns | None = None
        self._found: dict[str, int] = {}
        self._math_end = -1
        while True:
            if token:
                position = handlers[token.group()](token.start())
            elif self._end < self._limit:
                position = self._run_start = self._end + 2
                self._end, self._in_comment = self._limit, in_comment
            else:
                break
            token = search(text, position, self._end)
        if self._delimiters:
            self.marks += emphasis_marks(text, self._delimiters, start, end)

    # ── constructs; each returns where to read on ───────────────────────────────────────────────────────

    def _escape(self, at: int) -> int:
        if self._text.startswith(("\n", "\r\n"), at + 1) and at + 1 < self._end:  # a line break
            self.marks.append(Mark(at, at + 1))
        if at + 1 < self._end and self._text[at + 1] in _PUNCTUATION:
            if not (self._in_table and self._text[at + 1] == "|"):  # that one still parts no cells
                self.marks.append(Mark(at, at + 1))
            self._escaped = at + 1
            return at + 2
        return at + 1

    def _code(self, at: int) -> int:
        text, inner = self._text, at + 1
        while inner < self._end and text[inner] == "`":
            inner += 1
        if self._backticks is None:
            self._backticks = BacktickRuns(text, at, self._limit)
        close = self._backticks.closing(inner, inner - at)
        if close is None or close + inner - at > self._end:
            return inner
        end = close + inner - at
        pad = int(text[inner] == text[close - 1] == " " and close - inner > 2)
        self.marks += [Mark(at, inner + pad), Mark(close - pad, end)]
        return self._mask("code", at, end)

    def _math(self, at: int) -> int:
        text = self._text
        if text.startswith("$$", at):
            close = self._find("$$", at + 2)
            return self._mask("math", at, close + 2) if close + 2 <= self._end else at + 2
        if at + 2 >= self._end or text[at + 1].isspace():
            return at + 1
        if self._math_end < at + 3:
            found = _MATH_END.search(text, at + 1, self._limit)
            self._math_end = found.end() if found else self._limit + 1
        on_this_line = self._math_end <= min(self._end, self._find("\n", at))
        return self._mask("math", at, self._math_end) if on_this_line else at + 1

    def _angle(self, at: int) -> int:
        text = self._text
        if text.startswith("<!--", at):
            close = self._find("-->", at + 4)
            return self._mask("html-comment", at, close + 3) if close + 3 <= self._end else at + 4
        if tag := HTML_TAG.match(text, at, self._end):
            self.marks.append(Mark(at, tag.end(), html_shown(tag.group(1))))
            return self._mask("html", at, tag.end())
        if address := _AUTOLINK.match(text, at, self._end):
            self.marks += [Mark(at, at + 1), Mark(address.end() - 1, address.end())]
            return address.end()
        return at + 1

    def _comment(self, at: int) -> int:
        if not self._text.startswith("%%", at):
            return at + 1
        close = self._find("%%", at + 2)
        if close + 2 > self._limit:
            return at + 2
        self._mask("comment", at, close + 2)
        self._run_start = at + 2
        self._end, self._in_comment = close, True
        return at + 2

    def _entity(self, at: int) -> int:
        found = _ENTITY.match(self._text, at, self._end)
        if not found:
            return at + 1
        shown = html.unescape(found.group())
        self.marks.append(Mark(at, found.end(), " " if shown.isspace() or not shown else shown))
        return found.end()

    def _url(self, at: int) -> int:
        found = _URL.match(self._text, at, self._end)
        return at + len(found.group().rstrip("_=~.,;:!?'%")) if found else at + 1

    def _delimiter(self, at: int) -> int:
        text, end = self._text, at + 1
        while end < self._end and text[end] == text[at]:
            end += 1
        if text[at] in "*_" or end - at == 2:
            self._delimiters.append((at, end))
        return end

    def _tag(self, at: int) -> int:
        found = _TAG_NAME.match(self._text, at + 1, self._end)
        if not found:
            return at + 1
        before = self._text[at - 1] if at > self._start else "\n"
        name = clean_tag(found.group(), trim="/_" if before == "_" else "/")  # `_#tag_` is a tag in emphasis
        if not name:
            return at + 1
        end = at + 1 + len(name)
        tag = Tag(name, self._line(at), at, end, in_comment=self._in_comment)
        if self._at_tag_boundary(at, before):
            self.tags.append(tag)
            self._run_start = end + (self._text[end : end + 1] == "/")
            return self._run_start
        if before == "[" and self._brackets and self._brackets[-1] in (at - 1, ~(at - 1)):
            self._bracket_tags[at - 1] = tag  # a tag only if this turns out to be the text of a link
        return end

    def _at_tag_boundary(self, at: int, before: str) -> bool:
        return (
            before.isspace()
            or at == self._run_start
            or at in self._quoted
            or (before in "*_" and at - 1 != self._escaped)
            or self._text[at - 2 : at] in ("~~", "==")
            or (before == "|" and self._in_table)
        )

    # ── links ───────────────────────────────────────────────────────────────────────────────────────────

    def _open_bracket(self, at: int) -> int:
        text = self._text
        if text.startswith("[[", at):
            close = self._find("]]", at + 2)
            on_this_line = close + 2 <= min(self._end, self._find("\n", at))
            if on_this_line and text.find("[[", at + 1, close) < 0 and text[at + 2 : close].strip():
                # The footnote's own bracket comes first: [[Note#[^1]]]
                footnote = text.startswith("]]]", close) and _FOOTNOTE_SUBPATH.search(text, at, close + 1)
                return self._wikilink(at, close + bool(footnote))
        elif text.startswith("[^", at) and (note := _FOOTNOTE.match(text, at, self._end)):
            name = footnote_key(note.group(1))
            if name in self._footnotes:  # else a reader sees what was written, such as `[^a-z]`
                self.marks.append(Mark(at, note.end()))
                if not self._in_comment:
                    self.footnotes.setdefault(name, self._line(at))
                return note.end()
        self._brackets.append(~at if self._is_embed(at) else at)
        return at + 1

    def _wikilink(self, at: int, close: int) -> int:
        end = close + 2
        target, _, display = self._text[at + 2 : close].replace("\\|", "|").partition("|")
        target, display = target.strip(), display.strip()
        linkpath, subpath = split_target(target)
        embed = self._is_embed(at)
        start = at - embed
        self._run_start = end
        if not linkpath and not subpath:
            return end
        shown = display or " > ".join(part.strip() for part in target.split("#") if part.strip())
        self.marks.append(Mark(start, end, "" if embed else shown))
        if is_internal(target):
            size = embed and _IMAGE_SIZE.fullmatch(display)
            shown_as = display if display and not size else None
            self._add_link("wiki", start, end, Target(linkpath, subpath), shown_as, embed=embed)
        return end

    def _close_bracket(self, at: int) -> int:
        if not self._brackets:
            return at + 1
        opening = self._brackets.pop()
        image = opening < 0
        opening = ~opening if image else opening
        if not image and opening < self._last_link:
            return at + 1  # a link cannot hold another
        text, follows = self._text, self._text[at + 1 : at + 2] if at + 1 < self._end else ""
        if follows == "[":
            self._confirm_tag(opening)
        closed = follows == "(" and self._find(")", at + 2) < self._end
        found = read_destination(text, at + 2, self._end) if closed else None
        if not found:
            if opening > self._start and text[opening - 1] == "^" and self._escaped != opening - 1 and not image:
                self.marks.append(Mark(opening - 1, opening))  # an inline footnote, `^[its words]`
            return at + 1
        destination, end = found
        self._confirm_tag(opening)
        label = text[opening + 1 : at]
        start = opening - image
        shown_as = label
        if image and _IMAGE_SIZE.fullmatch(label.rpartition("|")[2]):
            shown_as = label.rpartition("|")[0]  # `![words|100](…)`: the size is no text
        self.marks += [Mark(start, opening + 1), Mark(opening + 1 + len(shown_as), end)]
        target = markdown_target(destination)
        if target and "\n" not in label:
            self._add_link("markdown", start, end, target, shown_as.strip() or None, embed=image)
        if not image:
            self._last_link = opening
        self._run_start = end
        return end

    def _confirm_tag(self, bracket: int) -> None:
        if tag := self._bracket_tags.pop(bracket, None):
            self.tags.append(tag)

    def _add_link(
        self,
        kind: Literal["wiki", "markdown"],
        start: int,
        end: int,
        target: Target,
        display: str | None,
        *,
        embed: bool,
    ) -> None:
        line = self._line(start)
        self.links.append(
            Link(
                kind,
                raw=self._text[start:end],
                linkpath=target.linkpath,
                subpath=target.subpath,
                display=display,
                start=start,
                end=end,
                line=line,
                col=start - self._line_starts[line - 1] + 1,
                embed=embed,
                in_comment=self._in_comment,
            )
        )

    # ── bookkeeping ─────────────────────────────────────────────────────────────────────────────────────

    def _find(self, mark: str, at: int) -> int:
        """Where the next `mark` starts at or behind `at`; the paragraph's end when there is none.

        Remembered, because a thousand openings may ask for the same end.
        """
        found = self._found.get(mark, -1)
        if found < at:
            found = self._text.find(mark, at, self._limit)
            self._found[mark] = found = found if found >= 0 else self._limit
        return found

    def _mask(self, kind: MaskKind, start: int, end: int) -> int:
        if not self._in_comment:
            self.masks.append(Mask(kind, start, end))
        self._run_start = end
        return end

    def _is_embed(self, at: int) -> bool:
        return at > self._start and self._text[at - 1] == "!" and self._escaped != at - 1

    def _line(self, at: int) -> int:
        return bisect_right(self._line_starts, at)
