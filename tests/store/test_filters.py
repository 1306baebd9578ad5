"""Pages, counts and facets mean what a filter says: the same as going through every paper."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kg.answers import PaperDetails
from kg.errors import InputError
from kg.model import QUANTIZERS, TOPICS, Batch, Cluster
from kg.paper_filter import SORTS, PaperFilter, Sort
from kg.store import GraphStore, open_store
from tests.store import naive
from tests.store.records import EVERYTHING, arxiv, cites, decision, doi, judgement, measured, paper

WORDS = ("codec", "token", "語音", "1.5", "naïve", "vq_wav2vec", "model")
RATES = (0.5, 1.5, 6.0, 24.0)


def fill(store: GraphStore, size: int = 60) -> None:
    """Papers with everything a filter can ask for, some of it missing on each."""
    rng = random.Random(4)
    told = [
        paper(
            arxiv(n) if n % 2 else doi(n),
            title=" ".join(rng.choices(WORDS, k=3)) + f" {n % 5}",
            abstract=rng.choice([None, " ".join(rng.choices(WORDS, k=6))]),
            published=rng.choice([None, "2019", "2021-05", "2023-01-02"]),
            source=rng.choice(["arxiv", "openalex"]),
            authors=rng.choice([None, ("Ann B",), ("Codec Person", "Ann B")]),
        )
        for n in range(size)
    ]
    twice = [paper(*each.ids, title=each.title, source="s2") for each in told if rng.random() < 0.3]
    criteria = (("R1", "met"), ("R2", "not_met"), ("A1", "unclear"))
    store.upsert(
        Batch(
            papers=(*told, *twice),
            citations=cites(*((rng.randrange(size), rng.randrange(size)) for _ in range(3 * size))),
            judgements={
                each.ids[0]: judgement(
                    rng.choice(["include", "include", "exclude", "unclear"]),
                    topics=tuple(sorted(rng.sample(TOPICS, rng.randrange(3)))),
                    token_type=rng.choice([None, "semantic", "acoustic", "none"]),
                    quantizers=tuple(sorted(rng.sample(QUANTIZERS[:3], rng.randrange(3)))),
                    criteria=tuple(rng.sample(criteria, rng.randrange(4))),
                )
                for each in told
                if rng.random() < 0.8
            },
            measured={
                each.ids[0]: measured(*rng.sample(RATES, rng.randrange(3)), role=rng.choice(["own", "own", "compared"]))
                for each in told
                if rng.random() < 0.7
            },
        )
    )
    for n in range(1, 20, 4):
        store.decide(decision(n, rng.choice(["include", "exclude"])))
        store.decide(decision(n, rng.choice(["met", "not_met"]), criterion=rng.choice(["R1", "X1"])))
    known = store.ids(EVERYTHING)
    store.put_clusters(
        "run", [Cluster("run", n, str(n), (), 1) for n in range(3)], {id: n % 3 for n, id in enumerate(known[::2])}
    )
    store.add_to_list("mine", known[5:25])


@pytest.fixture(scope="module")
def filled(empty_url: Callable[[], str]) -> Iterator[GraphStore]:
    with open_store(empty_url()) as store:
        fill(store)
        yield store


@pytest.fixture(scope="module")
def known(filled: GraphStore) -> list[PaperDetails]:
    return [filled.paper(id) for id in filled.ids(EVERYTHING)]


def several(values: tuple[str, ...]) -> st.SearchStrategy[tuple[str, ...]]:
    return st.just(()) | st.lists(st.sampled_from(values), max_size=2, unique=True).map(tuple)


rates = st.none() | st.sampled_from([0.0, 0.4, 1.5, 5.0, 100.0])
years = st.none() | st.sampled_from([2018, 2020, 2021, 2024])
filters = st.builds(
    PaperFilter,
    text=st.none()
    | st.lists(st.sampled_from([*WORDS, "-codec", "OR", '"codec token"', "tok*", "?"]), max_size=3).map(" ".join),
    topics=several(TOPICS),
    criteria=st.lists(
        st.tuples(st.sampled_from(["R1", "R2", "X1"]), st.sampled_from(["met", "not_met", "unclear"])), max_size=2
    ).map(tuple),
    include=several(("include", "exclude", "unclear")),
    token_types=several(("semantic", "acoustic", "hybrid", "none")),
    quantizers=several(QUANTIZERS[:4]),
    bitrate_min=rates,
    bitrate_max=rates,
    year_min=years,
    year_max=years,
    sources=several(("arxiv", "openalex", "s2", "nobody")),
    cluster=st.none() | st.integers(0, 3),
    reading_list=st.none() | st.sampled_from(["mine", "nobody's"]),
)


@given(where=filters, sort=st.sampled_from(SORTS))
def test_a_filter_means_the_same_as_going_through_every_paper(
    filled: GraphStore, known: list[PaperDetails], where: PaperFilter, sort: Sort
) -> None:
    expected = sorted(each.row.id for each in naive.matching(known, where))
    page = filled.papers(where, sort=sort, limit=100)
    assert filled.ids(where) == expected
    assert sorted(row.id for row in page.rows) == expected
    assert (page.total, page.of, page.offset) == (len(expected), len(known), 0)
    rows = {each.row.id: each.row for each in known}
    assert all(row == rows[row.id] for row in page.rows)


@given(where=filters)
def test_facets_are_counts_over_the_papers(filled: GraphStore, known: list[PaperDetails], where: PaperFilter) -> None:
    assert filled.facets(where) == naive.facets(known, where)


@given(where=filters)
def test_counts_by_year_and_topic_are_counts_over_the_papers(
    filled: GraphStore, known: list[PaperDetails], where: PaperFilter
) -> None:
    counted: dict[tuple[int | None, str | None], int] = {}
    for each in naive.matching(known, where):
        for topic in (None, *each.row.topics):
            counted[each.row.year, topic] = counted.get((each.row.year, topic), 0) + 1
    found = filled.counts_by_year_topic(where)
    assert {(year, topic): count for year, topic, count in found} == counted
    assert found == sorted(found, key=lambda row: (row[0] is None, row[0] or 0, row[1] or ""))


def keys(sort: Sort) -> Callable[[PaperDetails], tuple[object, ...]]:
    return {
        "newest": lambda each: (each.row.published is None, [-ord(c) for c in each.row.published or ""] + [0]),
        "oldest": lambda each: (each.row.published is None, each.row.published or ""),
        "cited": lambda each: (-each.row.cited_by,),
        "title": lambda each: (naive.search_text(each.row.title, None, (), None, ()).split(),),
        "bitrate": lambda each: (not each.row.bitrates, each.row.bitrates[:1]),
    }[sort]


@pytest.mark.parametrize("sort", [sort for sort in SORTS if sort != "relevance"])
def test_an_order_is_total_and_ties_break_by_id(filled: GraphStore, known: list[PaperDetails], sort: Sort) -> None:
    expected = sorted(known, key=lambda each: (*keys(sort)(each), each.row.id))
    assert [row.id for row in filled.papers(EVERYTHING, sort=sort, limit=99).rows] == [each.row.id for each in expected]


@pytest.mark.parametrize("sort", SORTS)
def test_pages_laid_together_are_the_list(filled: GraphStore, sort: Sort) -> None:
    where = PaperFilter(text="codec OR model OR token", include=())
    whole = filled.papers(where, sort=sort, limit=99)
    pages = [filled.papers(where, sort=sort, offset=start, limit=7) for start in range(0, whole.total + 7, 7)]
    assert tuple(row for page in pages for row in page.rows) == whole.rows
    assert {page.total for page in pages} == {whole.total}


def test_relevance_without_a_text_means_most_cited(filled: GraphStore) -> None:
    assert filled.papers(EVERYTHING, sort="relevance").rows == filled.papers(EVERYTHING, sort="cited").rows


def test_an_empty_page_still_tells_the_total(filled: GraphStore) -> None:
    page = filled.papers(EVERYTHING, limit=0)
    assert (page.rows, page.total) == ((), 60)
    assert filled.papers(EVERYTHING, offset=1_000).rows == ()


def test_an_impossible_page_is_refused(filled: GraphStore) -> None:
    for wrong in ({"sort": "best"}, {"limit": -1}, {"offset": -1}):
        with pytest.raises(InputError):
            filled.papers(EVERYTHING, **wrong)  # type: ignore[arg-type]


def test_values_of_a_filter_are_never_read_as_a_statement(filled: GraphStore) -> None:
    evil = "x') OR 1=1 --"
    assert filled.ids(PaperFilter(include=(), reading_list=evil)) == []
    assert filled.ids(PaperFilter(include=(), sources=(evil,), topics=(evil,))) == []
    assert filled.papers(PaperFilter(text=evil, include=())).total == 0
