"""From messages to the tokens of a prompt, in the form a model was trained on."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from vaultbot.adapters.llama_cpp.template import CHATML, LLAMA_2, PLAIN, VICUNA, ChatTemplate, Segment, TemplateError
from vaultbot.models.chat_registry import choice_of_file

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vaultbot.adapters.llama_cpp.vocabulary import Vocabulary
    from vaultbot.models.gguf import GgufInfo

_PROBE = [
    {"role": "system", "content": "a"},
    {"role": "user", "content": "b"},
    {"role": "assistant", "content": "c"},
    {"role": "user", "content": "d"},
]

#: Some templates let the model begin with a thought, whoever asks. It is closed at once: an answer from notes needs
#: none, and on a processor it would take minutes.
_THINKS = re.compile(r"<think>\s*$")
_THOUGHT = "\n</think>\n\n"


class PromptWriter:
    """Writes prompts for one model, with the file's own chat template or one of ours."""

    def __init__(self, vocabulary: Vocabulary, info: GgufInfo) -> None:
        self._vocabulary = vocabulary
        source = _builtin(vocabulary, info)
        #: What ends an answer where no control token does.
        self.stop = {PLAIN: ["\nUser:"], VICUNA: ["USER:"]}.get(source, [])
        self._builtin = ChatTemplate(source, bos=vocabulary.bos, eos=vocabulary.eos)
        self.template_refused = ""  #: why the file's own template is not used, or ""
        self._template = self._builtin
        if info.chat_template:
            try:
                own = ChatTemplate(info.chat_template, bos=vocabulary.bos, eos=vocabulary.eos)
                own.render(_PROBE)
                self._template, self.stop = own, []
            except TemplateError as refusal:
                self.template_refused = str(refusal)

    def tokens(self, messages: Sequence[dict[str, str]], *, prefix: str = "") -> list[int]:
        """The conversation up to and including the words put in the assistant's mouth.

        Control tokens are made of the template's markup only, never of a message or the prefix.
        """
        try:
            segments = self._template.render(messages)
        except TemplateError:
            segments = self._builtin.render(messages)
        if segments and segments[-1].markup and _THINKS.search(segments[-1].text):
            segments.append(Segment(_THOUGHT, markup=True))
        if prefix:
            segments.append(Segment(prefix, markup=False))
        tokens: list[int] = []
        for segment in segments:
            tokens += self._vocabulary.tokenize(segment.text, special=segment.markup, inside=bool(tokens))
        start = self._vocabulary.start
        return tokens if tokens[: len(start)] == start else start + tokens


def _builtin(vocabulary: Vocabulary, info: GgufInfo) -> str:
    if vocabulary.has("<|im_start|>"):
        return CHATML
    if _speaks_vicuna(info):
        return VICUNA
    return LLAMA_2 if info.architecture == "llama" and info.tokenizer == "llama" else PLAIN


def _speaks_vicuna(info: GgufInfo) -> bool:
    """Told by the name alone: such files are Llamas in all else, and most of them carry no template."""
    known = choice_of_file(info.path.name)
    if known is not None:
        return known.model.template == "vicuna"
    return any(word in f"{info.path.stem} {info.name or ''}".lower() for word in ("vicuna", "xwin"))
