"""The same random history told to both engines leaves the same answers and the same rows."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

from kg.answers import Quarantined, Upserted
from kg.errors import AtlasError
from kg.model import (
    Author,
    Batch,
    Citation,
    Cluster,
    Cursor,
    Decision,
    Fetch,
    Found,
    Judgement,
    Measured,
    Paper,
    PartialDate,
    RunState,
    Vector,
)
from kg.neo4j_store import Neo4jStore
from kg.paper_filter import SORTS, PaperFilter
from kg.sqlite_store import SqliteStore
from kg.store import GraphStore, open_store
from tests.conftest import EmptyStore
from tests.store.records import EVERYTHING, arxiv, doi, judgement, measured, paper
from tests.store.test_transfer import answers, rows

pytestmark = pytest.mark.neo4j

IDS = [*(arxiv(n) for n in range(1, 5)), *(doi(n) for n in range(1, 4)), "title:analpha"]
TITLES = (None, " ", "An Alpha", "An alpha: with 1.5 kbps", "naïve 語音 wav2vec", "Don't stop vq_wav2vec")
QUERIES = ("1.5", "wav2vec", "naïve", "don't", "語音", "alpha -kbps", "wav*", "-alpha", "alpha OR stop", '"an alpha"')
SOURCES = ("arxiv", "openalex", "s2")

ids = st.sampled_from(IDS)
told = st.builds(
    lambda named, **fields: Paper(ids=tuple(named), **fields),
    st.lists(ids, min_size=1, max_size=3, unique=True),
    title=st.sampled_from(TITLES),
    abstract=st.sampled_from([None, "Short.", "A longer text of speech tokens at 6kbps."]),
    published=st.sampled_from([None, PartialDate("2019"), PartialDate("2020-01", "arxiv"), PartialDate("2021-03-04")]),
    venue=st.sampled_from([None, "Venue"]),
    categories=st.sampled_from([None, (), ("cs.SD", "eess.AS")]),
    references_stated=st.none() | st.integers(0, 9),
    standing=st.sampled_from([None, "withdrawn", "retracted"]),
    open_access=st.sampled_from([None, " ", "https://a.test/1.pdf"]),
    tldr=st.sampled_from([None, True, False]),
    authors=st.sampled_from([None, (), (Author("name:ann", "Ann", True), Author("s2:1", "Bo", False))]),
    source=st.sampled_from(SOURCES),
)
cited = st.builds(
    Citation,
    ids,
    ids,
    st.sampled_from(SOURCES),
    influential=st.sampled_from([None, True, False]),
    intents=st.sampled_from([None, (), ("background", "method")]),
    contexts=st.sampled_from([None, (), ("We follow it.",), ("語音 differs.", "We follow it.")]),
)
fetched = st.builds(
    Fetch,
    ids,
    st.sampled_from(SOURCES),
    st.sampled_from(["metadata", "references", "citations"]),
    st.sampled_from(["complete", "truncated", "empty", "unknown", "withheld"]),
    st.none() | st.integers(0, 3),
    st.none() | st.integers(0, 3),
    st.sampled_from(["2025-01-01", "2025-01-02"]),
)
found = st.builds(
    Found,
    ids,
    st.sampled_from(["query", "list", "references"]),
    st.sampled_from(SOURCES),
    st.sampled_from(["speech", "語音", IDS[0]]),
    st.sampled_from(["2025-01-01", "2025-01-02"]),
)
vectors = st.builds(
    Vector, st.sampled_from(["specter_v2", "other"]), st.lists(st.sampled_from([0.1, -2.0]), max_size=2).map(tuple)
)
judged = st.builds(
    judgement,
    st.sampled_from(["include", "exclude", "unclear"]),
    topics=st.sampled_from([(), ("S1",), ("S3", "S2")]),
    token_type=st.sampled_from([None, "semantic", "none"]),
    quantizers=st.sampled_from([(), ("RVQ", "VQ", "VQ")]),
    criteria=st.sampled_from([(), (("R1", "met"), ("A1", "unclear"))]),
    rules=st.sampled_from(["rules 1", "rules 2"]),
    fields=st.sampled_from([("title",), ("title", "abstract")]),
    title=st.sampled_from(TITLES),
)
numbers = st.builds(
    lambda rates, rules, fields: measured(*rates, rules=rules, fields=fields),
    st.lists(st.sampled_from([0.5, 1.5, 6.0]), max_size=2),
    st.sampled_from(["numbers 1", "numbers 2"]),
    st.sampled_from([("title",), ("title", "abstract")]),
)


class Both(RuleBasedStateMachine):
    """One store on each engine, told the same."""

    def __init__(self, sqlite: str, neo4j: str) -> None:
        super().__init__()
        self.urls = (sqlite, neo4j)
        self.now = 0
        self.stores: tuple[GraphStore, ...] = ()
        self.reopen()

    def teardown(self) -> None:
        for store in self.stores:
            store.close()

    def time(self) -> str:
        return f"2025-01-01T00:00:{self.now:06d}"

    def same(self, what: str, *arguments: object, **named: object) -> object:
        """Ask or tell both the same; what they answer, or refuse, must be the same."""
        self.now += 1
        found: list[object] = []
        for store in self.stores:
            try:
                found.append(getattr(store, what)(*arguments, **named))
            except AtlasError as error:
                found.append((type(error), error.message, error.hint))
        assert found[0] == found[1], what
        return found[0]

    @rule(
        papers=st.lists(told, max_size=3),
        citations=st.lists(cited, max_size=4),
        fetches=st.lists(fetched, max_size=3),
        ways=st.lists(found, max_size=3),
        run=st.none() | st.integers(1, 2),
        cursor=st.booleans(),
    )
    def tell(
        self,
        papers: list[Paper],
        citations: list[Citation],
        fetches: list[Fetch],
        ways: list[Found],
        run: int | None,
        cursor: bool,
    ) -> None:
        batch = Batch(tuple(papers), tuple(citations), fetches=tuple(fetches), found=tuple(ways), run=run)
        at = Cursor("file", "a", str(self.now), self.time()) if cursor else None
        done = self.same("upsert", batch, at)
        revision = self.same("revision")
        self.same("upsert", batch)
        # What was refused for a contradiction may stand no longer against what the rest of the batch changed.
        assert self.same("revision") == revision or (isinstance(done, Upserted) and done.quarantined)

    @rule(
        told=st.dictionaries(ids, judged, max_size=2),
        found=st.dictionaries(ids, numbers, max_size=2),
        placed=st.dictionaries(ids, vectors, max_size=2),
        run=st.none() | st.integers(1, 2),
    )
    def judge(
        self, told: dict[str, Judgement], found: dict[str, Measured], placed: dict[str, Vector], run: int | None
    ) -> None:
        self.same("upsert", Batch(judgements=told, measured=found, vectors=placed, run=run))

    @rule(command=st.sampled_from(["ingest s2", "complete"]), rules=st.sampled_from([None, "rules 1"]))
    def begin(self, command: str, rules: str | None) -> None:
        self.same("begin", command, rules=rules, protocol=None, time=self.time())

    @rule(run=st.integers(1, 3), state=st.sampled_from(["done", "failed"]), new=st.integers(0, 2))
    def end(self, run: int, state: RunState, new: int) -> None:
        self.same("end", run, state, {"papers_new": new}, time="2025")

    @rule(kept=ids, absorbed=ids)
    def merge(self, kept: str, absorbed: str) -> None:
        self.same("merge", kept, absorbed, "said so")

    @rule(number=st.integers(1, 6))
    def unmerge(self, number: int) -> None:
        self.same("unmerge", number)

    @rule(
        id=ids,
        criterion=st.sampled_from(["include", "R1", "B2"]),
        verdict=st.sampled_from(["include", "exclude", "met", "not_met", None]),
        reviewer=st.sampled_from(["ann", "bo"]),
    )
    def decide(self, id: str, criterion: str, verdict: str | None, reviewer: str) -> None:
        self.same("decide", Decision(id, criterion, verdict, reviewer, "read it", self.time()))

    @rule(
        what=st.sampled_from(["add_to_list", "remove_from_list"]),
        name=st.sampled_from(["mine", "yours", " "]),
        some=st.lists(ids, max_size=3),
    )
    def keep(self, what: Literal["add_to_list", "remove_from_list"], name: str, some: list[str]) -> None:
        self.same(what, name, some)

    @rule(run=st.sampled_from(["one", "two"]), members=st.dictionaries(ids, st.integers(0, 2), max_size=3))
    def group(self, run: str, members: dict[str, int]) -> None:
        clusters = [Cluster(run, number, f"{run} {number}", ("codec",), 1, 0.5) for number in range(2)]
        self.same("put_clusters", run, clusters, members)

    @rule(id=ids, title=st.sampled_from(TITLES), reason=st.sampled_from(["bad", "worse"]))
    def refuse(self, id: str, title: str | None, reason: str) -> None:
        self.same("quarantine", [Quarantined("file", id, title, reason, None, self.time())])

    @precondition(lambda self: self.now)
    @rule()
    def reopen(self) -> None:
        for store in self.stores:
            store.close()
        sqlite, neo4j = self.urls
        self.stores = (
            SqliteStore(sqlite, Path(sqlite.removeprefix("sqlite:///")), clock=self.time),
            Neo4jStore(neo4j, clock=self.time),
        )

    @rule(
        query=st.sampled_from(QUERIES),
        sort=st.sampled_from(SORTS),
        some=st.lists(ids, min_size=1, max_size=3),
        hops=st.integers(1, 2),
        limit=st.integers(1, 6),
    )
    def ask(self, query: str, sort: str, some: list[str], hops: int, limit: int) -> None:
        where = PaperFilter(text=query, include=())
        self.same("ids", where)
        self.same("facets", where)
        self.same("papers", EVERYTHING, sort=sort, limit=limit, offset=1)
        self.same("resolve", [*some, "nonsense"])
        for filtered in (where, EVERYTHING, PaperFilter()):
            self.same("neighbourhood", some, where=filtered, hops=hops, limit=limit)
            self.same("path", some[0], some[-1], where=filtered, directed=hops == 2)
            self.same("references", some[0], where=filtered, limit=limit)
            self.same("citers", some[0], where=filtered, limit=limit)
        self.same("links", some)
        self.same("counts_by_year_topic", where)

    @rule()
    def compare(self) -> None:
        sqlite, neo4j = self.stores
        assert answers(sqlite) == answers(neo4j)
        assert list(sqlite.texts(batch=2, unjudged_by="rules 1")) == list(neo4j.texts(batch=2, unjudged_by="rules 1"))
        assert list(sqlite.texts(unmeasured_by="numbers 1")) == list(neo4j.texts(unmeasured_by="numbers 1"))
        assert rows(sqlite) == rows(neo4j)


def _run(empty_store: EmptyStore, examples: int, steps: int) -> None:
    run_state_machine_as_test(
        lambda: Both(empty_store("sqlite"), empty_store("neo4j")),
        settings=settings(
            max_examples=examples,
            phases=set(Phase) - {Phase.explain},
            stateful_step_count=steps,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_authors_get_the_same_numbers_after_some_are_gone(empty_store: EmptyStore) -> None:
    with open_store(empty_store("sqlite")) as sqlite, open_store(empty_store("neo4j")) as neo4j:
        for store in (sqlite, neo4j):
            for names in (("Ann", "Bo", "Cy"), ("Ann",), ("Ann", "Dee", "Eve"), (), ("Fay",)):
                store.upsert(Batch(papers=(paper(arxiv(1), authors=names),)), Cursor("file", "a", str(names), "2025"))
        assert rows(sqlite) == rows(neo4j)
        assert rows(sqlite)["authors"] == [(1, "name:fay", "Fay", True)]


def test_both_engines_answer_alike(empty_store: EmptyStore) -> None:
    _run(empty_store, 12, 20)


@pytest.mark.long
def test_both_engines_answer_alike_over_long_histories(empty_store: EmptyStore) -> None:
    _run(empty_store, 300, 50)
