"""The bridge: a word in another alphabet that sounds like one of the vault's, "формулы" like "formula".

International words are spelled by sound in every alphabet. Both sides are brought into Latin letters and to one spelling
for each sound, and compared by the trigrams they share. A word that notes are named after is found more readily than
one that only stands in their text: the more words there are, the more of them sound alike by chance.
"""

from __future__ import annotations

import math
import re
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass

from anyascii import anyascii
from rapidfuzz import process
from rapidfuzz.distance import Indel

from vaultbot.index.analyzer import STOP_WORDS, fold, terms
from vaultbot.index.vocabulary import Vocabulary, written
from vaultbot.retrieval.spelling import Respelled, alphabet

_SHORTEST = 4
_LONGEST = 40
#: Trigrams in common, as Dice's coefficient: of a word in a name, and of one in the text.
_LIKE_A_NAME = 0.55
_LIKE_A_WORD = 0.75
_NAMED = 0.3  #: what a word in a name is ahead of others
_TWICE_AS_FREQUENT = 0.02
_WORTH_COMPARING = 0.5

#: One spelling for each sound, in this order. What English writes in several ways, other alphabets write in one.
_SOUNDS = tuple(
    pair.split(">")
    for pair in """
    '> shch>s sch>s sh>s zh>j dj>j kh>h gch>nch ch>h ph>f th>t ck>k qu>kv x>ks w>v ts>s tz>s ce>se ci>si cy>si c>k q>k
    z>s tio>sio tia>sia y>i ou>u oo>u ae>e oe>e
    """.split()
)
#: How Cyrillic writes English vowels: "файл", "интерфейс".
_SPOKEN = (("ай", "и"), ("ей", "е"))
_DOUBLE = re.compile(r"([a-z])\1")
_STOP_TERMS = frozenset(term for word in STOP_WORDS for term in terms(word))
