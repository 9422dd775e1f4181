"""A conversation as a note: questions as headings, answers with their quotes and links to where these stand."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

#: What Obsidian, its plugins or an HTML view would act on. Words of a note are shown here and do nothing.
_ACTIVE = re.compile(r"[\\`*_\[\]<>$~=%|#^{}]")


def transcript(turns: Sequence[tuple[str, Mapping[str, Any]]], *, day: date) -> str:
    """The Markdown of a conversation; each turn is a question and its answer as the API gives it."""
    parts = [f"---\ncreated: {day.isoformat()}\n---\n"]
    for question, answer in turns:
        parts.append(f"## {escaped(' '.join(question.split()))}\n")
        parts += [f"{part}\n" for part in _answer(answer)]
    return "\n".join(parts)


def _answer(answer: Mapping[str, Any]) -> list[str]:
    if not answer["sentences"]:
        nearest = [f"- {hit['wikilink']}" for hit in answer["nearest"]]
        return [escaped(answer["answer"]), *(["The closest notes:\n\n" + "\n".join(nearest)] if nearest else [])]
    citations = {citation["n"]: citation for citation in answer["citations"]}
    parts = []
    for sentence in answer["sentences"]:
        places = " ".join(citations[n]["wikilink"] for n in sentence["citations"])
        text = escaped(sentence["text"])
        if sentence["support"] == "quote":
            parts.append("\n".join(f"> {line}" for line in text.split("\n")) + f"\n> — {places}")
        elif sentence["support"] == "supported":
            parts.append(f"{text} ({places})")
        else:
            parts.append(f"{text} *(not found in the notes)*")
    for one in answer["differences"]:
        sides = [f"“{escaped(words)}”" if words else "without that" for words in one["words"]]
        links = [citations[n]["wikilink"] for n in one["citations"]]
        parts.append(f"The notes differ: {sides[0]} in {links[0]}, {sides[1]} in {links[1]}.")
    return parts


def escaped(text: str) -> str:
    """A text in which nothing is markup."""
    text = _ACTIVE.sub(lambda found: f"\\{found.group()}", text)
    return re.sub(r"^(\s*)([-+>]|\d+(?=[.)]))", _not_at_the_start, text, flags=re.MULTILINE)


def _not_at_the_start(found: re.Match[str]) -> str:
    blanks, mark = found.groups()
    return f"{blanks}{mark}\u200b" if mark.isdigit() else f"{blanks}\\{mark}"
