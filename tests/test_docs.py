"""The documentation says what the code does."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from urllib.parse import unquote

import pytest

from vaultbot.answering.templates import PLACEHOLDERS
from vaultbot.api.routes import Daemon, make_routes
from vaultbot.bootstrap import assemble_with
from vaultbot.cli.main import COMMANDS
from vaultbot.config import Config, toml_value
from vaultbot.errors import VaultbotError
from vaultbot.paths import state_paths
from vaultbot.runtime import Token
from vaultbot.vault.markdown import parse_note
from vaultbot.vault.vault import Vault

ROOT = Path(__file__).parent.parent
GARDEN = ROOT / "examples" / "garden"
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])

_FENCED = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"(?<!!)\[[^\[\]]*\]\(([^()\s]+)\)")
_HEADING = re.compile(r"^#{1,6} (.+)$", re.MULTILINE)


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def text_of(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


def prose_of(page: Path) -> str:
    return re.sub(r"`[^`\n]*`", "", _FENCED.sub("", page.read_text(encoding="utf-8")))


def anchors_of(page: Path) -> set[str]:
    """The anchors that a forge makes of the headings."""
    headings = _HEADING.findall(_FENCED.sub("", page.read_text(encoding="utf-8")))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def transcripts() -> Iterator[str]:
    """What the documentation shows of the terminal."""
    for page in PAGES:
        for language, block in _FENCED.findall(page.read_text(encoding="utf-8")):
            if language == "console":
                yield block


def kinds(base: type[VaultbotError]) -> Iterator[type[VaultbotError]]:
    yield base
    for kind in base.__subclasses__():
        yield from kinds(kind)


@pytest.fixture(scope="module")
def routes(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[str, str]]:
    """(method, path) of every route."""
    folder = tmp_path_factory.mktemp("docs")
    (folder / "vault").mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VAULTBOT_HOME", str(folder / "home"))
        state = state_paths(folder / "vault")
    assistant = assemble_with(Config(), Vault(folder / "vault"), state, embedder=None, open_vectors=None)
    daemon = Daemon(Token("t" * 32), port=lambda: 8765, status=lambda: pytest.fail("nobody asks"))
    found = [
        (method, getattr(route, "path", "").replace(":path", ""))
        for route in make_routes(assistant, daemon).routes
        for method in sorted(getattr(route, "methods", None) or ())
    ]
    assistant.worker.start()
    assistant.close()
    return found


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_link_leads_somewhere(page: Path) -> None:
    for target in _LINK.findall(prose_of(page)):
        if re.match(r"[a-z]+:", target):
            continue
        file, _, anchor = unquote(target).partition("#")
        there = (page.parent / file).resolve() if file else page
        assert there.exists(), f"{name_of(page)} links to {target}, which is not there"
        assert not anchor or anchor in anchors_of(there), f"{name_of(page)} links to {target}; no such heading"


@pytest.mark.parametrize("section", fields(Config), ids=lambda section: f"[{section.name}]")
def test_every_setting_is_described_with_its_default(section: object) -> None:
    name = getattr(section, "name", "")
    described = text_of("docs/configuration.md").split(f"## [{name}]\n")[1].split("\n## ")[0]
    settings = getattr(Config(), name)

    rows = dict(re.findall(r"^\| `(\w+)` \| `(.+?)` \|", described, re.MULTILINE))

    assert rows == {item.name: toml_value(item.default) for item in fields(settings)}


def test_every_route_is_described_and_no_other(routes: list[tuple[str, str]]) -> None:
    described = re.findall(r"^## (GET|POST|DELETE) (/\S+)$", text_of("docs/api.md"), re.MULTILINE)

    assert sorted(described) == sorted(routes)


def test_every_kind_of_error_is_described_with_its_status() -> None:
    page = text_of("docs/api.md")
    listed = set(re.findall(r"^\| (\d{3}) \| `([\w-]+)` \|", page, re.MULTILINE))
    only_commands = set(re.findall(r"`([\w-]+)`", page[page.index("Only commands meet") :]))
    package = {kind for kind in kinds(VaultbotError) if kind.__module__.startswith("vaultbot.")}

    told = {kind for kind in package if "slug" in vars(kind) and kind.slug not in only_commands}

    assert {(str(kind.status), kind.slug) for kind in told} <= listed


def test_every_refusal_of_the_guard_is_described_with_its_status() -> None:
    listed = set(re.findall(r"^\| (\d{3}) \| `([\w-]+)` \|", text_of("docs/api.md"), re.MULTILINE))
    code = "\n".join(file.read_text(encoding="utf-8") for file in (ROOT / "vaultbot" / "api").glob("*.py"))
    refusals = set(re.findall(r'Refused\(\s*(\d{3}),\s*"([\w-]+)"', code))

    assert len(refusals) > 5
    assert refusals <= listed


def test_the_readme_names_every_command() -> None:
    names = set(COMMANDS)

    assert names <= set(re.findall(r"vaultbot ([a-z-]+)", text_of("README.md")))


def test_the_readme_explains_every_exit_code() -> None:
    explained = set(re.findall(r"^\| (\d+) \|", text_of("README.md"), re.MULTILINE))

    assert {str(kind.exit_code) for kind in kinds(VaultbotError)} | {"0"} <= explained


def test_what_is_shown_as_quoted_stands_in_the_garden() -> None:
    notes = [parse_note("", file.read_text(encoding="utf-8")) for file in GARDEN.rglob("*.md")]
    garden = " ".join(" ".join(line for note in notes for line in note.visible).split())
    # A note tells what was searched for instead of what was asked.
    answers = [re.sub("^note: .*$", "", block, flags=re.MULTILINE) for block in transcripts()]
    quotes = [quote for block in answers for quote in re.findall("“([^”]+)”", block)]

    assert quotes
    for quote in quotes:
        assert " ".join(quote.split()) in garden


def test_places_shown_in_a_transcript_are_lines_of_the_garden() -> None:
    places = [place for block in transcripts() for place in re.findall(r"(?:^|  )(\S[^\n]*?\.md):(\d+)", block)]

    assert places
    for path, line in places:
        file = GARDEN / path.rpartition("  ")[2]
        assert file.is_file(), path
        assert 1 <= int(line) <= len(file.read_text(encoding="utf-8").splitlines())


def test_the_lines_behind_make_are_those_of_the_makefile() -> None:
    readme = text_of("README.md")
    recipes = [line.strip() for line in text_of("Makefile").splitlines() if line.startswith("\t")]
    plain = [line.replace("$(BIN)", ".venv/bin").replace("$(PYTHON)", "python3") for line in recipes]
    plain = [line.replace("$(VENV)", ".venv") for line in plain]
    wanted = [
        line for line in plain if re.search(r"-m (?:venv|pip|pytest)|vaultbot ask", line) and "[docs]" not in line
    ]

    assert len(wanted) == 5
    for line in wanted:
        assert f"`{line}`" in readme


def test_every_page_is_reached_from_the_readme() -> None:
    reached: set[Path] = set()
    waiting = [ROOT / "README.md"]
    while waiting:
        page = waiting.pop()
        if page in reached or page.suffix != ".md" or not page.is_file():
            continue
        reached.add(page)
        targets = [target.partition("#")[0] for target in _LINK.findall(prose_of(page)) if ":" not in target]
        waiting += [(page.parent / target).resolve() for target in targets if target]

    assert set(PAGES) <= reached


def test_the_site_has_every_page() -> None:
    shown = set(re.findall(r"^ +- ([\w.-]+\.md)$", text_of("mkdocs.yml"), re.MULTILINE))
    elsewhere = {"CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "bench.md", "index.md"}
    pages = {"index-of-notes.md" if page.name == "index.md" else page.name for page in (ROOT / "docs").glob("*.md")}

    assert shown == pages | elsewhere


def test_the_prompt_that_is_shown_is_the_one_that_is_used() -> None:
    assert text_of("prompts/ask.md").strip() in text_of("docs/prompts.md")


def test_every_prompt_is_described_with_its_placeholders() -> None:
    rows = re.findall(r"^\| `([\w-]+)\.md` \| .* \| (.*) \|$", text_of("docs/prompts.md"), re.MULTILINE)
    described: dict[str, frozenset[str]] = {}
    above: frozenset[str] = frozenset()
    for name, cell in rows:
        above = above if cell.startswith("the same") else frozenset(re.findall(r"\{\{(\w+)\}\}", cell))
        described[name] = above

    assert described == PLACEHOLDERS


def test_every_test_that_reliability_names_is_there() -> None:
    rows = re.findall(r"^\|.*\| (.+) \|$", text_of("docs/reliability-rows.md"), re.MULTILINE)
    named = [found for row in rows for found in re.findall(r"([\w/]+\.py)|::(test_\w+)(…?)", row)]
    place = ROOT

    assert len(named) > 80
    for file, name, more in named:  # "…" stands for all that begin so.
        if file:
            place = ROOT / file if file.startswith("bench/") else ROOT / "tests" / file
            assert place.is_file(), file
        else:
            begun = f"def {name}" + ("" if more else "(")
            assert begun in place.read_text(encoding="utf-8"), f"{place.name} has no {name}"
