"""What the pages ask the store, answered from a cache keyed by store, revision and question.

An ingest or a decision raises the revision, so nothing old can stay on screen. Every function here asks once and gives
the store's own records back; pages do not change them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

import streamlit as st

from kg.answers import (
    CitationPath,
    Clusters,
    Direction,
    Facets,
    Linked,
    Neighbourhood,
    PaperDetails,
    PaperPage,
    PaperRow,
    StoreCounts,
)
from kg.errors import InputError, NotFound
from kg.identity import normalise
from kg.paper_filter import PaperFilter, Sort
from kg.protocol import Protocol, load_protocol
from ui import state

if TYPE_CHECKING:
    import pyarrow as pa

EVERYTHING = PaperFilter(include=())
Version = tuple[str, int]


@st.cache_data(show_spinner=False, max_entries=400)
def _papers(version: Version, where: PaperFilter, sort: Sort, offset: int, limit: int) -> PaperPage:
    return state.store().papers(where, sort=sort, offset=offset, limit=limit)


def papers(where: PaperFilter, *, sort: Sort = "newest", offset: int = 0, limit: int = 50) -> PaperPage:
    """A page of papers."""
    return _papers(state.version(), where, sort, offset, limit)


def total(where: PaperFilter) -> int:
    """How many papers match."""
    return papers(where, limit=1).total


def rows(ids: tuple[str, ...]) -> dict[str, PaperRow]:
    """List rows of papers by id, in the order given; unknown ids are absent."""
    return _rows(state.version(), ids)


@st.cache_data(show_spinner=False, max_entries=200)
def _rows(version: Version, ids: tuple[str, ...]) -> dict[str, PaperRow]:
    found: dict[str, PaperRow] = {}
    for id in ids:
        try:
            found[id] = state.store().paper(id).row
        except NotFound:
            continue
    return found


@st.cache_data(show_spinner=False, max_entries=200)
def _facets(version: Version, where: PaperFilter) -> Facets:
    return state.store().facets(where)


def facets(where: PaperFilter) -> Facets:
    """Counts under a filter."""
    return _facets(state.version(), where)


@st.cache_data(show_spinner=False, max_entries=200)
def _paper(version: Version, id: str) -> PaperDetails:
    return state.store().paper(id)


def paper(id: str) -> PaperDetails:
    """One paper with everything known. Raises NotFound with the nearest ids."""
    return _paper(state.version(), id)


@st.cache_data(show_spinner=False, max_entries=200)
def _linked(version: Version, id: str, direction: Direction, where: PaperFilter, limit: int) -> Linked:
    opened = state.store()
    ask = opened.references if direction == "references" else opened.citers
    return ask(id, where=where, limit=limit)


def linked(id: str, direction: Direction, where: PaperFilter, limit: int) -> Linked:
    """References or citers, ranked."""
    return _linked(state.version(), id, direction, where, limit)


@st.cache_data(show_spinner=False, max_entries=100)
def _neighbourhood(
    version: Version, ids: tuple[str, ...], where: PaperFilter, hops: int, direction: Direction, limit: int
) -> Neighbourhood:
    return state.store().neighbourhood(ids, where=where, hops=hops, direction=direction, limit=limit)


def neighbourhood(
    ids: tuple[str, ...], where: PaperFilter, *, hops: int, direction: Direction, limit: int
) -> Neighbourhood:
    """Papers round one or several."""
    return _neighbourhood(state.version(), ids, where, hops, direction, limit)


@st.cache_data(show_spinner=False, max_entries=100)
def _path(version: Version, start: str, end: str, where: PaperFilter, directed: bool) -> CitationPath | None:
    return state.store().path(start, end, where=where, directed=directed)


def path(start: str, end: str, where: PaperFilter, *, directed: bool) -> CitationPath | None:
    """A shortest citation path, `None` when there is none."""
    return _path(state.version(), start, end, where, directed)


@st.cache_data(show_spinner=False, max_entries=4)
def _counts(version: Version) -> StoreCounts:
    return state.store().counts()


def counts() -> StoreCounts:
    """What `status` shows."""
    return _counts(state.version())


@st.cache_data(show_spinner=False, max_entries=4)
def _clusters(version: Version) -> Clusters | None:
    return state.store().clusters()


def clusters() -> Clusters | None:
    """The clustering kept."""
    return _clusters(state.version())


def cluster_labels() -> dict[int, str]:
    """Label of each cluster by number; empty before the first clustering."""
    kept = clusters()
    return {} if kept is None else {each.number: each.label for each in kept.clusters}


def reading_lists() -> dict[str, int]:
    """Names of the reading lists with their sizes."""
    return state.store().reading_lists()


@st.cache_data(show_spinner=False, max_entries=100)
def _years_topics(version: Version, where: PaperFilter) -> list[tuple[int | None, str | None, int]]:
    return state.store().counts_by_year_topic(where)


def years_topics(where: PaperFilter) -> list[tuple[int | None, str | None, int]]:
    """(year, topic, papers); topic `None` counts each paper once."""
    return _years_topics(state.version(), where)


@st.cache_resource(show_spinner=False, max_entries=8)
def _table(version: Version, name: str) -> pa.Table:
    return state.store().table(name)


def table(name: str) -> pa.Table:
    """A whole column-wise table of the store; shared by all visitors, so never change it."""
    return _table(state.version(), name)


@st.cache_resource(show_spinner=False)
def protocol() -> Protocol:
    """The protocol that the papers are judged by."""
    return load_protocol()


def resolve(spelling: str) -> str | None:
    """The work id that any spelling of an id or its URL means, `None` when it is no id or not in the store."""
    try:
        normalise(spelling)
    except InputError:
        return None
    return state.store().resolve([spelling]).get(spelling)


@dataclass(frozen=True, slots=True)
class Gaps:
    """Ids of included papers about which something is missing, each list ascending."""

    included: int
    no_citations: tuple[str, ...]
    no_date: tuple[str, ...]
    no_text: tuple[str, ...]


@st.cache_data(show_spinner=False, max_entries=4)
def _gaps(version: Version) -> Gaps:
    import pyarrow.compute as pc

    known = table("papers")
    included = known.filter(pc.equal(known["include"], "include"))
    unlinked = pc.and_(pc.equal(included["cited_by"], 0), pc.equal(included["references"], 0))
    without_text = {
        id for batch in state.store().texts(batch=2_000) for id, _, abstract in batch if not (abstract or "").strip()
    }
    ids = included["id"].to_pylist()
    return Gaps(
        included=len(ids),
        no_citations=tuple(included.filter(unlinked)["id"].to_pylist()),
        no_date=tuple(included.filter(pc.is_null(included["published"]))["id"].to_pylist()),
        no_text=tuple(id for id in ids if id in without_text),
    )


def gaps() -> Gaps:
    """What is missing about included papers."""
    return _gaps(state.version())


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition of a filter: the field, the single value where a field holds several, and the filter without."""

    field: str
    value: Any
    without: PaperFilter


def conditions(where: PaperFilter) -> list[Condition]:
    """The conditions of a filter one by one, each with the filter that results when it is dropped."""
    found: list[Condition] = []
    for each in fields(where):
        held = getattr(where, each.name)
        if held is None or held == ():
            continue
        if each.name == "include" or not isinstance(held, tuple):
            found.append(
                Condition(each.name, held, replace(where, **{each.name: () if each.name == "include" else None}))
            )
            continue
        found += [
            Condition(each.name, value, replace(where, **{each.name: tuple(v for v in held if v != value)}))
            for value in held
        ]
    return found


def narrowest(where: PaperFilter) -> tuple[Condition, int] | None:
    """The condition whose removal brings back most papers, and how many; `None` when no single one helps.

    The search text is what a person is after: it is named only when no other condition helps.
    """
    whole_fields: Mapping[str, Condition] = {
        each.field: Condition(each.field, getattr(where, each.field), _without(where, each.field))
        for each in conditions(where)
    }
    counted = [(total(each.without), each) for each in whole_fields.values()]
    helping = [pair for pair in counted if pair[0] > 0]
    best = max(helping, key=lambda pair: (pair[1].field != "text", pair[0]), default=None)
    return None if best is None else (best[1], best[0])


def _without(where: PaperFilter, field: str) -> PaperFilter:
    return replace(where, **{field: () if isinstance(getattr(where, field), tuple) else None})
