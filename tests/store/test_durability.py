"""A killed process, two processes at once, many threads, a backup under load: batch and cursor stay together."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from kg.errors import NotFound, StoreError
from kg.model import Batch, Cursor, Fetch, Vector
from kg.paper_filter import PaperFilter
from kg.store import GraphStore, open_store
from tests.store.records import EVERYTHING, arxiv, cites, papers

ROOT = Path(__file__).parents[2]
WRITER = """
import sys
from kg.model import Batch, Cursor, Fetch, Found, Vector
from kg.store import open_store
from tests.store.records import arxiv, cites, paper

url, stream, first = sys.argv[1], sys.argv[2], int(sys.argv[3])
with open_store(url) as store:
    run = store.begin(f"write {stream}", rules=None, protocol=None, time="2025")
    found = store.cursor("file", stream)
    start = 0 if found is None else int(found.position)
    for number in range(start, 400):
        papers = tuple(paper(arxiv(first + 5 * number + k), abstract="Words of a text. " * 20) for k in range(5))
        pairs = [(first + 5 * number + k, first + (5 * number + k) // 2) for k in range(5)]
        ids = [each.ids[0] for each in papers]
        batch = Batch(
            papers,
            cites(*pairs),
            fetches=tuple(Fetch(id, "file", "references", "complete", 1, 1, "2025") for id in ids),
            found=tuple(Found(id, "file", "file", stream, "2025") for id in ids),
            vectors={id: Vector("m", (float(number),)) for id in ids},
            run=run,
        )
        store.upsert(batch, Cursor("file", stream, str(number + 1), "2025"))
        print(number, flush=True)
"""


def writer(url: str, stream: str = "a", first: int = 0) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, url, stream, str(first)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )


def consistent(store: GraphStore, batches: int, first: int = 0) -> None:
    """What `batches` batches of the writer leave."""
    counts = store.counts()
    size = 5 * batches
    mine = [id for id in store.ids(EVERYTHING) if first <= int(id[-5:]) < first + 2_000]
    assert mine == [arxiv(first + n) for n in range(size)]
    for name in ("fetches", "found", "vectors"):
        told = store.table(name)["paper"].to_pylist()
        assert [id for id in told if first <= int(id[-5:]) < first + 2_000] == mine, name
    new = [id for id in store.table("changes")["paper"].to_pylist() if first <= int(id[-5:]) < first + 2_000]
    assert sorted(new) == mine
    assert store.papers(PaperFilter(text="words", include=())).total == counts.papers
    rows = store.papers(EVERYTHING, limit=100_000).rows
    assert sum(row.references for row in rows) == sum(row.cited_by for row in rows) == counts.citations


@pytest.mark.parametrize("after", [1, 7])
def test_a_killed_writer_leaves_whole_batches_and_goes_on(empty_url: Callable[[], str], after: int) -> None:
    url = empty_url()
    for round_number in range(1, 3):
        process = writer(url)
        assert process.stdout is not None
        for _ in range(after):
            process.stdout.readline()
        time.sleep(0.003 * round_number)
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
        with open_store(url) as store:
            cursor = store.cursor("file", "a")
            assert cursor is not None
            assert int(cursor.position) >= round_number * after
            assert [run.state for run in store.runs()] == ["running"] * round_number
            consistent(store, int(cursor.position))


def test_a_failing_batch_leaves_nothing_behind(store: GraphStore) -> None:
    store.upsert(Batch(papers=papers(1)), Cursor("file", "a", "1", "2025"))
    before = (store.revision(), store.counts(), store.cursor("file", "a"))
    asked = (Fetch(arxiv(1), "s2", "references", "empty", 0, 0, "2025"),)
    batch = Batch(
        papers=papers(2), citations=cites((2, 1)), fetches=asked, vectors={arxiv(9): Vector("m", (1.0,))}
    )  # fmt: skip
    with pytest.raises(NotFound):
        store.upsert(batch, Cursor("file", "a", "2", "2025"))
    assert (store.revision(), store.counts(), store.cursor("file", "a")) == before
    assert store.table("fetches").num_rows == 0
    store.upsert(Batch(papers=papers(2), citations=cites((2, 1)), fetches=asked), Cursor("file", "a", "2", "2025"))
    assert len(store.paper(arxiv(1)).fetches) == 1
    assert store.paper(arxiv(1)).row.cited_by == 1


def test_two_processes_write_and_a_third_reads(empty_url: Callable[[], str]) -> None:
    url = empty_url()
    open_store(url).close()
    processes = [writer(url, "a", 0), writer(url, "b", 5_000)]
    with open_store(url) as store:
        seen = []
        while any(process.poll() is None for process in processes) and len(seen) < 15:
            page = store.papers(EVERYTHING, limit=3)
            assert page.total == page.of
            seen.append((store.revision(), page.total))
            time.sleep(0.02)
        for process in processes:
            process.kill()
            process.wait()
            assert process.stdout is not None
            process.stdout.close()
        assert seen == sorted(seen)
        for stream, first in (("a", 0), ("b", 5_000)):
            cursor = store.cursor("file", stream)
            consistent(store, int(cursor.position) if cursor else 0, first)


def test_two_who_tell_the_same_at_once_make_it_once(empty_url: Callable[[], str]) -> None:
    url = empty_url()
    known = range(30)
    pairs = [(n, n // 2) for n in known if n]
    start = threading.Barrier(2)

    def tell(order: int) -> tuple[int, int]:
        with open_store(url) as own:
            start.wait(timeout=30)
            new = [own.upsert(Batch(papers(n), cites(*pairs[n : n + 2]))) for n in list(known)[::order]]
        return sum(each.papers_new for each in new), sum(each.citations_new for each in new)

    open_store(url).close()
    with ThreadPoolExecutor(2) as pool:
        one, other = pool.map(tell, (1, -1))
    assert [a + b for a, b in zip(one, other, strict=True)] == [len(known), len(pairs)]
    with open_store(url) as store:
        assert store.ids(EVERYTHING) == [arxiv(n) for n in known]
        assert (store.counts().citations, store.counts().stubs) == (len(pairs), 0)
        table = store.table("citations").to_pylist()
        assert {(row["citing"], row["cited"]) for row in table} == {(arxiv(a), arxiv(b)) for a, b in pairs}
        assert len(table) == len(pairs)
        assert [store.paper(arxiv(n)).row.cited_by for n in (0, 1, 14, 29)] == [1, 2, 2, 0]


def test_many_threads_share_a_store(store: GraphStore) -> None:
    start = threading.Barrier(8)

    def work(number: int) -> int:
        start.wait(timeout=10)
        for k in range(5):
            n = 10 * number + k
            store.upsert(Batch(papers=papers(n), citations=cites((n, 0))))
            assert store.paper(arxiv(n)).row.id == arxiv(n)
            assert store.papers(EVERYTHING).total >= k
        return number

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(work, range(1, 9))) == list(range(1, 9))
    assert store.counts().papers == 40
    assert store.paper(arxiv(0)).row.cited_by == 40


def test_a_reader_does_not_wait_for_a_writer(store: GraphStore) -> None:
    store.upsert(Batch(papers=papers(1)))
    reading = store.texts(batch=1)
    next(reading)
    store.upsert(Batch(papers=papers(2)))
    assert [id for batch in reading for id, _, _ in batch] == [arxiv(2)]


def test_a_cursor_is_known_only_once_written(store: GraphStore) -> None:
    assert store.cursor("file", "a") is None
    for position, done in (("1", False), ("2", False), ("2", True)):
        cursor = Cursor("file", "a", position, "2025", done)
        store.upsert(Batch(), cursor)
        assert store.cursor("file", "a") == cursor
    assert store.cursor("file", "b") is None


def test_a_store_can_be_closed_twice_and_then_refuses(store: GraphStore) -> None:
    store.close()
    store.close()
    with pytest.raises(StoreError, match="closed"):
        store.counts()


def test_a_store_is_found_again_as_it_was(empty_url: Callable[[], str]) -> None:
    url = empty_url()
    with open_store(url) as store:
        store.upsert(Batch(papers=papers(1, 2), citations=cites((1, 2))))
        before = (store.revision(), store.counts(), store.paper(arxiv(2)))
        assert (store.url, store.engine, store.schema >= 1) == (url, url.partition(":")[0], True)
    with open_store(url, create=False) as store:
        assert (store.revision(), store.counts(), store.paper(arxiv(2))) == before


def test_a_store_opened_for_reading_refuses_writes(empty_url: Callable[[], str]) -> None:
    url = empty_url()
    with open_store(url) as store:
        store.upsert(Batch(papers=papers(1)))
    with open_store(url, read_only=True) as store:
        assert store.counts().papers == 1
        with pytest.raises(StoreError, match="reading only"):
            store.upsert(Batch(papers=papers(2)))
