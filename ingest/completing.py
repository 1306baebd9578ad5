"""What a first start lacks, newest papers first: which have no abstract here, and which belong."""

from __future__ import annotations

from kg.paper_filter import PaperFilter
from kg.store import GraphStore


def without_abstract(store: GraphStore) -> list[str]:
    """Work ids of papers of which the store has no abstract, newest first, since those say most about the field."""
    bare = {id for batch in store.texts() for id, _, abstract in batch if not abstract}
    return [id for id in newest(store) if id in bare]


def included(store: GraphStore) -> list[str]:
    """Work ids of the included papers, newest first."""
    chosen = set(store.ids(PaperFilter()))
    return [id for id in newest(store) if id in chosen]


def newest(store: GraphStore) -> list[str]:
    """Work ids of all papers, newest first."""
    papers = store.table("papers").select(["id", "published"])
    return papers.sort_by([("published", "descending"), ("id", "ascending")])["id"].to_pylist()  # type: ignore[no-any-return]
