"""What a model says, statement by statement, as soon as each is complete.

A model writes prose, lists, tables, headings and code, thinks aloud, lists made-up sources and plays both sides of a
conversation. A statement is a sentence, a list item, a table row or a whole block of code, without markup and without
citations of the model's own.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

from vaultbot.answering.marks import without_marks
from vaultbot.answering.quotes import same_words
from vaultbot.answering.thinking import Thoughts
from vaultbot.index.sentences import sentence_spans

_FENCE = re.compile(r"\s{0,3}(?:```|~~~)")
_QUOTED = re.compile(r"(?:\s{0,3}>\s?)+")
_ROW = re.compile(r"\s*\|(.*)\|\s*")
_MARKUP_ALONE = re.compile(r"\s*(?:#{1,6}\s.*|[-*_=~]{3,}|(?=[^-]*-)[|:\s-]+|\*\*[^*]{1,80}:?\*\*:?)\s*")
#: The list of sources that a model puts at the end, and all behind it.
_SOURCES = re.compile(
    r"\s*(?:[-*#>]+\s*)?[*_]{0,2}(?:sources?|references?|citations?|bibliography|notes? used|works cited|"
    r"further reading|出典|参考(?:文献|資料|资料)?|參考(?:文獻|資料)?|情報源|引用元?|来源|來源|资料来源|資料來源)"
    r"\s*[*_]{0,2}\s*(?:[:：]|$)",
    re.IGNORECASE,
)
#: Another speaks: the model goes on with the conversation by itself, or repeats the prompt.
_OTHERS = re.compile(
    r"\s*[*_#]{0,4}\s*(?:(?:user|human|question|q|system|notes|質問|问题|問題|用户)\s*[*_]{0,2}\s*[:：]"
    r"|<\|[a-z_]{1,20}\|>|\[/?INST\]|</s>|###\s*(?:instruction|input|user|question))",
    re.IGNORECASE,
)
_ITSELF = re.compile(
    r"\s*[*_]{0,2}(?:assistant|answer|response|a|ai|final answer|回答|答え|答案|答)\s*[*_]{0,2}\s*[:：]\s*[*_]{0,2}\s*",
    re.IGNORECASE,
)

_SAYS_NO = re.compile(
    r"\bnot in (?:your|the|my|these) notes\b"
    r"|\b(?:notes?|sources?|context|passages?)\b.{0,20}\b(?:do|does|did)(?: not|n['’]t) "
    r"(?:say|mention|contain|answer|provide|specify|include|give|state|address)"
    r"|(?:ノート|資料|メモ)に(?:は|も)?.{0,30}(?:ありません|いません|ない)|(?:笔记|筆記|资料|資料)(?:中|里|裡)?(?:并|並)?(?:没有|沒有|未)",
    re.IGNORECASE,
)


class Statements:
    """Cuts what is heard of a model into statements. `labels` are the names of the sources it has."""

    def __init__(self, *, labels: Collection[str] = ()) -> None:
        self._labels = labels
        self._thoughts = Thoughts()
        self._left = ""  #: heard, and not given yet
        self._begins = True  #: what is left begins a line
        self._code: list[str] | None = None  #: lines of a block of code that has begun
        self._began = False  #: something was said
        self.thought = False  #: it thought aloud
        self.over = False  #: what follows is no part of the answer

    def heard(self, piece: str) -> list[str]:
        """The statements that this piece completes."""
        said = self._thoughts.heard(piece)
        self.thought = self.thought or self._thoughts.thinking or self._thoughts.closed
        if self._thoughts.closed:
            self._left, self._begins, self._code = "", True, None
        self._left += said
        found: list[str] = []
        while "\n" in self._left and not self.over:
            line, _, self._left = self._left.partition("\n")
            found += self._of_line(line)
            self._begins = True
        if not self.over and self._code is None:
            found += self._of_unfinished_line()
        return found

    def rest(self) -> list[str]:
        """The statement that the end of the text completes; to be called when the model came to an end by itself."""
        self._left += self._thoughts.rest()
        if self.over:
            return []
        found = self._of_line(self._left)
        self._left = ""
        return found + ([_block(self._code)] if self._code else [])

    def _of_line(self, line: str) -> list[str]:
        if self._begins and _FENCE.match(line):
            block, self._code = self._code, [] if self._code is None else None
            return [_block(block)] if block else []
        if self._code is not None:
            self._code.append(line)
            return []
        if self._begins:
            line = _QUOTED.sub("", line, count=1) if _QUOTED.match(line) else line
            if not self._began and line.strip():
                line = _ITSELF.sub("", line, count=1) if _ITSELF.match(line) else line
            if _SOURCES.match(line) or _OTHERS.match(line):
                self.over = True
                return []
            if row := _ROW.fullmatch(line):
                return self._cleaned([] if _MARKUP_ALONE.fullmatch(line) else [_cells(row[1])])
            if _MARKUP_ALONE.fullmatch(line):
                return []
        return self._cleaned([line[start:end] for start, end in sentence_spans(line)])

    def _of_unfinished_line(self) -> list[str]:
        """All sentences but the last, which may go on; none where the line may yet turn out to be no prose."""
        if self._begins and (
            self._left.lstrip()[:1] in ("|", "#", ">", "`", "~")
            or _SOURCES.match(self._left)
            or _OTHERS.match(self._left)
        ):
            return []
        spans = sentence_spans(self._left)
        if len(spans) < 2:
            return []
        done, self._left = self._left[: spans[-1][0]], self._left[spans[-1][0] :]
        found = self._of_line(done)
        self._begins = False
        return found

    def _cleaned(self, sentences: list[str]) -> list[str]:
        clean = [text for text in (without_marks(one, labels=self._labels) for one in sentences) if text]
        self._began = self._began or bool(clean)
        return clean


def _cells(row: str) -> str:
    return " | ".join(cell.strip() for cell in row.split("|"))


def _block(lines: list[str]) -> str:
    return "\n".join(lines).strip("\n")


def says_no(text: str, refusals: Iterable[str]) -> bool:
    """Whether a model's sentence says that the notes do not answer."""
    return _SAYS_NO.search(text) is not None or any(same_words(text, words) for words in refusals)
