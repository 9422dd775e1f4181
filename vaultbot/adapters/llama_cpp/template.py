"""Chat templates: from messages to the text a model was trained on, with messages and markup kept apart.

A template comes with the model file and is a program by a stranger. It is rendered in Jinja's immutable
sandbox, with bounded time, memory and output; one that breaks a rule is replaced by a
template of our own.

It never sees the words of a message: it gets placeholders. What it puts around them may hold control
tokens; what stands in for a placeholder is plain text, whatever it says.
"""

from __future__ import annotations

import contextlib
import json
import re
import secrets
import sys
import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import jinja2
from jinja2.sandbox import ImmutableSandboxedEnvironment

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from types import FrameType

_SECONDS = 0.5  # of processor time; a render takes milliseconds
_MOST_OUTPUT = 1 << 18  # characters; placeholders are short, so real templates stay far below
_LONGEST_SOURCE = 1 << 17
_MOST_MEMORY = 256 << 20  # bytes on top of what the process has

CHATML = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "{{ '<|im_start|>assistant\n' }}"
)
LLAMA_2 = (
    "{% set ns = namespace(system='') %}{% for m in messages %}"
    "{% if m.role == 'system' %}{% set ns.system = '<<SYS>>\n' + m.content + '\n<</SYS>>\n\n' %}"
    "{% elif m.role == 'user' %}{{ bos_token }}[INST] {{ ns.system }}{{ m.content }} [/INST]"
    "{% set ns.system = '' %}"
    "{% else %} {{ m.content }} {{ eos_token }}{% endif %}{% endfor %}"
)
VICUNA = (
    "{% for m in messages %}{% if m.role == 'system' %}{{ m.content }}{{ ' ' }}"
    "{% elif m.role == 'user' %}USER: {{ m.content }}{{ ' ' }}"
    "{% else %}ASSISTANT: {{ m.content }}{{ eos_token }}{% endif %}{% endfor %}ASSISTANT:"
)
PLAIN = (
    "{% for m in messages %}{% if m.role == 'system' %}{{ m.content }}\n\n"
    "{% else %}{{ m.role | capitalize }}: {{ m.content }}\n{% endif %}{% endfor %}Assistant:"
)


class TemplateError(Exception):
    """The template is broken or does what a template need not do."""


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of the prompt."""

    text: str
    markup: bool  #: written by the template, so control tokens in it count


class ChatTemplate:
    """Renders conversations; messages are dicts with "role" and "content"."""

    def __init__(self, source: str, *, bos: str = "", eos: str = "") -> None:
        """Compile the template. Raises TemplateError."""
        if len(source) > _LONGEST_SOURCE:
            raise TemplateError(f"it is {len(source)} characters long")
        self._words = {
            "bos_token": bos,
            "eos_token": eos,
            "add_generation_prompt": True,
            "enable_thinking": False,
        }
        with _refusing():
            self._template = _Sandbox().from_string(source)

    def render(self, messages: Sequence[dict[str, str]]) -> list[Segment]:
        """The prompt up to where the assistant begins to speak.

        A template that knows no system role gets the system's words at the start of the first user message.
        Raises TemplateError.
        """
        try:
            return self._render(messages)
        except TemplateError:
            merged = _without_system(messages)
            if merged == list(messages):
                raise
            return self._render(merged)

    def _render(self, messages: Sequence[dict[str, str]]) -> list[Segment]:
        nonce = secrets.token_hex(8)
        masked = [{**message, "content": f"@{nonce}.{n}@"} for n, message in enumerate(messages)]
        pieces: list[str] = []
        with _refusing(), _bounded_memory(), _bounded_time():
            left = _MOST_OUTPUT
            for piece in self._template.generate(messages=masked, **self._words):
                left -= len(piece)
                if left < 0:
                    raise TemplateError("it does not stop writing")
                pieces.append(piece)
        segments: list[Segment] = []
        seen: set[int] = set()
        for n, part in enumerate(re.split(rf"@{nonce}\.(\d+)@", "".join(pieces))):
            if n % 2:
                seen.add(int(part))
                segments.append(Segment(messages[int(part)]["content"], markup=False))
            elif part:
                segments.append(Segment(part, markup=True))
        if len(seen) < len(messages):
            raise TemplateError("it leaves out a message")
        return segments


class _Sandbox(ImmutableSandboxedEnvironment):
    """Jinja's sandbox without arithmetic that can eat the machine."""

    intercepted_binops = frozenset({"**", "*", "%"})

    def __init__(self) -> None:
        super().__init__(trim_blocks=True, lstrip_blocks=True, extensions=["jinja2.ext.loopcontrols"])
        self.filters["tojson"] = lambda value, indent=None: json.dumps(value, ensure_ascii=False, indent=indent)
        self.globals |= {
            "raise_exception": _raise,
            "strftime_now": lambda form: datetime.now().astimezone().strftime(form),
        }

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        if operator == "**" or not (isinstance(left, int) and isinstance(right, int)):
            raise TemplateError(f"it uses the operator {operator} on something else than small numbers")
        return super().call_binop(context, operator, left, right)


def _raise(message: str) -> NoReturn:
    raise TemplateError(str(message))


def _without_system(messages: Sequence[dict[str, str]]) -> list[dict[str, str]]:
    system = "\n\n".join(message["content"] for message in messages if message["role"] == "system")
    others = [dict(message) for message in messages if message["role"] != "system"]
    first = next((message for message in others if message["role"] == "user"), None)
    if not system or first is None:
        return list(messages)
    first["content"] = f"{system}\n\n{first['content']}"
    return others


@contextlib.contextmanager
def _refusing() -> Iterator[None]:
    try:
        yield
    except TemplateError:
        raise
    except (jinja2.TemplateError, ArithmeticError, LookupError, MemoryError, RecursionError) as error:
        raise TemplateError(f"{type(error).__name__}: {error}"[:200]) from None
    except (AttributeError, SyntaxError, TypeError, ValueError) as error:
        raise TemplateError(f"{type(error).__name__}: {error}"[:200]) from None


@contextlib.contextmanager
def _bounded_time() -> Iterator[None]:
    """Stop Python code that runs for too long, from within: a tracer sees every line of the template."""
    end = time.thread_time() + _SECONDS
    before = sys.gettrace()

    def check(_frame: FrameType, _event: str, _arg: object) -> Any:
        if time.thread_time() > end:
            raise TemplateError("it does not come to an end")
        return check

    sys.settrace(check)
    try:
        yield
    finally:
        sys.settrace(before)


@contextlib.contextmanager
def _bounded_memory() -> Iterator[None]:
    """Let the process grow only a little meanwhile, where the system can tell and limit that (Linux)."""
    try:
        import resource

        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
        before = resource.getrlimit(resource.RLIMIT_AS)
        limit = pages * resource.getpagesize() + _MOST_MEMORY
        if before[0] == resource.RLIM_INFINITY or limit < before[0]:
            resource.setrlimit(resource.RLIMIT_AS, (limit, before[1]))
    except (ImportError, OSError, ValueError):
        yield
        return
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)
