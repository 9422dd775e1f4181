"""What doctor finds in a vault, with real files, a real limit of the system, and times of a clock that was wrong."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from vaultbot.doctor.examination import Told, _watched
from vaultbot.doctor.vault import (
    WatchFacts,
    clock,
    cloud,
    copies,
    in_vault,
    looked_through,
    properties,
    times,
    try_to_watch,
    watch_limit,
    watching,
)
from vaultbot.types import FileStamp, Skipped
from vaultbot.vault.vault import Vault
from vaultbot.vault.watcher import VaultWatcher

NOW = 1_800_000_000.0


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "Notes"
    (folder / "Bread").mkdir(parents=True)
    (folder / "Bread" / "Sourdough.md").write_text("Flour and water.")
    return folder


def test_a_vault_that_can_be_read_is_well_and_one_that_is_gone_is_a_problem(root: Path) -> None:
    found, listing = looked_through(Vault(root))
    assert found.state == "ok"
    assert listing is not None
    assert [check.state for check in in_vault(listing, [], now=NOW)] == ["ok"] * 4

    found, listing = looked_through(Vault(root / "nowhere"))
    assert (found.state, listing) == ("problem", None)
    assert found.do == "give the folder that you open in Obsidian"


@pytest.mark.skipif(os.getuid() == 0, reason="root may read everything")
def test_a_folder_that_may_not_be_listed_is_named(root: Path) -> None:
    (root / "Bread").chmod(0)
    try:
        found, _ = looked_through(Vault(root))
    finally:
        (root / "Bread").chmod(0o700)

    assert found.state == "problem"
    assert "1 folder cannot be listed: Bread" in found.says


def test_a_folder_that_cannot_be_listed_is_a_problem(root: Path) -> None:
    from dataclasses import replace

    vault = Vault(root)
    listing = replace(vault.scan(), unreadable=frozenset({"Bread"}))
    vault.scan = lambda: listing  # type: ignore[method-assign]

    found, _ = looked_through(vault)

    assert found.state == "problem"
    assert "Bread" in found.says


# ── watching ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_vault_whose_folders_can_all_be_watched_is_well(root: Path) -> None:
    facts = try_to_watch(root)

    assert (facts.folders, facts.notice) == (2, None)
    assert watching(facts).state == "ok"


@pytest.mark.parametrize("silent", [True, False])
def test_what_a_daemon_says_of_a_disk_that_tells_nothing_is_repeated(root: Path, silent: bool) -> None:
    watcher = VaultWatcher(root, lambda: None)
    if silent:
        watcher.unheard()
    notices = [watcher.notice] if watcher.notice else []
    status = {"watching": watcher.mode, "warnings": ["words alone are searched", *notices]}

    found = watching(_watched(root, Told(status, None, ())))

    assert found.state == ("advice" if silent else "ok")
    assert ("the vault's disk does not tell of changes" in found.says) == silent


def test_a_daemon_that_looks_for_changes_and_does_not_say_why_is_no_good_news(root: Path) -> None:
    found = watching(_watched(root, Told({"watching": "polling", "warnings": []}, None, ())))

    assert (found.state, found.says) == (
        "advice",
        "the system does not tell of changes; they are looked for every half a minute",
    )


_PROBE = (
    "import sys; from pathlib import Path; from vaultbot.doctor.vault import try_to_watch, watching\n"
    "found = watching(try_to_watch(Path(sys.argv[1]))); print(found.state, '|', found.says, '|', found.do)"
)


def _namespaces() -> bool:
    ran = subprocess.run(["unshare", "-Ur", "sh", "-c", "echo 6 > /proc/sys/user/max_inotify_watches"], check=False)
    return ran.returncode == 0


@pytest.mark.skipif(sys.platform != "linux", reason="the limit is Linux'")
@pytest.mark.parametrize(
    ("limit", "said", "raised"),
    [
        (
            "max_inotify_watches",
            "of 22 folders can be watched; changes elsewhere are looked for every 30 s",
            "sudo sysctl fs.inotify.max_user_watches",
        ),
        ("max_inotify_instances", "changes cannot be watched", "sudo sysctl fs.inotify.max_user_instances"),
    ],
)
def test_a_real_limit_of_the_system_is_told_with_how_to_raise_it(
    root: Path, limit: str, said: str, raised: str
) -> None:
    if not _namespaces():
        pytest.skip("this machine gives no user namespace")
    for number in range(20):
        (root / f"Folder {number}").mkdir()
    value = 6 if limit.endswith("watches") else 0
    ran = subprocess.run(
        [
            *("unshare", "-Ur", "sh", "-c", f'echo {value} > /proc/sys/user/{limit}; exec "$@"', "sh"),
            *(sys.executable, "-P", "-c", _PROBE, str(root)),
        ],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent.parent)},
        capture_output=True,
        text=True,
        check=True,
    )

    state, says, do = ran.stdout.split(" | ")
    assert state == "advice"
    assert said in says
    assert raised in do


def test_a_vault_that_nearly_reaches_the_limit_is_told_before_it_does() -> None:
    assert watching(WatchFacts(100, 8192, None)).state == "ok"
    assert watching(WatchFacts(7000, 8192, None)).state == "advice"
    assert watching(WatchFacts(7000, None, None)).state == "ok"


def test_the_smaller_of_two_limits_counts_and_no_file_is_no_limit(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("8192\n")
    (tmp_path / "b").write_text("60\n")

    assert watch_limit([str(tmp_path / "a"), str(tmp_path / "b")]) == 60
    assert watch_limit([str(tmp_path / "c")]) is None


# ── files ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_note_of_the_future_is_named(root: Path) -> None:
    ahead = root / "Future.md"
    ahead.write_text("Not yet.")
    os.utime(ahead, (4_102_444_800, 4_102_444_800))  # 2100
    os.utime(root / "Bread" / "Sourdough.md", (0, 0))  # 1970

    found = times(Vault(root).scan().notes, now=NOW)

    assert found.state == "advice"
    assert found.says == "1 note will have been changed in the future: Future.md"


def test_a_clock_a_little_ahead_is_nobodys_concern() -> None:
    stamps = {"a.md": FileStamp(1, int((NOW + 60) * 1e9), 0, 1)}

    assert times(stamps, now=NOW).state == "ok"


@pytest.mark.parametrize(("now", "state"), [(NOW, "ok"), (0.0, "problem"), (5e9, "problem")])
def test_a_clock_that_was_never_set_is_a_problem(now: float, state: str) -> None:
    assert clock(now).state == state


def test_notes_in_the_cloud_are_counted_and_the_first_are_named(root: Path) -> None:
    for number in range(5):
        (root / f".Away {number}.md.icloud").write_bytes(b"")

    found = cloud(Vault(root).scan().skipped)

    assert found.state == "advice"
    assert "5 notes are not on this machine" in found.says
    assert "Away 0.md, Away 1.md, Away 2.md and 2 more" in found.says
    assert cloud([Skipped("a.md", "a named pipe, not a file")]).state == "ok"


def finding(path: str, line: int | None, message: str) -> dict[str, Any]:
    return {"slug": "frontmatter", "path": path, "line": line, "message": message}


def test_properties_that_cannot_be_read_are_told_with_line_and_reason() -> None:
    assert properties([]).state == "ok"
    found = properties([finding("A.md", 3, "the mapping is not closed"), finding("B.md", None, "too deep")])

    assert found.state == "advice"
    assert found.says == "those of 2 notes cannot be read: A.md:3: the mapping is not closed"


def test_copies_of_a_sync_program_are_named() -> None:
    assert copies([]).state == "ok"
    assert copies(["a.sync-conflict-1.md"]).says == "1 copy of a sync program: a.sync-conflict-1.md"
    assert copies(["a", "b"]).says.startswith("2 copies of a sync program")
