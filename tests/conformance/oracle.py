"""The same cases for the real app: writes them as vaults, and compares what Obsidian made of their links.

python -m tests.conformance.oracle write FOLDER
python -m tests.conformance.oracle compare resolved.json
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

from tests.conformance.cases import Case, as_vault_files, fixture, load_cases, write_vault

Targets = Mapping[str, int]  #: how often a note links to each path


def shared_source(case: Case) -> str | None:
    """Where a case stands in the shared vault; None when it needs a vault of its own."""
    if (
        case.text is None
        or case.files
        or case.source.endswith(".canvas")
        or case.source in set(fixture()) - {"Note.md"}
    ):
        return None
    folder = case.source.rpartition("/")[0]
    # A name that no case links to, so that the many sources do not meet.
    return f"{folder}/case {case.name}.md".removeprefix("/")


def write(folder: Path) -> None:
    """One vault for all cases that can share it, and one for each of the others."""
    write_vault(folder / "shared", fixture())
    for case in load_cases():
        if source := shared_source(case):
            write_vault(folder / "shared", {source: case.text or ""})
        else:
            write_vault(folder / case.name, dict(as_vault_files(case)))


def expected_targets(case: Case) -> Counter[str]:
    """What the case says of its links: how many lead to each file.

    Those of a note to itself are left out, and those deep in a property, which Obsidian does not see.
    """
    links = [link if isinstance(link, dict) else {"to": link} for link in case.links or ()]
    return Counter(link["to"] for link in links if link["to"] and link.get("linkpath") != "" and not link.get("nested"))


def differences(resolved: Mapping[str, Targets]) -> Iterator[str]:
    """One line for each case of the shared vault that Obsidian reads otherwise. `resolved` maps source to targets."""
    for case in load_cases():
        source = shared_source(case)
        if (
            source is None
            or case.links is None
            or any(isinstance(link, dict) and "to" not in link for link in case.links)
        ):
            continue
        seen = {target: count for target, count in resolved.get(source, {}).items() if target != source}
        expected = dict(expected_targets(case))
        if seen != expected:
            known = f" (known: {case.departs})" if case.departs else ""
            yield f"{case.name} [{case.mark}]: Obsidian links to {seen}, the case expects {expected}{known}"


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["write", folder]:
            write(Path(folder))
        case ["compare", answer]:
            print("\n".join(differences(json.loads(Path(answer).read_text(encoding="utf-8")))) or "no differences")
        case _:
            sys.exit(__doc__)
