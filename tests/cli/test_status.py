"""`vaultbot status`, as a person types it, over a real daemon."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.machine import machine_in, until


def test_it_goes_on_showing_what_changes_until_it_is_ended(tmp_path: Path) -> None:
    with machine_in(tmp_path) as machine:
        machine.write("Kimchi.md", "Cabbage, salt and time.")
        with machine.serve():
            process = machine.popen("--vault", str(machine.vault), "status", "--watch", "--json")
            assert process.stdout is not None
            first = json.loads(process.stdout.readline())
            machine.write("Bread.md", "Flour and water.")
            until(lambda: machine.paths_found("flour") == ["Bread.md"])
            later = [json.loads(process.stdout.readline()) for _ in range(3)][-1]
            process.terminate()
            process.communicate()

            away = machine.vault.rename(machine.folder / "Elsewhere")
            machine.client().post("/api/index", {"wait": False})
            until(lambda: bool(machine.client().get("/api/status")["stale"]))
            shown = machine.vaultbot("status").out
            away.rename(machine.vault)

    assert (first["notes"], first["changed_at"], first["stale"]) == (1, None, None)
    assert first["looked_at"] >= first["indexed_at"]
    assert later["notes"] == 2
    assert later["changed_at"] >= first["looked_at"]
    assert later["state_bytes"] > 0
    assert later["processes"][0]["memory"] > 10_000_000
    assert "\n  stale     the vault cannot be read, so answers come from the last index\n" in shown
