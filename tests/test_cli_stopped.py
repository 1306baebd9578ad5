"""Commands that are stopped by a person, by the system or by a full disk: a summary, an exit code, and the way on."""

from __future__ import annotations

import json
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from kg.model import Run
from kg.store import open_store
from tests.ingest.doors import environment, run, start
from tests.ingest.states import differences, tables_of
from tests.services.server import Services, serving

SEARCH = ("ingest", "s2", "--query", "a | the | of", "--no-judge")
LISTS = ("ingest", "references", "--of", "all", "--direction", "references")
PATIENT_S = 20.0


@pytest.fixture(scope="module")
def served() -> Iterator[Services]:
    with serving(papers=200, seed=2) as server:
        yield server


@pytest.fixture(scope="module")
def searched(served: Services, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with every paper and no lists."""
    folder = tmp_path_factory.mktemp("searched")
    path = folder / "atlas.sqlite"
    assert run(served, SEARCH, environment(served, f"sqlite:///{path.as_posix()}", folder), folder) == 0
    return path


@pytest.fixture
def atlas(served: Services, searched: Path, tmp_path: Path) -> str:
    """The URL of a copy of it."""
    served.reset()
    shutil.copy(searched, tmp_path / "atlas.sqlite")
    return f"sqlite:///{tmp_path.as_posix()}/atlas.sqlite"


def asked(server: Services, requests: int) -> None:
    """Wait until so many requests have come."""
    until = time.monotonic() + 60
    while sum(server.requests.values()) < requests:
        assert time.monotonic() < until, "nothing was asked"
        time.sleep(0.01)


def last(url: str) -> Run:
    with open_store(url, read_only=True) as store:
        return store.runs()[0]


@pytest.mark.parametrize(
    ("number", "code", "waits"),
    [(signal.SIGINT, 130, "answer"), (signal.SIGTERM, 4, "answer"), (signal.SIGINT, 130, "pause"),
     (signal.SIGTERM, 4, "pause")],
)  # fmt: skip
def test_asked_to_stop_it_ends_soon_with_a_summary_and_goes_on_later(
    served: Services, atlas: str, tmp_path: Path, number: int, code: int, waits: str
) -> None:
    environ = environment(served, atlas, tmp_path)
    if waits == "answer":
        served.slow("s2.references", 0.1)
    else:
        served.fault("s2.references", "429-seconds", None, after=20, seconds=120)
    with start((*LISTS, "--json"), environ, tmp_path) as process:
        asked(served, 21)
        began = time.monotonic()
        process.send_signal(number)
        out, said = process.communicate(timeout=60)
    assert time.monotonic() - began < PATIENT_S
    assert process.returncode == code, said
    assert "Traceback" not in said
    assert "Stopped early; what arrived is kept, the same command goes on." in said
    document = json.loads(out)
    assert document["state"] == "stopped"
    assert document["citations_new"] > 0
    if waits == "pause":
        assert "s2: rate limited, waiting 120 s" in said
    stopped = last(atlas)
    assert (stopped.state, stopped.counts["pages"]) == ("stopped", document["pages"])
    assert (document["pages"] == 20) or waits == "answer"

    requests = sum(served.requests.values())
    served.reset()
    for each in (tmp_path / "cache" / "pace").glob("*"):
        each.unlink()  # two minutes later
    assert run(served, LISTS, environ, tmp_path) == 0
    with open_store(atlas, read_only=True) as store:
        every = [row for row in store.table("fetches").to_pylist() if row["what"] == "references"]
    pages = {row["paper"] for row in every if row["source"] == "s2"}
    again = served.requests["s2.references"] + served.requests["s2.batch"]
    assert requests + again <= len(pages) + 2, "what was asked before was asked again"


def test_a_second_ctrl_c_ends_at_once(served: Services, atlas: str, tmp_path: Path) -> None:
    served.slow("s2.references", 30)
    with start(LISTS, environment(served, atlas, tmp_path), tmp_path) as process:
        asked(served, 1)
        process.send_signal(signal.SIGINT)
        assert process.stderr is not None
        assert "Ctrl-C again: at once" in process.stderr.readline()
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=PATIENT_S)
    assert process.returncode == 130, said
    assert "Traceback" not in said
    assert last(atlas).state == "stopped"


def test_a_full_disk_is_three_lines_and_whole_batches(
    served: Services, searched: Path, atlas: str, tmp_path: Path
) -> None:
    """No file may grow beyond a limit, so the store's next write fails as on a disk without room."""
    environ = environment(served, atlas, tmp_path)

    room = (tmp_path / "atlas.sqlite").stat().st_size + 50_000

    def full() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))

    done = subprocess.run(
        [sys.executable, "-m", "cli", *LISTS],
        env=environ, cwd=tmp_path, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120,
        preexec_fn=full,
    )  # fmt: skip
    assert done.returncode == 1, done.stderr
    lines = [line.split(":")[0] for line in done.stderr.splitlines()[-3:]]
    assert lines == ["Error", "Where", "Fix"], done.stderr
    assert "sqlite, upsert" in done.stderr, "what failed first is what is told"
    assert "Traceback" not in done.stderr
    with open_store(atlas, read_only=True) as opened:
        kept = opened.counts()
    assert kept.papers > 180

    assert run(served, LISTS, environ, tmp_path) == 0
    whole = f"sqlite:///{tmp_path.as_posix()}/whole.sqlite"
    shutil.copy(searched, tmp_path / "whole.sqlite")
    assert run(served, LISTS, environment(served, whole, tmp_path), tmp_path) == 0
    with open_store(whole, read_only=True) as one, open_store(atlas, read_only=True) as other:
        assert differences(tables_of(one), tables_of(other)) == {}
