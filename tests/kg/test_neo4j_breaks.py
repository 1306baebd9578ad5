"""What remains when the connection breaks, the fate of a commit is unknown, or the server is killed in mid-batch."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from kg import neo4j_engine
from kg.errors import CommitUnknown
from kg.model import Batch, Cursor
from kg.neo4j_errors import PASSWORD
from kg.paper_filter import PaperFilter
from kg.store import GraphStore, open_store
from kg.transfer import Row
from tests.conftest import EmptyStore
from tests.neo4j_server.cut import Fate, Wire
from tests.neo4j_server.server import Server, first_login, free_port, launch
from tests.store.records import EVERYTHING, arxiv, cites, judgement, papers
from tests.store.test_transfer import rows

pytestmark = pytest.mark.neo4j

BATCHES = 16


@pytest.fixture
def url(empty_store: EmptyStore) -> str:
    return empty_store("neo4j")


@pytest.fixture
def wire(neo4j_server: Server) -> Iterator[Wire]:
    port = urlsplit(neo4j_server.url).port
    assert port is not None
    made = Wire(port)
    yield made
    made.close()


@pytest.mark.parametrize("fate", ["stored", "lost"])
def test_a_commit_of_unknown_fate_is_looked_up(url: str, wire: Wire, fate: str) -> None:
    with open_store(f"bolt://127.0.0.1:{wire.port}") as store:
        store.upsert(Batch(papers=papers(1)), Cursor("file", "a", "1", "2025"))
        before = store.revision()
        wire.cut(fate)  # type: ignore[arg-type]
        done = store.upsert(Batch(papers=papers(2), citations=cites((2, 1))), Cursor("file", "a", "2", "2025"))
        assert wire.cuts == 1
        assert (done.papers_new, done.citations_new) == (1, 1)
        assert store.revision() == before + 1
        assert store.paper(arxiv(1)).row.cited_by == 1
        cursor = store.cursor("file", "a")
        assert cursor is not None
        assert cursor.position == "2"
        assert store.papers(PaperFilter(text="2001.00002", include=())).total == 1


def test_a_commit_whose_fate_nobody_tells_is_an_error(url: str, wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(neo4j_engine, "RETRY_S", 1.0)
    with open_store(f"bolt://127.0.0.1:{wire.port}") as store:
        wire.cut("stored", dead=True)
        with pytest.raises(CommitUnknown) as caught:
            store.upsert(Batch(papers=papers(2)), Cursor("file", "a", "2", "2025"))
    assert caught.value.batch == "the batch of file up to 2"
    with open_store(url) as store:
        assert store.ids(EVERYTHING) == [arxiv(2)]


def tell(store: GraphStore, n: int) -> None:
    """One batch: papers, citations back and forth and to what is not known, a verdict; the next cursor."""
    some = range(5 * n, 5 * n + 5)
    pairs = [pair for each in some for pair in ((each, each // 2), (each, 5 * BATCHES + each % 7), (each // 3, each))]
    store.upsert(
        Batch(papers(*some), cites(*pairs), {arxiv(each): judgement(topics=("S1", "S2")) for each in some}),
        Cursor("file", "a", str(n), "2025-01-01T00:00:00+00:00"),
    )


def undisturbed(folder: Path) -> dict[str, list[Row]]:
    """What a run leaves that nothing breaks, in a file: both engines keep the same rows."""
    with open_store(f"sqlite:///{(folder / 'undisturbed.sqlite').as_posix()}") as store:
        for n in range(1, BATCHES):
            tell(store, n)
        return rows(store)


class Crashing:
    """A server of its own data that is killed and started again, and the wire to it."""

    def __init__(self, home: Path, patch: pytest.MonkeyPatch) -> None:
        self.home, self.port = home, free_port()
        self.server = first_login(launch(home, self.port, brief=True))
        patch.setenv(PASSWORD, self.server.password)
        # A new start takes longer than a unit of work is repeated for by default, on a busy machine.
        patch.setattr(neo4j_engine, "RETRY_S", 120.0)
        self.wire = Wire(self.port)
        self.url = f"bolt://127.0.0.1:{self.wire.port}"
        self.killed = threading.Event()

    def kill(self) -> None:
        self.server.kill()
        self.killed.set()

    def again(self) -> None:
        assert self.killed.wait(timeout=60), "nothing was killed"
        self.killed.clear()
        self.server = launch(self.home, self.port, brief=True)

    def close(self) -> None:
        self.wire.close()
        self.server.kill()


@pytest.fixture
def crashing(tmp_path: Path, neo4j_server: Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[Crashing]:
    made = Crashing(tmp_path / "home", monkeypatch)
    yield made
    made.close()


def test_a_server_killed_at_a_commit_and_started_again_changes_nothing(crashing: Crashing, tmp_path: Path) -> None:
    kills: dict[int, Fate] = {5: "lost", 10: "stored"}

    def write(store: GraphStore) -> None:
        for n in range(1, BATCHES):
            if n in kills:
                crashing.wire.cut(kills[n], then=crashing.kill)
            tell(store, n)

    with open_store(crashing.url) as store, ThreadPoolExecutor(1) as pool:
        writing = pool.submit(write, store)
        for _ in kills:
            crashing.again()
        writing.result(timeout=120)
        assert crashing.wire.cuts == len(kills)
        found = rows(store)
        assert store.revision() == BATCHES - 1
    assert found == undisturbed(tmp_path)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(3))
def test_a_server_killed_at_any_moment_and_started_again_changes_nothing(
    crashing: Crashing, tmp_path: Path, seed: int
) -> None:
    chosen = random.Random(seed)
    done = threading.Event()

    def write(store: GraphStore) -> None:
        for n in range(1, BATCHES):
            tell(store, n)
            time.sleep(0.05)
        done.set()

    with open_store(crashing.url) as store, ThreadPoolExecutor(1) as pool:
        writing: Future[None] = pool.submit(write, store)
        kills = 0
        while not done.wait(chosen.uniform(0.05, 1.5)) and kills < 4:
            crashing.kill()
            kills += 1
            crashing.again()
        writing.result(timeout=240)
        assert kills
        found = rows(store)
        assert store.revision() == BATCHES - 1
    assert found == undisturbed(tmp_path)
