"""The endpoints of suggestions, with the whole product behind them."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from tests.api.test_app import app_of, events_of, posting
from tests.api.wire import TOKEN, Reply, call, served
from tests.conftest import VaultBuilder


def rested(file: Path) -> Path:
    """Changed an hour ago, so that nobody seems to be typing in it."""
    then = file.stat().st_mtime_ns - 3600 * 10**9
    os.utime(file, ns=(then, then))
    return file


@pytest.fixture
def garden(vault: VaultBuilder) -> VaultBuilder:
    rested(vault.write("Tomato.md", "They like compost, and peas beside them.\n"))
    rested(vault.write("Compost.md", "Rotten leaves. Peas like it too.\n"))
    rested(vault.write("Peas.md", "They climb.\n"))
    vault.index()
    return vault


def get(vault: VaultBuilder, path: str) -> Reply:
    return call(app_of(vault), path=path)


def post(vault: VaultBuilder, path: str, body: object) -> Reply:
    return call(app_of(vault), "POST", path, posting(body), [json.dumps(body).encode()])


def suggestions(vault: VaultBuilder, more: str = "") -> list[dict[str, Any]]:
    page: list[dict[str, Any]] = get(vault, f"/api/suggestions?note=Tomato{more}").json()["suggestions"]
    return page


def test_suggestions_name_the_words_their_place_and_what_they_would_become(garden: VaultBuilder) -> None:
    page = get(garden, "/api/suggestions?note=Tomato").json()

    assert page["note"] == "Tomato.md"
    first = page["suggestions"][0]
    assert (first["kind"], first["text"], first["target"], first["line"]) == ("mention", "compost", "Compost.md", 1)
    assert first["edit"] == {
        "type": "replace",
        "text": "[[Compost|compost]]",
        "start": 10,
        "end": 17,
        "key": None,
        "value": None,
    }
    assert page == get(garden, "/api/suggestions?path=Tomato.md").json()


def test_suggestions_can_be_narrowed(garden: VaultBuilder) -> None:
    assert len(suggestions(garden)) == 2
    assert len(suggestions(garden, "&limit=1")) == 1
    assert suggestions(garden, "&min_score=1") == []
    assert suggestions(garden, "&kind=tag") == []
    assert len(suggestions(garden, "&kind=tag&kind=mention")) == 2


def test_suggestions_of_the_whole_vault_come_note_by_note(garden: VaultBuilder) -> None:
    with served(lambda port: app_of(garden, port)) as port:
        import http.client

        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        connection.request("GET", "/api/suggestions/all?limit=1", headers={"Authorization": f"Bearer {TOKEN}"})
        events = events_of(connection.getresponse().read().decode())
        connection.close()

    assert [(name, data.get("note"), len(data.get("suggestions", []))) for name, data in events[:-1]] == [
        ("note", "Compost.md", 1),
        ("note", "Peas.md", 0),
        ("note", "Tomato.md", 1),
    ]
    assert events[-1] == ("done", {"suggestions": 2})
    assert (events[0][1]["done"], events[0][1]["total"]) == (1, 3)


def test_an_accepted_suggestion_is_written_shown_in_the_history_and_undone(garden: VaultBuilder) -> None:
    before = (garden.root / "Tomato.md").stat().st_mtime_ns
    first = suggestions(garden)[0]
    body = {"note": "Tomato.md", "ids": [first["id"]], "sha256": first["sha256"]}

    shown = post(garden, "/api/suggestions/apply", {**body, "dry_run": True}).json()
    done = post(garden, "/api/suggestions/apply", body).json()

    assert "+They like [[Compost|compost]], and peas beside them.\n" in shown["diff"]
    assert (done["accepted"], done["refused"], done["diff"]) == ([first["id"]], [], "")
    assert (garden.root / "Tomato.md").read_text() == "They like [[Compost|compost]], and peas beside them.\n"
    (run,) = get(garden, "/api/edits").json()["runs"]
    assert run["run"] == done["run"]
    assert run["notes"] == [
        {
            "note": "Tomato.md",
            "state": "done",
            "new": False,
            "changes": [{"id": first["id"], "kind": "mention", "target": "Compost.md", "text": "compost"}],
        }
    ]
    garden.index()
    assert [one["text"] for one in suggestions(garden)] == ["peas"]

    undone = post(garden, "/api/undo", {"run": run["run"]}).json()

    assert undone == {"run": run["run"], "restored": ["Tomato.md"], "removed": [], "refused": []}
    assert (garden.root / "Tomato.md").read_text() == "They like compost, and peas beside them.\n"
    assert (garden.root / "Tomato.md").stat().st_mtime_ns == before
    assert post(garden, "/api/undo", {}).slug == "not-found"


def test_more_of_a_note_is_accepted_with_the_hash_of_the_last_answer(garden: VaultBuilder) -> None:
    first, second = suggestions(garden)
    body = {"note": "Tomato.md", "ids": [first["id"]], "sha256": first["sha256"]}
    done = post(garden, "/api/suggestions/apply", body).json()

    stale = post(garden, "/api/suggestions/apply", {**body, "ids": [second["id"]]})
    more = post(
        garden,
        "/api/suggestions/apply",
        {"note": "Tomato.md", "ids": [second["id"]], "sha256": done["sha256"], "run": done["run"]},
    ).json()

    assert (stale.status, stale.slug) == (409, "changed-meanwhile")
    assert more["run"] == done["run"]
    assert post(garden, "/api/undo", {}).json()["restored"] == ["Tomato.md"]
    assert (garden.root / "Tomato.md").read_text() == "They like compost, and peas beside them.\n"


def test_a_note_that_somebody_is_typing_in_is_left_alone(garden: VaultBuilder) -> None:
    garden.write("Tomato.md", "They like compost.\n")
    first = suggestions(garden)[0]

    reply = post(
        garden, "/api/suggestions/apply", {"note": "Tomato.md", "ids": [first["id"]], "sha256": first["sha256"]}
    )

    assert (reply.status, reply.slug) == (409, "changed-meanwhile")
    assert "try again when it has rested" in reply.json()["detail"]
    assert (garden.root / "Tomato.md").read_text() == "They like compost.\n"


def test_what_is_dismissed_is_listed_and_cleared(garden: VaultBuilder) -> None:
    first, second = suggestions(garden)

    decision = post(
        garden, "/api/suggestions/dismiss", {"note": "Tomato.md", "id": first["id"], "scope": "pair"}
    ).json()

    assert (decision["scope"], decision["target"]) == ("pair", "Compost.md")
    assert [one["id"] for one in suggestions(garden)] == [second["id"]]
    assert [one["number"] for one in get(garden, "/api/dismissals").json()["dismissals"]] == [decision["number"]]
    assert post(garden, "/api/dismissals/clear", {"numbers": [decision["number"], 99]}).json() == {"cleared": 1}
    assert len(suggestions(garden)) == 2
    again = {"note": "Tomato.md", "id": "s_made_up"}
    assert post(garden, "/api/suggestions/dismiss", again).slug == "not-found"


def test_what_another_program_wrote_is_remembered_until_it_takes_it_back(garden: VaultBuilder) -> None:
    first = suggestions(garden)[0]
    written = {name: first[name] for name in ("id", "kind", "note", "target", "text", "key", "score")}

    (kept,) = post(garden, "/api/suggestions/accepted", {"suggestions": [written]}).json()["decisions"]

    assert (kept["verdict"], kept["suggestion"], kept["note"]) == ("accepted", first["id"], "Tomato.md")
    assert (kept["target"], kept["text"], kept["run"]) == ("Compost.md", "compost", "")
    assert kept["at"] > 0
    assert (garden.root / "Tomato.md").read_text() == "They like compost, and peas beside them.\n"
    assert get(garden, "/api/dismissals").json() == {"dismissals": []}
    assert get(garden, "/api/edits").json() == {"runs": []}
    assert post(garden, "/api/dismissals/clear", {"numbers": [kept["number"]]}).json() == {"cleared": 0}
    assert post(garden, "/api/suggestions/withdraw", {"numbers": [kept["number"], 99]}).json() == {"cleared": 1}
    assert post(garden, "/api/suggestions/withdraw", {"numbers": [kept["number"]]}).json() == {"cleared": 0}


def test_what_vaultbot_wrote_is_not_withdrawn_but_undone(garden: VaultBuilder) -> None:
    first = suggestions(garden)[0]
    body = {"note": "Tomato.md", "ids": [first["id"]], "sha256": first["sha256"]}
    post(garden, "/api/suggestions/apply", body)

    assert post(garden, "/api/suggestions/withdraw", {"numbers": [1]}).json() == {"cleared": 0}


def test_a_dismissal_outlives_the_daemon_and_a_rename(garden: VaultBuilder) -> None:
    first = suggestions(garden)[0]
    post(garden, "/api/suggestions/dismiss", {"note": "Tomato.md", "id": first["id"], "scope": "pair"})
    garden.close()
    (garden.root / "Tomato.md").rename(garden.root / "Tomatoes.md")
    garden.index()

    page = get(garden, "/api/suggestions?note=Tomatoes").json()

    assert [one["text"] for one in page["suggestions"]] == ["peas"]


def test_a_new_note_is_made_once(garden: VaultBuilder) -> None:
    made = post(garden, "/api/notes", {"path": "Chats/What peas like.md", "text": "# Peas\n\nCompost.\n"})

    assert made.status == 200
    assert made.json()["uri"].startswith("obsidian://open?")
    assert (garden.root / "Chats/What peas like.md").read_text() == "# Peas\n\nCompost.\n"
    again = post(garden, "/api/notes", {"path": "chats/what peas like.md", "text": "other"})
    assert (again.status, again.slug) == (409, "edit-refused")
    assert post(garden, "/api/undo", {}).json()["removed"] == ["Chats/What peas like.md"]
    assert not (garden.root / "Chats").exists()


@pytest.mark.parametrize(
    ("path", "body", "status", "slug"),
    [
        ("/api/suggestions/apply", {"note": "Tomato.md", "ids": ["x"], "sha256": "0" * 63}, 422, "invalid-request"),
        ("/api/suggestions/apply", {"note": "Tomato.md", "ids": [], "sha256": "0" * 64}, 422, "invalid-request"),
        ("/api/suggestions/accepted", {"suggestions": []}, 422, "invalid-request"),
        ("/api/suggestions/accepted", {"note": "Tomato.md", "ids": ["x"]}, 422, "invalid-request"),
        ("/api/suggestions/withdraw", {}, 422, "invalid-request"),
        ("/api/suggestions/apply", {"note": "Nope.md", "ids": ["x"], "sha256": "0" * 64}, 404, "not-found"),
        (
            "/api/suggestions/apply",
            {"note": "Tomato.md", "ids": ["x"], "sha256": "0" * 64, "text": "free words"},
            422,
            "invalid-request",
        ),
        ("/api/suggestions/dismiss", {"note": "Tomato.md", "id": "x", "scope": "all"}, 422, "invalid-request"),
        ("/api/undo", {"run": "nope"}, 404, "not-found"),
        ("/api/notes", {"path": "../x.md", "text": ""}, 422, "invalid-request"),
        ("/api/notes", {"path": "x.txt", "text": ""}, 422, "invalid-request"),
        ("/api/notes", {"path": ".obsidian/x.md", "text": ""}, 422, "invalid-request"),
        ("/api/notes", {"path": "a:b.md", "text": ""}, 422, "invalid-request"),
    ],
)
def test_a_wrong_request_writes_nothing(garden: VaultBuilder, path: str, body: object, status: int, slug: str) -> None:
    before = sorted((file.name, file.read_bytes()) for file in garden.root.rglob("*.*"))

    reply = post(garden, path, body)

    assert (reply.status, reply.slug) == (status, slug)
    assert sorted((file.name, file.read_bytes()) for file in garden.root.rglob("*.*")) == before
