"""An answer as Markdown, for chat clients that know nothing of citations.

What comes from a note or a model is data: it is shown as it is written and does nothing. It cannot become a picture
that is fetched, a link, a tag of HTML, code that a plugin runs, or a list of sources that looks like ours.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from urllib.parse import unquote

from vaultbot.difference import Difference
from vaultbot.types import AskEvent, Citation, Hit, Sources, Spoken, Waiting
from vaultbot.vault.resolver import without_md

SOURCES = "**Sources**"
_CLOSEST = "**Closest notes**"

_WEAK = "Your notes may not answer this. The closest passage:"

# Of no width or turning the direction of what follows: they can hide words, or make them look like others.
_INVISIBLE = re.compile(
    r"[\x00-\x08\x0e-\x1f\x7f-\x9f\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\U000e0000-\U000e007f]"
)
_BLANKS = re.compile(r"\s+")
_ACTS = re.compile(
    r"""[\\`*\[\]<|$~]            # code, emphasis, links, HTML, tables, formulas
    | ^[#>+=-] | (?<=\s)\#        # headings, quotes, lists, tags
    | (?<=^\d)[.)] | (?<=^\d\d)[.)]
    | (?<![^\W_])_ | _(?![^\W_])   # emphasis: all but those within a word
    | %(?=%) | (?<=%)% | =(?==) | (?<==)=   # Obsidian's comments and highlights
    | &(?=\#?\w+;)
    | :(?=//) | (?<=\bwww)\. | (?<=\w)@(?=\w)   # addresses that a client makes links of
    """,
    re.VERBOSE | re.IGNORECASE,
)
# What a client that knows no wikilinks could take for something else within one.
_UNSAFE_IN_A_LINK = re.compile(r"[<>`$]|:/|javascript:|data:|%%", re.IGNORECASE)
_OWN_SOURCE = re.compile(
    r"^\d+\. (?:\[\[([^\[\]|\n]+)(?:\|[^\[\]\n]*)?\]\]|\[[^\[\]\n]*\]\(([^()\n]+)\))$", re.MULTILINE
)
_NOT_IN_A_WIKILINK = re.compile(r"[\[\]|#^\\]")


def escaped(text: str) -> str:
    """A note's or a model's words on one line of Markdown that shows them and does nothing else."""
    line = _BLANKS.sub(" ", _INVISIBLE.sub("", text)).strip()
    return _ACTS.sub(lambda found: "\\" + found[0], line)


def answer_parts(events: Iterator[AskEvent]) -> Iterator[tuple[str, AskEvent]]:
    """The Markdown of each event of an answer that has some; put together, it is the whole."""
    begun = False
    for event in events:
        if isinstance(event, Sources):
            lead = f"{_WEAK}\n\n" if event.match == "weak" else ""
            yield lead, event
        elif isinstance(event, Spoken):
            yield (" " if begun else "") + _sentence(event), event
            begun = True
        elif not isinstance(event, Waiting):
            parts = [] if begun else [escaped(event.answer)]
            parts += [_differing(difference) for difference in event.differences]
            parts += [_sources(event.citations)] if event.citations else []
            parts += [_closest(event.nearest)] if event.refused and event.nearest else []
            parts += [f"*Note: {escaped(warning)}*" for warning in event.warnings]
            yield "\n\n".join(["", *parts] if begun and parts else parts), event


def cited_titles(answer: str) -> tuple[str, ...]:
    """The titles of the notes that an answer of ours cited, the best first, when a client sends it back."""
    _, found, listed = answer.rpartition(f"{SOURCES}\n")
    targets = _OWN_SOURCE.findall(listed) if found else []
    names = [(wiki or unquote(link.partition("#")[0])).partition("#")[0].rpartition("/")[2] for wiki, link in targets]
    titles = [without_md(name) for name in names]
    return tuple(dict.fromkeys(title for title in titles if title))[:50]


def _sentence(spoken: Spoken) -> str:
    marks = "".join(f" [{n}]" for n in spoken.sentence.citations)
    remark = f" {escaped(spoken.remark)}" if spoken.remark else ""
    return f"{escaped(spoken.sentence.text)}{marks}{remark}"


def _differing(difference: Difference) -> str:
    """*Your notes differ: “3 May” [1], “5 May” [2], which is newer.*"""
    sides = [
        f"{f'“{escaped(words)}”' if words else 'without that'} [{n}]"
        for n, words in zip(difference.citations, difference.words, strict=True)
    ]
    newer = ", which is newer" if all(difference.dates) and difference.dates[0] != difference.dates[1] else ""
    return f"*Your notes differ: {sides[0]}, {sides[1]}{newer}.*"


def _sources(citations: Sequence[Citation]) -> str:
    return "\n".join([SOURCES, *(f"{one.n}. {_link(one.wikilink, one.path, one.title)}" for one in citations)])


def _closest(hits: Sequence[Hit]) -> str:
    return "\n".join([_CLOSEST, *(f"- {_link(one.wikilink, one.path, one.title)}" for one in hits)])


def _link(wikilink: str, path: str, title: str) -> str:
    """The link of a source; without its heading, or as mere words, where a name could play tricks."""
    link = _INVISIBLE.sub("", wikilink)
    if not _UNSAFE_IN_A_LINK.search(link):
        return link
    plain = f"[[{without_md(path)}|{title}]]"
    if _NOT_IN_A_WIKILINK.search(path + title) or _UNSAFE_IN_A_LINK.search(plain):
        return escaped(path)
    return plain
