"""Whether a question leans on what was said before it: "and how long?", それは?, 那它呢?

Rules for English, Japanese and Chinese, told apart by their scripts. A question that names what it is about stands by
itself, in whatever company it is asked; where a rule is in doubt it leaves the question alone.
"""

from __future__ import annotations

import re
from typing import Literal

from vaultbot.index.analyzer import content_words

#: "subject": it asks more about what was talked of. "other": it asks the same about something else.
Leaning = Literal["subject", "other"]

_LONGEST = 300  #: characters; who writes more has said what it is about
_LONGEST_FRAGMENT = 5  #: words
_ENDS = " \t\n.?!。？！…"

_KANA = re.compile(r"[\u3041-\u30ff]")
_HAN = re.compile(r"[\u3400-\u9fff]")


def leaning_of(question: str) -> Leaning | None:
    """How the question leans on the one before it; None when it stands alone."""
    text = " ".join(question.split()).strip(_ENDS)
    if len(text) > _LONGEST:
        return None
    if _KANA.search(text):
        return _japanese(text)
    return _chinese(text) if _HAN.search(text) else _english(text.casefold().replace("’", "'"))


# ── English ────────────────────────────────────────────────────────────────────────────────────────────────────

_OPENER = re.compile(r"(?:(?:and|but|or|also|so|then|ok|okay|yes|no|well|thanks|thank you)\b[\s,]*)+")
_ABOUT = re.compile(r"(?:what|how) about\s+")
_PERSON = re.compile(
    r"(?P<acts>(?:^|\b(?:do|does|did|is|are|was|were|has|have|had|can|could|will|would|should|may|might|must) )"
    r"(?:it|they|he|she)\b)|\b(?:it|they|them|he|him|she|itself|themselves)\b"
)
_WHOSE = re.compile(r"\b(?:its|their|theirs|his|her|hers)\b")
_THIS = re.compile(
    r"\b(?:this|these)(?:$|(?= (?:is|are|was|were|does|do|did|has|have|can|could|will|would|should|may|mean|means|work|"
    r"works|happen|happens|one|ones|way|case|method)\b))"
    r"|\b(?:of|about|for|with|from|by|like|after|before|without|than) (?:this|these)\b"
    r"|\b(?:that|those)$|(?<!\bis )(?<!\bare )(?<!\bwas )(?<!\bwere )\bthere$"
    r"|\bthat (?:earlier|later|before|again|now|too|then|better|myself|yourself|way)\b"
    r"|\b(?:which|any|some|all|most|none|how many|one) of (?:them|these|those)\b"
    r"|\bwhich one\b|\bthe (?:other|same|former|latter)(?: ones?)?$"
)
_THAT = re.compile(r"\b(?:that|those)\b")
_CLAUSE = re.compile(r"[,;:]|\b(?:and|but|or|if|when|because|since|while|so|that|which|who)\b")
#: "It" that stands for nothing: "how long does it take to bake bread".
_EMPTY_IT = re.compile(
    r"\b(?:is|was) it \w+ed that\b"
    r"|\b(?:is|was|isn't) it (?!\w+ed )\w+ (?:to|that)\b|\bit (?:is|was) (?!\w+ed )\w+ (?:to|that)\b"
    r"|\b(?:does|did|will|would) it (?:take|cost) .{0,60}\bto\b|\bit (?:takes|took) .{0,60}\bto\b"
    r"|\bit (?:rains?|snows?)\b|\b(?:does|did|will) it (?:rain|snow)\b"
)
#: Words before "it" that name nothing: "what happens if it gets hotter".
_HAPPENS = re.compile(
    r"(?:(?:and|but|so) )?what (?:happens|happened|should i do|do i do|to do|then|now)(?: (?:if|when|once))?\b"
)
#: "In the fridge, too?"; "who is responsible?"
_WITHOUT_VERB = re.compile(
    r"(?:in|at|on|with|without|for|by|from|during|under|over|after|before) (?:\w+ ){0,3}\w+,?"
    r"(?: (?:too|also|as well|instead|either))?"
)
_SAYS_HOW = re.compile(
    r"(?:who|what|which one|when|where|how) (?:is|was|will be|would be|should be) "
    r"(?:responsible|next|left|missing|best|better|worst|worse|allowed|right|wrong|possible|necessary|enough|included|involved|invited|cheaper|cheapest|faster|fastest|"
    r"the (?:best|worst|reason|cause|result|deadline|problem|difference|alternative|solution))"
)
_BARE = re.compile(
    r"(?:why|when|where|who|whom|whose|how|which|what)(?: (?:not|so|else|exactly|then|again|come|ones?))?"
    r"|how (?:long|much|many|often|far|big|old|warm|hot|cold|deep|large|small|high|fast|soon|late|early|well)(?: \w+)?"
    r"|(?:since|until|by|from|for|with|in|to|at|on) (?:when|what|which|whom|where|how (?:long|many|much))(?: \w+)?"
    r"|(?:which|what|whose) \w+"
    r"|(?:tell me )?more(?: details)?(?: please)?|(?:in )?more detail(?:s|ed)?"
    r"|anything else|go on|continue|really|(?:for|an) example|examples"
)
_SENTENCE = re.compile(
    r"\b(?:is|are|was|were|am|be|do|does|did|has|have|had|can|could|will|would|should|may|might|must|what|how|why|who|"
    r"whom|whose|when|where|which|tell|show|give|list|find|explain)\b"
)


def _english(text: str) -> Leaning | None:
    opener = _OPENER.match(text)
    rest = text[opener.end() :] if opener else text
    about = _ABOUT.match(rest)
    rest = rest[about.end() :] if about else rest
    if _english_refers(rest) or not rest:
        return "subject"
    if about:
        return "other"
    if _BARE.fullmatch(rest) or _SAYS_HOW.fullmatch(rest):
        return "subject"
    if _WITHOUT_VERB.fullmatch(rest) and not _SENTENCE.search(rest):
        return "subject" if rest.endswith((" too", " also", " as well", " instead", " either")) else "other"
    fragment = len(rest.split()) <= _LONGEST_FRAGMENT and not _SENTENCE.search(rest)
    return "other" if fragment and opener and re.match(r"and|but|or|also", text) else None


def _english_refers(text: str) -> bool:
    if _THIS.search(text):
        return True
    if any(not content_words(text[: found.start()]) for which in (_WHOSE, _THAT) for found in which.finditer(text)):
        return True
    if (happens := _HAPPENS.match(text)) and _PERSON.match(text[happens.end() :].lstrip()):
        return True
    return not _EMPTY_IT.search(text) and any(
        _first_named(text, found.start()) and (found["acts"] or len(content_words(text[: found.start()])) <= 1)
        for found in _PERSON.finditer(text)
    )


def _first_named(text: str, start: int, clause: re.Pattern[str] = _CLAUSE) -> bool:
    """Whether no clause before this place names anything: in "what is rye and where does it grow" one does."""
    breaks = [found.start() for found in clause.finditer(text, 0, start)]
    return not breaks or not content_words(text[: breaks[-1]])


# ── Japanese ───────────────────────────────────────────────────────────────────────────────────────────────────

_JA_OPENER = re.compile(r"(?:それでは|それじゃあ?|じゃあ?|では|でも|また|そして|あと|ちなみに)[、,\s]*")
_JA_IT = re.compile(
    r"(?:(?<![ぁ-ん])|(?<=[はがもでにとをの、ぜて]))(?:それ(?!ぞれ|まで|以)|これ(?!まで|以)|そこ(?!な|ね)|そちら|そんな)"
    r"|(?<![ぁ-ん])あれ|彼女|彼ら?[はがもをの]"
)
_JA_THAT = re.compile(r"(?<![ぁ-ん])(?:その|この|あの|ここ(?![ろち]))")
_JA_CLAUSE = re.compile(r"[、。（(]")
_JA_BARE = re.compile(
    r"(?:なぜ|何故|どうして|いつ(?:から|まで|ごろ|頃|まえ|以来)?|どこ(?:で|に|へ|から|まで)?|誰[がの]?|だれ|どれ(?:くらい|ぐらい|ほど)?|"
    r"どの(?:くらい|ぐらい|程度)|いくつ|いくら|何(?:時間|分|日|回|度|個|年|人|グラム)|どう(?:やって|して|すれば)?|"
    r"例えば|たとえば|もっと(?:詳しく)?|詳しく|続けて|(?:他|ほか)(?:に|には|は)?)"
    r"(?:ですか|です|なのですか|なんですか|なの|でしょうか|でしょう|か|の|は|を?教えて(?:ください)?)?"
)
_JA_OTHER = re.compile(
    r"([^のがをにでた、]{1,12}?)(?:については?|の場合は?|は|なら)(?:どう(?:ですか|なの|でしょうか)?)?"
)
#: "冷蔵庫でも？"
_JA_TOO = re.compile(r"[^、。はがを]{1,12}(?:でも|にも|からも|までも|だけ)(?:ですか|でしょうか|か)?")
#: "どうやって測りますか": what a verb is of is left out, and who speaks knows it.
_JA_MARKED = re.compile(
    r"(?<![何誰れつ])(?:は|が|を|も|(?<!や)って)(?![かもらや])|について|に関して|による|における|とは|という"
)
_JA_PREDICATE = re.compile(
    r"(?:ますか|ましたか|ですか|でしたか|んですか|のですか|たの|るの|ないの|れる|える|ある|いい)$"
)
_JA_LONGEST_WITHOUT = 18
_JA_ASKS = re.compile("何|なに|なぜ|どう|どこ|いつ|誰|だれ|いくつ|いくら|どれ|どの")


def _japanese(text: str) -> Leaning | None:
    opener = _JA_OPENER.match(text)
    rest = text[opener.end() :] if opener else text
    refers = any(_first_named(rest, found.start(), _JA_CLAUSE) for found in _JA_IT.finditer(rest))
    if not rest or refers or any(not content_words(rest[: m.start()]) for m in _JA_THAT.finditer(rest)):
        return "subject"
    if _JA_BARE.fullmatch(rest) or _JA_TOO.fullmatch(rest):
        return "subject"
    without = len(rest) <= _JA_LONGEST_WITHOUT and _JA_PREDICATE.search(rest) and not _JA_MARKED.search(rest)
    if without:
        return "subject"
    other = _JA_OTHER.fullmatch(rest)
    return "other" if other and not _JA_ASKS.search(other[1]) else None


# ── Chinese ────────────────────────────────────────────────────────────────────────────────────────────────────

_ZH_OPENER = re.compile(
    r"(?:那么|那麼|那(?![个個些样樣里裡边邊是种種件])|还有|還有|另外|可是|但是|不过|不過|然后|然後|好的?)[，,\s]*"
)
_ZH_IT = re.compile(
    r"[它牠]|(?:^|(?<=[，,。是在用把对對给給与與和从從为為么麼]))"
    r"(?:[她他](?![人乡鄉])|[这這那](?:个|個|些|种|種|样|樣|里|裡|是|件|份|本|篇|段|$)|上述)"
)
_ZH_CLAUSE = re.compile(r"[，,。；;、和与與及]")
_ZH_BARE = re.compile(
    r"(?:需?要)?(?:为什么|為什麼|为何|為何|怎么(?:样|做|办)?|怎麼(?:樣|做|辦)?|如何|多(?:久|少|大|长|長|高|远|遠)|[几幾][天次个個分年]|"
    r"什么时候|什麼時候|何时|何時|哪里|哪裡|哪儿|谁|誰|哪个|哪個|哪些|例如|比如|举例|继续|繼續|更多|详细(?:一点|点)?|詳細(?:一點|點)?"
    r"|[从從在到](?:什么时候|什麼時候|何时|哪里|哪裡|哪儿|第几.{1,2})(?:开始|開始|结束|為止|为止)?)?(?:呢|了|吗|嗎|的)?"
)
#: Without a subject: "谁建的", "会损失多少质量", "如果更热会怎样", "这够吗".
_ZH_WITHOUT = re.compile(
    r"(?:是?[谁誰](?!是).{1,4}"
    r"|其中.{1,12}"
    r"|[这這那](?=[适適够夠会會能可对對算行好难難贵貴]).{1,10}"
    r"|(?:会|會|能|可以|应该|應該|需要)(?![议議计計员員社场場话話量力源求素]).{1,12}"
    r"|(?:还|還|也|再)[^有].{0,10}(?:怎么办|怎麼辦|吗|嗎|呢)"
    r"|(?:如果|要是|万一|萬一)[^，,]{1,10}(?:怎么办|怎麼辦|会怎样|會怎樣|会怎么样|怎么样|呢)"
    r"|(?:怎么|怎麼|怎样|如何|何时|什么时候)[^的]{1,2}的?"
    r"|(?:为什么|為什麼)(?:是|不是|不|没有?|会这样|会|要)[^，,]{0,4}的?"
    r"|(?:花|用|要|得|过|過)了?(?:多少|多久|多长|多長|几|幾).{0,3})"
)
_ZH_OTHER = re.compile(r"([^的]{1,8})(?:呢|怎么样|怎麼樣|如何)")
_ZH_ASKS = re.compile("什么|什麼|怎|哪|谁|誰|多少|多久|为何|為何|是|几|幾")


def _chinese(text: str) -> Leaning | None:
    opener = _ZH_OPENER.match(text)
    rest = text[opener.end() :] if opener else text
    if any(_first_named(rest, found.start(), _ZH_CLAUSE) for found in _ZH_IT.finditer(rest)) or _ZH_BARE.fullmatch(
        rest
    ):
        return "subject"
    if _ZH_WITHOUT.fullmatch(rest):
        return "subject"
    other = _ZH_OTHER.fullmatch(rest)
    return "other" if other and not _ZH_ASKS.search(other[1]) else None
