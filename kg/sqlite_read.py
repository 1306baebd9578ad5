"""Lists, pages and counts of papers. One function turns a row into a record; a page is one query and two counts."""

from __future__ import annotations

import sqlite3
from json import loads
from typing import Any

from kg.answers import Facets, PaperPage, PaperRow, StoreCounts
from kg.model import TOPICS, Cluster
from kg.paper_filter import PaperFilter, Sort
from kg.sqlite_filter import Condition, condition

ROW = (
    "p.id, p.title, p.year, p.published, p.venue, p.first_author, p.author_count, p.include, p.decided, p.topics,"
    " p.token_type, p.quantizers, p.bitrates, d.cited_by, d.refs, p.citations_stated, m.cluster, p.stub"
)
"""Columns of a `PaperRow`, in order, from `papers AS p` and what `ROW_JOINS` adds."""

ROW_JOINS = "JOIN degrees AS d ON d.paper = p.n LEFT JOIN cluster_members AS m ON m.paper = p.n"

_ORDERS: dict[Sort, str] = {
    "newest": "p.published DESC, p.id",
    "oldest": "p.published IS NULL, p.published, p.id",
    "cited": "d.cited_by DESC, p.id",
    "title": "p.sort_title, p.id",
    "bitrate": "p.lowest_bitrate IS NULL, p.lowest_bitrate, p.id",
    "relevance": "s.rank, p.id",
}


def paper_row(row: tuple[Any, ...]) -> PaperRow:
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
        decided == 1,
        _list(topics),
        token_type,
        _list(quantizers),
        _list(bitrates),
        cited_by,
        references,
        citations_stated,
        cluster,
        stub == 1,
    )


def _list(stored: str) -> tuple[Any, ...]:
    return () if stored == "[]" else tuple(loads(stored))


def page_query(where: PaperFilter, sort: Sort) -> tuple[str, Condition]:
    """The statement of one page, with parameters :limit and :offset, and the conditions it carries."""
    chosen = condition(where)
    if sort == "relevance" and chosen.match is None:
        sort = "cited"
    if sort == "relevance":
        sql = (
            f"SELECT {ROW} FROM search AS s CROSS JOIN papers AS p ON p.n = s.rowid {ROW_JOINS}"
            f" WHERE s.search MATCH :match AND {chosen.sql}"
        )
    else:
        sql = f"SELECT {ROW} FROM papers AS p {ROW_JOINS} WHERE {chosen.sql}"
    return f"{sql} ORDER BY {_ORDERS[sort]} LIMIT :limit OFFSET :offset", chosen


def total_query(chosen: Condition) -> str:
    """How many papers match."""
    return f"SELECT count(*) FROM papers AS p WHERE {chosen.sql}"


EVERY_PAPER = "SELECT count(*) FROM papers WHERE stub = 0"


def papers(con: sqlite3.Connection, where: PaperFilter, sort: Sort, offset: int, limit: int) -> PaperPage:
    """A page under a filter."""
    sql, chosen = page_query(where, sort)
    rows = con.execute(sql, {**chosen.values, "limit": limit, "offset": offset}).fetchall()
    (total,) = con.execute(total_query(chosen), chosen.values).fetchone()
    (of,) = con.execute(EVERY_PAPER).fetchone()
    return PaperPage(tuple([paper_row(row) for row in rows]), total, of, offset)


def ids(con: sqlite3.Connection, where: PaperFilter) -> list[str]:
    """Work ids under a filter, ascending."""
    chosen = condition(where)
    return [
        id for (id,) in con.execute(f"SELECT p.id FROM papers AS p WHERE {chosen.sql} ORDER BY p.id", chosen.values)
    ]


def facets(con: sqlite3.Connection, where: PaperFilter) -> Facets:
    """Counts under a filter, each facet with its own field lifted."""

    def counted(what: str, joined: str, *own: str) -> list[tuple[Any, ...]]:
        chosen = condition(where, lifted=own)
        return con.execute(
            f"SELECT {what}, count(DISTINCT p.n) FROM papers AS p {joined} WHERE {chosen.sql}"
            f" GROUP BY {what} ORDER BY {what}",
            chosen.values,
        ).fetchall()

    def known(rows: list[tuple[Any, ...]]) -> dict[Any, int]:
        return {name: count for name, count in rows if name is not None}

    years = counted("p.year", "", "year_min", "year_max")
    return Facets(
        topics=known(counted("x.topic", "JOIN tags AS x ON x.paper = p.n", "topics")),
        include=known(counted("p.include", "", "include")),
        token_types=known(counted("p.token_type", "", "token_types")),
        quantizers=known(counted("x.kind", "JOIN quantizers AS x ON x.paper = p.n", "quantizers")),
        years=known(years),
        sources=known(counted("x.source", "JOIN records AS x ON x.paper = p.n", "sources")),
        clusters=known(counted("x.cluster", "JOIN cluster_members AS x ON x.paper = p.n", "cluster")),
        criteria={
            (criterion, verdict): count
            for criterion, verdict, count in counted(
                "x.criterion, x.effective", "JOIN verdicts AS x ON x.paper = p.n", "criteria"
            )
        },
        unknown_year=sum(count for year, count in years if year is None),
    )


def counts_by_year_topic(con: sqlite3.Connection, where: PaperFilter) -> list[tuple[int | None, str | None, int]]:
    """(year, topic, papers), unknown years last, topic `None` (every paper once) first in its year."""
    chosen = condition(where)
    found = con.execute(
        f"SELECT p.year, NULL, count(*) FROM papers AS p WHERE {chosen.sql} GROUP BY p.year UNION ALL"
        f" SELECT p.year, x.topic, count(*) FROM papers AS p JOIN tags AS x ON x.paper = p.n WHERE {chosen.sql}"
        " GROUP BY p.year, x.topic",
        chosen.values,
    ).fetchall()
    return sorted(found, key=lambda row: (row[0] is None, row[0] or 0, row[1] or ""))


def counts(con: sqlite3.Connection) -> StoreCounts:
    """What `status` shows."""

    def number(sql: str) -> int:
        found: int = con.execute(sql).fetchone()[0]
        return found

    verdicts = dict(con.execute("SELECT include, count(*) FROM papers WHERE stub = 0 GROUP BY include"))
    topics = dict(
        con.execute(
            "SELECT t.topic, count(*) FROM tags AS t JOIN papers AS p ON p.n = t.paper"
            " WHERE p.stub = 0 AND p.include = 'include' GROUP BY t.topic"
        )
    )
    rules = con.execute("SELECT rules FROM judgements GROUP BY rules ORDER BY count(*) DESC, rules LIMIT 1").fetchone()
    return StoreCounts(
        papers=number(EVERY_PAPER),
        stubs=number("SELECT count(*) FROM papers WHERE stub = 1"),
        authors=number("SELECT count(*) FROM authors"),
        citations=number(
            "SELECT coalesce(sum(d.refs), 0) FROM degrees AS d JOIN papers AS p ON p.n = d.paper WHERE p.stub = 0"
        ),
        topics={topic: topics.pop(topic, 0) for topic in TOPICS} | topics,
        include={include: verdicts.get(include, 0) for include in ("include", "exclude", "unclear")},
        specifications=number("SELECT count(*) FROM specifications"),
        sources=dict(
            con.execute(
                "SELECT r.source, count(DISTINCT r.paper) FROM records AS r GROUP BY r.source ORDER BY r.source"
            )
        ),
        rules=rules[0] if rules else None,
        last_ingest=con.execute("SELECT value FROM meta WHERE name = 'last_ingest'").fetchone()[0],
        quarantined=number("SELECT count(*) FROM quarantine"),
        unjudged=verdicts.get(None, 0),
    )


def clusters(con: sqlite3.Connection) -> tuple[Cluster, ...]:
    """The clusters kept, by number."""
    return tuple(
        [
            Cluster(run, number, label, tuple(loads(terms)), size, stability)
            for run, number, label, terms, size, stability in con.execute(
                "SELECT run, number, label, terms, size, stability FROM clusters ORDER BY number"
            )
        ]
    )
