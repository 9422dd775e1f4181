"""What a reasoning model thinks before it answers is no part of the answer: `<think> … </think>`."""

from __future__ import annotations

import re

_OPEN = re.compile(r"<(?:think|thinking|thought|reasoning|reflection)>|\[THINK\]", re.IGNORECASE)
_CLOSE = re.compile(r"</(?:think|thinking|thought|reasoning|reflection)>|\[/THINK\]", re.IGNORECASE)
_LONGEST_TAG = len("</reflection>")


class Thoughts:
    """Takes a text piece by piece and gives back what is said aloud."""

    def __init__(self) -> None:
        self._held = ""  #: may yet become a tag
        self.thinking = False
        self.closed = False  #: the last piece ended thoughts that nobody saw begin: all before it was thought

    def heard(self, piece: str) -> str:
        """What of the text so far is said aloud and was not given yet; a tag is waited for till it is whole."""
        text, said, self.closed = self._held + piece, "", False
        while True:
            tag = (_CLOSE if self.thinking else _OPEN).search(text)
            stray = None if self.thinking else _CLOSE.search(text)
            if stray is not None and (tag is None or stray.start() < tag.start()):
                text, said, self.closed = text[stray.end() :], "", True
            elif tag is not None:
                said += "" if self.thinking else text[: tag.start()]
                text, self.thinking = text[tag.end() :], not self.thinking
            else:
                break
        kept = _beginning_of_a_tag(text)
        self._held = text[len(text) - kept :]
        return said if self.thinking else said + text[: len(text) - kept]

    def rest(self) -> str:
        """What was held back, when there is no more to come."""
        held, self._held = self._held, ""
        return "" if self.thinking else held


def _beginning_of_a_tag(text: str) -> int:
    """How many characters at the end may be the beginning of one."""
    tail = text[-(_LONGEST_TAG - 1) :]
    at = max(tail.rfind("<"), tail.rfind("["))
    return len(tail) - at if at >= 0 and re.fullmatch(r"</?[a-z]*|\[/?T?H?I?N?K?", tail[at:], re.IGNORECASE) else 0
