"""A real Chromium, driven over its DevTools protocol as a person would use it, and what it complained of."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from websockets.sync.client import ClientConnection, connect

_PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
_PATIENCE_S = 60.0  #: generous, because it says whether and not how fast
_KEYS = {
    "Enter": ("Enter", 13, "\r"),
    "Escape": ("Escape", 27, ""),
    "Tab": ("Tab", 9, ""),
    "ArrowDown": ("ArrowDown", 40, ""),
    "ArrowUp": ("ArrowUp", 38, ""),
    "ArrowRight": ("ArrowRight", 39, ""),
    "ArrowLeft": ("ArrowLeft", 37, ""),
}


def find_chromium() -> str | None:
    """The program, or None where there is none. `CHROMIUM` names another one."""
    named = os.environ.get("CHROMIUM")
    return named or next((found for name in _PROGRAMS if (found := shutil.which(name))), None)


class Browser:
    """One process; every page has a profile of its own."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._numbers = 0
        self._pages: dict[str, Page] = {}

    def page(self, *, width: int = 1280, height: int = 800, dark: bool = False) -> Page:
        """A page of nobody who was here before."""
        context = self.call("Target.createBrowserContext")["browserContextId"]
        target = self.call("Target.createTarget", url="about:blank", browserContextId=context)["targetId"]
        session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        page = Page(self, session, target)
        self._pages[session] = page
        for domain in ("Page", "Runtime", "Log", "Network"):
            page.call(f"{domain}.enable")
        page.look(width=width, height=height, dark=dark)
        return page

    def call(self, method: str, session: str | None = None, **params: Any) -> Any:
        """The answer to one call. What happens meanwhile is written down."""
        self._numbers += 1
        number = self._numbers
        message = {"id": number, "method": method, "params": params}
        self._socket.send(json.dumps({**message, "sessionId": session} if session else message))
        while True:
            told = json.loads(self._socket.recv(_PATIENCE_S))
            if told.get("id") == number:
                assert "error" not in told, f"{method}: {told['error']['message']}"
                return told["result"]
            if page := self._pages.get(told.get("sessionId", "")):
                page.heard(told["method"], told["params"])


@dataclass
class Page:
    """What a person sees and does, and what they would find in the console."""

    browser: Browser
    session: str
    target: str
    requests: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    #: Answers that were no success: the console tells them as errors, too.
    refusals: list[str] = field(default_factory=list)

    def call(self, method: str, **params: Any) -> Any:
        return self.browser.call(method, self.session, **params)

    def heard(self, event: str, told: Any) -> None:
        if event == "Network.requestWillBeSent":
            self.requests.append(told["request"]["url"])
        elif event == "Runtime.exceptionThrown":
            details = told["exceptionDetails"]
            self.errors.append(details.get("exception", {}).get("description") or details["text"])
        elif event == "Runtime.consoleAPICalled" and told["type"] in ("error", "assert", "warning"):
            self.errors.append(str([one.get("value", one.get("description")) for one in told["args"]]))
        elif event == "Log.entryAdded":
            entry = told["entry"]
            if entry["source"] == "network":
                self.refusals.append(entry["text"])
            elif entry["level"] in ("error", "warning"):
                self.errors.append(f"{entry['source']}: {entry['text']}")

    def look(self, *, width: int, height: int, dark: bool = False) -> None:
        """From a window of this size, on a system of this taste."""
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call(
            "Emulation.setEmulatedMedia", features=[scheme, {"name": "prefers-reduced-motion", "value": "reduce"}]
        )

    def go(self, address: str) -> None:
        self.call("Page.navigate", url=address)
        self.until("document.readyState === 'complete' && location.href !== 'about:blank'")

    def reload(self) -> None:
        self.run("window.before = true")
        self.call("Page.reload")
        self.until("window.before === undefined && document.readyState === 'complete'")

    def run(self, script: str) -> Any:
        """The value of an expression in the page; promises are waited for."""
        told = self.call("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in told, told["exceptionDetails"]
        return told["result"].get("value")

    def until(self, condition: str) -> None:
        """Wait for something to be so in the page."""
        end = time.monotonic() + _PATIENCE_S
        while True:
            # While another page comes, there is none that could be asked.
            with contextlib.suppress(AssertionError):
                if self.run(condition):
                    return
            assert time.monotonic() < end, f"it did not happen: {condition}\n{self.text('body')}\n{self.errors}"
            time.sleep(0.05)

    def texts(self, selector: str) -> list[str]:
        """What is to be read in each element."""
        return self.each(selector, "one.innerText")

    def each(self, selector: str, what: str) -> list[Any]:
        """A value of each element, which is called `one`."""
        found: list[Any] = self.run(f"[...document.querySelectorAll({json.dumps(selector)})].map((one) => {what})")
        return found

    def text(self, selector: str) -> str:
        """The same of the first one."""
        return next(iter(self.texts(selector)), "")

    def count(self, selector: str) -> int:
        return int(self.run(f"document.querySelectorAll({json.dumps(selector)}).length"))

    def wait(self, selector: str) -> None:
        """Until such an element is there and is seen."""
        self.until(f"[...document.querySelectorAll({json.dumps(selector)})].some((one) => one.checkVisibility())")

    def click(self, selector: str) -> None:
        """With the mouse, in the middle of the element."""
        self.wait(selector)
        x, y = self.run(
            f"(() => {{ const all = [...document.querySelectorAll({json.dumps(selector)})];"
            " const one = all.find((it) => it.checkVisibility());"
            " one.scrollIntoView({ block: 'nearest' }); const box = one.getBoundingClientRect();"
            " return [box.x + box.width / 2, box.y + box.height / 2]; })()"
        )
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def press(self, key: str) -> None:
        """One key, as on a keyboard."""
        code, number, text = _KEYS.get(key, ("", 0, key))
        named = {"key": key, "code": code, "windowsVirtualKeyCode": number}
        self.call("Input.dispatchKeyEvent", type="keyDown" if text else "rawKeyDown", text=text, **named)
        self.call("Input.dispatchKeyEvent", type="keyUp", **named)

    def type(self, words: str) -> None:
        """Where the focus is."""
        self.call("Input.insertText", text=words)

    def picture(self, file: Path) -> None:
        file.write_bytes(base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"]))


@contextlib.contextmanager
def browser_in(folder: Path) -> Iterator[Browser]:
    """A browser for the length of a `with`, which can resolve no name."""
    program = find_chromium()
    assert program is not None
    process = subprocess.Popen(
        [
            program, "--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-sync",
            "--disable-background-networking", "--disable-component-update", "--disable-default-apps", "--mute-audio",
            "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1", "--hide-scrollbars", "--lang=en-US",
            "--remote-debugging-port=0", f"--user-data-dir={folder / 'profile'}", "about:blank",
        ],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, encoding="utf-8", errors="replace",
    )  # fmt: skip
    try:
        assert process.stderr is not None
        said = ""
        while "DevTools listening on " not in said:
            line = process.stderr.readline()
            assert line, f"{program} did not start: {said}"
            said = line if "DevTools" in line else said + line
        address = said.split("DevTools listening on ", 1)[1].strip()
        with connect(address, max_size=None, proxy=None) as socket:
            yield Browser(socket)
            with contextlib.suppress(Exception):
                Browser(socket).call("Browser.close")
    finally:
        process.terminate()
        try:
            process.communicate(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
