"""The words that people read about language models."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from vaultbot.cli.render import bold, dim, plain
from vaultbot.models.chat_advisor import Fit, Recommendation
from vaultbot.models.gguf import GgufInfo
from vaultbot.models.installed import InstalledModel
from vaultbot.models.languages import CODES
from vaultbot.models.machine import Machine
from vaultbot.models.memory import needed_bytes

_CONTEXTS = (4096, 8192, 32768)
_LANGUAGES = {**{code: name for name, code in CODES.items()}, "many": "many"}


def size(count: float) -> str:
    """Bytes for people: "986 MB", "4.7 GB"."""
    if count < 999_500:
        return f"{count / 1e3:.0f} kB"
    return f"{count / 1e9:.1f} GB" if count >= 999_500_000 else f"{count / 1e6:.0f} MB"


def weights(count: int) -> str:
    """How many weights: "135 M", "7.6 B"."""
    return f"{count / 1e9:.1f} B" if count >= 999_500_000 else f"{count / 1e6:.0f} M"


def print_models(installed: Sequence[InstalledModel], fits: Sequence[Fit], machine: Machine) -> None:
    """What is installed, and what could be."""
    print(bold("installed"))
    rows = [
        (
            f"{'*' if one.in_use else ' '} {plain(one.name)}",
            size(one.bytes) if one.bytes else "",
            f"needs {size(one.needed_bytes)}" if one.needed_bytes else "",
            plain(one.problem or ""),
        )
        for one in installed
    ]
    print("\n".join(_table(rows)) if rows else "  none: answers are quotes")
    print(f"\n{bold('known')}, with {_having(machine)}")
    print("\n".join(_table([_known(one) for one in fits])))
    print(dim("\n* is in use; tokens a second are a rough guess. Get one: vaultbot models pull ID"))


def _known(one: Fit) -> tuple[str, ...]:
    model = one.choice.model
    return (
        f"  {model.id}",
        size(one.choice.weight_bytes),
        f"needs {size(one.needed_bytes)}",
        _fitting(one),
        "/".join(_LANGUAGES[language] for language in model.languages),
        model.licence,
    )


def _fitting(one: Fit) -> str:
    if one.where == "graphics card":
        return "fits the graphics card"
    speed = f"{_rounded(one.tokens_per_s)} tokens/s" if one.tokens_per_s else ""
    return {"no": "does not fit", "tight": f"tight, {speed}"}.get(one.where, speed)


def _rounded(speed: float) -> str:
    return f"{speed:.0f}" if speed < 20 else f"{round(speed, -1):.0f}"


def _having(machine: Machine) -> str:
    memory = f"{size(machine.free_memory)} of memory free" if machine.free_memory else "an unknown amount of memory"
    return f"{memory} and {size(machine.free_vram)} on graphics cards" if machine.free_vram else memory


def _table(rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def print_recommendation(found: Recommendation) -> None:
    """What, why, and what to type."""
    model = found.fit.choice.model
    print(bold(found.fit.choice.name))
    print(f"  {model.why}")
    print(f"  {size(found.fit.choice.weight_bytes)} to download, needs {size(found.fit.needed_bytes)} of memory")
    print(f"  why this one: {found.reason}")
    print(f"  licence: {model.licence}")
    print(f"get it: vaultbot models pull {model.id}")


def print_file(info: GgufInfo, template: str) -> None:
    """What a GGUF file's header tells."""
    print(bold(plain(info.label)))
    rows = [
        ("file", f"{info.path}, {size(info.size)}, whole"),
        ("name", plain(info.name or "")),
        ("kind", "embedding model" if info.is_embedder else "language model"),
        ("architecture", plain(info.architecture)),
        ("weights", f"{weights(info.parameters)} in {len(info.block_bytes)} layers"),
        (
            "quantization",
            f"{plain(info.quantization)}, {info.weight_bytes * 8 / max(1, info.parameters):.2f} bits a weight",
        ),
        ("context", f"{info.context_length} tokens" if info.context_length else "not said"),
        ("template", template),
        ("memory", ", ".join(_memory(info)) or "not known"),
    ]
    print("\n".join(_table([(f"  {key}", value) for key, value in rows if value])))


def _memory(info: GgufInfo) -> Iterator[str]:
    for context in _CONTEXTS:
        if context <= (info.context_length or context):
            yield f"{size(needed_bytes(info, context))} for {context} tokens"


def file_as_json(info: GgufInfo, template: str) -> dict[str, object]:
    """The same for programs."""
    return {
        "path": str(info.path),
        "label": info.label,
        "name": info.name,
        "bytes": info.size,
        "complete": True,
        "kind": "embedding" if info.is_embedder else "chat",
        "architecture": info.architecture,
        "parameters": info.parameters,
        "layers": len(info.block_bytes),
        "quantization": info.quantization,
        "context_tokens": info.context_length,
        "template": template,
        "needed_bytes": {
            str(context): needed_bytes(info, context)
            for context in _CONTEXTS
            if context <= (info.context_length or context)
        },
    }
