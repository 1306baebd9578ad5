"""Joins a preprint with its published version where no id says so, but the title does and nothing speaks against it.

A title only proposes (see `kg.identity`): works are joined when their titles of at least `WORDS` words are equal after
folding, no two of them have different arXiv ids, their years differ by at most `YEARS`, and no two lists of authors
are strangers. Every merge keeps its reason and can be undone.
"""

from __future__ import annotations

from kg.answers import PaperDetails
from kg.identity import title_key, work_id
from kg.store import GraphStore

WORDS = 4
YEARS = 2


def merge_twins(store: GraphStore) -> int:
    """Merge the twins in a store; returns how many works were absorbed."""
    papers = store.table("papers").select(["id", "title"]).to_pydict()
    groups: dict[str, list[str]] = {}
    for id, title in zip(papers["id"], papers["title"], strict=True):
        if title is not None and len(title.split()) >= WORDS:
            groups.setdefault(title_key(title), []).append(id)
    merged = 0
    for ids in groups.values():
        if len(ids) < 2:
            continue
        twins = [store.paper(id) for id in ids]
        if not _same_work(twins):
            continue
        kept = work_id(ids)
        for id in sorted(set(ids) - {kept}):
            store.merge(kept, id, "same title, years and authors agree, one arXiv id")
            merged += 1
    return merged


def _same_work(twins: list[PaperDetails]) -> bool:
    arxiv = {id for twin in twins for id in twin.paper.ids if id.startswith("arxiv:")}
    years = [twin.row.year for twin in twins if twin.row.year is not None]
    if len(arxiv) > 1 or (years and max(years) - min(years) > YEARS):
        return False
    named = [{author.id.split("-")[-1] for author in twin.paper.authors} for twin in twins if twin.paper.authors]
    return all(one & other for place, one in enumerate(named) for other in named[:place])
