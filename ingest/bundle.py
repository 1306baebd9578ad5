"""Loads the bundled corpus into a store, batch by batch with a cursor, so that a killed load goes on.

A bundle only adds: decisions, merges, lists and fetched text stay, because the store never lets a record without an
abstract, or a verdict from less text, replace what it has.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from kg.errors import InputError
from kg.exchange.bundle import read_batches, read_clusters, read_manifest, verify
from kg.model import Batch, Cursor
from kg.store import GraphStore

SOURCE, STREAM = "bundle", "corpus"


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a load did; `up_to_date` when the store already held this very bundle, or a newer one."""

    papers: int
    citations: int
    up_to_date: bool
    stopped: bool


def load_bundle(
    store: GraphStore,
    folder: Path,
    *,
    update: bool,
    clock: Callable[[], str],
    progress: Callable[[int, int | None], None] | None = None,
    stop: Callable[[], bool] | None = None,
) -> Loaded:
    """Load the bundle in `folder`, or go on with it.

    Args:
        update: allow a store that already has papers from elsewhere or from another bundle.
        clock: gives the time (UTC) written into the cursor.

    Raises:
        InputError: no readable bundle, or the store has papers and `update` is false.
    """
    manifest = read_manifest(folder)
    counts = manifest.counts
    cursor = store.cursor(SOURCE, STREAM)
    same = cursor is not None and cursor.position.startswith(manifest.sha256)
    if cursor is not None and same and cursor.done:
        return Loaded(counts["papers"], counts["citations"], up_to_date=True, stopped=False)
    if cursor is not None and cursor.position.rpartition("@")[2] > manifest.built:
        return Loaded(counts["papers"], counts["citations"], up_to_date=True, stopped=False)
    verify(folder, manifest)
    if not update and not same and (held := store.counts().papers):
        raise InputError(
            f"The store already has {held:,} papers",
            where=store.url,
            hint="Add --update to merge the bundle into it; nothing of yours is lost.",
        )
    start = int(cursor.position.partition(":")[2].partition("@")[0]) if cursor is not None and same else 0
    loaded = 0
    number = 0
    for number, batch in enumerate(read_batches(folder), 1):
        loaded += len({paper.ids[0] for paper in batch.papers})
        if number <= start:
            continue
        store.upsert(batch, Cursor(SOURCE, STREAM, f"{manifest.sha256}:{number}@{manifest.built}", clock()))
        if progress:
            progress(loaded, counts["papers"])
        if stop and stop():
            return Loaded(loaded, 0, up_to_date=False, stopped=True)
    clusters, members = read_clusters(folder)
    if clusters:
        store.put_clusters(clusters[0].run, clusters, members)
    position = f"{manifest.sha256}:{number}@{manifest.built}"
    store.upsert(Batch(), Cursor(SOURCE, STREAM, position, clock(), done=True))
    return Loaded(counts["papers"], counts["citations"], up_to_date=False, stopped=False)
