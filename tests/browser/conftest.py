"""A real Chromium, a served app, and a watch on what pages do: fixtures of every browser test.

A test opens pages through `page_watch` alone, which fails it on a console error, a page error and on any request that
leaves this machine. Screenshots go to the folder named by TOKENATLAS_SCREENSHOTS, else to the test's own folder.
"""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Error, Page, sync_playwright

from tests.browser.obtain import FIX, find_chromium

ROOT = Path(__file__).resolve().parents[2]
HERE = frozenset({"127.0.0.1", "localhost", "::1"})
INSIDE = frozenset({"data", "blob", "about"})
START_S = 60.0
PROBE = re.compile(r"/[^/]+/_stcore/(?:health|host-config)")
"""Opened at a page's own address, Streamlit's client first looks for the server beneath it, and logs the 404."""
FLAGS = (
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def _unavailable(reason: str) -> None:
    """Skip aloud, or fail where the tests must not be left out."""
    message = f"{reason}; {FIX}"
    if os.environ.get("CI") == "true":
        pytest.fail(message)
    pytest.skip(message)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One Chromium for all tests of this process."""
    path = find_chromium()
    if path is None:
        _unavailable("no Chromium found")
    root = hasattr(os, "geteuid") and os.geteuid() == 0
    with sync_playwright() as playwright:
        try:
            started = playwright.chromium.launch(
                executable_path=path, headless=True, args=[*FLAGS, *(["--no-sandbox"] if root else [])]
            )
        except Error as error:
            _unavailable(f"{path} does not start ({str(error).splitlines()[0]})")
        yield started
        started.close()


@dataclass
class PageWatch:
    """Opens pages and writes down what they must not do."""

    browser: Browser
    shots: Path
    problems: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    _contexts: list[BrowserContext] = field(default_factory=list)

    def open(
        self,
        url: str,
        *,
        scheme: Literal["light", "dark"] = "light",
        width: int = 1280,
        height: int = 900,
        density: float = 1.0,
        touch: bool = False,
    ) -> Page:
        """A page in a context of its own (no cookies, no cache shared), gone to `url`."""
        context = self.browser.new_context(
            color_scheme=scheme,
            viewport={"width": width, "height": height},
            device_scale_factor=density,
            has_touch=touch,
        )
        context.set_default_timeout(20_000)
        self._contexts.append(context)
        page = context.new_page()
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.problems.append(f"page error: {error}"))
        page.on("request", lambda request: self._request(request.url))
        page.on("websocket", lambda socket: self._request(socket.url))
        page.goto(url)
        return page

    def shot(self, page: Page, name: str) -> Path:
        """Keep a screenshot of the page as `name`.png."""
        path = self.shots / f"{name}.png"
        page.screenshot(path=path)
        return path

    def close(self) -> None:
        """Close every page that was opened."""
        while self._contexts:
            self._contexts.pop().close()

    def _console(self, message: ConsoleMessage) -> None:
        # Under /papers Streamlit first asks for /papers/_stcore/..., to learn whether the app is served below a prefix.
        probe = urlsplit(message.location.get("url", "")).path.endswith(("/_stcore/health", "/_stcore/host-config"))
        if message.type == "error" and not probe:
            self.problems.append(f"console: {message.text}")

    def _request(self, url: str) -> None:
        self.requests.append(url)
        parts = urlsplit(url)
        if parts.scheme not in INSIDE and parts.hostname not in HERE:
            self.problems.append(f"request that leaves this machine: {url}")


@pytest.fixture
def page_watch(browser: Browser, tmp_path: Path) -> Iterator[PageWatch]:
    """The watch of one test; problems fail the test when it ends."""
    shots = Path(os.environ.get("TOKENATLAS_SCREENSHOTS") or tmp_path)
    shots.mkdir(parents=True, exist_ok=True)
    watch = PageWatch(browser, shots)
    yield watch
    watch.close()
    assert not watch.problems, "\n".join(watch.problems)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _healthy(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/_stcore/health", timeout=2) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return False


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., str]]:
    """`served(script=None, store=None)` starts a Streamlit script, or `tokenatlas serve`, and gives its address.

    The process is our own and is ended by its id after the module's tests; its output is shown when it dies early.
    """
    running: list[subprocess.Popen[bytes]] = []

    def serve(script: Path | None = None, store: str | None = None) -> str:
        port = _free_port()
        command = [sys.executable, "-c", "import cli; cli.main()", "serve", "--port", str(port)]
        if script is not None:
            command = [sys.executable, "-m", "streamlit", "run", str(script), f"--server.port={port}"]
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "STREAMLIT_SERVER_HEADLESS": "true"}
        if store is not None:
            environment["TOKENATLAS_STORE"] = store
        output = tmp_path_factory.mktemp("served") / "output.txt"
        with output.open("wb") as sink:
            process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=sink, stderr=subprocess.STDOUT)
        running.append(process)
        url = f"http://127.0.0.1:{port}"
        deadline = time.monotonic() + START_S
        while not _healthy(url):
            if process.poll() is not None:
                pytest.fail(f"the app died with code {process.returncode}:\n{_tail(output)}")
            if time.monotonic() > deadline:
                pytest.fail(f"the app was not up within {START_S:.0f} s:\n{_tail(output)}")
            time.sleep(0.1)
        return url

    yield serve
    for process in running:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _tail(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace")[-4000:]
