"""Papers as they follow from the records told of them: read, made anew, and kept findable.

`refresh` is the one place that changes what an existing paper shows. It keeps in step what hangs on it: the full-text
index, counts of citing papers (a stub does not count), and which citations point at something younger.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence

from kg.combine import Account, combined
from kg.records import Stored, shown
from kg.search_text import search_text


def numbers(values: Iterable[int]) -> str:
    """A set of numbers as one parameter, for `json_each`."""
    return "[" + ",".join(map(str, values)) + "]"


def load_records(con: sqlite3.Connection, papers: Sequence[int]) -> dict[int, list[Stored]]:
    """Every record of the given papers, oldest first."""
    if not papers:
        return {}
    wanted = numbers(papers)
    wrote: dict[int, list[int]] = {}
    for record, author in con.execute(
        "SELECT w.record, w.author FROM json_each(?) AS j CROSS JOIN records AS r ON r.paper = j.value"
        " CROSS JOIN wrote AS w ON w.record = r.n ORDER BY w.record, w.position",
        (wanted,),
    ):
        wrote.setdefault(record, []).append(author)
    found: dict[int, list[Stored]] = {paper: [] for paper in papers}
    for paper, n, work, count, *rest in con.execute(
        "SELECT r.paper, r.n, r.work, r.author_count, r.source, r.provenance, r.title, r.abstract, r.published,"
        " r.published_source, r.venue, r.categories, r.manifestations, r.references_stated, r.citations_stated,"
        " r.standing, r.open_access, r.tldr"
        " FROM json_each(?) AS j CROSS JOIN records AS r ON r.paper = j.value ORDER BY r.n",
        (wanted,),
    ):
        authors = None if count is None else tuple(wrote.get(n, ()))
        tldr = None if rest[-1] is None else rest[-1] == 1
        found[paper].append(Stored(n, work, Account._make([*rest[:9], authors, *rest[9:-1], tldr])))
    return found


def searched(con: sqlite3.Connection, papers: Iterable[int]) -> dict[int, str]:
    """The search text of each paper as the tables stand; stubs have none."""
    wanted = numbers(papers)
    names: dict[int, list[str]] = {}
    for paper, name in con.execute(
        "SELECT p.n, a.name FROM json_each(?) AS j CROSS JOIN papers AS p ON p.n = j.value"
        " CROSS JOIN wrote AS w ON w.record = p.authors_record CROSS JOIN authors AS a ON a.n = w.author"
        " ORDER BY p.n, w.position",
        (wanted,),
    ):
        names.setdefault(paper, []).append(name)
    ids: dict[int, list[str]] = {}
    for paper, id in con.execute(
        "SELECT a.paper, a.id FROM json_each(?) AS j CROSS JOIN aliases AS a ON a.paper = j.value ORDER BY a.id",
        (wanted,),
    ):
        ids.setdefault(paper, []).append(id)
    return {
        n: search_text(title, abstract, names.get(n, ()), venue, ids[n])
        for n, title, venue, abstract in con.execute(
            "SELECT p.n, p.title, p.venue, r.abstract FROM json_each(?) AS j CROSS JOIN papers AS p ON p.n = j.value"
            " LEFT JOIN records AS r ON r.n = p.abstract_record WHERE p.stub = 0",
            (wanted,),
        )
    }


def reindex(con: sqlite3.Connection, before: Mapping[int, str], after: Mapping[int, str]) -> None:
    """Bring the full-text index from the texts `before` to those `after`."""
    gone = [(n, text) for n, text in before.items() if after.get(n) != text]
    come = [(n, text) for n, text in after.items() if before.get(n) != text]
    con.executemany("INSERT INTO search (search, rowid, search_text) VALUES ('delete', ?, ?)", gone)
    con.executemany("INSERT INTO search (rowid, search_text) VALUES (?, ?)", come)


def refresh(con: sqlite3.Connection, papers: Sequence[int], before: Mapping[int, str]) -> list[int]:
    """Make existing papers anew from their records; returns those that were stubs and are papers now.

    A paper becomes a stub again only when a merge is undone, which takes its citations away before.

    Args:
        before: their search texts before any of their records or ids changed.
    """
    wanted = numbers(papers)
    records = load_records(con, papers)
    ids: dict[int, list[str]] = {}
    for paper, id in con.execute(
        "SELECT a.paper, a.id FROM json_each(?) AS j CROSS JOIN aliases AS a ON a.paper = j.value", (wanted,)
    ):
        ids.setdefault(paper, []).append(id)
    old = {
        n: (stub, published)
        for n, stub, published in con.execute(
            "SELECT p.n, p.stub, p.published FROM json_each(?) AS j CROSS JOIN papers AS p ON p.n = j.value", (wanted,)
        )
    }
    rows, wholes = [], {}
    for n in papers:
        stored = records[n]
        whole = combined([each.account for each in stored], ids.get(n, ()))
        first = None
        if whole.authors_from is not None and stored[whole.authors_from].account.authors:
            author = (stored[whole.authors_from].account.authors or (0,))[0]
            first = con.execute("SELECT name FROM authors WHERE n = ?", (author,)).fetchone()[0]
        wholes[n] = whole
        rows.append((int(whole.title is None), *shown(whole, first, stored), n))
    con.executemany(
        "UPDATE papers SET stub = ?, title = ?, sort_title = ?, published = ?, published_source = ?, year = ?,"
        " venue = ?, first_author = ?, author_count = ?, references_stated = ?, citations_stated = ?,"
        " abstract_record = ?, authors_record = ?, text_sha256 = ?, standing = ?, open_access = ?, tldr = ?"
        " WHERE n = ?",
        rows,
    )
    reindex(con, before, searched(con, papers))
    promoted = [n for n in papers if old[n][0] and wholes[n].title is not None]
    _count_promoted(con, promoted)
    redated = [n for n in papers if old[n][1] != wholes[n].published]
    if redated:
        _date_citations(con, redated)
    return promoted


def put_contexts(con: sqlite3.Connection, contexts: Mapping[tuple[int, int], str]) -> None:
    """Write in which sentences (JSON) papers cite others. They go with their citation."""
    con.executemany(
        "INSERT INTO contexts (citing, cited, contexts) VALUES (?, ?, ?)"
        " ON CONFLICT DO UPDATE SET contexts = excluded.contexts",
        [(*pair, text) for pair, text in sorted(contexts.items())],
    )


def _count_promoted(con: sqlite3.Connection, papers: Sequence[int]) -> None:
    """Stubs that became papers count for those they cite and those that cite them."""
    if not papers:
        return
    wanted = numbers(papers)
    for column, end, other in (("cited_by", "cited", "citing"), ("refs", "citing", "cited")):
        con.execute(
            f"UPDATE degrees SET {column} = {column} + x.links FROM"
            f" (SELECT c.{end} AS n, count(*) AS links FROM json_each(?) AS j CROSS JOIN cites AS c"
            f" ON c.{other} = j.value GROUP BY c.{end}) AS x WHERE degrees.paper = x.n",
            (wanted,),
        )


YOUNGER = (
    "CASE WHEN a.published IS NULL OR b.published IS NULL THEN 0 ELSE"
    " substr(b.published, 1, min(length(a.published), length(b.published)))"
    " > substr(a.published, 1, min(length(a.published), length(b.published))) END"
)
"""`kg.combine.is_younger` in SQL, for the citing paper `a` and the cited paper `b`."""


def _date_citations(con: sqlite3.Connection, papers: Sequence[int]) -> None:
    wanted = numbers(papers)
    for end in ("citing", "cited"):
        flagged = con.execute(
            f"SELECT {YOUNGER} AS now, c.citing, c.cited FROM json_each(?) AS j"
            f" CROSS JOIN cites AS c ON c.{end} = j.value CROSS JOIN papers AS a ON a.n = c.citing"
            f" CROSS JOIN papers AS b ON b.n = c.cited WHERE c.younger <> {YOUNGER}",
            (wanted,),
        ).fetchall()
        con.executemany("UPDATE cites SET younger = ? WHERE citing = ? AND cited = ?", flagged)


def rebuild_search(con: sqlite3.Connection, size: int = 2_000) -> None:
    """Make the full-text index anew, after the rules of the search text changed."""
    con.execute("INSERT INTO search (search) VALUES ('delete-all')")
    last = 0
    while found := [
        n for (n,) in con.execute("SELECT n FROM papers WHERE n > ? AND stub = 0 ORDER BY n LIMIT ?", (last, size))
    ]:
        reindex(con, {}, searched(con, found))
        last = found[-1]


def json_list(text: str | None) -> tuple[str, ...] | None:
    """A stored list, unknown staying unknown."""
    return None if text is None else tuple(json.loads(text))
