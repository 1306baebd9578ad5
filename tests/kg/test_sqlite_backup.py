"""A backup of a file is a whole store, whatever is written meanwhile, and never overwrites."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from kg.errors import StoreError
from kg.model import Batch, Cursor
from kg.store import GraphStore, open_store
from tests.conftest import EmptyStore
from tests.store.records import arxiv, cites, paper, papers


@pytest.fixture
def store(empty_store: EmptyStore) -> Iterator[GraphStore]:
    with open_store(empty_store("sqlite")) as opened:
        yield opened


def test_a_backup_under_load_is_a_whole_store(store: GraphStore, tmp_path: Path) -> None:
    store.upsert(Batch(papers=papers(0)))
    stop = threading.Event()

    def write() -> None:
        for n in range(1, 2_000):
            if stop.is_set():
                return
            store.upsert(Batch(papers=(paper(arxiv(n)),), citations=cites((n, 0))), Cursor("f", "a", str(n), "2025"))

    thread = threading.Thread(target=write)
    thread.start()
    try:
        while store.counts().papers < 10:
            time.sleep(0.005)
        target = tmp_path / "copies" / "backup.sqlite"
        target.parent.mkdir()
        store.backup(target)
    finally:
        stop.set()
        thread.join()
    assert [each.name for each in target.parent.iterdir()] == [target.name]
    with open_store(f"sqlite:///{target.as_posix()}") as copy:
        cursor = copy.cursor("f", "a")
        assert cursor is not None
        assert copy.counts().papers == int(cursor.position) + 1 >= 10
        assert copy.paper(arxiv(0)).row.cited_by == int(cursor.position)
        copy.upsert(Batch(papers=papers(5_000)))


def test_a_backup_never_overwrites(store: GraphStore, tmp_path: Path) -> None:
    target = tmp_path / "backup.sqlite"
    target.write_text("precious", encoding="utf-8")
    with pytest.raises(StoreError, match="exists"):
        store.backup(target)
    assert target.read_text(encoding="utf-8") == "precious"


def test_a_backup_to_a_folder_that_is_not_there_is_named(store: GraphStore, tmp_path: Path) -> None:
    with pytest.raises(StoreError) as caught:
        store.backup(tmp_path / "nowhere" / "backup.sqlite")
    assert "nowhere" in caught.value.where
