"""What a first start lacks, asked for in the order in which it helps: abstracts, then the lists of what belongs.

Each step plans from what the store then holds, so a step's plan before the earlier ones ran is an estimate.
"""

from __future__ import annotations

from collections.abc import Sequence

from ingest.fetching import Session
from ingest.pipeline import Direction, Plan, plan_links, plan_papers, second_opinion
from ingest.source import Source
from kg.paper_filter import PaperFilter
from kg.store import GraphStore

DIRECTIONS: tuple[Direction, ...] = ("references", "citations")


def without_abstract(store: GraphStore) -> list[str]:
    """Work ids of papers of which the store has no abstract, newest first, since those say most about the field."""
    bare = {id for batch in store.texts() for id, _, abstract in batch if not abstract}
    return [id for id in _newest(store) if id in bare]


def plan_abstracts(session: Session, source: Source) -> Plan:
    """Ask for the records of papers that have no abstract here."""
    return plan_papers(session, source, without_abstract(session.store))


def plan_lists(session: Session, source: Source, direction: Direction) -> Plan:
    """Ask for the lists of the included papers, newest first."""
    return plan_links(session, source, included(session.store), direction)


def plan_gaps(session: Session, source: Source, first: str) -> Plan:
    """Ask a second source for the references that the first could not give whole."""
    papers = second_opinion(session.store, included(session.store), first, "references")
    return plan_links(session, source, papers, "references")


def included(store: GraphStore) -> list[str]:
    """Work ids of the included papers, newest first."""
    chosen = set(store.ids(PaperFilter()))
    return [id for id in _newest(store) if id in chosen]


def _newest(store: GraphStore) -> Sequence[str]:
    papers = store.table("papers").select(["id", "published"])
    return papers.sort_by([("published", "descending"), ("id", "ascending")])["id"].to_pylist()  # type: ignore[no-any-return]
