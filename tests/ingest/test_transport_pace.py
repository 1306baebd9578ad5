"""One pace for a user and machine: between processes, past killed holders, whatever the clocks do."""

from __future__ import annotations

import itertools
import json
import os
import signal
import statistics
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from ingest.pace import HOLD_S, QUEUE, Bucket, SystemClock
from ingest.transport import Transport
from kg.errors import InputError
from tests.services.clock import OwnClock
from tests.services.server import Services

ROOT = Path(__file__).resolve().parents[2]
ASKING = """
import sys
from ingest.transport import Transport
with Transport() as transport:
    for number in range(int(sys.argv[2])):
        transport.get(sys.argv[1], sys.argv[3], {"id_list": "1901.00001"} if sys.argv[1] == "arxiv" else {},
                      accept="atom" if sys.argv[1] == "arxiv" else "json", missing_ok=True)
"""
HOLDING = """
import sys, time
from pathlib import Path
from ingest.pace import Bucket, SystemClock
bucket = Bucket(Path(sys.argv[1]), "s2@host", 0.01, SystemClock())
with bucket._held():
    descriptor = bucket.connection()
    print("held", flush=True)
    time.sleep(60)
"""


def asking(environ: dict[str, str], service: str, times: int, path: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-c", ASKING, service, str(times), path],
        cwd=ROOT,
        env=os.environ | environ | {"PYTHONPATH": str(ROOT)},
    )


def gaps(services: Services) -> list[float]:
    times = sorted(asked.at for asked in services.log)
    return [after - before for before, after in itertools.pairwise(times)]


def test_two_processes_share_one_pace(services) -> None:
    environ = services.environment | {"TOKENATLAS_PACE": "s2=0.25"}
    running = [asking(environ, "s2", 5, "/graph/v1/paper/CorpusId:1") for _ in range(2)]
    assert [each.wait(30) for each in running] == [0, 0]
    assert services.requests["s2.paper"] == 10
    # A process can be put to sleep between its turn and its request, so single gaps say little.
    assert statistics.median(gaps(services)) > 0.2
    times = [asked.at for asked in services.log]
    assert max(times) - min(times) > 9 * 0.25 - 0.5


def test_arxiv_has_one_connection_at_a_time(services) -> None:
    services.slow("arxiv.query", 0.15)
    running = [asking(services.environment, "arxiv", 4, "/api/query") for _ in range(2)]
    assert [each.wait(30) for each in running] == [0, 0]
    assert services.requests["arxiv.query"] == 8
    assert min(gaps(services)) > 0.15


def test_threads_of_one_run_share_the_pace(services) -> None:
    environ = services.environment | {"TOKENATLAS_PACE": "s2=0.08"}
    with Transport(environ=environ) as transport:

        def ask() -> None:
            transport.get("s2", "/graph/v1/paper/CorpusId:1", missing_ok=True)

        threads = [threading.Thread(target=ask) for _ in range(5)]
        for each in threads:
            each.start()
        for each in threads:
            each.join(20)
        assert transport.requests["s2", "paper"] == 5
    assert statistics.median(gaps(services)) > 0.06


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_a_killed_holder_leaves_nothing_locked(tmp_path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLDING, str(tmp_path)],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        bucket = Bucket(tmp_path, "s2@host", 0.01, SystemClock())
        assert bucket.connection() is None
        holder.send_signal(signal.SIGKILL)
        holder.wait(10)
    began = time.monotonic()
    assert bucket.reserve() <= 0.01
    descriptor = bucket.connection()
    assert descriptor is not None
    os.close(descriptor)
    assert time.monotonic() - began < 2


def test_turns_are_a_pace_apart(tmp_path) -> None:
    clock = OwnClock()
    one, other = (Bucket(tmp_path, "s2@host", 3.0, clock) for _ in range(2))
    assert [one.reserve(), other.reserve(), one.reserve()] == [0, 3, 6]
    clock.sleep(7.5)
    assert other.reserve() == pytest.approx(1.5)
    clock.sleep(100)
    assert one.reserve() == 0


def test_hosts_do_not_wait_for_each_other(tmp_path) -> None:
    clock = OwnClock()
    assert Bucket(tmp_path, "s2@a:9000", 3.0, clock).reserve() == 0
    assert Bucket(tmp_path, "s2@b:9000", 3.0, clock).reserve() == 0


def test_a_wall_clock_that_jumps_moves_nothing(tmp_path) -> None:
    clock = OwnClock()
    bucket = Bucket(tmp_path, "s2@host", 3.0, clock)
    bucket.reserve()
    clock._now -= 86_400
    assert bucket.reserve() == 3
    clock._now += 10 * 86_400
    assert bucket.reserve() == 6


def test_a_file_from_before_a_restart_is_ignored(tmp_path) -> None:
    bucket = Bucket(tmp_path, "s2@host", 3.0, OwnClock(monotonic=9e6))
    bucket.reserve()
    bucket.hold(3000)
    restarted = Bucket(tmp_path, "s2@host", 3.0, OwnClock(monotonic=12))
    assert restarted.held() == 0
    assert restarted.reserve() == 0


@pytest.mark.parametrize(
    "text", [b"", b"{", b"[]", b"null", b'{"turn": "x", "until": 0}', b"\xff\xfe", b'{"turn": NaN}']
)
def test_a_file_that_was_cut_short_costs_at_most_one_turn(tmp_path, text: bytes) -> None:
    bucket = Bucket(tmp_path, "s2@host", 3.0, OwnClock())
    bucket.path.write_bytes(text)
    assert bucket.reserve() <= 3
    assert json.loads(bucket.path.read_bytes())["turn"] > 5_000


def test_a_hold_is_shared_and_bounded(tmp_path) -> None:
    clock = OwnClock()
    one, other = (Bucket(tmp_path, "s2@host", 3.0, clock) for _ in range(2))
    one.hold(30)
    assert other.held() == pytest.approx(30)
    other.hold(5)
    assert one.held() == pytest.approx(30)
    one.hold(1e12)
    assert one.held() == pytest.approx(HOLD_S)
    clock.sleep(HOLD_S + 1)
    assert other.held() == 0


def test_a_queue_has_an_end(tmp_path) -> None:
    bucket = Bucket(tmp_path, "s2@host", 3.0, OwnClock())
    assert max(bucket.reserve() for _ in range(QUEUE + 50)) <= QUEUE * 3.0


def test_a_cache_folder_that_cannot_be_written_is_told(services, tmp_path) -> None:
    (tmp_path / "file").write_text("")
    environ = services.environment | {"TOKENATLAS_CACHE": str(tmp_path / "file" / "cache")}
    with Transport(environ=environ) as transport, pytest.raises(InputError) as raised:
        transport.get("s2", "/graph/v1/paper/CorpusId:1")
    assert "TOKENATLAS_CACHE" in raised.value.hint
    assert services.log == []
