"""A store is judged once, goes on after a stop, and keeps verdicts that were made from more text."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from analysis.judging import cluster_store, measure_store, screen_store
from analysis.screening import Judge
from analysis.specifications import Extractor
from kg.model import Batch, Paper
from kg.paper_filter import PaperFilter
from kg.store import GraphStore, open_store

ABOUT = (
    ("codec", "a neural audio codec with residual vector quantization that emits discrete tokens at 3 kbps"),
    ("units", "a language model over discrete speech units from k-means clustering for generation"),
)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[GraphStore]:
    with open_store(f"sqlite:///{tmp_path}/x.sqlite") as opened:
        opened.upsert(
            Batch(
                papers=tuple(
                    Paper(
                        ids=(f"arxiv:2101.{number:05d}",),
                        title=f"{ABOUT[number % 2][0]} number {number}",
                        abstract=f"We propose {ABOUT[number % 2][1]}, variant {number}.",
                        source="test",
                    )
                    for number in range(1, 41)
                )
            )
        )
        yield opened


def test_every_paper_is_judged_and_measured_once(store) -> None:
    assert store.counts().unjudged == 40
    assert screen_store(store, Judge()).read == 40
    assert measure_store(store, Extractor()).read == 40
    assert store.counts().unjudged == 0
    assert store.counts().include["include"] == 40
    assert store.papers(PaperFilter(bitrate_max=3)).total == 20
    revision = store.revision()
    assert screen_store(store, Judge()).read == 0
    assert measure_store(store, Extractor()).read == 0
    assert store.revision() == revision


def test_a_stop_keeps_the_batch_and_the_next_run_does_the_rest(store) -> None:
    first = screen_store(store, Judge(), batch=10, stop=lambda: True)
    assert (first.read, first.stopped) == (10, True)
    assert store.counts().unjudged == 30
    assert screen_store(store, Judge(), batch=10).read == 30


def test_a_title_alone_does_not_replace_a_verdict_from_the_abstract(store) -> None:
    id = "arxiv:2101.00001"
    judge = Judge()
    screen_store(store, judge)
    before = store.paper(id).judgement
    done = store.upsert(Batch(judgements={id: judge.judge(store.paper(id).paper.title, None)}))
    assert done.judgements_kept == 1
    assert store.paper(id).judgement == before


def test_clusters_are_kept_and_do_not_depend_on_when_papers_came(store, tmp_path) -> None:
    screen_store(store, Judge())
    found, bare = cluster_store(store, k=2)
    assert bare == 0
    groups = [set(store.ids(PaperFilter(cluster=cluster.number))) for cluster in found.clusters]
    assert sorted(map(len, groups)) == [20, 20]
    with open_store(f"sqlite:///{tmp_path}/other.sqlite") as other:
        for id in reversed(store.ids(PaperFilter())):
            other.upsert(Batch(papers=(store.paper(id).paper,)))
        screen_store(other, Judge())
        assert cluster_store(other, k=2)[0].clusters == found.clusters
