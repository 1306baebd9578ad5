"""The command line as a process of its own, and a server that kills it on cue."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path

from tests.conftest import ROOT
from tests.services.asked import Application, Asked, Given
from tests.services.server import Services

MOST_S = 300


def environment(server: Services, store: str, folder: Path) -> dict[str, str]:
    """What a process needs to work on a store with the services of a test server, without waiting."""
    own = {
        "TOKENATLAS_STORE": store,
        "TOKENATLAS_CACHE": str(folder / "cache"),
        "TOKENATLAS_PACE": "arxiv=0,s2=0,openalex=0",
        "XDG_STATE_HOME": str(folder / "state"),
        "PYTHONPATH": str(ROOT),
    }
    if os.environ.get("PYTHONDONTWRITEBYTECODE"):
        # Where nothing is kept compiled, every process would compile its libraries anew.
        own |= {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(folder.parent / "compiled")}
    return os.environ | server.environment | own


def start(arguments: tuple[str, ...], environ: dict[str, str], folder: Path) -> subprocess.Popen[str]:
    """`tokenatlas ARGUMENTS`."""
    return subprocess.Popen(
        [sys.executable, "-m", "cli", *arguments],
        env=environ, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


@dataclass(frozen=True)
class Kill:
    """When: at the n-th request (from 1, of an endpoint or of any) or, with `after_s`, so long after it came."""

    number: int
    endpoint: str = ""
    after_s: float | None = None


class Killing:
    """Answers as what stands behind it does, and kills the process that asks when a `Kill` is due."""

    def __init__(self, behind: Application) -> None:
        self.behind = behind
        self.process: subprocess.Popen[str] | None = None
        self._due: Kill | None = None
        self._left = 0
        self._lock = threading.Lock()

    def arm(self, kill: Kill, process: subprocess.Popen[str]) -> None:
        """Be ready to kill a process."""
        with self._lock:
            self.process, self._due, self._left = process, kill, kill.number

    def answer(self, asked: Asked) -> Given:
        """The good answer, which a process that was killed does not read."""
        with self._lock:
            due, process = self._due, self.process
            if due is not None and process is not None and due.endpoint in ("", asked.endpoint):
                self._left -= 1
                if self._left == 0:
                    self._due = None
                    if due.after_s is None:
                        process.kill()
                    else:
                        timer = threading.Timer(due.after_s, process.kill)
                        timer.daemon = True
                        timer.start()
        return self.behind.answer(asked)


def run(
    server: Services, arguments: tuple[str, ...], environ: dict[str, str], folder: Path, kills: tuple[Kill, ...] = ()
) -> int:
    """Run a command, killed and started again, to its end; returns how often it was killed."""
    for killed, kill in enumerate((*kills, None)):
        with start(arguments, environ, folder) as process:
            if kill is not None:
                assert isinstance(server.behind, Killing)
                server.behind.arm(kill, process)
            _, said = process.communicate(timeout=MOST_S)
        if process.returncode == 0:
            return killed
        assert process.returncode == -9, said
        assert "Traceback" not in said
    raise AssertionError("the last run has nobody who kills it")
