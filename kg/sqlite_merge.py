"""Two works that turn out to be one, and back again.

A merge moves what counts for the absorbed work to the kept one (`paper` columns) and leaves to whom it was told
(`work` columns), so undoing it is moving back. Merges form a tree: what was absorbed by a work that is absorbed later
counts for the outermost.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from kg.batch_readings import JUDGED, MEASURED
from kg.combine import Kept, united
from kg.sqlite_judge import redecide
from kg.sqlite_papers import YOUNGER, numbers, put_contexts, refresh, reindex, searched
from kg.sqlite_readings import choose, clear, keep, keep_cluster, restore_cluster

_MOVED = ("aliases", "records", "decisions", "lists", "absorbed", "fetches", "found", "vectors", "changes")
"""Tables of what was told of works, and of the papers that it counts for."""


def merge_works(con: sqlite3.Connection, kept: int, absorbed: int, reason: str, time: str) -> int:
    """Let `absorbed` count for `kept`; returns the number of the merge."""
    texts = searched(con, (kept, absorbed))
    ids = dict(con.execute("SELECT n, id FROM papers WHERE n IN (?, ?)", (kept, absorbed)))
    for n in (kept, absorbed):
        _keep_told(con, n)
    _remove_citations(con, (kept, absorbed))
    for n in (kept, absorbed):
        keep(con, n)
    keep_cluster(con, absorbed)
    number = con.execute(
        "INSERT INTO merges (kept, kept_id, absorbed, absorbed_id, reason, time) VALUES (?, ?, ?, ?, ?, ?)",
        (kept, ids[kept], absorbed, ids[absorbed], reason, time),
    ).lastrowid
    for table in _MOVED:
        con.execute(f"UPDATE {table} SET paper = ? WHERE paper = ?", (kept, absorbed))
    con.execute("INSERT INTO absorbed (work, paper) VALUES (?, ?)", (absorbed, kept))
    reindex(con, {n: text for n, text in texts.items() if n == absorbed}, {})
    for tables in (JUDGED, MEASURED):
        clear(con, tables, [absorbed])
    con.execute("DELETE FROM degrees WHERE paper = ?", (absorbed,))
    con.execute("DELETE FROM papers WHERE n = ?", (absorbed,))
    refresh(con, [kept], {n: text for n, text in texts.items() if n == kept})
    choose(con, kept)
    redecide(con, [kept])
    _rebuild_citations(con, (kept,))
    assert number is not None
    return number


def unmerge_works(con: sqlite3.Connection, number: int, time: str) -> None:
    """Undo a merge that stands."""
    absorbed, absorbed_id = con.execute(
        "SELECT absorbed, absorbed_id FROM merges WHERE number = ?", (number,)
    ).fetchone()
    (root,) = con.execute("SELECT paper FROM absorbed WHERE work = ?", (absorbed,)).fetchone()
    keep(con, root)
    con.execute("UPDATE merges SET undone = ? WHERE number = ?", (time, number))
    works = [
        n
        for (n,) in con.execute(
            "WITH RECURSIVE mine (n) AS (SELECT ? UNION SELECT m.absorbed FROM mine JOIN merges AS m ON m.kept = mine.n"
            " WHERE m.undone IS NULL) SELECT n FROM mine ORDER BY n",
            (absorbed,),
        )
    ]
    texts = searched(con, (root,))
    _remove_citations(con, (root,))
    con.execute("INSERT INTO papers (n, id, stub) VALUES (?, ?, 1)", (absorbed, absorbed_id))
    con.execute("INSERT INTO degrees (paper) VALUES (?)", (absorbed,))
    con.execute("DELETE FROM absorbed WHERE work = ?", (absorbed,))
    for table in _MOVED:
        con.execute(
            f"UPDATE {table} SET paper = ? WHERE work IN (SELECT value FROM json_each(?))",
            (absorbed, numbers(works)),
        )
    refresh(con, [root, absorbed], texts)
    for n in (root, absorbed):
        choose(con, n)
    restore_cluster(con, absorbed)
    redecide(con, [root, absorbed])
    _rebuild_citations(con, (root, absorbed))


def separated(con: sqlite3.Connection, papers: Sequence[int]) -> int | None:
    """Number of an undone merge between two of these papers, `None` when there is none."""
    found = con.execute(
        "SELECT number FROM (SELECT m.number, coalesce(k.paper, m.kept) AS one, coalesce(a.paper, m.absorbed) AS other"
        " FROM merges AS m LEFT JOIN absorbed AS k ON k.work = m.kept LEFT JOIN absorbed AS a ON a.work = m.absorbed"
        " WHERE m.undone IS NOT NULL) WHERE one <> other AND one IN (SELECT value FROM json_each(:papers))"
        " AND other IN (SELECT value FROM json_each(:papers)) ORDER BY number LIMIT 1",
        {"papers": numbers(papers)},
    ).fetchone()
    return None if found is None else found[0]


def _keep_told(con: sqlite3.Connection, paper: int) -> None:
    """From now on the citations of this work are kept as told."""
    if con.execute("SELECT 1 FROM merges WHERE kept = :paper OR absorbed = :paper", {"paper": paper}).fetchone():
        return
    for end, other in (("citing", "cited"), ("cited", "citing")):
        con.execute(
            "INSERT INTO told (citing, cited, influential, intents, sources, contexts)"
            " SELECT citing, cited, influential, intents, sources, (SELECT x.contexts FROM contexts AS x"
            f" WHERE x.citing = cites.citing AND x.cited = cites.cited) FROM cites WHERE {end} = ?"
            f" AND NOT EXISTS (SELECT 1 FROM merges AS m WHERE m.kept = cites.{other} OR m.absorbed = cites.{other})"
            " ON CONFLICT DO NOTHING",
            (paper,),
        )


def _remove_citations(con: sqlite3.Connection, papers: Sequence[int]) -> None:
    wanted = numbers(papers)
    rows = con.execute(
        "SELECT c.citing, c.cited, a.stub, b.stub FROM cites AS c JOIN papers AS a ON a.n = c.citing"
        " JOIN papers AS b ON b.n = c.cited WHERE c.citing IN (SELECT value FROM json_each(:papers))"
        " OR c.cited IN (SELECT value FROM json_each(:papers))",
        {"papers": wanted},
    ).fetchall()
    count_links(con, rows, -1)
    con.executemany("DELETE FROM cites WHERE citing = ? AND cited = ?", [row[:2] for row in rows])


def _rebuild_citations(con: sqlite3.Connection, papers: Sequence[int]) -> None:
    pairs: dict[tuple[int, int], Kept] = {}
    for citing, cited, sources, influential, intents, contexts in con.execute(
        "WITH mine (n) AS (SELECT value FROM json_each(:papers)"
        " UNION SELECT work FROM absorbed WHERE paper IN (SELECT value FROM json_each(:papers)))"
        " SELECT coalesce(a.paper, t.citing), coalesce(b.paper, t.cited), t.sources, t.influential, t.intents,"
        " t.contexts"
        " FROM (SELECT * FROM told WHERE citing IN mine UNION SELECT * FROM told WHERE cited IN mine) AS t"
        " LEFT JOIN absorbed AS a ON a.work = t.citing LEFT JOIN absorbed AS b ON b.work = t.cited"
        " ORDER BY t.citing, t.cited",
        {"papers": numbers(papers)},
    ):
        told = (sources, None if influential is None else bool(influential), intents, contexts)
        if citing != cited:
            before = pairs.get((citing, cited))
            pairs[citing, cited] = told if before is None else united(before, told)
    con.executemany(
        "INSERT INTO cites (citing, cited, younger, influential, intents, sources)"
        f" SELECT a.n, b.n, {YOUNGER}, ?, ?, ? FROM papers AS a, papers AS b WHERE a.n = ? AND b.n = ?",
        [(kept[1], kept[2], kept[0], *pair) for pair, kept in sorted(pairs.items())],
    )
    put_contexts(con, {pair: kept[3] for pair, kept in pairs.items() if kept[3] is not None})
    stub = dict(
        con.execute(
            "SELECT n, stub FROM papers WHERE n IN (SELECT value FROM json_each(?))",
            (numbers({n for pair in pairs for n in pair}),),
        )
    )
    count_links(con, [(a, b, stub[a], stub[b]) for a, b in pairs], +1)


def count_links(con: sqlite3.Connection, rows: Sequence[tuple[int, int, int, int]], step: int) -> None:
    """Count citations (citing, cited, citing is a stub, cited is a stub) for their ends, or stop counting them."""
    con.executemany(
        "UPDATE degrees SET cited_by = cited_by + ? WHERE paper = ?",
        [(step, cited) for _, cited, a, _ in rows if not a],
    )
    con.executemany(
        "UPDATE degrees SET refs = refs + ? WHERE paper = ?", [(step, citing) for citing, _, _, b in rows if not b]
    )
