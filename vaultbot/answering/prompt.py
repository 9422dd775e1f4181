"""What a model gets to read: fewer and shorter sources for smaller models, within the room there is.

A model below 0.7 billion weights merges the facts of two sources, so it gets the one best sentence; measured, its
answers hold the right words nearly twice as often as with three passages.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from vaultbot.answering.evidence import Evidence
from vaultbot.answering.places import Places
from vaultbot.answering.templates import load_template
from vaultbot.protocols import ChatModel, Message
from vaultbot.retrieval.hits import Found
from vaultbot.retrieval.query import Query

_TINY = 700_000_000
_SMALL = 2_000_000_000
_TEMPLATE_ROOM = 64  #: tokens that the chat template itself may take
_FIRST_WORD_S = 5.0  #: a prompt is no longer than this machine reads in that time, so that nobody waits for long
_LEAST_READ = 200  #: tokens of sources that are read however slow it is

_LEANS_ON_BEFORE = re.compile(
    r"(?:it|its|he|she|they|this|that|these|those|such|here|there)\b|これ|それ|この|その|它|这|這|該|该", re.I
)


@dataclass(frozen=True, slots=True)
class Tier:
    """How a model of some size is used."""

    template: str
    sentences: int | None  #: stop after so many
    max_tokens: int | None  #: at most, whatever the settings allow
    trusted: int | None  #: only so many of the best sentences may support what it says; None for all
    skips: bool  #: may leave out words in the middle of what it takes from a note
    reads_only_latin: bool
    rewords: bool  #: can put a question in other words; measured, the smallest repeat what they were told


def tier_of(model: ChatModel) -> Tier:
    """By the number of weights, which the model file tells."""
    if model.parameters < _TINY:
        return Tier(
            "ask-tiny", sentences=1, max_tokens=48, trusted=1, skips=False, reads_only_latin=True, rewords=False
        )
    if model.parameters < _SMALL:
        return Tier("ask", sentences=3, max_tokens=200, trusted=4, skips=True, reads_only_latin=False, rewords=True)
    return Tier("ask", sentences=6, max_tokens=None, trusted=None, skips=True, reads_only_latin=False, rewords=True)


@dataclass(frozen=True, slots=True)
class Prompt:
    """Everything a generation needs."""

    messages: list[Message]
    prefix: str
    max_tokens: int
    sentences: int | None


def build_prompt(
    model: ChatModel,
    query: Query,
    *,
    told: Mapping[str, str],
    best: Sequence[Evidence],
    evidence: Sequence[Evidence],
    found: Sequence[Found],
    max_tokens: int,
    folder: Path | None,
    places: Places,
) -> Prompt:
    """The prompt for this question; `best` are the quotable sentences, best first, and `told` fills the placeholders
    besides question and sources.

    Sources that do not fit the model's context, or that this machine cannot read in time, are left out, the least good
    ones first, and the last one is cut off where the room ends. What is left keeps the `places` of the last prompt.
    """
    tier = tier_of(model)
    template = load_template(tier.template, folder=folder)
    limit = min(max_tokens, tier.max_tokens or max_tokens, max(16, model.context_tokens // 4))
    texts = _sources(model, best=best, evidence=evidence, found=found)
    values = {**told, "question": query.text}
    fixed = sum(model.count_tokens([m.content for m in template.messages(sources="", **values)])) + _TEMPLATE_ROOM
    room = min(model.context_tokens - limit, max(_read_in_time(model), fixed + _LEAST_READ)) - fixed
    kept = places.ordered(model.name, _within(model, texts, room))
    sources = "\n".join(f"[{n}] {text}" for n, text in enumerate(kept, 1))
    messages = template.messages(sources=sources, **values)
    return Prompt(messages, template.prefix, limit, tier.sentences)


def _read_in_time(model: ChatModel) -> int:
    """Tokens; no limit until it is known how fast this machine reads."""
    return int(model.speed.reading * _FIRST_WORD_S) if model.speed else model.context_tokens


def labels_of(found: Sequence[Found]) -> frozenset[str]:
    """What a model may call its sources by."""
    names = {name for one in found for name in (one.passage.title, one.passage.path, *one.passage.heading_path)}
    return frozenset(names | {" › ".join((one.passage.title, *one.passage.heading_path)) for one in found})


def _sources(
    model: ChatModel, *, best: Sequence[Evidence], evidence: Sequence[Evidence], found: Sequence[Found]
) -> list[str]:
    if model.parameters < _TINY:
        return [_in_context(best[0], evidence, always=False)]
    if model.parameters < _SMALL:
        return [f"{_label(one)}{_in_context(one, evidence, always=True)}" for one in best[:3]]
    return [f"({' › '.join((one.passage.title, *one.passage.heading_path))}) {one.passage.text}" for one in found]


def _label(evidence: Evidence) -> str:
    return f"({' › '.join((evidence.title, *evidence.heading_path))}) "


def _in_context(evidence: Evidence, others: Sequence[Evidence], *, always: bool) -> str:
    """The sentence, with its neighbours where it leans on them."""
    if not always and not _LEANS_ON_BEFORE.match(evidence.text):
        return evidence.text
    near = [e for e in others if e.source == evidence.source and abs(e.place - evidence.place) <= 1]
    return " ".join(e.text for e in sorted(near, key=lambda e: e.place))


def _within(model: ChatModel, texts: Sequence[str], room: int) -> list[str]:
    kept: list[str] = []
    numbered = [f"[{n}] {text}" for n, text in enumerate(texts, 1)]
    for text, tokens in zip(texts, model.count_tokens(numbered), strict=True):
        if tokens > room:
            share = room / tokens
            if share > 0.2:
                kept.append(text[: int(len(text) * share * 0.9)])
            break
        kept.append(text)
        room -= tokens
    return kept
