"""What the page is made of: a closed list of files that load nothing and parse nothing."""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from vaultbot.web.files import page_files

ROOT = Path(__file__).parent.parent.parent
WEB = ROOT / "vaultbot" / "web"
OWN = [file for file in (WEB / "index.html", *sorted((WEB / "assets").iterdir())) if file.is_file()]
VENDORED = {
    "d3-dispatch.min.js": "94b3bbdb6b98dc1325a15762b051013e8253999b0e0436b27d1da17b952ba0af",
    "d3-force.min.js": "1e07b473241328795d5ea9ad479a7bbabd765012fa2ef95633c83b69868dff6b",
    "d3-quadtree.min.js": "57e2ad12824ed82893ba447523f2a2fb9beeb9222aafb2c778a9f5b313348b0e",
    "d3-timer.min.js": "911ceda305f014b6b53ca68d5c896a9a387da120cfd56a421a2c60cca2fc9b36",
}

#: Ways by which text could become a script, a style or a request.
FORBIDDEN = {
    "HTML out of text": r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|ContextualFragment|DOMParser|setHTML",
    "code out of text": r"\beval\b|new Function|setTimeout\(\s*[\"'`]|setInterval\(\s*[\"'`]|javascript:",
    "styles within the page": r"\.style\b|setAttribute\(\s*[\"']style|<style|\sstyle\s*=|cssText",
    "scripts and handlers within the page": r"<script(?![^>]*\ssrc=)[^>]*>|\son[a-z]+\s*=\s*[\"']",
    "other hosts": r"(?:https?:)?//(?!www\.w3\.org/2000/svg)[a-z0-9-]+\.[a-z]",
    "frames, forms and beacons": r"<iframe|<object|<embed|Beacon|XMLHttpRequest|WebSocket|EventSource|importScripts",
    "cookies": r"document\.cookie",
    "sources of pictures": r"\.src\b",
}


@pytest.mark.parametrize("why", FORBIDDEN)
@pytest.mark.parametrize("file", OWN, ids=lambda file: file.name)
def test_a_file_has_no_way_out_of_text(file: Path, why: str) -> None:
    text = file.read_text(encoding="utf-8")

    assert re.findall(FORBIDDEN[why], text) == []


@pytest.mark.parametrize(
    ("why", "line"),
    [
        ("HTML out of text", "el.innerHTML = text"),
        ("code out of text", "eval(text)"),
        ("styles within the page", '<p style="color: red">'),
        ("scripts and handlers within the page", "<script>alert(1)</script>"),
        ("scripts and handlers within the page", '<img onerror="x">'),
        ("other hosts", 'import "https://cdn.test/d3.js"'),
        ("other hosts", '<script src="//cdn.test/d3.js">'),
        ("sources of pictures", "image.src = url"),
    ],
)
def test_what_is_forbidden_would_be_noticed(why: str, line: str) -> None:
    assert re.search(FORBIDDEN[why], line)


def test_one_place_alone_makes_a_link_and_only_into_obsidian() -> None:
    made = [file.name for file in OWN if file.suffix == ".js" for _ in re.findall(r"\.href\s*=[^=]", file.read_text())]

    assert made == ["elements.js"]
    before = (WEB / "assets" / "elements.js").read_text().split(".href = ")[0]
    assert before.rstrip().splitlines()[-3].strip() == 'if (!uri.startsWith("obsidian://open?")) return null;'


def test_the_files_are_a_closed_list() -> None:
    served = page_files()

    assert served["/"].content == (WEB / "index.html").read_bytes()
    inside = {
        f"/assets/{file.relative_to(WEB / 'assets').as_posix()}"
        for file in (WEB / "assets").rglob("*")
        if file.is_file()
    }
    assert set(served) == {"/", *inside}
    assert {file.media_type.partition(";")[0] for file in served.values()} == {
        "text/html", "text/javascript", "text/css", "image/svg+xml", "text/plain",
    }  # fmt: skip


def test_whatever_the_page_names_is_there() -> None:
    served = page_files()
    for path, file in served.items():
        text = file.content.decode()
        named = re.findall(r'(?:src|href)="(/[^"#]*)"', text) if path == "/" else []
        named += [f"/assets/{name}" for name in re.findall(r'(?:from|import) "\./([^"]+)"', text)]
        assert set(named) <= set(served), path


def test_every_element_that_a_script_asks_for_is_in_the_page() -> None:
    page = (WEB / "index.html").read_text(encoding="utf-8")
    scripts = "".join(file.read_text(encoding="utf-8") for file in OWN if file.suffix == ".js")
    asked = set(re.findall(r'byId\("([^"]+)"\)', scripts))

    assert len(asked) > 15
    assert asked <= set(re.findall(r'\sid="([^"]+)"', page))


def test_d3_is_as_it_comes_from_npm_with_its_licence() -> None:
    vendor = WEB / "assets" / "vendor"

    assert {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in vendor.glob("*.js")} == VENDORED
    licence = (vendor / "LICENSE.txt").read_text(encoding="utf-8")
    assert "Permission to use, copy, modify" in licence
    for file in vendor.glob("*.js"):
        name, version = re.findall(r"d3js\.org/([\w-]+)/ v([\d.]+)", file.read_text(encoding="utf-8"))[0]
        assert f"{name} {version}" in licence


def test_the_scripts_keep_to_their_types() -> None:
    compiler = ROOT / "obsidian-plugin" / "node_modules" / ".bin" / "tsc"
    node = shutil.which("node")
    if node is None or not compiler.exists():
        pytest.skip("the type check needs Node and the plugin's modules: make plugin")
    checked = subprocess.run(
        [compiler, "-p", Path(__file__).parent / "tsconfig.json"], capture_output=True, text=True, check=False
    )

    assert checked.stdout == ""
    assert checked.returncode == 0
