"""What the trend figures draw: tables per year, counted once per store revision."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import streamlit as st

from kg.model import TOPICS
from ui import atlas, state
from ui.atlas import Version

if TYPE_CHECKING:
    import pyarrow as pa


def _chosen(included_only: bool) -> pa.Table:
    import pyarrow.compute as pc

    known = atlas.table("papers")
    return known.filter(pc.equal(known["include"], "include")) if included_only else known


@st.cache_resource(show_spinner=False, max_entries=8)
def _topics(version: Version, included_only: bool) -> pa.Table:
    import numpy as np
    import pyarrow.compute as pc

    from analysis.trends import papers_per_year_topic

    papers = _chosen(included_only)
    lists = papers["topics"].combine_chunks()
    flags = np.zeros((papers.num_rows, len(TOPICS)), dtype=bool)
    owner = pc.list_parent_indices(lists).to_numpy()
    topic = pc.index_in(pc.list_flatten(lists), value_set=_strings(TOPICS)).to_numpy(zero_copy_only=False)
    flags[owner, topic.astype(int)] = True
    return papers_per_year_topic(papers["year"], flags)


def topics_per_year(included_only: bool) -> pa.Table:
    """year, topic, papers; a paper with two topics counts in both. Metadata `without_year`."""
    return _topics(state.version(), included_only)


@st.cache_resource(show_spinner=False, max_entries=8)
def _token_types(version: Version, included_only: bool) -> pa.Table:
    from analysis.trends import token_type_share

    papers = _chosen(included_only)
    return token_type_share(papers["year"], papers["token_type"])


def token_types_per_year(included_only: bool) -> pa.Table:
    """year, token_type, papers, share. Metadata `without_year`."""
    return _token_types(state.version(), included_only)


@dataclass(frozen=True, slots=True)
class Numbers:
    """Own, stated values of one quantity: `points`, `medians`, and how many of `of` papers state one."""

    points: pa.Table
    medians: pa.Table
    papers: int
    of: int
    without_year: int


@st.cache_resource(show_spinner=False, max_entries=32)
def _numbers(version: Version, quantity: str, included_only: bool) -> Numbers:
    import pyarrow.compute as pc

    from analysis.trends import numbers_per_year

    papers = _chosen(included_only)
    stated = atlas.table("specifications")
    stated = stated.filter(
        pc.and_(
            pc.equal(stated["quantity"], quantity), pc.is_in(stated["paper"], value_set=papers["id"].combine_chunks())
        )
    )
    points, medians = numbers_per_year(stated)
    own = stated.filter(pc.and_(pc.equal(stated["role"], "own"), pc.equal(stated["status"], "stated")))
    return Numbers(
        points=points,
        medians=medians,
        papers=pc.count_distinct(own["paper"]).as_py(),
        of=papers.num_rows,
        without_year=without_year(points),
    )


def numbers(quantity: str, included_only: bool) -> Numbers:
    """Values of a quantity over the years."""
    return _numbers(state.version(), quantity, included_only)


@st.cache_data(show_spinner=False, max_entries=4)
def _facts(version: Version) -> dict[str, tuple[str | None, str | None]]:
    papers = atlas.table("papers").select(["id", "title", "published"])
    ids, titles, dates = (papers[name].to_pylist() for name in ("id", "title", "published"))
    return dict(zip(ids, zip(titles, dates, strict=True), strict=True))


def titles_and_dates(ids: list[str]) -> tuple[list[str | None], list[str | None]]:
    """Titles and dates of papers, `None` where unknown, in the order of `ids`."""
    known = _facts(state.version())
    found = [known.get(id, (None, None)) for id in ids]
    return [title for title, _ in found], [published for _, published in found]


def without_year(table: pa.Table) -> int:
    """How many papers a table per year leaves out because their year is unknown."""
    return int((table.schema.metadata or {}).get(b"without_year", b"0"))


def token_type_totals(table: pa.Table) -> tuple[int, int, int]:
    """Papers of a token type table that state a type, that were read and name none, that nobody read."""
    import pyarrow.compute as pc

    def papers(*kinds: str) -> int:
        chosen = table.filter(pc.is_in(table["token_type"], value_set=_strings(kinds)))
        return int(pc.sum(chosen["papers"]).as_py() or 0)

    return papers("semantic", "acoustic", "hybrid"), papers("none"), papers("unknown")


def _strings(values: tuple[str, ...]) -> pa.Array:
    import pyarrow as pa

    return pa.array(values, pa.string())
