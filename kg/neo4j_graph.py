"""Walks along citations. Ranking and capping happen inside the queries, so a hub costs what is shown of it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from kg.answers import SECOND_HOP_COUNTED, CitationPath, Direction, Link, Linked, Neighbourhood, PaperRow
from kg.checks import check_neighbourhood, check_seeds
from kg.errors import InputError
from kg.identity import normalise
from kg.neo4j_engine import Transaction
from kg.neo4j_filter import Condition, condition
from kg.neo4j_paper import find
from kg.neo4j_read import ROW, paper_row
from kg.neo4j_write import look_up
from kg.paper_filter import PaperFilter
from kg.walk import path_of, shortest

_ARROWS: dict[Direction, tuple[str, str]] = {"references": ("-", "->"), "citers": ("<-", "-"), "both": ("-", "-")}


def matching(tx: Transaction, where: PaperFilter) -> Condition:
    """The conditions of a filter on papers that a walk reaches; what its text finds is asked once and given along."""
    chosen = condition(tx, where, stubs=True)
    if chosen.lucene is None:
        return chosen
    hits = tx.value(f"{chosen.papers} RETURN collect(p.n)", **chosen.values)
    return Condition("p.n IN $hits", {"hits": hits})


def rows_of(tx: Transaction, papers: Sequence[int]) -> list[PaperRow]:
    """Rows in the given order."""
    found = {
        n: paper_row(row)
        for n, *row in tx.rows(f"UNWIND $papers AS n MATCH (p:Paper {{n: n}}) RETURN n, {ROW}", papers=list(papers))
    }
    return [found[n] for n in papers]


def linked(tx: Transaction, spelling: str, where: PaperFilter, limit: int, *, citers: bool) -> Linked:
    """References or citers of a paper, most cited first."""
    of, _ = find(tx, spelling)
    chosen = matching(tx, where)
    left, right = _ARROWS["citers" if citers else "references"]
    found = f"MATCH (:Paper {{n: $of}}){left}[:CITES]{right}(p:Paper) WHERE {chosen.cypher}"
    rows = tx.rows(
        f"{found} RETURN {ROW} ORDER BY p.cited_by DESC, p.id LIMIT $limit", of=of, limit=limit, **chosen.values
    )
    total = tx.value(f"{found} RETURN count(p)", of=of, **chosen.values)
    return Linked(tuple([paper_row(row) for row in rows]), total)


def near_query(chosen: Condition, direction: Direction) -> str:
    """Papers one step from `$origins`, which are [paper, seed], and beyond `$seen`, ranked."""
    left, right = _ARROWS[direction]
    return (
        f"UNWIND $origins AS o MATCH (:Paper {{n: o[0]}}){left}[:CITES]{right}(p:Paper)"
        f" WITH p, count(DISTINCT o[1]) AS seeds WHERE NOT p.n IN $seen AND {chosen.cypher}"
        " RETURN p.n ORDER BY seeds DESC, p.cited_by DESC, p.id LIMIT $limit"
    )


def count_query(chosen: Condition, direction: Direction, hop: int) -> str:
    """How many papers are exactly `hop` away from `$seeds`; of the second hop at most `$most` are counted."""
    left, right = _ARROWS[direction]
    first = (
        "MATCH (s:Paper) WHERE s.n IN $seeds WITH collect(s) AS seeds UNWIND seeds AS s"
        f" MATCH (s){left}[:CITES]{right}(p:Paper) WHERE NOT p IN seeds AND {chosen.cypher}"
    )
    if hop == 1:
        return f"{first} RETURN count(DISTINCT p)"
    return (
        f"{first} WITH seeds, collect(DISTINCT p) AS near UNWIND near AS f MATCH (f){left}[:CITES]{right}(p:Paper)"
        f" WHERE NOT p IN near AND NOT p IN seeds AND {chosen.cypher} WITH DISTINCT p LIMIT $most RETURN count(p)"
    )


def neighbourhood(
    tx: Transaction, ids: Sequence[str], where: PaperFilter, hops: int, direction: Direction, limit: int
) -> Neighbourhood:
    """Papers round the seeds, nearer first, then linked to more seeds, then most cited."""
    check_neighbourhood(hops, direction)
    seeds = list(dict.fromkeys(find(tx, id)[0] for id in ids))
    check_seeds(len(seeds), limit)
    chosen = matching(tx, where)
    shown, distance, total = list(seeds), dict.fromkeys(seeds, 0), len(seeds)
    origins, seen = [[n, n] for n in seeds], set(seeds)
    most, at_least = SECOND_HOP_COUNTED + 1, False
    for hop in range(1, hops + 1):
        if len(shown) < limit:
            if hop == 2:
                origins = _reached(tx, chosen, direction, origins, seen)
                seen |= {n for n, _ in origins}
            values = {"origins": origins, "seen": list(seen), "limit": limit - len(shown), **chosen.values}
            found = [n for (n,) in tx.rows(near_query(chosen, direction), **values)]
            shown += found
            distance |= dict.fromkeys(found, hop)
        reached = tx.value(count_query(chosen, direction, hop), seeds=seeds, most=most, **chosen.values)
        at_least = hop == 2 and reached == most
        total += reached - at_least
    rows = rows_of(tx, shown)
    names = {n: row.id for n, row in zip(shown, rows, strict=True)}
    return Neighbourhood(
        seeds=tuple(names[n] for n in seeds),
        rows=tuple(rows),
        hops={names[n]: distance[n] for n in shown},
        links=tuple(links_between(tx, shown)),
        shown=len(shown),
        total=total,
        at_least=at_least,
    )


def _reached(
    tx: Transaction, chosen: Condition, direction: Direction, origins: Sequence[list[int]], seen: Collection[int]
) -> list[list[int]]:
    """Every [paper, seed] of the first hop."""
    left, right = _ARROWS[direction]
    return tx.rows(
        f"UNWIND $origins AS o MATCH (:Paper {{n: o[0]}}){left}[:CITES]{right}(p:Paper)"
        f" WITH DISTINCT p, o[1] AS seed WHERE NOT p.n IN $seen AND {chosen.cypher} RETURN p.n, seed",
        origins=origins,
        seen=list(seen),
        **chosen.values,
    )


def links_between(tx: Transaction, papers: Iterable[int]) -> list[Link]:
    """Every citation between these papers, by citing and cited id."""
    return [
        Link(citing, cited, younger, tuple(sources), influential, None if intents is None else tuple(intents),
             None if contexts is None else tuple(contexts))
        for citing, cited, younger, sources, influential, intents, contexts in tx.rows(
            "UNWIND $papers AS n MATCH (a:Paper {n: n})-[c:CITES]->(b:Paper) WHERE b.n IN $papers"
            " RETURN a.id, b.id, c.younger, c.sources, c.influential, c.intents, c.contexts ORDER BY a.id, b.id",
            papers=list(papers),
        )
    ]  # fmt: skip


def count_links_between(tx: Transaction, ids: Sequence[str]) -> int:
    """How many citations join the given papers; unknown ids join nothing."""
    known: set[str] = set()
    for spelling in ids:
        try:
            known.add(normalise(spelling))
        except InputError:
            continue
    papers = sorted({found.paper for found in look_up(tx, sorted(known))})
    found: int = tx.value(
        "UNWIND $papers AS n MATCH (:Paper {n: n})-[:CITES]->(b:Paper) WHERE b.n IN $papers RETURN count(*)",
        papers=papers,
    )
    return found


def path(tx: Transaction, start: str, end: str, where: PaperFilter, directed: bool) -> CitationPath | None:
    """A shortest path; of several the one whose ids come first, compared from the start."""
    (first, _), (last, _) = find(tx, start), find(tx, end)
    chosen = matching(tx, where)

    def around(papers: Collection[int], way: Direction, filtered: bool) -> list[int]:
        left, right = _ARROWS[way]
        return [
            n
            for (n,) in tx.rows(
                f"UNWIND $papers AS n MATCH (:Paper {{n: n}}){left}[:CITES]{right}(p:Paper)"
                f" WHERE {chosen.cypher if filtered else 'true'} RETURN DISTINCT p.n",
                papers=list(papers),
                **(chosen.values if filtered else {}),
            )
        ]

    def first_by_id(papers: Collection[int]) -> int:
        found: int = tx.value(
            "UNWIND $papers AS n MATCH (p:Paper {n: n}) RETURN p.n ORDER BY p.id LIMIT 1", papers=list(papers)
        )
        return found

    walk = shortest(first, last, directed, around, first_by_id)
    return None if walk is None else path_of(rows_of(tx, walk), links_between(tx, walk))
