"""Two works that turn out to be one, and back again.

A merge moves what counts for the absorbed work to the kept one (relationships) and leaves to whom it was told (`work`),
so undoing it is moving back. Merges form a tree: what was absorbed by a work that is absorbed later counts for the
outermost. As soon as a work takes part in a merge, its citations are also kept as `Told`, between the works they were
told of; `CITES` then follows from that.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from kg.batch_rows import Pair
from kg.combine import Kept, is_younger, united
from kg.neo4j_engine import Transaction
from kg.neo4j_judge import choose, keep, keep_cluster, redecide, restore_cluster
from kg.neo4j_papers import carried, kept, numbered, refresh

_MOVED = ("NAMES", "DESCRIBES", "DECIDED", "HOLDS", "ASKED", "FOUND", "PLACES", "CHANGED")
"""Relationships that point at the paper something counts for; what they come from or they themselves hold `work`."""


def merge_works(tx: Transaction, root: int, absorbed: int, reason: str, time: str) -> int:
    """Let `absorbed` count for `root`; returns the number of the merge."""
    ids = dict(tx.rows("UNWIND $papers AS n MATCH (p:Paper {n: n}) RETURN n, p.id", papers=[root, absorbed]))
    _keep_told(tx, (root, absorbed))
    _remove_citations(tx, (root, absorbed))
    for n in (root, absorbed):
        keep(tx, n)
    keep_cluster(tx, absorbed)
    number = tx.take("next_merge")
    for kind in (*_MOVED, "INTO"):
        tx.run(
            f"MATCH (x)-[old:{kind}]->(:Paper {{n: $absorbed}}) MATCH (p:Paper {{n: $root}})"
            f" WITH x, p, old, properties(old) AS held DELETE old CREATE (x)-[new:{kind}]->(p) SET new = held",
            root=root,
            absorbed=absorbed,
        )
    tx.run("MATCH (p:Paper {n: $absorbed}) DETACH DELETE p", absorbed=absorbed)
    tx.run(
        "MATCH (p:Paper {n: $root}) CREATE (:Alias {id: $id, name: $id, work: $absorbed})-[:NAMES]->(p)"
        " CREATE (:Merge {number: $number, name: $id, kept: $root, kept_id: $kept_id, absorbed: $absorbed,"
        " absorbed_id: $id, reason: $reason, time: $time})-[:INTO]->(p)",
        root=root,
        absorbed=absorbed,
        id=ids[absorbed],
        kept_id=ids[root],
        number=number,
        reason=reason,
        time=time,
    )
    refresh(tx, [root])
    choose(tx, root)
    redecide(tx, [root])
    _rebuild_citations(tx, (root,))
    return number


def unmerge_works(tx: Transaction, number: int, time: str) -> None:
    """Undo a merge that stands."""
    absorbed, id, root = tx.rows(
        "MATCH (m:Merge {number: $number})-[:INTO]->(p:Paper) RETURN m.absorbed, m.absorbed_id, p.n", number=number
    )[0]
    keep(tx, root)
    tx.run(
        "MATCH (m:Merge {number: $number})-[into:INTO]->() SET m.undone = $time DELETE into", number=number, time=time
    )
    works = _tree(tx, absorbed)
    _remove_citations(tx, (root,))
    tx.run("MATCH (a:Alias {id: $id}) DETACH DELETE a", id=id)
    tx.run(
        "CREATE (:Paper:Stub {n: $n, id: $id, name: $id, decided: false, cited_by: 0, references: 0})",
        n=absorbed,
        id=id,
    )
    for kind in (*_MOVED, "INTO"):
        work = {"DECIDED": "old.work", "HOLDS": "old.work", "CHANGED": "old.work", "INTO": "x.absorbed"}.get(
            kind, "x.work"
        )
        tx.run(
            f"MATCH (x)-[old:{kind}]->(:Paper {{n: $root}}) WHERE {work} IN $works MATCH (p:Paper {{n: $absorbed}})"
            f" WITH x, p, old, properties(old) AS held DELETE old CREATE (x)-[new:{kind}]->(p) SET new = held",
            root=root,
            absorbed=absorbed,
            works=works,
        )
    refresh(tx, [root, absorbed])
    for n in (root, absorbed):
        choose(tx, n)
    restore_cluster(tx, absorbed)
    redecide(tx, [root, absorbed])
    _rebuild_citations(tx, (root, absorbed))


def _tree(tx: Transaction, work: int) -> list[int]:
    """A work and all that was absorbed by it, at any depth."""
    merges = tx.rows("MATCH (m:Merge)-[:INTO]->() RETURN m.kept, m.absorbed")
    mine = [work]
    for each in mine:
        mine += [absorbed for into, absorbed in merges if into == each and absorbed not in mine]
    return mine


def separated(tx: Transaction, papers: Sequence[int]) -> int | None:
    """Number of an undone merge between two of these papers, `None` when there is none."""
    roots = _roots(tx)
    for number, one, other in tx.rows(
        "MATCH (m:Merge) WHERE m.undone IS NOT NULL RETURN m.number, m.kept, m.absorbed ORDER BY m.number"
    ):
        ends = roots.get(one, one), roots.get(other, other)
        if ends[0] != ends[1] and ends[0] in papers and ends[1] in papers:
            return int(number)
    return None


def _roots(tx: Transaction) -> dict[int, int]:
    """For every absorbed work the paper it counts for."""
    return dict(tx.rows("MATCH (m:Merge)-[:INTO]->(p:Paper) RETURN m.absorbed, p.n"))


def _keep_told(tx: Transaction, papers: Sequence[int]) -> None:
    """From now on the citations of these works are kept as told."""
    for n in papers:
        if tx.one("MATCH (m:Merge) WHERE m.kept = $n OR m.absorbed = $n RETURN 1 LIMIT 1", n=n):
            continue
        tx.run(
            "MATCH (m:Merge) WITH collect(m.kept) + collect(m.absorbed) AS merged"
            " MATCH (p:Paper {n: $n})-[c:CITES]-(q:Paper) WHERE NOT q.n IN merged"
            " WITH c, startNode(c).n AS citing, endNode(c).n AS cited ORDER BY citing, cited"
            " MERGE (t:Told {citing: citing, cited: cited})"
            " ON CREATE SET t.name = citing + ' cites ' + cited, t.sources = c.sources, t.influential = c.influential,"
            " t.intents = c.intents, t.contexts = c.contexts",
            n=n,
        )


def _remove_citations(tx: Transaction, papers: Sequence[int]) -> None:
    pairs = tx.rows(
        "UNWIND $papers AS n MATCH (:Paper {n: n})-[c:CITES]-(:Paper) WITH DISTINCT c"
        " WITH c, startNode(c) AS a, endNode(c) AS b RETURN a.n, b.n, a:Stub, b:Stub",
        papers=list(papers),
    )
    count_links(tx, pairs, -1)
    tx.run("UNWIND $papers AS n MATCH (:Paper {n: n})-[c:CITES]-(:Paper) DELETE c", papers=list(papers))


def _rebuild_citations(tx: Transaction, papers: Sequence[int]) -> None:
    roots = _roots(tx)
    mine = numbered([*papers, *(work for work, root in roots.items() if root in papers)])
    pairs: dict[Pair, Kept] = {}
    for citing, cited, *values in tx.rows(
        "MATCH (t:Told) WHERE t.citing IN $mine OR t.cited IN $mine"
        " RETURN t.citing, t.cited, t.sources, t.influential, t.intents, t.contexts ORDER BY t.citing, t.cited",
        mine=mine,
    ):
        pair = roots.get(citing, citing), roots.get(cited, cited)
        if pair[0] != pair[1]:
            before, told = pairs.get(pair), kept(*values)
            pairs[pair] = told if before is None else united(before, told)
    ends = {
        n: (published, stub)
        for n, published, stub in tx.rows(
            "UNWIND $papers AS n MATCH (p:Paper {n: n}) RETURN n, p.published, p:Stub",
            papers=numbered(n for pair in pairs for n in pair),
        )
    }
    tx.run(
        "UNWIND $rows AS r MATCH (a:Paper {n: r[0]}) MATCH (b:Paper {n: r[1]}) CREATE (a)-[c:CITES]->(b) SET c = r[2]",
        rows=[
            [a, b, {**carried(each), "younger": is_younger(ends[b][0], ends[a][0])}]
            for (a, b), each in sorted(pairs.items())
        ],
    )
    count_links(tx, [(a, b, ends[a][1], ends[b][1]) for a, b in pairs], +1)


def count_links(tx: Transaction, rows: Iterable[Sequence[int]], step: int) -> None:
    """Count citations (citing, cited, citing is a stub, cited is a stub) for their ends, or stop counting them."""
    cited_by: dict[int, int] = {}
    refs: dict[int, int] = {}
    for citing, cited, citing_is_stub, cited_is_stub in rows:
        if not citing_is_stub:
            cited_by[cited] = cited_by.get(cited, 0) + step
        if not cited_is_stub:
            refs[citing] = refs.get(citing, 0) + step
    add_degrees(tx, cited_by, refs)


def add_degrees(tx: Transaction, cited_by: Mapping[int, int], refs: Mapping[int, int]) -> None:
    """Add to what papers count of citers and references."""
    for name, counts in (("cited_by", cited_by), ("references", refs)):
        # Few different numbers are added to many papers: each is sent once.
        grouped: dict[int, list[int]] = {}
        for n, step in sorted(counts.items()):
            grouped.setdefault(step, []).append(n)
        if grouped:
            tx.run(
                f"UNWIND $rows AS r UNWIND r[1] AS n MATCH (p:Paper {{n: n}}) SET p.{name} = p.{name} + r[0]",
                rows=[list(each) for each in grouped.items()],
            )
