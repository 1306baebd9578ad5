"""Commands against a service that misbehaves: in this process, over a real socket, with pauses that take no time."""

from __future__ import annotations

import functools
import json
import shutil
import signal
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

import cli
from commands import job
from ingest import arxiv_api, s2_links, semantic_scholar, transport
from ingest.transport import Limits, Transport
from kg.store import open_store
from tests.ingest.states import tables_of
from tests.services import s2_wire
from tests.services.clock import OwnClock
from tests.services.server import Services

TRIES = 4
"""Requests for one answer in these tests, of 10 outside."""

PAGE = 20
LISTED = 10
LIST = 4
LIMITS = Limits(connect_s=5, read_s=20, whole_s=20, sent_bytes=2_000_000, unpacked_bytes=4_000_000)
SHORT = Limits(connect_s=5, read_s=0.3, whole_s=0.4, sent_bytes=2_000_000, unpacked_bytes=4_000_000)
"""For services that let wait."""

COMMANDS: dict[str, tuple[str, ...]] = {
    "arxiv.query": ("ingest", "arxiv", "--query", "all:codec OR all:tokens", "--no-judge"),
    "arxiv.query by id": ("ingest", "ids", "list.txt", "--source", "arxiv", "--no-judge"),
    "s2.search": ("ingest", "s2", "--query", "codec | tokens", "--no-judge"),
    "s2.batch": ("ingest", "ids", "list.txt", "--source", "s2", "--no-judge"),
    "s2.citations": ("ingest", "references", "--of", "list.txt", "--direction", "citations"),
    "s2.references": ("ingest", "references", "--of", "list.txt", "--direction", "references"),
    "openalex.work": ("ingest", "ids", "list.txt", "--source", "openalex", "--no-judge"),
}
"""What asks an endpoint. Nothing asks Semantic Scholar for single papers (`s2.paper`)."""


@dataclass(frozen=True)
class Ended:
    """How a command ended: its exit code, what it said, the requests of an endpoint and in all, the store after it."""

    code: int
    said: str
    requests: int
    all_requests: int
    state: dict[str, list[Any]]
    out: str = ""

    @property
    def document(self) -> Any:
        """What it printed with --json."""
        return json.loads(self.out)

    @property
    def error(self) -> list[str]:
        """The three lines of an error, none where there was none."""
        return [line for line in self.said.splitlines() if line.startswith(("Error:", "Where:", "Fix:"))]


class Door:
    """Runs commands on stores that begin empty, or as copies of one."""

    def __init__(
        self,
        server: Services,
        folder: Path,
        patch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
        base: Path | None = None,
    ) -> None:
        self.server, self.folder, self._patch, self._capsys, self._base = server, folder, patch, capsys, base
        self.store = folder / "atlas.sqlite"
        self._clock = OwnClock()
        self._hour = 0
        for name, value in server.environment.items():
            patch.setenv(name, value)
        patch.setenv("TOKENATLAS_CACHE", str(folder / "cache"))
        patch.setenv("TOKENATLAS_STORE", f"sqlite:///{self.store.as_posix()}")
        patch.setenv("XDG_STATE_HOME", str(folder / "state"))
        patch.chdir(folder)
        (folder / "list.txt").write_text("\n".join(listed(server)))

    def fresh(self) -> None:
        """Begin again with a copy of the store and a server that behaves."""
        self.server.reset()
        for each in self.folder.glob("atlas.sqlite*"):
            each.unlink()
        if self._base is not None:
            shutil.copy(self._base, self.store)

    def run(self, *arguments: str, endpoint: str = "", short: bool = False) -> Ended:
        """`tokenatlas ARGUMENTS`, with the requests since the server was reset last."""
        made = functools.partial(Transport, clock=self._clock, chance=lambda: 0.5, limits=SHORT if short else LIMITS)
        self._patch.setattr(transport, "Transport", made)
        self._patch.setattr(sys, "argv", ["tokenatlas", *arguments])
        # An hour passes between two commands, so that what is asked in one is old for the next one's --refresh.
        self._hour += 1
        now = f"2026-05-{self._hour // 24 + 1:02d}T{self._hour % 24:02d}:00:00+00:00"
        self._patch.setattr(job, "utc_now", lambda: now)
        before = signal.getsignal(signal.SIGTERM)
        try:
            with pytest.raises(SystemExit) as ended:
                cli.main()
        finally:
            signal.signal(signal.SIGTERM, before)
            self._patch.setattr(transport, "Transport", Transport)
        out, said = self._capsys.readouterr()
        counts = self.server.requests
        code = ended.value.code or 0
        assert isinstance(code, int)
        asked = counts[endpoint.partition(" ")[0]]
        return replace(self.look(), code=code, said=said, out=out, requests=asked, all_requests=sum(counts.values()))

    def wait(self, seconds: float) -> None:
        """Let time pass for the commands."""
        self._clock.sleep(seconds)

    def look(self) -> Ended:
        """The store as it is."""
        if not self.store.exists():
            return Ended(0, "", 0, 0, {})
        with open_store(f"sqlite:///{self.store.as_posix()}", read_only=True) as store:
            return Ended(0, "", 0, 0, tables_of(store))


def listed(server: Services) -> list[str]:
    """Papers that all three services know, with the longest lists, oldest first."""
    world = server.world
    known = [row for row in range(len(world)) if world.arxiv[row] and world.openalex[row] and not world.elided[row]]
    known.sort(key=lambda row: int(world.citations_at_s2[row]) + int(world.references_at_s2[row]))
    return [f"arxiv:{world.arxiv[row]}" for row in sorted(known[-LISTED:])]


def shrink(patch: pytest.MonkeyPatch) -> None:
    """Small pages and lists, so that a small world has several; few tries, so that a long fault takes no time."""
    patch.setattr(transport, "ATTEMPTS", TRIES)
    patch.setattr(arxiv_api, "PAGE", PAGE)
    patch.setattr(arxiv_api, "SMALL_PAGE", PAGE // 2)
    patch.setattr(arxiv_api, "LIST", LIST)
    patch.setattr(semantic_scholar, "PAGE", PAGE)
    patch.setattr(semantic_scholar, "BATCH", LIST)
    patch.setattr(s2_links, "PAGE", PAGE)
    patch.setattr(s2_wire, "PAGE", PAGE)
