"""The seeded world: the same for the same seed, of the size asked for, and as uneven as the real one."""

from __future__ import annotations

import time
from collections import Counter

import numpy as np
import pytest

from analysis.screening import Judge
from kg.identity import normalise
from tests.services import texts
from tests.services.world import World, build


@pytest.fixture(scope="module")
def world() -> World:
    return build(seed=3, papers=5_000)


def test_the_same_seed_gives_the_same_world(world) -> None:
    again, other = build(seed=3, papers=5_000), build(seed=4, papers=5_000)
    assert (again.arxiv, again.doi, again.s2, again.openalex) == (world.arxiv, world.doi, world.s2, world.openalex)
    assert np.array_equal(again.edges.cited, world.edges.cited)
    assert [again.title(row) for row in range(50)] == [world.title(row) for row in range(50)]
    assert not np.array_equal(other.edges.cited, world.edges.cited)


def test_it_has_the_size_asked_for_and_is_built_at_once() -> None:
    began = time.monotonic()
    world = build(seed=9, papers=5_000, citations=40_000)
    assert time.monotonic() - began < 3
    assert (len(world), len(world.edges)) == (5_000, 40_000)


def test_fifty_thousand_papers_are_built_in_time() -> None:
    began = time.monotonic()
    world = build(seed=1, papers=50_000)
    assert len(world.words) == 50_000
    assert time.monotonic() - began < 20
    assert world.citations_at_s2.max() > 9_999, "one paper has more citations than a batch gives"


@pytest.mark.parametrize("papers", [0, 1, 2, 5])
def test_small_worlds_are_worlds(papers: int) -> None:
    world = build(seed=1, papers=papers)
    assert len(world) == papers
    assert len(world.edges) <= papers * papers


def test_ids_are_real_spellings_and_name_one_paper_each(world) -> None:
    works = [work for several in world.openalex for work in several]
    for ids in (world.arxiv, world.doi, world.s2, works):
        given = [each for each in ids if each is not None]
        assert len({normalise(each) for each in given}) == len(given) > 1_000
    assert len(set(world.corpus.tolist())) == len(world)
    assert sum("/" in (each or "") for each in world.arxiv) > 10, "some ids are of the old style"


def test_no_citation_is_told_twice_and_each_is_known_to_a_source(world) -> None:
    edges = world.edges
    assert len(set(zip(edges.citing.tolist(), edges.cited.tolist(), strict=True))) == len(edges)
    assert (edges.s2 | edges.openalex).all()
    assert 0.03 < 1 - edges.s2.mean() < 0.12
    assert 0.05 < 1 - edges.openalex.mean() < 0.25
    assert 0 < (edges.cited > edges.citing).mean() < 0.01, "a few cite a younger paper"
    for row in (0, 700, 4_999):
        assert (edges.citing[world.references(row)] == row).all()
        assert (edges.cited[world.citations(row)] == row).all()
        assert len(world.citations(row)) == (edges.cited == row).sum()


def test_citations_have_a_heavy_tail(world) -> None:
    counts = np.sort(np.bincount(world.edges.cited, minlength=len(world)))[::-1]
    assert counts[:50].sum() > 0.2 * counts.sum()
    assert np.median(counts) <= 5


def test_twins_share_their_words_and_no_id(world) -> None:
    twins = world.twins()
    assert len(twins) > 50
    for preprint, published in twins:
        assert world.title(preprint) == world.title(published)
        assert world.authors(preprint) == world.authors(published)
        assert 0 < world.day[published] - world.day[preprint] <= 366
        assert (world.doi[preprint], world.arxiv[published]) == (None, None)
        assert None not in (world.arxiv[preprint], world.doi[published])


def test_other_titles_are_all_different(world) -> None:
    titles = Counter(world.title(row) for row in range(len(world)))
    assert len(titles) == len(world) - len(world.twins())


def test_things_are_missing_as_they_are_outside(world) -> None:
    none = [row for row in range(len(world)) if world.arxiv[row] is None and world.doi[row] is None]
    assert len(none) > 100, "some papers have neither DOI nor arXiv id"
    assert sum(len(ids) == 2 for ids in world.openalex) > 100
    assert sum(not ids for ids in world.openalex) > 100
    for flags in (world.withdrawn, world.elided, ~world.dated, ~world.abstract_at_s2):
        assert 0 < flags.mean() < 0.3


def test_the_protocol_includes_the_papers_on_tokens_and_no_others(world) -> None:
    judge = Judge()
    rows = range(1_000, len(world), 29)
    included = Counter(
        (int(world.kind[row]), judge.judge(world.title(row), world.abstract(row)).include) for row in rows
    )
    about = sum(count for (kind, _), count in included.items() if kind == texts.TOKENS)
    assert included[texts.TOKENS, "include"] > 0.9 * about > 40
    assert not included[texts.AUDIO, "include"] + included[texts.OTHER, "include"]
