"""Papers round others: nearer first, capped, with an honest total; the same as a plain walk over the citations."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kg.answers import SECOND_HOP_COUNTED, Direction
from kg.errors import InputError, NotFound
from kg.model import Batch
from kg.paper_filter import PaperFilter
from kg.store import GraphStore, open_store
from tests.store.records import EVERYTHING, arxiv, cites, graph, judgement, paper, papers

Pairs = set[tuple[int, int]]


def around(pairs: Pairs, nodes: set[int], direction: Direction) -> set[tuple[int, int]]:
    """(reached, from where) one step away."""
    found: set[tuple[int, int]] = set()
    if direction in ("references", "both"):
        found |= {(cited, citing) for citing, cited in pairs if citing in nodes}
    if direction in ("citers", "both"):
        found |= {(citing, cited) for citing, cited in pairs if cited in nodes}
    return found


def walk(
    pairs: Pairs, seeds: list[int], hops: int, direction: Direction, shown: set[int], cited_by: dict[int, int]
) -> list[tuple[int, int]]:
    """(paper, hop) in the promised order, not capped."""
    result = [(seed, 0) for seed in dict.fromkeys(seeds)]
    seen = set(seeds)
    linked = {seed: {seed} for seed in seeds}
    for hop in range(1, hops + 1):
        reached: dict[int, set[int]] = {}
        for node, origin in around(pairs, set(linked), direction):
            if node not in seen and node in shown:
                reached.setdefault(node, set()).update(linked[origin])
        ranked = sorted(reached, key=lambda n: (-len(reached[n]), -cited_by[n], arxiv(n)))
        result += [(n, hop) for n in ranked]
        seen |= set(reached)
        linked = reached
    return result


graphs = st.sets(st.tuples(st.integers(1, 12), st.integers(1, 12)).filter(lambda pair: pair[0] != pair[1]), max_size=30)


@given(
    pairs=graphs,
    seeds=st.lists(st.integers(1, 12), min_size=1, max_size=3, unique=True),
    hops=st.sampled_from([1, 2]),
    direction=st.sampled_from(["references", "citers", "both"]),
    limit=st.integers(3, 14),
    excluded=st.sets(st.integers(1, 12), max_size=4),
    filtered=st.booleans(),
)
@settings(max_examples=60)
def test_a_neighbourhood_is_a_ranked_and_capped_walk(
    empty_url: Callable[[], str],
    pairs: Pairs,
    seeds: list[int],
    hops: int,
    direction: Direction,
    limit: int,
    excluded: set[int],
    filtered: bool,
) -> None:
    everyone = set(range(1, 13))
    with open_store(empty_url()) as store:
        store.upsert(
            Batch(
                papers=papers(*everyone),
                citations=cites(*sorted(pairs)),
                judgements={arxiv(n): judgement("exclude" if n in excluded else "include") for n in everyone},
            )
        )
        cited_by = {n: sum(cited == n for _, cited in pairs) for n in everyone}
        expected = walk(pairs, seeds, hops, direction, everyone - excluded if filtered else everyone, cited_by)
        found = store.neighbourhood(
            [arxiv(n) for n in seeds],
            where=PaperFilter() if filtered else EVERYTHING,
            hops=hops,
            direction=direction,
            limit=limit,
        )
    shown = expected[:limit]
    assert [row.id for row in found.rows] == [arxiv(n) for n, _ in shown]
    assert dict(found.hops) == {arxiv(n): hop for n, hop in shown}
    assert found.seeds == tuple(arxiv(n) for n in seeds)
    assert (found.shown, found.total, found.at_least) == (len(shown), len(expected), False)
    inside = {n for n, _ in shown}
    assert [(link.citing, link.cited) for link in found.links] == sorted(
        (arxiv(citing), arxiv(cited)) for citing, cited in pairs if citing in inside and cited in inside
    )


def test_stubs_are_shown_only_without_conditions(store: GraphStore) -> None:
    store.upsert(Batch(papers=papers(1, 2), citations=cites((1, 2), (1, 3), (3, 4))))
    assert [row.id for row in store.neighbourhood([arxiv(1)], where=EVERYTHING, hops=2).rows] == [
        arxiv(1), arxiv(2), arxiv(3), arxiv(4),
    ]  # fmt: skip
    dated = store.neighbourhood([arxiv(1)], where=PaperFilter(include=(), year_min=2019), hops=2)
    assert ([row.id for row in dated.rows], dated.total) == ([arxiv(1), arxiv(2)], 2)


def test_a_hub_is_capped_and_counted(store: GraphStore) -> None:
    citers = range(1, 201)
    store.upsert(Batch(papers=papers(0, *citers), citations=cites(*((n, 0) for n in citers))))
    found = store.neighbourhood([arxiv(0)], where=EVERYTHING, limit=10)
    assert (found.shown, found.total) == (10, 201)
    assert [row.id for row in found.rows] == [arxiv(n) for n in range(10)]
    assert len(found.links) == 9


@pytest.mark.long
def test_the_second_hop_of_a_hub_is_counted_to_an_end(store: GraphStore) -> None:
    far = range(1, SECOND_HOP_COUNTED + 3)
    store.upsert(Batch(papers=(paper("arxiv:1901.00001"), *papers(0, *far)), citations=cites(*((n, 0) for n in far))))
    store.upsert(Batch(citations=cites((0, 1))))
    store.upsert(Batch(papers=(paper("arxiv:1901.00001"),)))
    from kg.model import Citation

    store.upsert(Batch(citations=(Citation(arxiv(0), "arxiv:1901.00001", "lists"),)))
    found = store.neighbourhood(["arxiv:1901.00001"], where=EVERYTHING, hops=2)
    assert (found.shown, found.total, found.at_least) == (60, 2 + SECOND_HOP_COUNTED, True)


def test_what_cannot_be_shown_is_refused(store: GraphStore) -> None:
    store.upsert(graph((1, 2)))
    with pytest.raises(InputError, match="hops"):
        store.neighbourhood([arxiv(1)], where=EVERYTHING, hops=3)
    with pytest.raises(InputError, match="seeds"):
        store.neighbourhood([arxiv(1), arxiv(2)], where=EVERYTHING, limit=1)
    with pytest.raises(InputError):
        store.neighbourhood([], where=EVERYTHING)
    with pytest.raises(InputError):
        store.neighbourhood([arxiv(1)], where=EVERYTHING, direction="up")  # type: ignore[arg-type]
    with pytest.raises(NotFound):
        store.neighbourhood([arxiv(1), arxiv(9)], where=EVERYTHING)


def test_references_and_citers_are_ranked_by_citations(store: GraphStore) -> None:
    store.upsert(graph((1, 2), (1, 3), (1, 4), (5, 3), (6, 3), (5, 4), (7, 1), (5, 1)))
    store.upsert(Batch(citations=cites((1, 9)), judgements={arxiv(4): judgement(), arxiv(5): judgement("exclude")}))
    found = store.references(arxiv(1), where=EVERYTHING, limit=3)
    assert ([row.id for row in found.rows], found.total) == ([arxiv(3), arxiv(4), arxiv(2)], 4)
    assert [row.id for row in store.references(arxiv(1), where=PaperFilter()).rows] == [arxiv(4)]
    assert [row.id for row in store.citers(arxiv(1), where=EVERYTHING).rows] == [arxiv(5), arxiv(7)]
    assert store.citers(arxiv(1), where=PaperFilter()).total == 0
    assert store.references(arxiv(1), where=EVERYTHING, limit=0).total == 4


def test_links_between_papers_are_counted(store: GraphStore) -> None:
    store.upsert(graph((1, 2), (2, 3), (3, 1), (4, 1)))
    assert store.links([arxiv(1), arxiv(2), arxiv(3)]) == 3
    assert store.links([arxiv(1), arxiv(1), "2001.00004", arxiv(99), "no id"]) == 1
    assert store.links([]) == 0
