"""What is asked of the sources, and in which order: searches, lists of ids, the lists of references and of citers.

Each function plans streams from what the store knows, and `ingest.fetching` reads them. Nothing here decides whether a
paper belongs to the atlas: that is judged afterwards, from what the store then holds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import pyarrow as pa
import pyarrow.compute as pc

from ingest.fetching import Asked, Fetched, Session, by_query, read
from ingest.source import Page, Source, Stated, Stream
from kg.model import How
from kg.store import GraphStore

Direction = Literal["references", "citations"]
BOTH: tuple[Direction, ...] = ("references", "citations")


@dataclass(frozen=True, slots=True)
class Plan:
    """What a command would ask: streams of one source, and how many papers cannot be asked there."""

    source: Source
    streams: tuple[Stream, ...]
    unaskable: tuple[str, ...] = ()
    fresh: int = 0


def plan_search(
    source: Source, queries: Sequence[str], *, since: str | None = None, limit: int | None = None
) -> list[Plan]:
    """A plan per query, since a limit holds for each. Raises InputError for a query that says nothing."""
    return [Plan(source, tuple(source.search(query, since=since, limit=limit))) for query in queries]


def plan_papers(session: Session, source: Source, papers: Sequence[str]) -> Plan:
    """Ask a source to describe papers, known or not, that it was not asked about lately.

    Args:
        papers: any canonical ids, also of papers that the store does not know.
    """
    works = session.store.resolve(papers)
    papers = list(dict.fromkeys(works.get(paper, paper) for paper in papers))
    asked = Asked(session.store, source, "papers", papers)
    stale = asked.stale(papers, session.fresh_since("papers"))
    streams = source.papers([asked.askable[paper] for paper in stale])
    unaskable = tuple(paper for paper in papers if paper not in asked.askable)
    return Plan(source, tuple(streams), unaskable, len(papers) - len(stale) - len(unaskable))


def plan_links(session: Session, source: Source, papers: Sequence[str], direction: Direction) -> Plan:
    """Ask a source what papers cite or what cites them, in the order given."""
    asked = Asked(session.store, source, direction, papers)
    stale = asked.stale(papers, session.fresh_since(direction))
    stated = _stated(session.store, source.name, set(stale))
    streams = source.links({asked.askable[paper]: stated.get(paper, Stated()) for paper in stale}, direction)
    unaskable = tuple(paper for paper in papers if paper not in asked.askable)
    return Plan(source, tuple(streams), unaskable, len(papers) - len(stale) - len(unaskable))


def second_opinion(store: GraphStore, papers: Sequence[str], source: str, direction: Direction) -> list[str]:
    """Papers whose list this source could not give whole: cut, withheld, said to be empty, or the paper not known."""
    table = store.table("fetches").to_pydict()
    short = {
        paper
        for paper, by, what, state in zip(table["paper"], table["source"], table["what"], table["state"], strict=True)
        if by == source and what == direction and state != "complete"
    }
    return [paper for paper in papers if paper in short]


def run_search(session: Session, plans: Sequence[Plan]) -> Fetched:
    """Read searches of one source; every paper keeps the query that found it."""
    streams = [stream for plan in plans for stream in plan.streams]
    return read(session, plans[0].source, streams, finding=by_query) if plans else Fetched()


def run_list(session: Session, plan: Plan, name: str) -> Fetched:
    """Read papers of a list; every paper keeps the list's name."""
    return read(session, plan.source, plan.streams, finding=lambda stream, id: ("list", name))


def run_details(session: Session, plan: Plan) -> Fetched:
    """Read papers that the store has; how they were found is known already."""
    return read(session, plan.source, plan.streams)


def run_links(session: Session, plan: Plan) -> Fetched:
    """Read lists of references or citers: citations only, what they name becomes a paper when it is adopted."""
    papers = frozenset(session.store.table("papers")["id"].to_pylist())
    return read(session, plan.source, plan.streams, take=lambda page: _links_only(session.store, papers, page))


def leads(store: GraphStore, papers: Sequence[str], directions: Sequence[Direction]) -> dict[str, tuple[How, str]]:
    """What the lists of these papers name and of which nothing more is known, by id, ascending.

    Each comes with the first of the papers, by id, that led to it, and whether that cites it ("references") or is
    cited by it ("citations").
    """
    table = store.table("leads")
    wanted = pc.is_in(table["paper"], pa.array(papers, pa.string()))
    table = table.filter(pc.and_(wanted, pc.is_in(table["kind"], pa.array(directions, pa.string()))))
    table = table.sort_by([("lead", "ascending"), ("paper", "descending"), ("kind", "descending")])
    return {row["lead"]: (row["kind"], row["paper"]) for row in table.to_pylist()}


def run_leads(session: Session, plan: Plan, led: Mapping[str, Sequence[str]]) -> Fetched:
    """Read what leads are; `led` are what `leads` gave before any of them was read.

    Some sources give the references of a paper with the paper. Those of a lead are kept as far as they lead to what
    is known: whether it belongs, and so whether it is followed, is judged later.
    """

    def finding(stream: Stream, id: str) -> tuple[How, str] | None:
        # A lead may have been asked about by another of its ids.
        kind, paper = led.get(id) or led.get(session.store.resolve([id]).get(id, ""), ("", ""))
        return ("references" if kind == "references" else "citations", paper) if paper else None

    return read(
        session, plan.source, plan.streams, finding=finding, take=lambda page: _between_known(session.store, page)
    )


def _between_known(store: GraphStore, page: Page) -> Page:
    told = {id for paper in page.papers for id in paper.ids}
    known = store.resolve(sorted({each.cited for each in page.citations} - told))
    return replace(page, citations=tuple(each for each in page.citations if each.cited in known or each.cited in told))


def _links_only(store: GraphStore, papers: frozenset[str], page: Page) -> Page:
    """The page without papers, but for those that give a paper of the store an id that it did not have."""
    works = store.resolve(sorted({id for paper in page.papers for id in paper.ids}))
    telling = tuple(
        paper
        for paper in page.papers
        if len(places := {works.get(id) for id in paper.ids}) > 1 and not papers.isdisjoint(places - {None})
    )
    return replace(page, papers=telling, found=())


def _stated(store: GraphStore, source: str, papers: set[str]) -> Mapping[str, Stated]:
    """What a source itself says that papers have, where it says anything."""
    table = store.table("stated")
    rows = table.filter(pc.field("source") == source).to_pylist()
    return {row["paper"]: Stated(row["references"], row["citations"]) for row in rows if row["paper"] in papers}
