"""What a killed process leaves in vaultbot's folders is gone after the next start, and no stranger to `uninstall`."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.machine import Machine, machine_in
from tests.conftest import VaultBuilder
from vaultbot.belongings import belongings, delete, states
from vaultbot.paths import StatePaths, state_paths
from vaultbot.relink import moved_to, take_along
from vaultbot.states import all_states, clear_up, dropped, remember_owner

#: A look at the catalog that is killed in the middle: of doctor in its own process, or of the daemon.
_KILLED = {
    "doctor": "with copied(file): os.kill(os.getpid(), 9)",
    "the daemon": "with copied_while_open(sqlite3.connect(file), file): os.kill(os.getpid(), 9)",
}


def killed_while_it_copies(catalog: Path, who: str) -> Path:
    """The copy that stays behind."""
    script = (
        "import os, sqlite3, sys\nfrom pathlib import Path\n"
        f"from vaultbot.index.health import copied, copied_while_open\nfile = Path(sys.argv[1])\n{_KILLED[who]}\n"
    )
    ran = subprocess.run([sys.executable, "-c", script, str(catalog)], check=False)
    assert ran.returncode == -signal.SIGKILL
    (left,) = catalog.parent.glob("doctor-*")
    assert b"sourdough" in (left / catalog.name).read_bytes()
    return left


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """Its vault was indexed earlier, by words alone."""
    with machine_in(tmp_path) as machine:
        machine.write("Sourdough.md", "A sourdough starter is fed with flour and water every day.\n")
        with machine.serve():
            pass
    return machine


@pytest.mark.parametrize("who", ["doctor", "the daemon"])
def test_a_copy_of_the_index_that_was_left_is_gone_with_the_next_start(machine: Machine, who: str) -> None:
    left = killed_while_it_copies(machine.state.catalog, who)

    with machine.serve():
        assert not left.exists()


def test_a_copy_that_a_killed_doctor_left_is_gone_with_the_next_doctor(machine: Machine) -> None:
    left = killed_while_it_copies(machine.state.catalog, "doctor")

    machine.vaultbot("doctor")

    assert not left.exists()


def test_a_copy_that_was_left_is_taken_away_with_all_the_rest(machine: Machine) -> None:
    killed_while_it_copies(machine.state.catalog, "doctor")

    assert machine.run("uninstall", "--data", "--yes").code == 0

    assert not machine.home.exists()


# ── an index that was to be dropped ────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def relinked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StatePaths:
    """The state of a moved vault, killed when its index had been put there, and the one that had been made there before
    was not deleted yet."""
    monkeypatch.setenv("VAULTBOT_HOME", str(tmp_path / "home"))
    for root in (tmp_path / "Notes", tmp_path / "Moved"):
        vault = VaultBuilder(root, state_paths(root))
        vault.write("Soup.md", "Leeks and potatoes.")
        vault.state.create()
        vault.index()
        vault.close()
        remember_owner(vault.state, root)
    (tmp_path / "Notes" / "Soup.md").unlink()

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("vaultbot.relink.remember_owner", killed)
        with pytest.raises(KeyboardInterrupt):
            take_along(moved_to(tmp_path / "Moved")[0])
    state = state_paths(tmp_path / "Moved")
    assert (dropped(state) / "catalog.db").exists()
    return state


def test_a_dropped_index_is_none_of_the_known_ones_and_gone_with_the_next_start(relinked: StatePaths) -> None:
    assert list(all_states()) == [relinked]

    clear_up(relinked)

    assert not dropped(relinked).exists()
    assert relinked.catalog.exists()


def test_a_dropped_index_is_taken_away_with_all_the_rest(relinked: StatePaths) -> None:
    assert {state.root for state in states()} == {relinked.root, dropped(relinked)}

    delete(belongings())

    assert not relinked.root.parent.exists()
