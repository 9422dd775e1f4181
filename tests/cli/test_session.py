"""How long a command waits for a daemon that has just started."""

from __future__ import annotations

from typing import Any

import pytest

from vaultbot.cli.session import Session
from vaultbot.client import Client
from vaultbot.runtime import Runtime


class Starting(Client):
    """A daemon that loads its model until it was asked `looks` times how it is, and then once more by events."""

    def __init__(self, *, notes: int, looks: int) -> None:
        super().__init__(Runtime(1, 1, "/vault", "0", ends_when_idle=True), "token")
        self.notes = notes
        self.looks = looks
        self.waited_by_events = False

    def get(self, path: str, params: Any = None) -> Any:
        assert (path, params) == ("/api/status", None)
        self.looks -= 1
        return self.status(ready=self.looks < 0)

    def events(self, method: str, path: str, body: Any = None) -> Any:
        assert (method, path, body) == ("GET", "/api/events", None)
        self.waited_by_events = True
        yield "status", self.status(ready=True)

    def status(self, *, ready: bool) -> dict[str, Any]:
        report = {"added": self.notes} if ready else None
        state = "ready" if ready else "starting"
        return {"state": state, "notes": self.notes, "last_index": report, "last_report": report}


def test_a_search_goes_on_with_the_index_of_earlier_when_the_model_takes_long() -> None:
    daemon = Starting(notes=3, looks=1000)

    Session().wait_for_index(daemon, at_most_s=0.01)

    assert not daemon.waited_by_events


def test_a_search_waits_for_a_daemon_that_is_soon_ready() -> None:
    daemon = Starting(notes=3, looks=2)

    Session().wait_for_index(daemon, at_most_s=60)

    assert daemon.looks < 0
    assert not daemon.waited_by_events


@pytest.mark.parametrize(("notes", "at_most_s"), [(0, 0.01), (3, None)])
def test_an_empty_index_and_other_commands_wait_for_the_first_look(notes: int, at_most_s: float | None) -> None:
    daemon = Starting(notes=notes, looks=1000)

    Session().wait_for_index(daemon, at_most_s=at_most_s)

    assert daemon.waited_by_events
