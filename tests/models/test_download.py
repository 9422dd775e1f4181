"""Fetching a model from a hub, friendly or not: what is wrong is told, and only a whole file is ever in place."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.gguf_files import scripted_model
from tests.model_hub import ModelHub, model_hub
from vaultbot.errors import VaultbotError
from vaultbot.models.download import fetch, part_of
from vaultbot.models.hub import Hub, RemoteFile


@pytest.fixture(scope="module")
def content(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Of a model that llama.cpp would load: 300 KB."""
    return scripted_model(tmp_path_factory.mktemp("models") / "model.gguf", ["ok"]).read_bytes()


@pytest.fixture
def served(content: bytes) -> Iterator[ModelHub]:
    with model_hub(content) as running:
        yield running


@pytest.fixture
def pauses() -> list[float]:
    return []


@pytest.fixture
def hub(served: ModelHub, pauses: list[float]) -> Hub:
    return Hub(served.address, patience_s=5, pause=pauses.append)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "models" / "model.gguf"


def pull(hub: Hub, place: Path, *, architecture: str = "llama", free: int = 10**12) -> None:
    file = hub.find("maker/Model-GGUF", "model.gguf")
    fetch(hub, file, place, architecture=architecture, free_bytes=lambda _: free)


def refused(hub: Hub, place: Path) -> str:
    """The error, after which nothing is in place."""
    with pytest.raises(VaultbotError) as told:
        pull(hub, place)
    assert not place.exists()
    return str(told.value)


def left_behind(place: Path) -> list[str]:
    return sorted(path.name for path in place.parent.iterdir()) if place.parent.is_dir() else []


def test_a_model_is_fetched_and_nothing_else_is_left(served: ModelHub, hub: Hub, place: Path, content: bytes) -> None:
    pull(hub, place)

    assert place.read_bytes() == content
    assert left_behind(place) == ["model.gguf"]
    assert place.stat().st_mode & 0o077 == 0
    assert [(method, path) for method, path, _ in served.asked] == [
        ("HEAD", "/maker/Model-GGUF/resolve/main/model.gguf"),
        ("GET", "/maker/Model-GGUF/resolve/main/model.gguf"),
    ]


def test_how_far_it_is_is_told_from_beginning_to_end(hub: Hub, place: Path, content: bytes) -> None:
    told: list[tuple[int, int]] = []
    file = hub.find("maker/Model-GGUF", "model.gguf")

    fetch(hub, file, place, architecture="llama", on_progress=lambda done, total: told.append((done, total)))

    assert told == sorted(told)
    assert (told[0], told[-1]) == ((0, len(content)), (len(content), len(content)))


# ── a connection that breaks off ───────────────────────────────────────────────────────────────────────────────


def test_a_broken_connection_is_taken_up_where_it_broke(
    served: ModelHub, hub: Hub, place: Path, content: bytes, pauses: list[float]
) -> None:
    served.cuts_after = len(content) // 3 + 1

    pull(hub, place)

    third = len(content) // 3 + 1
    assert place.read_bytes() == content
    assert served.ranges == [None, f"bytes={third}-", f"bytes={2 * third}-"]
    assert len(pauses) == 2


def test_what_came_is_kept_for_the_next_time(served: ModelHub, hub: Hub, place: Path, content: bytes) -> None:
    served.cuts_after = 1000

    assert "hung up in the middle of the file; run it again later, and it goes on" in refused(hub, place)
    assert part_of(place, hub.find("maker/Model-GGUF", "model.gguf")).stat().st_size == 5000

    served.cuts_after = None
    served.asked.clear()
    pull(hub, place)
    assert served.ranges == ["bytes=5000-"]
    assert place.read_bytes() == content
    assert left_behind(place) == ["model.gguf"]


def test_a_hub_that_cannot_go_on_in_the_middle_begins_again(
    served: ModelHub, hub: Hub, place: Path, content: bytes
) -> None:
    served.cuts_after = 1000
    refused(hub, place)

    served.cuts_after, served.ignores_range = None, True
    pull(hub, place)

    assert place.read_bytes() == content


def test_another_part_than_the_one_asked_for_is_not_taken(served: ModelHub, hub: Hub, place: Path) -> None:
    served.cuts_after = 1000
    refused(hub, place)

    served.cuts_after, served.wrong_range = None, True

    assert "the file has changed, or something in between changes it" in refused(hub, place)


def test_a_hub_that_always_begins_again_and_breaks_off_is_given_up(served: ModelHub, hub: Hub, place: Path) -> None:
    served.cuts_after, served.ignores_range = 1000, True
    served.length = None

    assert "hung up in the middle" in refused(hub, place)
    assert len(served.ranges) == 5


def test_a_part_that_was_spoilt_meanwhile_is_told_and_deleted(
    served: ModelHub, hub: Hub, place: Path, content: bytes
) -> None:
    served.cuts_after = 1000
    refused(hub, place)
    served.cuts_after = None
    part = part_of(place, hub.find("maker/Model-GGUF", "model.gguf"))
    part.write_bytes(b"x" * 5000)

    assert "has not the SHA-256 that it announced, and is deleted" in refused(hub, place)
    assert left_behind(place) == []
    pull(hub, place)
    assert place.read_bytes() == content


def test_a_part_longer_than_the_whole_is_begun_again(served: ModelHub, hub: Hub, place: Path, content: bytes) -> None:
    part = part_of(place, hub.find("maker/Model-GGUF", "model.gguf"))
    part.parent.mkdir()
    part.write_bytes(content + b"more")

    pull(hub, place)

    assert place.read_bytes() == content


def test_a_newer_file_of_the_same_name_is_not_mixed_with_the_older(
    served: ModelHub, hub: Hub, place: Path, tmp_path: Path
) -> None:
    served.cuts_after = 1000
    refused(hub, place)

    served.cuts_after = None
    served.content = scripted_model(tmp_path / "newer.gguf", ["newer"]).read_bytes()
    pull(hub, place)

    assert place.read_bytes() == served.content
    assert left_behind(place) == ["model.gguf"]


def test_a_link_in_the_place_of_the_part_is_not_followed(hub: Hub, place: Path, tmp_path: Path) -> None:
    target = tmp_path / "precious.txt"
    target.write_text("mine")
    part = part_of(place, hub.find("maker/Model-GGUF", "model.gguf"))
    part.parent.mkdir()
    part.symlink_to(target)

    assert "cannot write" in refused(hub, place)
    assert target.read_text() == "mine"


def test_two_at_once_do_not_write_the_same_file(served: ModelHub, hub: Hub, place: Path, content: bytes) -> None:
    told: list[str] = []
    file = hub.find("maker/Model-GGUF", "model.gguf")

    def meanwhile(done: int, total: int) -> None:
        if done == 0:
            with pytest.raises(VaultbotError) as refusal:
                fetch(hub, file, place, architecture="llama")
            told.append(str(refusal.value))

    fetch(hub, file, place, architecture="llama", on_progress=meanwhile)

    assert told == ["another vaultbot is fetching that file already; wait for it"]
    assert place.read_bytes() == content


# ── a hub that lies ────────────────────────────────────────────────────────────────────────────────────────────


def test_other_bytes_than_announced_are_deleted(served: ModelHub, hub: Hub, place: Path) -> None:
    served.announced_sha256 = "0" * 64

    assert "has not the SHA-256 that it announced, and is deleted; try again" in refused(hub, place)
    assert left_behind(place) == []


@pytest.mark.parametrize("difference", [-10, 10])
def test_another_length_than_announced_is_told_before_anything_is_fetched(
    served: ModelHub, hub: Hub, place: Path, difference: int
) -> None:
    served.announced_size = str(len(served.content) + difference)

    assert "and now speaks of" in refused(hub, place)


def test_more_than_announced_is_not_taken(served: ModelHub, hub: Hub, place: Path) -> None:
    served.announced_size = str(len(served.content) - 10)
    served.length = served.announced_size

    pull_error = refused(hub, place)

    assert "has not the SHA-256 that it announced" in pull_error
    assert left_behind(place) == []


@pytest.mark.parametrize(
    ("size", "sha256"), [("-5", None), ("9" * 30, None), ("five", None), (None, "abc"), (None, "g" * 64)]
)
def test_nothing_is_fetched_that_could_not_be_checked(
    served: ModelHub, hub: Hub, place: Path, size: str | None, sha256: str | None
) -> None:
    served.announced_size, served.announced_sha256 = size, sha256

    assert "does not tell size and SHA-256 of model.gguf, so nothing could be checked" in refused(hub, place)
    assert served.ranges == []


def test_a_plain_web_server_is_no_hub(served: ModelHub, hub: Hub, place: Path) -> None:
    served.says_nothing = True

    assert "download it in the browser, and then: vaultbot models use FILE" in refused(hub, place)


def test_the_login_page_of_a_hotel_is_told_as_such(served: ModelHub, hub: Hub, place: Path) -> None:
    served.page = True

    assert "does this network want you to log in first?" in refused(hub, place)


def test_a_web_page_in_place_of_the_file_is_not_kept(served: ModelHub, hub: Hub, place: Path) -> None:
    served.content = b"<html>" + b"so sorry " * 1000

    assert "sends a web page in place of the file" in refused(hub, place)
    assert left_behind(place) == []


def test_what_is_no_model_is_not_kept(served: ModelHub, hub: Hub, place: Path, content: bytes) -> None:
    served.content = b"PK\x03\x04" + b"x" * 1000
    assert "is not a GGUF model" in refused(hub, place)

    served.content = content[: len(content) // 2]
    assert "is whole and is no model (it is cut off" in refused(hub, place)
    assert left_behind(place) == []


def test_a_model_of_another_kind_is_not_kept(hub: Hub, place: Path) -> None:
    with pytest.raises(VaultbotError, match=r"of another kind \(llama, not qwen2\), and is deleted"):
        pull(hub, place, architecture="qwen2")

    assert left_behind(place) == []


# ── where it leads ─────────────────────────────────────────────────────────────────────────────────────────────


def test_a_redirect_within_this_machine_is_followed(served: ModelHub, hub: Hub, place: Path, content: bytes) -> None:
    served.redirect = "/cdn{}"

    pull(hub, place)

    assert place.read_bytes() == content


@pytest.mark.parametrize(
    "to", ["http://192.168.1.9{}", "file:///etc/passwd", "ftp://127.0.0.1{}", "http://u:p@127.0.0.1{}"]
)
def test_a_redirect_to_what_is_not_https_is_not_followed(served: ModelHub, hub: Hub, place: Path, to: str) -> None:
    served.redirect = to

    assert "leads to an address that is not https, which is not followed" in refused(hub, place)


def test_a_hub_elsewhere_cannot_lead_back_into_this_machine(served: ModelHub) -> None:
    hub = Hub("https://hub.example")

    with pytest.raises(VaultbotError, match="not https"):
        hub._checked(f"{served.address}/api/ask")


def test_a_hub_that_leads_round_in_circles_is_left(served: ModelHub, hub: Hub, place: Path) -> None:
    served.redirect = "{}"

    assert "leads round in circles" in refused(hub, place)
    assert len(served.ranges) == 6


@pytest.mark.parametrize(
    "address", ["http://hub.example", "ftp://hub.example", "hub.example", "https://", "https://a b"]
)
def test_what_is_no_address_of_a_hub_is_refused(address: str) -> None:
    with pytest.raises(VaultbotError, match="not https"):
        Hub(address)


# ── a hub that does not want, or cannot ────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("status", "told"),
    [
        (404, "says 404 Not Found: it has no model.gguf in maker/Model-GGUF; choose another one"),
        (401, "its maker wants a licence to be accepted, or the file is gone"),
        (403, "its maker wants a licence to be accepted, or the file is gone"),
        (400, "is [models] hub a hub's address?"),
    ],
)
def test_a_refusal_is_told_at_once(
    served: ModelHub, hub: Hub, place: Path, pauses: list[float], status: int, told: str
) -> None:
    served.refusals = [(status, {})]

    assert told in refused(hub, place)
    assert pauses == []


@pytest.mark.parametrize("status", [429, 500, 502, 503])
def test_a_hub_that_is_busy_for_a_moment_is_asked_again(
    served: ModelHub, hub: Hub, place: Path, content: bytes, pauses: list[float], status: int
) -> None:
    served.refusals = [(status, {"Retry-After": "7"}), (status, {})]

    pull(hub, place)

    assert place.read_bytes() == content
    assert pauses == [7.0, 4.0]


def test_a_hub_that_stays_busy_is_given_up(served: ModelHub, hub: Hub, place: Path) -> None:
    served.refusals = [(503, {})] * 9

    assert "says 503 Service Unavailable; run it again later" in refused(hub, place)
    assert len(served.asked) == 5


def test_a_hub_that_wants_to_be_left_alone_for_long_is(served: ModelHub, hub: Hub, place: Path) -> None:
    served.refusals = [(429, {"Retry-After": "1800"})]

    assert "says 429 Too Many Requests; try again in 30 minutes" in refused(hub, place)
    assert len(served.asked) == 1


def test_a_hub_that_stalls_is_given_up(served: ModelHub, place: Path) -> None:
    served.stalls = True

    assert "does not answer; run it again later" in refused(
        Hub(served.address, patience_s=0.1, pause=lambda _: None), place
    )


def test_a_hub_that_is_not_there_is_told(place: Path, content: bytes) -> None:
    with model_hub(content) as gone:
        pass

    assert "cannot be reached (Connection refused)" in refused(Hub(gone.address, pause=lambda _: None), place)


# ── the disk ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_nothing_is_fetched_that_would_not_fit_the_disk(served: ModelHub, hub: Hub, place: Path) -> None:
    with pytest.raises(VaultbotError, match=r"GB are free in .*; make room, or set \[models\] folder to another disk"):
        pull(hub, place, free=50 << 20)

    assert served.ranges == []


def test_a_folder_that_cannot_be_written_is_told(hub: Hub, tmp_path: Path) -> None:
    (tmp_path / "models").write_text("a file")

    with pytest.raises(VaultbotError, match=r"cannot write .*; set \[models\] folder to a folder of yours"):
        pull(hub, tmp_path / "models" / "model.gguf")


def test_the_announcement_of_a_file_is_read_from_where_it_leads(served: ModelHub, hub: Hub, content: bytes) -> None:
    served.redirect = "/cdn{}"
    served.announced_sha256 = "AB" * 32

    file = hub.find("maker/Model-GGUF", "model.gguf")

    assert file == RemoteFile(f"{served.address}/maker/Model-GGUF/resolve/main/model.gguf", len(content), "ab" * 32)
