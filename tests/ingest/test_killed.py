"""A command that asks services, killed at any instant, goes on to the same end; only what was in flight is asked twice.

Real processes, real sockets, SIGKILL: when a seeded request arrives (in flight, never answered), or some milliseconds
after it (while its page is read or committed, or while the atlas is judged). Everything in the two stores is compared,
the numbers that rows got included, except times and runs.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from kg.store import open_store
from kg.transfer import Row
from tests.conftest import EmptyStore
from tests.ingest.doors import Kill, Killing, environment, run
from tests.ingest.states import differences, rows_of
from tests.services.server import Services, WorldServices, known_world

INGEST = (
    ("ingest", "s2", "--query", "a | the | of", "--no-judge"),
    ("ingest", "references", "--of", "all", "--direction", "references"),
)
FOLLOW = (
    ("ingest", "s2", "--query", "codec", "--limit", "20"),
    ("snowball", "--rounds", "2", "--direction", "both", "--threshold", "0"),
)
COMPLETE = (("ingest", "s2", "--query", "tokens", "--limit", "150", "--no-judge"), ("complete",))

Commands = tuple[tuple[str, ...], ...]
Serve = Callable[[int, int], Services]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Starts a server over a world that kills on cue."""
    opened: list[Services] = []

    def start(papers: int, citations: int) -> Services:
        opened.append(Services(Killing(WorldServices(known_world(3, papers, citations)))))
        return opened[-1]

    yield start
    for each in opened:
        each.close()


def kills(seed: int, count: int, requests: int) -> tuple[Kill, ...]:
    """Seeded instants spread over a run of so many requests, half of them between two requests."""
    seeded = random.Random(seed)
    share = max(1, requests // (count + 1))
    return tuple(
        Kill(seeded.randint(1, max(1, 2 * share - 1)), after_s=seeded.choice((None, seeded.uniform(0, 0.03))))
        for _ in range(count)
    )


def reference(server: Services, commands: Commands, url: str, folder: Path) -> tuple[dict[str, list[Row]], list[int]]:
    """The store after commands that nobody disturbs, and the requests of each."""
    requests = []
    for command in commands:
        server.reset()
        assert run(server, command, environment(server, url, folder), folder) == 0
        requests.append(sum(server.requests.values()))
    with open_store(url, read_only=True) as store:
        return rows_of(store), requests


def disturbed(
    server: Services, commands: Commands, planned: list[tuple[Kill, ...]], url: str, folder: Path
) -> tuple[dict[str, list[Row]], list[int], list[int]]:
    """The same under kills; requests and kills of each command."""
    requests, killed = [], []
    for command, due in zip(commands, planned, strict=True):
        server.reset()
        killed.append(run(server, command, environment(server, url, folder), folder, due))
        requests.append(sum(server.requests.values()))
    with open_store(url, read_only=True) as store:
        states = [each.state for each in store.runs()]
        assert states.count("done") == len(commands)
        assert states.count("running") == sum(killed)
        return rows_of(store), requests, killed


def check(
    whole: tuple[dict[str, list[Row]], list[int]], found: tuple[dict[str, list[Row]], list[int], list[int]], least: int
) -> None:
    rows, requests = whole
    again, asked, killed = found
    assert differences(rows, again) == {}, (requests, asked, killed)
    assert sum(killed) >= least
    for undisturbed, disturbed_requests, times in zip(requests, asked, killed, strict=True):
        assert undisturbed <= disturbed_requests <= undisturbed + times


@pytest.mark.parametrize(
    ("seed", "count", "papers", "citations"),
    [(1, 5, 150, 1_500), pytest.param(2, 50, 2_000, 40_000, marks=pytest.mark.long)],
)
def test_an_ingest_killed_at_any_instant_ends_as_one_undisturbed(
    seed: int, count: int, papers: int, citations: int, serve: Serve, empty_store: EmptyStore, tmp_path: Path
) -> None:
    server = serve(papers, citations)
    whole = reference(server, INGEST, empty_store("sqlite"), tmp_path)
    assert len(whole[0]["papers"]) > 0.95 * papers  # twins are joined
    assert len(whole[0]["citations"]) > 0.85 * citations
    # The search has few requests, so one kill is enough for it; the lists get the others.
    planned = [kills(seed, 1, whole[1][0]), kills(seed + 100, count - 1, whole[1][1])]
    check(whole, disturbed(server, INGEST, planned, empty_store("sqlite"), tmp_path), least=count - 1)
