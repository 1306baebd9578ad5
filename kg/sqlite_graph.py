"""Walks along citations. Ranking and capping happen inside the queries, so a hub costs what is shown of it."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable, Sequence
from json import dumps, loads

from kg.answers import SECOND_HOP_COUNTED, CitationPath, Direction, Link, Linked, Neighbourhood, PaperRow
from kg.checks import check_neighbourhood, check_seeds
from kg.errors import InputError, NotFound
from kg.identity import normalise
from kg.paper_filter import PaperFilter
from kg.sqlite_filter import condition
from kg.sqlite_paper import nearest
from kg.sqlite_papers import numbers
from kg.sqlite_read import ROW, ROW_JOINS, paper_row
from kg.walk import path_of, shortest


def find(con: sqlite3.Connection, spelling: str) -> int:
    """The number of the paper that an id names. Raises NotFound."""
    try:
        id = normalise(spelling)
    except InputError:
        raise NotFound("paper", spelling) from None
    found = con.execute("SELECT paper FROM aliases WHERE id = ?", (id,)).fetchone()
    if found is None:
        raise NotFound("paper", spelling, nearest=nearest(con, id))
    n: int = found[0]
    return n


def rows_of(con: sqlite3.Connection, papers: Sequence[int]) -> list[PaperRow]:
    """Rows in the given order."""
    found = {
        n: paper_row(tuple(row))
        for n, *row in con.execute(
            f"SELECT p.n, {ROW} FROM json_each(?) AS j CROSS JOIN papers AS p ON p.n = j.value {ROW_JOINS}",
            (numbers(papers),),
        )
    }
    return [found[n] for n in papers]


def linked_query(where: PaperFilter, end: str, other: str) -> tuple[str, str, dict[str, object]]:
    """(statement of the rows, statement of the count, parameters) for the papers at one end of citations."""
    chosen = condition(where, stubs=True)
    joined = f"FROM cites AS c CROSS JOIN papers AS p ON p.n = c.{other}"
    matching = f"WHERE c.{end} = :of AND {chosen.sql}"
    return (
        f"SELECT {ROW} {joined} {ROW_JOINS} {matching} ORDER BY d.cited_by DESC, p.id LIMIT :limit",
        f"SELECT count(*) {joined} {matching}",
        dict(chosen.values),
    )


def linked(con: sqlite3.Connection, spelling: str, where: PaperFilter, limit: int, *, citers: bool) -> Linked:
    """References or citers of a paper, most cited first."""
    end, other = ("cited", "citing") if citers else ("citing", "cited")
    rows, count, values = linked_query(where, end, other)
    values["of"] = find(con, spelling)
    found = con.execute(rows, {**values, "limit": limit}).fetchall()
    (total,) = con.execute(count, values).fetchone()
    return Linked(tuple([paper_row(row) for row in found]), total)


_STEPS = {
    "references": "SELECT c.cited AS n, {0} AS seed FROM {1} CROSS JOIN cites AS c ON c.citing = {2}",
    "citers": "SELECT c.citing AS n, {0} AS seed FROM {1} CROSS JOIN cites AS c ON c.cited = {2}",
}


def _step(direction: Direction, seed: str, table: str, column: str, union: str = "UNION") -> str:
    ends = ("references", "citers") if direction == "both" else (direction,)
    return f" {union} ".join(_STEPS[end].format(seed, table, column) for end in ends)


def near_query(where: PaperFilter, direction: Direction, hop: int, seeds: int) -> tuple[str, str, dict[str, object]]:
    """(statement of the papers exactly `hop` away, ranked; statement of their number; parameters).

    Parameters :seeds, :limit (of the first) and :most (of the second) come on top.
    """
    chosen = condition(where, stubs=True)
    matching = "" if chosen.sql == "1" else f" CROSS JOIN papers AS p ON p.n = x.n AND {chosen.sql}"
    ways = "WITH seeds (n) AS MATERIALIZED (SELECT value FROM json_each(:seeds))"
    origin, seed, unseen = "seeds", "seeds.n", "x.n NOT IN seeds"
    if hop == 2:
        ways += (
            f", first (n, seed) AS MATERIALIZED (SELECT x.n, x.seed FROM ({_step(direction, seed, origin, seed)}) AS x"
            f"{matching} WHERE {unseen}), near (n) AS MATERIALIZED (SELECT n FROM first)"
        )
        origin, seed, unseen = "first", "first.seed", "x.n NOT IN seeds AND x.n NOT IN near"
    # One seed reaches every paper once, so only several need to be counted.
    grouped, first = (" GROUP BY x.n", "count(*) DESC, ") if seeds > 1 else ("", "")
    joined = matching or " CROSS JOIN papers AS p ON p.n = x.n"
    return (
        f"{ways} SELECT x.n FROM ({_step(direction, seed, origin, f'{origin}.n')}) AS x{joined}"
        f" CROSS JOIN degrees AS d ON d.paper = x.n WHERE {unseen}{grouped}"
        f" ORDER BY {first}d.cited_by DESC, p.id LIMIT :limit",
        f"{ways} SELECT count(*) FROM (SELECT DISTINCT x.n"
        f" FROM ({_step(direction, seed, origin, f'{origin}.n', 'UNION ALL')}) AS x{matching}"
        f" WHERE {unseen} LIMIT :most)",
        dict(chosen.values),
    )


def neighbourhood(
    con: sqlite3.Connection, ids: Sequence[str], where: PaperFilter, hops: int, direction: Direction, limit: int
) -> Neighbourhood:
    """Papers round the seeds, nearer first, then linked to more seeds, then most cited."""
    check_neighbourhood(hops, direction)
    seeds = list(dict.fromkeys(find(con, id) for id in ids))
    check_seeds(len(seeds), limit)
    shown, distance, total = list(seeds), dict.fromkeys(seeds, 0), len(seeds)
    at_least = False
    for hop in range(1, hops + 1):
        ranked, count, values = near_query(where, direction, hop, len(seeds))
        values["seeds"] = numbers(seeds)
        if len(shown) < limit:
            found = [n for (n,) in con.execute(ranked, {**values, "limit": limit - len(shown)})]
            shown += found
            distance |= dict.fromkeys(found, hop)
        most = -1 if hop == 1 else SECOND_HOP_COUNTED + 1
        (reached,) = con.execute(count, {**values, "most": most}).fetchone()
        at_least = reached == most
        total += reached - at_least
    rows = rows_of(con, shown)
    names = {n: row.id for n, row in zip(shown, rows, strict=True)}
    return Neighbourhood(
        seeds=tuple(names[n] for n in seeds),
        rows=tuple(rows),
        hops={names[n]: distance[n] for n in shown},
        links=tuple(links_between(con, shown)),
        shown=len(shown),
        total=total,
        at_least=at_least,
    )


def links_between(con: sqlite3.Connection, papers: Iterable[int]) -> list[Link]:
    """Every citation between these papers, by citing and cited id."""
    return [
        Link(citing, cited, younger == 1, tuple(loads(sources)), None if influential is None else influential == 1,
             None if intents is None else tuple(loads(intents)), None if contexts is None else tuple(loads(contexts)))
        for citing, cited, younger, sources, influential, intents, contexts in con.execute(
            "SELECT a.id, b.id, c.younger, c.sources, c.influential, c.intents, x.contexts FROM json_each(:papers) AS j"
            " CROSS JOIN cites AS c ON c.citing = j.value AND c.cited IN (SELECT value FROM json_each(:papers))"
            " JOIN papers AS a ON a.n = c.citing JOIN papers AS b ON b.n = c.cited"
            " LEFT JOIN contexts AS x ON x.citing = c.citing AND x.cited = c.cited ORDER BY a.id, b.id",
            {"papers": numbers(papers)},
        )
    ]  # fmt: skip


def count_links_between(con: sqlite3.Connection, ids: Sequence[str]) -> int:
    """How many citations join the given papers; unknown ids join nothing."""
    known: list[str] = []
    for spelling in ids:
        try:
            known.append(normalise(spelling))
        except InputError:
            continue
    found: int = con.execute(
        "WITH mine (n) AS MATERIALIZED (SELECT DISTINCT a.paper FROM json_each(?) AS j"
        " CROSS JOIN aliases AS a ON a.id = j.value)"
        " SELECT count(*) FROM mine CROSS JOIN cites AS c ON c.citing = mine.n WHERE c.cited IN mine",
        (dumps(known),),
    ).fetchone()[0]
    return found


def path(con: sqlite3.Connection, start: str, end: str, where: PaperFilter, directed: bool) -> CitationPath | None:
    """A shortest path; of several the one whose ids come first, compared from the start."""
    first, last = find(con, start), find(con, end)

    def around(papers: Collection[int], direction: Direction, matching: bool) -> list[int]:
        return _around(con, papers, direction, where if matching else None)

    walk = shortest(first, last, directed, around, lambda papers: _first_by_id(con, papers))
    return None if walk is None else path_of(rows_of(con, walk), links_between(con, walk))


def _first_by_id(con: sqlite3.Connection, papers: Iterable[int]) -> int:
    found: int = con.execute(
        "SELECT p.n FROM json_each(?) AS j CROSS JOIN papers AS p ON p.n = j.value ORDER BY p.id LIMIT 1",
        (numbers(papers),),
    ).fetchone()[0]
    return found


def _around(
    con: sqlite3.Connection, papers: Iterable[int], direction: Direction, where: PaperFilter | None = None
) -> list[int]:
    """Papers one step away, those that match the filter."""
    chosen = condition(where, stubs=True) if where is not None else None
    matching = f"JOIN papers AS p ON p.n = x.n WHERE {chosen.sql}" if chosen else ""
    return [
        n
        for (n,) in con.execute(
            "WITH mine (n) AS MATERIALIZED (SELECT value FROM json_each(:mine))"
            f" SELECT DISTINCT x.n FROM ({_step(direction, '0', 'mine', 'mine.n', 'UNION ALL')}) AS x {matching}",
            {**(chosen.values if chosen else {}), "mine": numbers(papers)},
        )
    ]
