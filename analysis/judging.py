"""Reads the texts of a store and writes what the rules conclude; a killed run goes on where it stopped.

What is left to do is asked of the store itself (papers whose present text these rules have not read), so there is no
second journal that could disagree with it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from kg.errors import InputError
from kg.model import Batch, Judgement, Measured
from kg.paper_filter import PaperFilter
from kg.store import GraphStore

if TYPE_CHECKING:
    from analysis.clusters import Clustering

Text = tuple[str, str | None, str | None]


class Judging(Protocol):
    """What `analysis.screening.Judge` offers."""

    rules: str

    def judge(self, title: str | None, abstract: str | None) -> Judgement: ...


class Measuring(Protocol):
    """What `analysis.specifications.Extractor` offers."""

    rules: str

    def extract(self, title: str | None, abstract: str | None) -> Measured: ...


@dataclass(frozen=True, slots=True)
class Judged:
    """How many papers were read, and how many kept what they had because it was made from more text."""

    read: int
    kept: int
    stopped: bool


def screen_store(
    store: GraphStore,
    judge: Judging,
    *,
    batch: int = 500,
    run: int | None = None,
    progress: Callable[[int], None] | None = None,
    stop: Callable[[], bool] | None = None,
) -> Judged:
    """Judge every paper that `judge.rules` has not read; `progress` is told the number read so far.

    With `run`, the number of a run of the store, verdicts that change are kept on its account.
    """

    def conclude(texts: list[Text]) -> Batch:
        return Batch(judgements={id: judge.judge(title, abstract) for id, title, abstract in texts}, run=run)

    return _run(store, store.texts(batch=batch, unjudged_by=judge.rules), conclude, progress, stop)


def measure_store(
    store: GraphStore,
    extractor: Measuring,
    *,
    batch: int = 500,
    run: int | None = None,
    progress: Callable[[int], None] | None = None,
    stop: Callable[[], bool] | None = None,
) -> Judged:
    """Extract the numbers of every paper that `extractor.rules` has not read."""

    def conclude(texts: list[Text]) -> Batch:
        return Batch(measured={id: extractor.extract(title, abstract) for id, title, abstract in texts}, run=run)

    return _run(store, store.texts(batch=batch, unmeasured_by=extractor.rules), conclude, progress, stop)


def _run(
    store: GraphStore,
    batches: Iterator[list[Text]],
    conclude: Callable[[list[Text]], Batch],
    progress: Callable[[int], None] | None,
    stop: Callable[[], bool] | None,
) -> Judged:
    read = kept = 0
    for texts in batches:
        done = store.upsert(conclude(texts))
        read += len(texts)
        kept += done.judgements_kept
        if progress:
            progress(read)
        if stop and stop():
            return Judged(read, kept, stopped=True)
    return Judged(read, kept, stopped=False)


def cluster_store(
    store: GraphStore, *, k: int | None = None, seed: int = 0, titles: bool = False
) -> tuple[Clustering, int]:
    """Cluster the included papers by title and abstract and keep the result in the store.

    Returns:
        The clustering, and how many of its papers have no abstract here.

    Raises:
        InputError: most papers have no abstract here and `titles` does not say that titles will do; a clustering
            made from abstracts elsewhere would be lost.
    """
    from analysis.clusters import cluster

    included = set(store.ids(PaperFilter()))
    ids: list[str] = []
    texts: list[str] = []
    bare = 0
    for batch in store.texts():
        for id, title, abstract in batch:
            if id in included:
                ids.append(id)
                texts.append("\n".join(part for part in (title, abstract) if part))
                bare += not abstract
    if 2 * bare > len(ids) and not titles:
        raise InputError(
            f"{bare:,} of {len(ids):,} included papers have no abstract in this store",
            where=store.url,
            hint="Bring in their abstracts with `ingest files`, or add --titles to group by title alone.",
        )
    found = cluster(ids, texts, k=k, seed=seed)
    members = {id: int(number) for id, number in zip(found.ids, found.assignment, strict=True) if number >= 0}
    store.put_clusters(found.run, found.clusters, members)
    return found, bare
