"""The way to ask Obsidian itself."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from tests.conformance.oracle import differences, write
from vaultbot.vault.markdown import parse_note
from vaultbot.vault.resolver import Resolver
from vaultbot.vault.vault import Vault


def links_of(root: Path) -> dict[str, dict[str, int]]:
    """What Obsidian's `resolvedLinks` would hold, read by vaultbot."""
    listing = Vault(root).scan()
    resolver = Resolver((*listing.notes, *listing.files))
    found: dict[str, dict[str, int]] = {}
    for path in listing.notes:
        text = (root / path).read_bytes().decode()
        links = (link for link in parse_note(path, text).links if not link.nested)
        targets = (resolver.resolve(link.linkpath, path).path for link in links)
        found[path] = dict(Counter(target for target in targets if target))
    return found


def test_the_written_vault_gives_the_expected_links_and_a_difference_is_told(tmp_path: Path) -> None:
    write(tmp_path)
    links = links_of(tmp_path / "shared")
    assert list(differences(links)) == []

    links["case 05-resolution-shortest-path-in-characters.md"] = {"zzzz/Short.md": 1}
    (told,) = differences(links)
    assert "zzzz/Short.md" in told
    assert "[observed]" in told


def test_a_case_that_needs_other_files_gets_a_vault_of_its_own(tmp_path: Path) -> None:
    write(tmp_path)

    assert (tmp_path / "82-resolution-a-new-file-takes-over/Peer.md").is_file()
    assert (tmp_path / "82-resolution-a-new-file-takes-over/y/src.md").read_text() == "[[Peer]]"
