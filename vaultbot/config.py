"""The settings, each a dataclass field with its default, its check and one line of why.

`config.example.toml` is written from them (`python -m vaultbot.config`), and a test holds the two equal. Where their
values come from: `config_reader.py`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from typing import Any, Literal

Check = Callable[[Any], bool]

_THIS_MACHINE = ("http://127.0.0.1:", "http://localhost:")


def setting(default: Any, why: str, *, allowed: str, check: Check) -> Any:
    """A field with its default, the reason it exists, what is allowed in words, and the test of that."""
    return field(default=default, metadata={"why": why, "allowed": allowed, "check": check})


def _place(default: str, why: str, *, words: tuple[str, ...] = ()) -> Any:
    """A path, or one of some words."""
    spoken = " or ".join((*(f'"{word}"' for word in words), "a path in quotes"))
    return field(
        default=default,
        metadata={
            "why": why,
            "allowed": spoken,
            "check": lambda v: isinstance(v, str) and not is_address(v),
            "words": ("", *words),
        },
    )


def _address(why: str) -> Any:
    return setting(
        "",
        why,
        allowed="an address that begins with http:// or https://",
        check=lambda v: isinstance(v, str) and (not v or is_address(v)),
    )


def is_address(value: str) -> bool:
    """Whether a place is a server's, and not a path."""
    return value.lower().startswith(("http://", "https://"))


def _remote_model(why: str) -> Any:
    return setting(
        "",
        why,
        allowed="a name in quotes",
        check=lambda v: isinstance(v, str) and len(v) <= 200 and v.isprintable(),
    )


def _key_variable() -> Any:
    return setting(
        "",
        "The environment variable that holds the server's key, like OPENAI_API_KEY; never the key itself.",
        allowed="the name of an environment variable, such as OPENAI_API_KEY, and not the key itself",
        check=lambda v: isinstance(v, str) and re.fullmatch(r"(?:[A-Za-z_][A-Za-z0-9_]{0,63})?", v) is not None,
    )


def _key_keyring() -> Any:
    return setting(
        "",
        "Or the name of its entry in the system's keyring, put there by: keyring set vaultbot NAME.",
        allowed="a name in letters, digits, dots and dashes, and not the key itself",
        check=lambda v: isinstance(v, str) and re.fullmatch(r"[A-Za-z0-9_.-]{0,40}", v) is not None,
    )


def _texts(why: str) -> Any:
    return setting(
        (),
        why,
        allowed='a list of texts, like ["a", "b"]',
        check=lambda v: all(isinstance(item, str) for item in v),
    )


def _whole(default: int, low: int, high: int, why: str) -> Any:
    return setting(
        default,
        why,
        allowed=f"a whole number from {low} to {high}",
        check=lambda v: isinstance(v, int) and not isinstance(v, bool) and low <= v <= high,
    )


def _number(default: float, low: float, high: float, why: str) -> Any:
    return setting(
        default,
        why,
        allowed=f"a number from {low:g} to {high:g}",
        check=lambda v: isinstance(v, int | float) and not isinstance(v, bool) and low <= v <= high,
    )


def _auto_or_whole(low: int, high: int, why: str, *, words: tuple[str, ...] = ("auto",)) -> Any:
    spoken = ", ".join(f'"{word}"' for word in words)
    return setting(
        "auto",
        why,
        allowed=f"{spoken} or a whole number from {low} to {high}",
        check=lambda v: v in words if isinstance(v, str) else type(v) is int and low <= v <= high,
    )


def _one_of(*words: str, why: str) -> Any:
    """The first is the default."""
    return setting(words[0], why, allowed=" or ".join(f'"{word}"' for word in words), check=lambda v: v in words)


def _yes_or_no(default: bool, why: str) -> Any:
    return setting(default, why, allowed="true or false", check=lambda v: isinstance(v, bool))


@dataclass(frozen=True, slots=True)
class VaultSettings:
    """Which notes."""

    path: str = _place("", "The vault's folder, or the name of one in [vaults]; --vault is stronger.")
    exclude: tuple[str, ...] = _texts(
        "Notes to leave out, as in .gitignore; what Obsidian excludes is left out anyway."
    )


@dataclass(frozen=True, slots=True)
class IndexSettings:
    """How notes are read and cut up."""

    max_note_mb: int = _whole(10, 1, 1000, "Of a larger note only this much is read.")
    pdf: bool = _yes_or_no(True, "Read the text of PDF files, too.")
    max_pdf_mb: int = _whole(100, 1, 1000, "Larger PDF files are left out.")
    chunk_tokens: int = _whole(230, 60, 2000, "Longest passage, in tokens of the embedding model.")
    rescan_minutes: int = _whole(10, 1, 1440, "Look through the whole vault this often, in case events were lost.")
    chroma_url: str = _address("The address of a Chroma server for the vectors, in place of a folder of vaultbot's.")
    chroma_key_variable: str = _key_variable()
    chroma_key_keyring: str = _key_keyring()
    chroma_allow_remote: bool = _yes_or_no(
        False,
        "Let vectors, which are made of your notes and tell something of them, leave this machine.",
    )


@dataclass(frozen=True, slots=True)
class EmbeddingSettings:
    """The model that finds passages by meaning."""

    model: str = _place(
        "auto",
        'A folder with a sentence-transformers model, or a GGUF file; "auto": the starter model, if installed; "none": '
        "words alone.",
        words=("auto", "none"),
    )
    base_url: str = _address("The address of an OpenAI-compatible server that embeds in place of a local model.")
    remote_model: str = _remote_model("The server's name for the model, like nomic-embed-text.")
    key_variable: str = _key_variable()
    key_keyring: str = _key_keyring()
    allow_remote: bool = _yes_or_no(False, "Let the text of your notes leave this machine, to that address.")
    engine: Literal["onnxruntime", "torch"] = _one_of(
        "onnxruntime",
        "torch",
        why="What computes the vectors: onnxruntime is faster on a processor, torch on a graphics card.",
    )
    precision: Literal["float32", "int8"] = _one_of(
        "float32",
        "int8",
        why="int8 is faster and smaller, and a little less exact; a change embeds every note anew. For onnxruntime.",
    )
    batch_size: int = _whole(8, 1, 256, "Texts embedded at once; small batches are faster on a CPU.")


@dataclass(frozen=True, slots=True)
class RetrievalSettings:
    """How notes are found."""

    limit: int = _whole(8, 1, 50, "Hits shown by a search.")
    passages: int = _whole(3, 1, 20, "Passages read for an answer.")
    refuse_below: float = _number(0.51, 0, 1, 'Weaker matches than this get "not in your notes".')
    caution_below: float = _number(
        0.6, 0, 1, "Weaker matches than this are quoted with a warning, and the model is not asked."
    )
    reranker: str = _place(
        "none", 'A folder with a cross-encoder, which reads the best hits once more; "none": without.', words=("none",)
    )
    rerank_top: int = _whole(20, 2, 50, "So many of the best hits are read by the reranker.")
    rerank_ms: int = _whole(300, 10, 60000, "When the reranker takes longer, the order is the one without it.")
    expand: bool = _yes_or_no(
        False, "Have a language model of 0.7 billion weights or more put questions in other words to look for as well."
    )


@dataclass(frozen=True, slots=True)
class ModelSettings:
    """The language model that words the answer."""

    path: str = _place(
        "auto",
        'A GGUF file; "auto" takes the starter model if it is installed; "none" answers in quotes alone.',
        words=("auto", "none"),
    )
    base_url: str = _address("The address of an OpenAI-compatible server that answers in place of a local model.")
    remote_model: str = _remote_model("The server's name for the model; not needed where it has one alone.")
    key_variable: str = _key_variable()
    key_keyring: str = _key_keyring()
    allow_remote: bool = _yes_or_no(
        False, "Let your questions, and what your notes say to them, leave this machine, to that address."
    )
    remote_billions: float = _number(
        0, 0, 10000, "Weights of the server's model in billions; 0: as the server or the model's name tells, else 7."
    )
    context_tokens: int = _whole(4096, 512, 1048576, "Room for sources and answer; more needs more memory.")
    gpu_layers: int | Literal["auto", "all"] = _auto_or_whole(
        0, 1000, "Layers given to the GPU; auto takes as many as fit its free memory.", words=("auto", "all")
    )
    threads: int | Literal["auto"] = _auto_or_whole(
        1, 256, "Processor threads; auto takes what a short measurement finds best."
    )
    temperature: float = _number(0.0, 0, 2, "0 gives the same prompt the same answer; higher ones vary it.")
    top_k: int = _whole(
        40, 0, 1000, "Choose among so many of the likeliest words; 0: all. This and the next two need a temperature."
    )
    top_p: float = _number(0.95, 0, 1, "Choose among the likeliest words that have this chance together; 1: all.")
    min_p: float = _number(0.05, 0, 1, "Leave out words whose chance is below this share of the likeliest's; 0: none.")
    repeat_penalty: float = _number(1.0, 1, 2, "Above 1, words said a moment ago are avoided, those of your notes too.")
    seed: int = _whole(0, 0, 2**31 - 1, "Start of the random numbers when temperature is above 0.")
    idle_minutes: float = _number(
        10, 0.01, 10080, "A model that nobody asks for so long leaves the memory; the next question loads it again."
    )
    keep_prompt: bool = _yes_or_no(
        True, "Keep what the model has read last in the state folder, so that it is not read again after a restart."
    )
    max_tokens: int = _whole(400, 16, 8192, "Longest answer.")

    @property
    def local(self) -> str:
        """`path`, or "none" where a server answers in its place."""
        return "none" if self.base_url else self.path


@dataclass(frozen=True, slots=True)
class AnswerSettings:
    """What an answer shows."""

    unsupported: Literal["drop", "mark", "keep"] = _one_of(
        "drop",
        "mark",
        "keep",
        why="Sentences of the model that your notes do not support: drop them, mark them as such, or keep them as they "
        "are.",
    )


@dataclass(frozen=True, slots=True)
class ModelsSettings:
    """Where `vaultbot models pull` gets language models, and where they are kept."""

    hub: str = setting(
        "https://huggingface.co",
        "The hub that models are pulled from, or a mirror of it.",
        allowed="an address that begins with https://",
        check=lambda v: isinstance(v, str) and v.startswith(("https://", *_THIS_MACHINE)),
    )
    folder: str = _place("", "The folder of pulled models; empty takes vaultbot's own.")


@dataclass(frozen=True, slots=True)
class PromptSettings:
    """The words for the model."""

    folder: str = _place("", "A folder with your own ask.md and the like; empty uses the ones that come with vaultbot.")


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """The local HTTP API."""

    port: int = _whole(8765, 0, 65535, "Port on 127.0.0.1; 0 takes a free one.")
    idle_minutes: float = _number(
        30, 0.01, 10080, "A daemon that a command started ends after so long without requests."
    )
    allowed_origins: tuple[str, ...] = _texts("Further web origins that may call; Obsidian's own are always allowed.")
    log_format: Literal["text", "json"] = _one_of(
        "text", "json", why="The form of a line in daemon.log: for people, or for programs that collect logs."
    )
    ollama_compat: bool = _yes_or_no(
        False, "Answer clients of Ollama's API, which send no token: any program on this machine can then ask."
    )


@dataclass(frozen=True, slots=True)
class Config:
    """All settings, checked."""

    vault: VaultSettings = VaultSettings()
    index: IndexSettings = IndexSettings()
    embedding: EmbeddingSettings = EmbeddingSettings()
    retrieval: RetrievalSettings = RetrievalSettings()
    model: ModelSettings = ModelSettings()
    answer: AnswerSettings = AnswerSettings()
    models: ModelsSettings = ModelsSettings()
    prompts: PromptSettings = PromptSettings()
    server: ServerSettings = ServerSettings()


#: Of tables whose names are the owner's there can be no defaults.
_VAULTS_EXAMPLE = (
    "# Several vaults, each with a name for --vault, its folder and whatever differs for it (docs/vaults.md), like:",
    "# [vaults.work]",
    '# path = "~/Work"',
    '# exclude = ["Archive/"]',
    "# [vaults.work.server]",
    "# port = 8766",
)


def example_toml() -> str:
    """`config.example.toml`: every setting with its default and one line of why."""
    lines = [
        "# Every setting of vaultbot with its default. Copy the lines you want to change into config.toml",
        "# (vaultbot init writes one and says where). Stronger than this file: the environment, such as",
        "# VAULTBOT_SERVER_PORT=9000, and stronger still: flags.",
    ]
    for section in fields(Config):
        settings = getattr(Config(), section.name)
        lines += ["", f"# {type(settings).__doc__}", f"[{section.name}]"]
        for item in fields(settings):
            lines += [f"# {item.metadata['why']}", f"{item.name} = {toml_value(item.default)}"]
    lines += ["", *_VAULTS_EXAMPLE]
    return "\n".join(lines) + "\n"


def toml_value(value: Any) -> str:
    """A setting's value as TOML."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")  # JSON's escapes are TOML's, too.
    if isinstance(value, tuple | list):
        return "[" + ", ".join(toml_value(item) for item in value) + "]"
    return repr(value)


if __name__ == "__main__":
    print(example_toml(), end="")
