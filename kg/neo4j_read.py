"""Lists, pages and counts of papers. One function turns a row into a record; a page is one query and two counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from kg.answers import Facets, PaperPage, PaperRow, StoreCounts
from kg.model import TOPICS, Cluster
from kg.neo4j_engine import Transaction
from kg.neo4j_filter import Condition, condition
from kg.paper_filter import PaperFilter, Sort

ROW = (
    "p.id, p.title, p.year, p.published, p.venue, p.first_author, p.author_count, p.include, p.decided, p.topics,"
    " p.token_type, p.quantizers, p.bitrates, p.cited_by, p.references, p.citations_stated, p.cluster, p:Stub"
)
"""Columns of a `PaperRow`, in order."""

_ORDERS: dict[Sort, str] = {
    "newest": "p.published IS NULL, p.published DESC, p.id",
    "oldest": "p.published IS NULL, p.published, p.id",
    "cited": "p.cited_by DESC, p.id",
    "title": "p.sort_title, p.id",
    "bitrate": "p.lowest_bitrate IS NULL, p.lowest_bitrate, p.id",
}


def paper_row(row: Sequence[Any]) -> PaperRow:
    """A record from the columns of `ROW`."""
    (
        id, title, year, published, venue, first_author, authors, include, decided, topics, token_type, quantizers,
        bitrates, cited_by, references, citations_stated, cluster, stub,
    ) = row  # fmt: skip
    return PaperRow(
        id,
        title,
        year,
        published,
        venue,
        first_author,
        authors,
        include,
        decided,
        tuple(topics or ()),
        token_type,
        tuple(quantizers or ()),
        tuple(bitrates or ()),
        cited_by,
        references,
        citations_stated,
        cluster,
        stub,
    )


def page_query(chosen: Condition, sort: Sort) -> str:
    """The statement of one page, with parameters $limit and $offset."""
    order = _ORDERS[sort] if sort != "relevance" else "score DESC, p.id" if chosen.ranked else _ORDERS["cited"]
    return f"{chosen.papers} RETURN {ROW} ORDER BY {order} SKIP $offset LIMIT $limit"


def total_query(chosen: Condition) -> str:
    """How many papers match."""
    return f"{chosen.papers} RETURN count(p)"


def every_paper(tx: Transaction) -> int:
    """How many papers there are, stubs left out; both numbers are kept by the server."""
    both = tx.value("MATCH (p:Paper) RETURN count(p)") - stubs(tx)
    return int(both)


def stubs(tx: Transaction) -> int:
    """How many ids there are of which nothing more is known."""
    found: int = tx.value("MATCH (p:Stub) RETURN count(p)")
    return found


def papers(tx: Transaction, where: PaperFilter, sort: Sort, offset: int, limit: int) -> PaperPage:
    """A page under a filter."""
    chosen = condition(tx, where)
    rows = tx.rows(page_query(chosen, sort), **chosen.values, limit=limit, offset=offset)
    total = tx.value(total_query(chosen), **chosen.values)
    return PaperPage(tuple([paper_row(row) for row in rows]), total, every_paper(tx), offset)


def ids(tx: Transaction, where: PaperFilter) -> list[str]:
    """Work ids under a filter, ascending."""
    chosen = condition(tx, where)
    found: list[str] = tx.value(f"{chosen.papers} WITH p.id AS id ORDER BY id RETURN collect(id)", **chosen.values)
    return found


_FACETS = {
    "topics": ("p.topics", ("topics",)),
    "include": ("p.include", ("include",)),
    "token_types": ("p.token_type", ("token_types",)),
    "quantizers": ("p.quantizers", ("quantizers",)),
    "years": ("p.year", ("year_min", "year_max")),
    "sources": ("p.sources", ("sources",)),
    "clusters": ("p.cluster", ("cluster",)),
    "criteria": ("p.verdicts", ("criteria",)),
}
"""Where each facet stands in a paper, and the fields of the filter that it lifts."""


def facets(tx: Transaction, where: PaperFilter) -> Facets:
    """Counts under a filter, each facet with its own field lifted.

    Facets whose own field is not set share their condition, so the papers are walked once for all of them: counted are
    combinations of what papers carry, few beside the papers, and summed up here.
    """
    groups: dict[tuple[str, ...], list[str]] = {}
    for name, (_, own) in _FACETS.items():
        lifted = tuple(field for field in own if getattr(where, field) not in (None, ()))
        groups.setdefault(lifted, []).append(name)
    counted: dict[str, Counter[Any]] = {}
    for lifted, names in groups.items():
        chosen = condition(tx, where, lifted=lifted)
        columns = ", ".join(f"{_FACETS[name][0]} AS {name}" for name in names)
        for row in tx.rows(f"{chosen.papers} RETURN {columns}, count(*)", **chosen.values):
            for name, value in zip(names, row[:-1], strict=True):
                each = counted.setdefault(name, Counter())
                for one in dict.fromkeys(value) if isinstance(value, list) else (value,):
                    each[one] += row[-1]

    def known(name: str) -> dict[Any, int]:
        found = counted.get(name, Counter())
        return {value: found[value] for value in sorted(each for each in found if each is not None)}

    return Facets(
        topics=known("topics"),
        include=known("include"),
        token_types=known("token_types"),
        quantizers=known("quantizers"),
        years=known("years"),
        sources=known("sources"),
        clusters=known("clusters"),
        criteria={
            (criterion, verdict): count
            for each, count in known("criteria").items()
            for criterion, _, verdict in [each.rpartition(":")]
        },
        unknown_year=counted.get("years", Counter())[None],
    )


def counts_by_year_topic(tx: Transaction, where: PaperFilter) -> list[tuple[int | None, str | None, int]]:
    """(year, topic, papers), unknown years last, topic `None` (every paper once) first in its year."""
    chosen = condition(tx, where)
    found: Counter[tuple[int | None, str | None]] = Counter()
    for year, topics, count in tx.rows(f"{chosen.papers} RETURN p.year, p.topics, count(*)", **chosen.values):
        for topic in (None, *(topics or ())):
            found[year, topic] += count
    ordered = sorted(found, key=lambda each: (each[0] is None, each[0] or 0, each[1] or ""))
    return [(year, topic, found[year, topic]) for year, topic in ordered]


def counts(tx: Transaction) -> StoreCounts:
    """What `status` shows."""
    verdicts: dict[str | None, int] = dict(tx.rows("MATCH (p:Paper) WHERE NOT p:Stub RETURN p.include, count(*)"))
    topics: dict[str, int] = dict(
        tx.rows(
            "MATCH (p:Paper) WHERE NOT p:Stub AND p.include = 'include' UNWIND p.topics AS topic RETURN topic, count(*)"
        )
    )
    rules = tx.one(
        "MATCH (p:Paper) WHERE p.rules IS NOT NULL RETURN p.rules AS rules, count(*) AS papers"
        " ORDER BY papers DESC, rules LIMIT 1"
    )
    return StoreCounts(
        papers=every_paper(tx),
        stubs=stubs(tx),
        authors=tx.value("MATCH (a:Author) RETURN count(a)"),
        citations=tx.value("MATCH (p:Paper) WHERE NOT p:Stub RETURN coalesce(sum(p.references), 0)"),
        topics={topic: topics.pop(topic, 0) for topic in TOPICS} | topics,
        include={include: verdicts.get(include, 0) for include in ("include", "exclude", "unclear")},
        specifications=tx.value("MATCH (:Paper)-[x:REPORTS]->() RETURN count(x)"),
        sources=dict(tx.rows("MATCH (p:Paper) UNWIND p.sources AS source RETURN source, count(*) ORDER BY source")),
        rules=rules[0] if rules else None,
        last_ingest=tx.value("MATCH (m:TokenAtlas) RETURN m.last_ingest"),
        quarantined=tx.value("MATCH (x:Quarantined) RETURN count(x)"),
        unjudged=verdicts.get(None, 0),
    )


def clusters(tx: Transaction) -> tuple[Cluster, ...]:
    """The clusters kept, by number."""
    return tuple(
        [
            Cluster(run, number, label, tuple(terms), size, stability)
            for run, number, label, terms, size, stability in tx.rows(
                "MATCH (c:Cluster) RETURN c.run, c.number, c.label, c.terms, c.size, c.stability ORDER BY c.number"
            )
        ]
    )
