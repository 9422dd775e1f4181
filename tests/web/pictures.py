"""Takes the pictures of docs/web.md: python -m tests.web.pictures. The notes, the answers and the page are real."""

from __future__ import annotations

import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.cli.machine import Machine, machine_in
from tests.web.browser import Browser, Page, browser_in

ROOT = Path(__file__).parent.parent.parent
DOCS = ROOT / "docs"


def main() -> None:
    """Light, dark and narrow."""
    with TemporaryDirectory() as folder, machine_in(Path(folder), environment={}) as machine:
        shutil.copytree(ROOT / "examples" / "garden", machine.vault, dirs_exist_ok=True)
        with machine.popen("start", "--vault", str(machine.vault)) as starting:
            starting.communicate(timeout=600)
        with browser_in(Path(folder)) as browser:
            page = entered(browser, machine, width=1280, height=800)
            asked(page, "What is quantization?")
            asked(page, "and why does it work?")
            page.click(".turn:last-child .source .place")
            page.wait(".note-body .cited")
            page.run("document.querySelector('.turns').scrollTop = 0")
            page.picture(DOCS / "web-ask-light.png")

            page = entered(browser, machine, width=1280, height=800, dark=True)
            page.press("Escape")
            page.click(".tab[data-view=search]")
            page.type("soil for tomatoes")
            page.click(".hit")
            page.click(".tab[data-tab=Map]")
            page.wait(".map svg")
            page.picture(DOCS / "web-map-dark.png")

            page = entered(browser, machine, width=360, height=720)
            asked(page, "Why do tomatoes get blossom end rot?")
            page.picture(DOCS / "web-narrow-light.png")


def entered(browser: Browser, machine: Machine, *, width: int, height: int, dark: bool = False) -> Page:
    """A page that is ready."""
    client = machine.client()
    page = browser.page(width=width, height=height, dark=dark)
    page.go(f"{client.address}/#c={client.post('/api/codes', {})['code']}")
    page.until("document.getElementById('state').dataset.state === 'ready'")
    return page


def asked(page: Page, question: str) -> None:
    """Asks, and waits for the answer."""
    page.click("#question")
    page.type(question)
    page.press("Enter")
    page.until("document.querySelector('.turn:last-child .answer[aria-busy=\"false\"]') !== null")


if __name__ == "__main__":
    main()
