"""Papers as they follow from the records told of them: read, made anew, and kept findable.

`refresh` is the one place that changes what an existing paper shows. It keeps in step what hangs on it: search text,
authors, counts of citing papers (a stub does not count), and which citations point at something younger.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from json import loads
from typing import Any

from kg.combine import Account, Kept, combined, is_younger, listed, unshared
from kg.neo4j_engine import Transaction
from kg.neo4j_filter import indexed
from kg.records import Shown, Stored, shown
from kg.search_text import search_text

RECORD = (
    "r.source, r.provenance, r.title, r.abstract, r.published, r.published_source, r.venue, r.categories,"
    " r.manifestations, r.authors, r.references_stated, r.citations_stated, r.standing, r.open_access, r.tldr"
)
"""Properties of a record in the order of `Account`."""

ALIASES = (
    "UNWIND $papers AS n MATCH (p:Paper {n: n}) RETURN n, [p.id] + [(a:Alias)-[:NAMES]->(p) | a.id] AS ids, p:Stub,"
    " p.published"
)


def load_records(tx: Transaction, papers: Sequence[int]) -> dict[int, list[Stored]]:
    """Every record of the given papers, oldest first."""
    found: dict[int, list[Stored]] = {paper: [] for paper in papers}
    for paper, n, work, *rest in tx.rows(
        "UNWIND $papers AS n MATCH (:Paper {n: n})<-[:DESCRIBES]-(r:Record)"
        f" RETURN n, r.n, r.work, {RECORD} ORDER BY r.n",
        papers=list(papers),
    ):
        authors = None if rest[9] is None else tuple(rest[9])
        found[paper].append(Stored(n, work, Account._make([*rest[:9], authors, *rest[10:]])))
    return found


def known(properties: dict[str, object]) -> dict[str, object]:
    """Without those that are not known: a new node does not have them."""
    return {name: value for name, value in properties.items() if value is not None}


def record_properties(stored: Stored, time: str) -> dict[str, object]:
    """What a record node holds."""
    account = stored.account
    return known(
        {
            "n": stored.n,
            "work": stored.work,
            "name": account.source,
            "time": time,
            **account._asdict(),
            "authors": None if account.authors is None else list(account.authors),
        }
    )


def paper_properties(values: Shown, id: str, abstract: str | None, text: str | None) -> dict[str, object]:
    """What a paper node shows of its records."""
    known = values._asdict()
    del known["abstract_record"], known["authors_record"]
    return {**known, "name": values.title or id, "abstract": abstract, "search_text": indexed(text)}


def refresh(tx: Transaction, papers: Sequence[int]) -> tuple[list[int], dict[int, tuple[bool, str | None]]]:
    """Make existing papers anew from their records.

    Returns:
        Those that were stubs and are papers now; (is a stub, date) of each.
    """
    records = load_records(tx, papers)
    old = {n: (ids, stub, published) for n, ids, stub, published in tx.rows(ALIASES, papers=list(papers))}
    numbers = {each for kept in records.values() for stored in kept for each in stored.account.authors or ()}
    names = dict(
        tx.rows("UNWIND $authors AS n MATCH (a:Author {n: n}) RETURN n, a.name", authors=sorted(numbers))
        if numbers
        else []
    )
    rows, authors = [], []
    now: dict[int, tuple[bool, str | None]] = {}
    for n in papers:
        stored, ids = records[n], old[n][0]
        whole = combined([each.account for each in stored], ids)
        listed = () if whole.authors_from is None else stored[whole.authors_from].account.authors or ()
        called = [names[each] for each in listed]
        abstract = None if whole.abstract_from is None else stored[whole.abstract_from].account.abstract
        stub = whole.title is None
        text = None if stub else search_text(whole.title, abstract, called, whole.venue, sorted(ids))
        values = shown(whole, called[0] if called else None, stored)
        sources = list(dict.fromkeys(each.account.source for each in stored))
        rows.append([n, {**paper_properties(values, ids[0], abstract, text), "sources": sources}, stub])
        authors.append([n, [[author, at] for at, author in enumerate(listed)]])
        now[n] = stub, whole.published
    tx.run("UNWIND $rows AS r MATCH (p:Paper {n: r[0]}) SET p += r[1]", rows=rows)
    tx.run("UNWIND $stubs AS n MATCH (p:Paper {n: n}) SET p:Stub", stubs=[row[0] for row in rows if row[2]])
    tx.run("UNWIND $papers AS n MATCH (p:Paper {n: n}) REMOVE p:Stub", papers=[row[0] for row in rows if not row[2]])
    tx.run("UNWIND $papers AS n MATCH (:Paper {n: n})<-[w:WROTE]-() DELETE w", papers=list(papers))
    write_authors(tx, authors)
    promoted = [n for n in papers if old[n][1] and not now[n][0]]
    count_from(tx, promoted, +1)
    count_from(tx, [n for n in papers if not old[n][1] and now[n][0]], -1)
    _date_citations(tx, [n for n in papers if old[n][2] != now[n][1]])
    return promoted, now


def write_authors(tx: Transaction, lists: Sequence[list[Any]]) -> None:
    """Join papers to the authors they show, from [paper, [[author, position], ...]]."""
    if any(each[1] for each in lists):
        tx.run(
            "UNWIND $lists AS r MATCH (p:Paper {n: r[0]}) UNWIND r[1] AS x MATCH (a:Author {n: x[0]})"
            " CREATE (a)-[:WROTE {position: x[1]}]->(p)",
            lists=lists,
        )


def count_from(tx: Transaction, papers: Sequence[int], step: int) -> None:
    """Papers that stop or start being stubs count for those they cite and those that cite them."""
    if not papers:
        return
    tx.run(
        "UNWIND $papers AS n MATCH (:Paper {n: n})-[:CITES]->(q:Paper) WITH q, count(*) AS links"
        " SET q.cited_by = q.cited_by + $step * links",
        papers=list(papers),
        step=step,
    )
    tx.run(
        "UNWIND $papers AS n MATCH (:Paper {n: n})<-[:CITES]-(q:Paper) WITH q, count(*) AS links"
        " SET q.references = q.references + $step * links",
        papers=list(papers),
        step=step,
    )


def _date_citations(tx: Transaction, papers: Sequence[int]) -> None:
    if not papers:
        return
    flagged = [
        [citing, cited, not younger]
        for citing, cited, younger, a, b in tx.rows(
            "UNWIND $papers AS n MATCH (:Paper {n: n})-[c:CITES]-(:Paper) WITH DISTINCT c"
            " WITH c, startNode(c) AS a, endNode(c) AS b RETURN a.n, b.n, c.younger, a.published, b.published",
            papers=list(papers),
        )
        if is_younger(b, a) != younger
    ]
    if flagged:
        tx.run(
            "UNWIND $rows AS r MATCH (:Paper {n: r[0]})-[c:CITES]->(:Paper {n: r[1]}) SET c.younger = r[2]",
            rows=flagged,
        )


def rebuild_search(tx: Transaction, size: int = 1_000) -> None:
    """Make every search text anew, after its rules changed."""
    last = 0
    while found := tx.rows(
        "MATCH (p:Paper) WHERE p.n > $last AND NOT p:Stub WITH p ORDER BY p.n LIMIT $size"
        " RETURN p.n, p.title, p.abstract, p.venue, [p.id] + [(a:Alias)-[:NAMES]->(p) | a.id],"
        " COLLECT { MATCH (a:Author)-[w:WROTE]->(p) RETURN a.name ORDER BY w.position }",
        last=last,
        size=size,
    ):
        tx.run(
            "UNWIND $rows AS r MATCH (p:Paper {n: r[0]}) SET p.search_text = r[1]",
            rows=[
                [n, indexed(search_text(title, abstract, authors, venue, sorted(ids)))]
                for n, title, abstract, venue, ids, authors in found
            ],
        )
        last = found[-1][0]


def kept(
    sources: Sequence[str], influential: bool | None, intents: Sequence[str] | None, contexts: Sequence[str] | None
) -> Kept:
    """What a citation carries, as `kg.combine` takes it: lists as JSON text."""
    return (
        listed(tuple(sources)),
        influential,
        None if intents is None else listed(tuple(intents)),
        None if contexts is None else unshared(contexts),
    )


def carried(each: Kept) -> dict[str, object]:
    """The properties of a citation from `kept`."""
    return {
        "sources": loads(each[0]),
        "influential": each[1],
        "intents": None if each[2] is None else loads(each[2]),
        "contexts": None if each[3] is None else loads(each[3]),
    }


def numbered(values: Iterable[int]) -> list[int]:
    """Numbers in order, so that two writers lock in the same order."""
    return sorted(set(values))
