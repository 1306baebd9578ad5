"""The same random history told to a store and to a plain model gives the same answers at every step."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from kg.combine import is_younger
from kg.model import (
    Asked,
    Batch,
    Citation,
    Cursor,
    Decision,
    Fetch,
    FetchState,
    Found,
    How,
    Paper,
    PartialDate,
    Vector,
)
from kg.paper_filter import PaperFilter
from kg.store import GraphStore, open_store
from tests.store.model import Model, Record
from tests.store.records import EVERYTHING, arxiv, doi

IDS = [*(arxiv(n) for n in range(1, 5)), *(doi(n) for n in range(1, 5))]
TITLES = ("Alpha", "Beta")
SOURCES = ("arxiv", "openalex", "s2")

ids = st.sampled_from(IDS)
records = st.tuples(
    st.lists(ids, min_size=1, max_size=3, unique=True).map(tuple),
    st.sampled_from(SOURCES),
    st.sampled_from(TITLES),
    st.sampled_from([None, "Venue", "Meeting"]),
    st.sampled_from([None, "2019", "2020-01", "2021-03-04"]),
)


class Histories(RuleBasedStateMachine):
    """One store and the model beside it."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self.url = url
        self.store: GraphStore = open_store(self.url)
        self.model = Model()
        self.clock = 0
        self.run = self.store.begin("histories", rules=None, protocol=None, time="2025")

    def teardown(self) -> None:
        self.store.close()

    @rule(told=records)
    def tell(self, told: tuple[tuple[str, ...], str, str, str | None, str | None]) -> None:
        named, source, title, venue, published = told
        date = None if published is None else PartialDate(published, source)
        paper = Paper(ids=named, title=title, published=date, venue=venue, source=source)
        self.store.upsert(Batch(papers=(paper,), run=self.run))
        revision = self.store.revision()
        self.store.upsert(Batch(papers=(paper,), run=self.run))
        assert self.store.revision() == revision
        before = self.model.shown()
        self.model.record(named, Record(-1, source, title, venue, published))
        self.model.note(before)

    @rule(pairs=st.lists(st.tuples(ids, ids), min_size=1, max_size=4), source=st.sampled_from(SOURCES))
    def cite(self, pairs: list[tuple[str, str]], source: str) -> None:
        new = sorted({id for pair in pairs for id in pair if id not in self.model.work_of})
        self.store.upsert(Batch(citations=tuple(Citation(a, b, source) for a, b in pairs)))
        for id in new:
            self.model.mint(id)
        for citing, cited in pairs:
            self.model.cite(citing, cited, source)

    @rule(
        id=ids,
        source=st.sampled_from(SOURCES),
        what=st.sampled_from(["references", "citations"]),
        state=st.sampled_from(["complete", "truncated", "empty"]),
        got=st.none() | st.integers(0, 3),
        day=st.integers(1, 3),
    )
    def fetch(self, id: str, source: str, what: Asked, state: FetchState, got: int | None, day: int) -> None:
        fetch = Fetch(id, source, what, state, got, None, f"2025-01-0{day}")
        self.store.upsert(Batch(fetches=(fetch,)), Cursor(source, what, id, fetch.time))
        revision = self.store.revision()
        self.store.upsert(Batch(fetches=(fetch,)))
        assert self.store.revision() == revision
        self.model.fetch(self.model.work(id), source, what, fetch.time, state, got)

    @rule(id=ids, how=st.sampled_from(["query", "list"]), day=st.integers(1, 3))
    def find(self, id: str, how: How, day: int) -> None:
        found = Found(id, how, "arxiv", "speech", f"2025-01-0{day}")
        self.store.upsert(Batch(found=(found,)))
        self.model.ways.setdefault((self.model.work(id), how, "arxiv", "speech"), found.time)

    @precondition(lambda self: self.model.names)
    @rule(data=st.data(), value=st.sampled_from([0.5, 1.5]))
    def place(self, data: st.DataObject, value: float) -> None:
        id = data.draw(st.sampled_from(sorted(self.model.work_of)))
        self.store.upsert(Batch(vectors={id: Vector("specter", (value, -1.0))}))
        self.model.placed[self.model.work_of[id], "specter"] = (value, -1.0)

    @precondition(lambda self: len(self.model.roots()) > 1)
    @rule(data=st.data())
    def merge(self, data: st.DataObject) -> None:
        roots = st.sampled_from(self.model.roots())
        kept, absorbed = data.draw(st.tuples(roots, roots).filter(lambda pair: pair[0] != pair[1]))
        self.store.merge(self.model.names[kept], self.model.names[absorbed], "said so")
        self.model.merge(kept, absorbed)

    @precondition(lambda self: not all(self.model.undone))
    @rule(data=st.data())
    def unmerge(self, data: st.DataObject) -> None:
        standing = [n for n, undone in enumerate(self.model.undone) if not undone]
        number = data.draw(st.sampled_from(standing))
        self.store.unmerge(number + 1)
        self.model.undone[number] = True

    @precondition(lambda self: self.model.names)
    @rule(data=st.data(), verdict=st.sampled_from(["include", "exclude", None]))
    def decide(self, data: st.DataObject, verdict: str | None) -> None:
        id = data.draw(st.sampled_from(sorted(self.model.work_of)))
        self.clock += 1
        self.store.decide(Decision(id, "include", verdict, "reviewer", "read it", f"2025-01-01T00:00:{self.clock:06d}"))
        self.model.decided.append((self.model.work_of[id], verdict))

    @rule()
    def reopen(self) -> None:
        self.store.close()
        self.store = open_store(self.url)

    @invariant()
    def every_answer_agrees(self) -> None:
        model, store = self.model, self.store
        roots = model.roots()
        names = dict(enumerate(model.names))
        assert store.resolve(IDS) == {id: names[root] for id in IDS if (root := model.find(id)) is not None}
        real = {root for root in roots if model.title(root) is not None}
        citations = model.citations()
        vectors = store.table("vectors")
        assert dict(zip(vectors["paper"].to_pylist(), map(tuple, vectors["values"].to_pylist()), strict=True)) == {
            names[root]: values for root in roots if (values := model.vector(root, "specter")) is not None
        }
        assert [
            (line["paper"], line["kind"], line["field"], line["old"], line["new"])
            for line in store.table("changes").to_pylist()
        ] == [(names[model.root(work)], *line) for work, *line in model.log]
        for root in roots:
            told = store.paper(names[root])
            row = told.row
            fetches = [(f.source, f.what, f.time, f.state, f.got) for f in told.fetches]
            assert sorted(fetches, key=repr) == model.fetches(root)
            assert [(f.time, f.how, f.source, f.detail) for f in told.found] == model.found(root)
            assert row.stub == (root not in real)
            assert (row.title, row.venue, row.published) == (
                model.title(root),
                model.venue(root),
                model.published(root),
            )
            assert (row.include, row.decided) == (model.include(root), model.include(root) is not None)
            assert row.cited_by == sum(cited == root and citing in real for citing, cited in citations)
            assert row.references == sum(citing == root and cited in real for citing, cited in citations)
        assert store.ids(EVERYTHING) == sorted(names[root] for root in real)
        for word in TITLES:
            assert store.ids(PaperFilter(text=word, include=())) == sorted(
                names[root] for root in real if model.title(root) == word
            )
        if roots:
            everyone = store.neighbourhood([names[root] for root in roots], where=EVERYTHING)
            assert [(link.citing, link.cited, link.younger, link.sources) for link in everyone.links] == sorted(
                (
                    names[a], names[b], is_younger(model.published(b), model.published(a)),
                    tuple(sorted(sources)),
                )
                for (a, b), sources in citations.items()
            )  # fmt: skip
        assert [(each.kept, each.absorbed, each.undone is not None) for each in reversed(store.merges())] == [
            (names[kept], names[absorbed], undone)
            for (kept, absorbed), undone in zip(model.merges, model.undone, strict=True)
        ]
        counts = store.counts()
        assert (counts.papers, counts.stubs) == (len(real), len(roots) - len(real))
        assert counts.citations == sum(a in real and b in real for a, b in citations)
        assert (counts.quarantined > 0) == bool(model.refused)


def test_a_store_answers_as_the_model(empty_url: Callable[[], str], histories: int) -> None:
    run_state_machine_as_test(
        lambda: Histories(empty_url()), settings=settings(max_examples=histories, stateful_step_count=25, deadline=None)
    )


@pytest.mark.long
def test_a_store_answers_as_the_model_over_long_histories(empty_url: Callable[[], str]) -> None:
    run_state_machine_as_test(
        lambda: Histories(empty_url()), settings=settings(max_examples=500, stateful_step_count=60, deadline=None)
    )
