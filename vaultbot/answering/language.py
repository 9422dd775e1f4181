"""The language a question is asked in, by its script and its commonest words, for a model to answer in."""

from __future__ import annotations

import re
from collections.abc import Mapping

from vaultbot.index.scripts import script_shares

#: Where the question's words do not tell which language it is in.
UNKNOWN = "the language of the question"

_BY_SCRIPT: Mapping[str, str] = {
    "CJK": "Chinese",
    "KANA": "Japanese",
    "HANGUL": "Korean",
    "CYRILLIC": "Russian",
    "GREEK": "Greek",
    "ARABIC": "Arabic",
    "HEBREW": "Hebrew",
    "DEVANAGARI": "Hindi",
    "THAI": "Thai",
}
_UKRAINIAN = re.compile("[іїєґ]", re.IGNORECASE)
#: What a question in Japanese without kana says, and one in Chinese does not.
_JAPANESE_WORDS = re.compile("何|[々込働峠畑]")
_CHINESE_WORDS = re.compile("[什么麼吗嗎呢哪谁誰怎这這为為們们]")
#: Words that hardly any question does without, and that the others do not have.
_BY_WORDS: Mapping[str, frozenset[str]] = {
    language: frozenset(words.split())
    for language, words in {
        "English": "the of and is are was were what which who when where why how does did do to in my it for on by "
        "with from that this can should about has have",
        "German": "der die das den dem des und ist sind war wie was wer wann wo warum welche welcher welches wird "
        "werden nicht ein eine einen einem mit für von im zum zur auf bei ich mein meine über",
        "French": "le la les des du et est sont était que qui quand où pourquoi comment quel quelle quels quelles une "
        "un dans pour avec sur pas mes mon ma ce cette il elle quoi",
        "Spanish": "el la los las del y es son era qué quién cuándo dónde por cómo cuál cuáles cuánto cuántos una un "
        "en para con sobre mis mi no se está",
        "Italian": "il lo gli della del dei e è sono era che chi quando dove perché come quale quali quanto una un nel "
        "per con su non mio mia si",
        "Portuguese": "o os as da do dos e é são era que quem quando onde porque como qual quais quanto uma um na no "
        "para com sobre não meu minha",
        "Dutch": "de het een en is zijn was wat wie wanneer waar waarom hoe welke wordt worden niet met voor van op "
        "bij ik mijn over",
    }.items()
}
_WORD = re.compile(r"[^\W\d_]+")
_KANA_SHARE = 0.05  #: of the letters; less is a Japanese name in a Chinese question


def language_of_question(text: str) -> str:
    """ "English", "Japanese", …; UNKNOWN where its words do not tell."""
    scripts = script_shares([text])
    if not scripts:
        return UNKNOWN
    kana, han = scripts.get("KANA", 0.0), scripts.get("CJK", 0.0)
    main = next(iter(scripts))
    if kana and main in ("KANA", "CJK") and kana >= _KANA_SHARE:
        return "Japanese"
    if main == "LATIN":
        # "量子化のQ4_K_Mとは" has more Latin letters than others, and they are a name.
        return _by_words(text) if kana + han < 0.2 else ("Japanese" if kana else "Chinese")
    if main == "CYRILLIC" and _UKRAINIAN.search(text):
        return "Ukrainian"
    if main == "CJK" and _JAPANESE_WORDS.search(text) and not _CHINESE_WORDS.search(text):
        return "Japanese"
    return _BY_SCRIPT.get(main, UNKNOWN)


def other_script(text: str, question: str) -> bool:
    """Whether a text is written in another kind of letters than the question, as far as letters tell."""
    return _kind(text) != _kind(question) and "" not in (_kind(text), _kind(question))


def _kind(text: str) -> str:
    main = next(iter(script_shares([text])), "")
    return "CJK" if main == "KANA" else main


def _by_words(text: str) -> str:
    words = [word.lower() for word in _WORD.findall(text)]
    counts = {language: sum(word in known for word in words) for language, known in _BY_WORDS.items()}
    best = max(counts.values())
    leading = [language for language, count in counts.items() if count == best]
    return leading[0] if best and len(leading) == 1 else UNKNOWN
