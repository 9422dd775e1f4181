"""The words that people read in a terminal. Colours and links only where there is a terminal to show them."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from vaultbot.doctor.check import counted

_SNIPPET = 320  #: characters
_CONTROLS = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\U000e0000-\U000e007f]"
)


def print_json(value: Any) -> None:
    """One JSON value on standard output."""
    print(json.dumps(value, ensure_ascii=sys.stdout.encoding.lower() != "utf-8", indent=2))


# ── styles ─────────────────────────────────────────────────────────────────────────────────────────────────────


def _styled() -> bool:
    return sys.stdout.isatty() and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"


def _style(text: str, code: str) -> str:
    return f"\033[{code}m{text}\033[0m" if _styled() else text


def bold(text: str) -> str:
    """For names."""
    return _style(text, "1")


def dim(text: str) -> str:
    """For what matters less."""
    return _style(text, "2")


def red(text: str) -> str:
    """For what is wrong."""
    return _style(text, "1;31")


def marked(text: str) -> str:
    """For a match: coloured in a terminal, in **stars** elsewhere."""
    return _style(text, "1;33") if _styled() else f"**{text}**"


def linked(text: str, uri: str) -> str:
    """Text that opens a URI when it is clicked (OSC 8), in terminals."""
    return f"\033]8;;{uri}\033\\{text}\033]8;;\033\\" if _styled() else text


def plain(text: str) -> str:
    """A note's text without the control characters that could play tricks with a terminal."""
    return _CONTROLS.sub("", text)


def named(text: str) -> str:
    """A title or a path on one line: a file's name may hold line breaks."""
    return " ".join(plain(text).split())


def warn(words: str, *, before: str = "") -> None:
    """What a person should know, beside the output; it may name notes."""
    print(f"{before}note: {plain(words)}", file=sys.stderr)


def _wrapped(text: str, *, indent: str = "") -> str:
    width = max(40, min(100, shutil.get_terminal_size().columns)) - len(indent)
    lines = []
    for line in text.split("\n"):
        lines += textwrap.wrap(line, width, break_long_words=False, break_on_hyphens=False) or [""]
    return "\n".join(indent + line for line in lines)


def _place(path: str, line: int) -> str:
    return f"{named(path)}:{line}"


def _headed(title: str, heading_path: Sequence[str]) -> str:
    return named(" › ".join((title, *(h for h in heading_path if h != title))))


# ── search ─────────────────────────────────────────────────────────────────────────────────────────────────────


def print_search(result: Mapping[str, Any]) -> None:
    """Hits: title and headings, path and line, score, and a snippet with the matches marked."""
    for hit in result["hits"]:
        place = linked(dim(_place(hit["path"], hit["line"])), hit["uri"])
        print(f"{bold(_headed(hit['title'], hit['heading_path']))}  {place}  {dim(format(hit['score'], '.2f'))}")
        print(mark(_wrapped(snippet(plain(hit["text"]), hit["matched"]), indent="  "), hit["matched"]))
        for path in hit["copies"]:
            print(dim(f"  the same text: {plain(path)}"))
        for line in _explained(hit["explained"]) if hit["explained"] and "parts" in hit["explained"] else ():
            print(dim(f"  {line}"))
        print()
    for other in result["left_out"]:
        print(dim(f"not here: {plain(other['path'])} {plain(other['reason'])}"))
    for warning in result["warnings"]:
        warn(warning)
    if not result["hits"] and not result["warnings"]:
        print("nothing found")
    elif result["hits"]:
        count = len(result["hits"])
        print(dim(f"{count} hit{'' if count == 1 else 's'} in {result['took_ms']:.0f} ms"))


def _explained(signals: Mapping[str, Any]) -> Iterator[str]:
    """What speaks for a hit: each signal with what it adds, and what speaks against it."""
    cosines = ", ".join(
        f"{view} {signals[key]:.2f}{' (nearer)' if view == signals['view'] else ''}"
        for view, key in (("card", "card_cosine"), ("passage", "passage_cosine"))
        if signals[key] is not None
    )
    added = [f"{name} {signals[name]:.2f} adds {part:.2f}" for name, part in signals["parts"].items()]
    if (reranked := signals.get("reranker")) is not None:
        added.append(f"reranker {reranked:.2f}, half of the score")
    yield " · ".join(added)
    if cosines:
        yield f"cosines: {cosines}; words count for {signals['words_share']:.0%}"
    if signals["missing"]:
        yield f"does not have: {', '.join(signals['missing'])}"


def snippet(text: str, words: Iterable[str]) -> str:
    """The part of a passage with most of the words, on one line."""
    text = " ".join(text.split())
    if len(text) <= _SNIPPET:
        return text
    folded = text.casefold()
    starts = sorted(m.start() for word in words for m in re.finditer(re.escape(word.casefold()), folded))
    best = max(starts, key=lambda s: sum(s <= other < s + _SNIPPET for other in starts), default=0)
    start = max(0, best - 60)
    if start:
        start = text.find(" ", start) + 1 or start
    part = text[start : start + _SNIPPET]
    return ("… " if start else "") + part + (" …" if start + _SNIPPET < len(text) else "")


def mark(text: str, words: Sequence[str]) -> str:
    """The text with the words marked, longer ones first; words of an alphabet only as whole words."""
    if not words:
        return text
    forms = "|".join(
        rf"(?<!\w){re.escape(w)}(?!\w)" if w.isascii() else re.escape(w) for w in sorted(words, key=len, reverse=True)
    )
    return re.sub(rf"(?:{forms})+", lambda m: marked(m.group()), text, flags=re.IGNORECASE)


# ── ask ────────────────────────────────────────────────────────────────────────────────────────────────────────


class AnswerPrinter:
    """Prints the events of an answer as they come."""

    def __init__(self, *, verbose: bool) -> None:
        self._verbose = verbose
        self._waits = False  #: a line says so

    def show(self, name: str, data: Mapping[str, Any]) -> None:
        """Print one event: `sources`, `delta` or `done`; in a terminal `waiting`, until the next one."""
        self.close()
        if name == "sources":
            self._begin(data)
        elif name == "delta":
            self._say(data)
        elif name == "done":
            self._end(data)
        sys.stdout.flush()
        if name == "waiting" and data["before"] and sys.stderr.isatty():
            self._waits = True
            print(f"{counted(data['before'], 'question')} before this one …", end="", file=sys.stderr, flush=True)

    def close(self) -> None:
        """Take away what is shown only for a while."""
        if self._waits:
            print("\r\033[K", end="", file=sys.stderr, flush=True)
        self._waits = False

    def _begin(self, sources: Mapping[str, Any]) -> None:
        if sources["match"] == "weak":
            print("Your notes may not answer this. The closest passage:\n")

    def _say(self, spoken: Mapping[str, Any]) -> None:
        sentence = spoken["sentence"]
        text = plain(sentence["text"])
        marks = "".join(f" [{n}]" for n in sentence["citations"])
        if sentence["support"] == "quote":
            print(_wrapped(f"“{text}”{marks}"))
        elif sentence["support"] == "supported":
            print(_wrapped(f"{text}{marks}"))
        else:
            print(dim(_wrapped(f"{text} {plain(spoken.get('remark', ''))}".rstrip())))

    def _end(self, answer: Mapping[str, Any]) -> None:
        if answer["refused"]:
            print(bold(_wrapped(plain(answer["answer"]))))
        quoted = {
            n for sentence in answer["sentences"] if sentence["support"] == "quote" for n in sentence["citations"]
        }
        for difference in answer["differences"]:
            print(_wrapped(f"\n{bold('Your notes differ')}: {_sides(difference)}"))
        if answer["citations"]:
            print()
        for citation in answer["citations"]:
            place = linked(dim(_place(citation["path"], citation["line_start"])), citation["uri"])
            print(f"[{citation['n']}] {bold(_headed(citation['title'], citation['heading_path']))}  {place}")
            if citation["n"] not in quoted:
                print(_wrapped(f"“{plain(citation['quote'])}”", indent="    "))
            print(f"    {dim(citation['uri'])}")
        if answer["refused"] and answer["nearest"]:
            print("\nThe closest notes:")
            for hit in answer["nearest"]:
                place = linked(dim(_place(hit["path"], hit["line"])), hit["uri"])
                print(f"  {bold(_headed(hit['title'], hit['heading_path']))}  {place}")
        for warning in answer["warnings"]:
            warn(warning, before="\n")
        print(dim(f"\n{_figures(answer, verbose=self._verbose)}"))


def _sides(difference: Mapping[str, Any]) -> str:
    """ "3 May" [1], "5 May" [2], which is the newer note."""
    sides = []
    for n, words, day in zip(difference["citations"], difference["words"], difference["dates"], strict=True):
        said = f"“{plain(words)}”" if words else "without that"
        sides.append(f"{said} [{n}]" + (f" of {day}" if day else ""))
    newer = ", which is newer" if all(difference["dates"]) and len(set(difference["dates"])) == 2 else ""
    return f"{sides[0]}, {sides[1]}{newer}."


def print_sources(citations: Iterable[Mapping[str, Any]]) -> None:
    """Where an answer's sentences stand, with what stands there."""
    for citation in citations:
        place = linked(dim(_place(citation["path"], citation["line_start"])), citation["uri"])
        print(f"[{citation['n']}] {bold(_headed(citation['title'], citation['heading_path']))}  {place}")
        print(_wrapped(f"“{plain(citation['quote'])}”", indent="    "))


def _figures(answer: Mapping[str, Any], *, verbose: bool) -> str:
    times, tokens = answer["timings_ms"], answer["tokens"]
    parts = [] if answer["refused"] else [f"{answer['match']} match"]
    parts += [str(answer["model"])] if answer["model"] else ["no model was asked"]
    parts.append(f"{times['total'] / 1000:.1f} s")
    if verbose:
        parts.append(f"retrieval {times['retrieve']:.0f} ms")
        if times["first_token"] is not None:
            parts.append(f"first token {times['first_token']:.0f} ms")
        parts.append(f"tokens {tokens['prompt']} ({tokens['cached']} cached) + {tokens['completion']}")
    return " · ".join(parts)


# ── index ──────────────────────────────────────────────────────────────────────────────────────────────────────


def print_report(report: Mapping[str, Any]) -> None:
    """What a run of the indexer did."""
    counts = [f"{report[k]} {k}" for k in ("added", "changed", "renamed", "removed", "unchanged") if report[k]]
    counts += [f"{len(report[k])} {k}" for k in ("skipped", "failed", "damaged") if report[k]]
    embedded = counted(report["embedded"], "text")
    print(f"{', '.join(counts) or 'no notes'}; {embedded} embedded in {report['took_s']:.1f} s")
    print(f"the index holds {counted(report['notes'], 'note')} in {counted(report['chunks'], 'passage')}")
    for kind in ("skipped", "failed", "damaged"):
        for one in report[kind]:
            print(f"  {kind}: {plain(one['path'])}: {plain(one['reason'])}")
    for warning in report["warnings"]:
        warn(warning)
