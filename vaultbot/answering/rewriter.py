"""Asks a language model to put a question in other words, and in the other languages of the notes."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from vaultbot.answering.prompt import tier_of
from vaultbot.answering.side_question import side_question
from vaultbot.answering.templates import load_template
from vaultbot.index.reader import CatalogReader
from vaultbot.index.scripts import title_scripts
from vaultbot.protocols import ChatModel
from vaultbot.retrieval.query import Query
from vaultbot.retrieval.rewriting import read_wordings

_MOST_TOKENS = 120
_LEAST_SHARE = 0.05  #: of a script among the titles, for its language to be one of the vault's

_LANGUAGES: Mapping[str, str] = {
    "CYRILLIC": "Russian",
    "HANGUL": "Korean",
    "GREEK": "Greek",
    "ARABIC": "Arabic",
    "HEBREW": "Hebrew",
    "DEVANAGARI": "Hindi",
    "THAI": "Thai",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rewriter:
    """Gets other wordings of a question. Safe to use from several threads."""

    reader: CatalogReader
    prompts: Path | None  #: a folder with templates of one's own
    limit_s: float = 3.0  #: the model may think for so long; what is not complete by then is not used

    def wordings(self, query: Query, model: ChatModel, *, cancel: threading.Event | None = None) -> tuple[str, ...]:
        """At most three, which hold whatever the model said; none when it is too small, fails, or takes too long."""
        if not query.text or not tier_of(model).rewords:
            return ()
        with self.reader.snapshot():
            scripts = title_scripts(self.reader.connection)
        template = load_template("expand", folder=self.prompts)
        messages = template.messages(languages=languages(scripts, query), question=query.text)
        said = side_question(
            model,
            messages,
            prefix=template.prefix,
            max_tokens=_MOST_TOKENS,
            limit_s=self.limit_s,
            cancel=cancel,
        )
        told = " ".join(message.content for message in messages)
        return () if said is None else read_wordings(said, query.text, told=told)


def languages(scripts: Mapping[str, float], query: Query) -> str:
    """The languages of notes in these scripts, in words. What a language in Latin script is, the question may tell."""
    kana, han = scripts.get("KANA", 0.0), scripts.get("CJK", 0.0)
    found = {"LATIN": "the language of the question" if query.latin else "English", **_LANGUAGES}
    named = [name for script, name in found.items() if scripts.get(script, 0.0) >= _LEAST_SHARE]
    if kana + han >= _LEAST_SHARE:  # Chinese is written without kana, and Japanese with characters as well.
        named += ["Japanese"] if kana >= 0.05 * (kana + han) else []
        named += ["Chinese"] if han > 4 * kana else []
    return ", ".join(named) or "the language of the question"
