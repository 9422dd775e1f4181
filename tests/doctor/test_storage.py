"""Permissions, disks and locks, with the real fault made."""

from __future__ import annotations

from pathlib import Path

import pytest

from vaultbot.doctor.check import Check
from vaultbot.doctor.repair import repairs, shut
from vaultbot.doctor.storage import (
    Exposed,
    disk_space,
    exposed_files,
    local_disk,
    lock,
    mounted_as,
    permissions,
    storage,
)
from vaultbot.paths import StatePaths
from vaultbot.runtime import Runtime, make_token

#: Lines in the form of Linux' own.
MOUNTS = r"""
22 28 0:21 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
30 22 0:25 / /users/me/server rw,relatime shared:2 - nfs4 nas:/export rw,vers=4.2
31 22 0:26 / /users/me/with\040blank rw - fuse.sshfs host:/ rw
32 22 0:27 / /users/me/server/local rw - xfs /dev/sdb1 rw
""".strip()


@pytest.fixture
def state(tmp_path: Path) -> StatePaths:
    paths = StatePaths(tmp_path / "vaults" / "Notes-1")
    paths.create()
    make_token(paths)
    return paths


def test_a_state_that_only_its_owner_can_read_is_well(state: StatePaths) -> None:
    assert permissions(state.root, *exposed_files(state.root)).state == "ok"


def test_what_others_may_read_is_named_and_repaired_by_its_mode_alone(state: StatePaths) -> None:
    state.vectors.mkdir(mode=0o700)
    index = state.vectors / "data_level0.bin"
    index.write_bytes(b"vectors")
    index.chmod(0o644)
    state.root.chmod(0o755)

    found = permissions(state.root, *exposed_files(state.root))
    assert (found.state, found.repair) == ("problem", "permissions")
    assert "Notes-1 (755), Notes-1/vectors/data_level0.bin (644)" in found.says

    (one,) = repairs([found], state)
    assert "2 files" in one.says
    one.do()

    assert permissions(state.root, *exposed_files(state.root)).state == "ok"
    assert index.read_bytes() == b"vectors"
    assert index.stat().st_mode & 0o777 == 0o600


def test_a_file_in_a_folder_that_nobody_else_enters_is_advice(state: StatePaths) -> None:
    state.token.chmod(0o640)

    assert permissions(state.root, *exposed_files(state.root)).state == "advice"


def test_a_link_in_the_state_is_left_alone_with_what_it_leads_to(state: StatePaths, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text("of mine")
    elsewhere.chmod(0o644)
    (state.root / "link").symlink_to(elsewhere)

    shut(state)

    assert elsewhere.stat().st_mode & 0o777 == 0o644


def test_what_belongs_to_somebody_else_is_a_problem_that_no_repair_solves(state: StatePaths) -> None:
    found = permissions(state.root, [Exposed(state.token, 0o644, 0o600)], [state.token])

    assert (found.state, found.repair) == ("problem", None)
    assert "chown" in found.do


@pytest.mark.parametrize(
    ("free", "catalog", "wanted"),
    [
        (50_000_000, 0, "problem"),
        (500_000_000, 0, "advice"),
        (5_000_000_000, 0, "ok"),
        (5_000_000_000, 4 * 10**9, "advice"),
    ],
)
def test_a_full_disk_is_told_before_it_is_full(free: int, catalog: int, wanted: str) -> None:
    assert disk_space(Path("/state"), free, catalog).state == wanted


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/users/me/vaults", "ext4"),
        ("/users/me/server/vaults", "nfs4"),
        ("/users/me/serverless", "ext4"),
        ("/users/me/with blank/vaults", "fuse.sshfs"),
        ("/users/me/server/local/vaults", "xfs"),
    ],
)
def test_the_kind_of_a_disk_is_that_of_the_nearest_mount(path: str, kind: str) -> None:
    assert mounted_as(Path(path), MOUNTS) == kind


def test_this_machines_own_mount_table_is_understood(tmp_path: Path) -> None:
    assert mounted_as(tmp_path, Path("/proc/self/mountinfo").read_text())


@pytest.mark.parametrize(
    ("root", "kind", "wanted"),
    [
        ("/users/me/.local/share/vaultbot", "ext4", "ok"),
        ("/users/me/.local/share/vaultbot", None, "ok"),
        ("/users/me/.local/share/vaultbot", "nfs4", "problem"),
        ("/users/me/Dropbox/vaultbot", "ext4", "problem"),
        ("/users/me/Dropbox (Work)/vaultbot", "ext4", "problem"),
        ("/Users/me/Library/Mobile Documents/vaultbot", None, "problem"),
        ("/users/me/OneDrive - Work/vaultbot", None, "problem"),
        ("/users/me/my dropbox notes/vaultbot", "btrfs", "ok"),
    ],
)
def test_an_index_on_another_machines_disk_or_in_a_synced_folder_is_a_problem(
    root: str, kind: str | None, wanted: str
) -> None:
    assert local_disk(Path(root), kind).state == wanted


def test_a_lock_is_told_with_its_holder() -> None:
    daemon = Runtime(7, 8765, "/notes", "1", ends_when_idle=True)

    assert lock(True, daemon, answers=True) == Check("lock", "ok", "held by this vault's daemon, pid 7")
    assert lock(True, daemon, answers=False).state == "problem"
    assert lock(False, daemon, answers=False).says.startswith("free; the daemon that was pid 7 has been killed")
    assert lock(False, None, answers=False).says == "free"


def test_a_state_that_is_not_there_yet_is_looked_at_where_it_will_be(tmp_path: Path) -> None:
    assert {check.name for check in storage(StatePaths(tmp_path / "a" / "b" / "c"))} == {"disk space", "disk"}
    assert not (tmp_path / "a").exists()
