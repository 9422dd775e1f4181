"""`vaultbot report` from a shell, and the page that it writes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from tests.cli.machine import Machine, fingerprint, machine_in
from vaultbot.cli.report_page import html_page

HOSTILE = "\"><script>alert(1)</script> '&{{7*7}}"


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    with machine_in(tmp_path_factory.mktemp("report")) as machine:
        for name in ("Bread", HOSTILE):
            machine.write(f"{name.replace('/', '⁄')}.md", " ".join(f"[[{number}]]" for number in range(5)))
        for number in range(5):
            machine.write(f"{number}.md", f"---\ntags: ['{number}a<b>']\n---\n[[Bread]] [[<img src=x>]]")
        yield machine


class Reader(HTMLParser):
    """What a browser would make of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str, str | None]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += [(tag, name, value) for name, value in attrs]


def read(text: str) -> Reader:
    reader = Reader()
    reader.feed(text)
    return reader


def test_the_report_is_told_in_a_terminal(machine: Machine) -> None:
    out = machine.vaultbot("report").out

    assert "7 of 7 notes have links" in out
    assert re.search(r"^Hubs\n  Bread\.md", out, re.MULTILINE)
    assert "Clusters  1" in out
    assert "--html FILE" in out


def test_programs_get_all_of_it(machine: Machine) -> None:
    page = machine.vaultbot("report", "--json").json()

    assert page["hubs"][0]["note"]["path"] == "Bread.md"
    assert {"clusters", "apart", "map", "near_copies", "tags_once", "wanted"} <= page.keys()


def test_the_page_needs_nothing_from_outside_and_runs_nothing(machine: Machine, tmp_path: Path) -> None:
    file = tmp_path / "report.html"

    assert machine.vaultbot("report", "--html", str(file)).out == f"wrote {file}; open it in a browser\n"

    reader = read(file.read_text(encoding="utf-8"))
    assert "svg" in reader.tags
    assert not reader.tags & {"script", "iframe", "img", "object", "embed", "link", "base", "form", "foreignobject"}
    for _, name, value in reader.attributes:
        assert not name.startswith("on")
        assert name != "src"
        assert name != "href" or (value or "").startswith("obsidian://open?vault=Notes&file=")
    policy = next(value for tag, name, value in reader.attributes if tag == "meta" and name == "content" and value)
    assert policy.startswith("default-src 'none'")


def test_whatever_notes_are_called_is_text_in_the_page(machine: Machine) -> None:
    page = machine.vaultbot("report", "--json").json()
    page["vault"] = HOSTILE
    for dot in page["map"]["dots"]:
        dot["title"] = HOSTILE

    text = html_page(page)

    assert read(text).tags == read(html_page(machine.vaultbot("report", "--json").json())).tags
    assert "<script" not in text
    assert "49" not in re.findall(r"&#39;&amp;(.{2})", text)


def test_the_page_is_not_written_into_the_vault_nor_over_another_file(machine: Machine, tmp_path: Path) -> None:
    before = fingerprint(machine.vault)
    other = tmp_path / "mine.html"
    other.write_text("<!doctype html>My own page", encoding="utf-8")
    inside = tmp_path / "link"
    inside.symlink_to(machine.vault)

    for place, words in (
        (machine.vault / "report.html", "is in the vault"),
        (inside / "report.html", "is in the vault"),
        (other, "is there already and no report of vaultbot"),
        (tmp_path, "is a folder"),
        (tmp_path / "none" / "report.html", "there is no folder"),
    ):
        ran = machine.vaultbot("report", "--html", str(place))
        assert ran.code == 2
        assert words in ran.error

    assert other.read_text(encoding="utf-8") == "<!doctype html>My own page"
    assert fingerprint(machine.vault) == before


def test_a_report_may_be_written_over(machine: Machine, tmp_path: Path) -> None:
    file = tmp_path / "report.html"

    assert [machine.vaultbot("report", "--html", str(file)).code for _ in range(2)] == [0, 0]
    assert [one.name for one in tmp_path.iterdir()] == ["report.html"]


def test_html_and_json_are_not_for_the_same_call(machine: Machine, tmp_path: Path) -> None:
    assert "--html or --json" in machine.vaultbot("report", "--json", "--html", str(tmp_path / "a.html")).error


def test_an_empty_report_is_a_page_too(machine: Machine) -> None:
    page: dict[str, Any] = json.loads(json.dumps(machine.vaultbot("report", "--json").json()))
    for name, value in page.items():
        if isinstance(value, list):
            page[name] = []
    page["map"] = {"width": 0, "height": 0, "islands": [], "bridges": [], "dots": [], "lines": [], "divides": []}

    text = html_page(page)

    assert "<svg" not in text
    assert "Nothing to tell of: close clusters without links, " in text
