"""`docs/cli.md`: every command's help, as it is (`python -m vaultbot.cli.reference > docs/cli.md`)."""

from __future__ import annotations

import typer

from vaultbot.cli.main import app

_INTRODUCTION = """\
# Commands

Written from the program itself: `python -m vaultbot.cli.reference > docs/cli.md`.

Exit codes: 0 done, 1 error, 2 wrong usage or setting, 3 already running, 4 vault missing, 5 model missing, 6 data
damaged. What is wrong is one line on standard error.
"""


def reference() -> str:
    """The page, as Markdown."""
    group = typer.main.get_command(app)
    commands = getattr(group, "commands", {})
    with group.make_context("vaultbot", [], resilient_parsing=True) as top:
        sections = [_INTRODUCTION, _section("vaultbot", top.get_help())]
        for name, command in commands.items():
            with command.make_context(name, [], resilient_parsing=True, parent=top) as context:
                sections.append(_section(f"vaultbot {name}", context.get_help()))
                for word, part in getattr(command, "commands", {}).items():
                    with part.make_context(word, [], resilient_parsing=True, parent=context) as within:
                        sections.append(_section(f"vaultbot {name} {word}", within.get_help()))
    return "\n".join(sections)


def _section(title: str, text: str) -> str:
    lines = "\n".join(line.rstrip() for line in text.strip().splitlines())
    return f"## {title}\n\n```text\n{lines}\n```\n"


if __name__ == "__main__":
    print(reference(), end="")
