"""The vaults that Obsidian has opened on this machine, as its own settings tell."""

from __future__ import annotations

import json
import os
from pathlib import Path


def opened_vaults() -> list[Path]:
    """Their folders, as far as they are there, the last one that was opened first."""
    places = (
        Path(os.environ.get("XDG_CONFIG_HOME") or "~/.config").expanduser() / "obsidian",
        Path("~/.var/app/md.obsidian.Obsidian/config/obsidian").expanduser(),
        Path("~/Library/Application Support/obsidian").expanduser(),
        Path(os.environ.get("APPDATA") or "~/AppData/Roaming").expanduser() / "obsidian",
    )
    found: dict[Path, int] = {}
    for place in places:
        try:
            vaults = json.loads((place / "obsidian.json").read_text(encoding="utf-8"))["vaults"]
            entries = [(Path(one["path"]), int(one.get("ts") or 0)) for one in vaults.values()]
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            continue
        found.update((path, time) for path, time in entries if path.is_dir())
    return sorted(found, key=lambda path: -found[path])
