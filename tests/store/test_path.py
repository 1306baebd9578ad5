"""A shortest path, of several the first by ids; the same as trying every one."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kg.errors import NotFound
from kg.model import Batch
from kg.paper_filter import PaperFilter
from kg.store import GraphStore, open_store
from tests.store.records import EVERYTHING, arxiv, cites, graph, judgement, papers

Pairs = set[tuple[int, int]]


def shortest(pairs: Pairs, start: int, end: int, allowed: set[int], directed: bool) -> list[int] | None:
    """Breadth first with whole paths, so the first by ids is a minimum over lists."""
    if start == end:
        return [start]
    steps = pairs if directed else pairs | {(b, a) for a, b in pairs}
    paths, seen = [[start]], {start}
    while paths:
        longer = [[*path, b] for path in paths for a, b in steps if a == path[-1] and b not in seen]
        done = [path for path in longer if path[-1] == end]
        if done:
            return min(done)
        paths = [path for path in longer if path[-1] in allowed]
        seen |= {path[-1] for path in paths}
    return None


@given(
    pairs=st.sets(
        st.tuples(st.integers(1, 10), st.integers(1, 10)).filter(lambda pair: pair[0] != pair[1]), max_size=20
    ),
    start=st.integers(1, 10),
    end=st.integers(1, 10),
    directed=st.booleans(),
    excluded=st.sets(st.integers(1, 10), max_size=5),
    filtered=st.booleans(),
)
@settings(max_examples=100)
def test_a_path_is_the_first_of_the_shortest(
    empty_url: Callable[[], str],
    pairs: Pairs,
    start: int,
    end: int,
    directed: bool,
    excluded: set[int],
    filtered: bool,
) -> None:
    everyone = set(range(1, 11))
    with open_store(empty_url()) as store:
        store.upsert(
            Batch(
                papers=papers(*everyone),
                citations=cites(*sorted(pairs)),
                judgements={arxiv(n): judgement("exclude" if n in excluded else "include") for n in everyone},
            )
        )
        where = PaperFilter() if filtered else EVERYTHING
        found = store.path(arxiv(start), arxiv(end), where=where, directed=directed)
    expected = shortest(pairs, start, end, everyone - excluded if filtered else everyone, directed)
    if expected is None:
        assert found is None
        return
    assert found is not None
    assert [row.id for row in found.rows] == [arxiv(n) for n in expected]
    for (one, other), link in zip(itertools.pairwise(expected), found.links, strict=True):
        assert (link.citing, link.cited) in {(arxiv(one), arxiv(other)), (arxiv(other), arxiv(one))}
        assert (one, other) in pairs or not directed
        if (one, other) in pairs:
            assert (link.citing, link.cited) == (arxiv(one), arxiv(other))


def test_a_path_keeps_the_direction_of_its_citations(store: GraphStore) -> None:
    store.upsert(graph((1, 2), (3, 2), (3, 4)))
    found = store.path(arxiv(1), arxiv(4), where=EVERYTHING)
    assert found is not None
    assert [row.id for row in found.rows] == [arxiv(n) for n in (1, 2, 3, 4)]
    assert [(link.citing, link.cited) for link in found.links] == [
        (arxiv(1), arxiv(2)), (arxiv(3), arxiv(2)), (arxiv(3), arxiv(4)),
    ]  # fmt: skip
    assert store.path(arxiv(1), arxiv(4), where=EVERYTHING, directed=True) is None
    assert store.path(arxiv(1), arxiv(2), where=EVERYTHING, directed=True) is not None
    assert store.path(arxiv(2), arxiv(1), where=EVERYTHING, directed=True) is None


def test_a_path_from_a_paper_to_itself_is_that_paper(store: GraphStore) -> None:
    store.upsert(graph((1, 2)))
    found = store.path(arxiv(1), "2001.00001", where=PaperFilter())
    assert found is not None
    assert ([row.id for row in found.rows], found.links) == ([arxiv(1)], ())


def test_stubs_lie_on_paths_only_without_conditions(store: GraphStore) -> None:
    store.upsert(Batch(papers=papers(1, 2), citations=cites((1, 9), (2, 9))))
    assert store.path(arxiv(1), arxiv(2), where=EVERYTHING) is not None
    assert store.path(arxiv(1), arxiv(2), where=PaperFilter(include=(), year_min=1990)) is None


def test_an_unknown_end_is_named(store: GraphStore) -> None:
    store.upsert(graph((1, 2)))
    with pytest.raises(NotFound, match="00009"):
        store.path(arxiv(1), arxiv(9), where=EVERYTHING)
