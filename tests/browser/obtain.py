"""Finds a Chromium for the browser tests, or gets one: what is installed, else Debian's package when root, else
Playwright's own download. Run by `make test` before pytest; says what it did and never fails itself, because the tests
skip with the reason (and fail under CI=true).
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FIX = "install Chromium (Debian: apt install chromium), or name one in BROWSER_PATH"


def find_chromium() -> str | None:
    """Path of a Chromium: BROWSER_PATH, one on PATH, or Playwright's own download; `None` when there is none."""
    named = os.environ.get("BROWSER_PATH")
    if named and Path(named).is_file():
        return named
    for name in NAMES:
        # Ubuntu's chromium-browser may be a stub that only says where to get the real one.
        if (found := shutil.which(name)) and _runs(found):
            return found
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        own = Path(playwright.chromium.executable_path)
    return str(own) if own.is_file() else None


def _runs(path: str) -> bool:
    try:
        return subprocess.run([path, "--version"], capture_output=True, timeout=60).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def _run(*command: str) -> bool:
    print("+", " ".join(command), flush=True)
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    try:
        return subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, timeout=600).returncode == 0
    except (OSError, subprocess.TimeoutExpired) as error:
        print(f"  {error}", flush=True)
        return False


def main() -> None:
    """Get a browser when there is none."""
    if found := find_chromium():
        print(f"Chromium: {found}")
        return
    root = hasattr(os, "geteuid") and os.geteuid() == 0
    if root and shutil.which("apt-get"):
        packages = ("chromium", "fonts-noto-cjk")
        _run("apt-get", "update", "-q") and _run("apt-get", "install", "-y", "-q", "--no-install-recommends", *packages)
    if not find_chromium():
        _run(sys.executable, "-m", "playwright", "install", "chromium")
    found = find_chromium()
    print(f"Chromium: {found}" if found else f"No Chromium could be had: browser tests will not run; {FIX}")


if __name__ == "__main__":
    main()
