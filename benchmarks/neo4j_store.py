"""The store on a Neo4j server beside the bare driver: what its promises cost on top of Cypher written by hand.

    python benchmarks/neo4j_store.py ../shared/data [--edges N]

The citation network cit-HepTh (SNAP; `hepth_edges.txt.gz`, 27,770 papers, 352,807 citations) goes through `upsert` in
batches. The peer, a loop over the driver, writes the very same nodes, properties, relationships and constraints into a
server of its own in batches of the same size, in turn with the store; both graphs are read back and must be equal.
Columns are compared with collected statements, other reads with what a person would write for the same rows, run
through the driver's own units of work. The servers are the real one of the tests, with 1 GB of heap each. Prints one
JSON object; exits 1 when a limit is not kept.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

# ruff: noqa: E402 - the benchmark runs without an installed package
from neo4j import Driver, GraphDatabase, ManagedTransaction, NotificationMinimumSeverity

from kg.answers import SECOND_HOP_COUNTED
from kg.corpus import Corpus
from kg.model import Batch, Citation, Cursor, Judgement, Paper, PartialDate, Tag
from kg.neo4j_errors import PASSWORD, USER
from kg.neo4j_read import ROW
from kg.neo4j_schema import MIGRATIONS
from kg.paper_filter import PaperFilter
from kg.store import GraphStore, open_store
from tests.neo4j_server.server import Server, empty, running

PAPERS_PER_BATCH, CITATIONS_PER_BATCH = 2_000, 10_000
LIMITS = {
    "upsert": 1.3, "corpus": 1.5, "paper": 2.0, "filtered page": 2.0, "two hops at the most cited": 2.0,
    "two hops at a paper of few": 2.0, "full text": 2.0,
}  # fmt: skip
READS, ROUNDS = 30, 3
TOPICS = ("S1", "S2", "S3", "S4")
WORDS = ("string", "brane", "gauge", "field", "duality", "matrix", "black", "hole", "super", "gravity")


def paper_id(number: int) -> str:
    """An id for every node of the network."""
    return f"openalex:W{number + 1}"


def edges(data: Path, most: int | None) -> list[tuple[int, int]]:
    """(citing, cited), by citing paper."""
    with gzip.open(data / "hepth_edges.txt.gz", "rt", encoding="ascii") as lines:
        found = sorted((int(a), int(b)) for a, b in (line.split() for line in lines))
    return found[:most]


def batches(pairs: Sequence[tuple[int, int]]) -> Iterator[Batch]:
    """Papers first, each judged, then the citations."""
    numbers = sorted({n for pair in pairs for n in pair})
    for start in range(0, len(numbers), PAPERS_PER_BATCH):
        chosen = numbers[start : start + PAPERS_PER_BATCH]
        yield Batch(
            papers=tuple(
                Paper(
                    ids=(paper_id(n),),
                    title=f"On the {WORDS[n % 10]} {WORDS[n // 10 % 10]} number {n}",
                    published=PartialDate(f"{1992 + n % 12}-{n % 12 + 1:02d}", "openalex"),
                    source="openalex",
                )
                for n in chosen
            ),
            judgements={
                paper_id(n): Judgement(
                    include="include" if n % 3 else "exclude", look=False, verdicts=(), topics=(Tag(TOPICS[n % 4]),),
                    token_type="none", quantizers=(), rules="benchmark", fields_read=("title",), text_sha256="0" * 64,
                )
                for n in chosen
            },
        )  # fmt: skip
    for start in range(0, len(pairs), CITATIONS_PER_BATCH):
        part = pairs[start : start + CITATIONS_PER_BATCH]
        yield Batch(citations=tuple(Citation(paper_id(a), paper_id(b), "hepth") for a, b in part))


Statement = tuple[str, list[Any]]


def statements(written: dict[str, list[Any]]) -> list[list[Statement]]:
    """What the peer runs for each batch of the store, from what the store made of them."""
    papers, records, topics = (
        [written[name][at : at + PAPERS_PER_BATCH] for at in range(0, len(written[name]), PAPERS_PER_BATCH)]
        for name in ("papers", "records", "topics")
    )
    steps: list[list[Statement]] = [
        [
            ("UNWIND $rows AS r CREATE (p:Paper) SET p = r", some),
            ("UNWIND $rows AS r MATCH (p:Paper {n: r[0]}) CREATE (x:Record)-[:DESCRIBES]->(p) SET x = r[1]", told),
            (
                "UNWIND $rows AS r MATCH (p:Paper {n: r[0]}) MATCH (t:Topic {id: r[1]})"
                " CREATE (p)-[x:ABOUT]->(t) SET x = r[2]",
                about,
            ),
        ]
        for some, told, about in zip(papers, records, topics, strict=True)
    ]
    steps[0].insert(0, ("UNWIND $rows AS r CREATE (t:Topic) SET t = r[0]", written["topic nodes"]))
    for label in ("Cursor", "TokenAtlas"):
        steps[0].append((f"UNWIND $rows AS r CREATE (x:{label}) SET x = r", written[label]))
    # Who knows the data sends two numbers and a yes or no for a citation, and what all carry as part of the statement.
    carried = [each for _, _, each in written["citations"]]
    if any(each != {"younger": each.get("younger"), "sources": ["hepth"]} for each in carried):
        raise SystemExit("citations carry something else than the peer writes")
    grouped: dict[int, list[Any]] = {}
    for citing, cited, each in written["citations"]:
        grouped.setdefault(citing, []).append([cited, each["younger"]])
    size = CITATIONS_PER_BATCH
    for citing, several in sorted(grouped.items()):
        if size >= CITATIONS_PER_BATCH:
            rows: list[Any] = []
            steps.append(
                [
                    (
                        "UNWIND $rows AS r MATCH (a:Paper {n: r[0]}) UNWIND r[1] AS x MATCH (b:Paper {n: x[0]})"
                        " CREATE (a)-[:CITES {younger: x[1], sources: ['hepth']}]->(b)",
                        rows,
                    )
                ]
            )
            size = 0
        rows.append([citing, several])
        size += len(several)
    return steps


def clocked(work: Callable[[], object]) -> float:
    """Seconds."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def load(store: GraphStore, told: Sequence[Batch]) -> Iterator[float]:
    """Seconds of every batch through the store."""
    for number, batch in enumerate(told):
        cursor = Cursor("benchmark", "hepth", str(number), "2025-01-01T00:00:00+00:00")
        yield clocked(lambda: store.upsert(batch, cursor))  # noqa: B023 - called at once


def by_hand(driver: Driver, steps: Sequence[Sequence[Statement]]) -> Iterator[float]:
    """Seconds of writing the same with the driver alone."""

    def write(step: Sequence[Statement]) -> None:
        for cypher, rows in step:
            with driver.session(database="neo4j") as session:
                session.execute_write(_write, cypher, rows)

    for step in steps:
        yield clocked(lambda: write(step))  # noqa: B023 - called at once


def _write(run: ManagedTransaction, cypher: str, rows: Sequence[Any]) -> None:
    run.run(cypher, rows=rows).consume()


def ask(driver: Driver, cypher: str, **values: object) -> list[list[Any]]:
    """The rows of a statement, in a unit of work."""
    with driver.session(database="neo4j", fetch_size=-1) as session:
        return session.execute_read(lambda run: run.run(cypher, values).values())


def read_back(driver: Driver) -> dict[str, list[Any]]:
    """Everything that the store wrote, as the peer needs it."""
    return {
        "papers": [row[0] for row in ask(driver, "MATCH (p:Paper) RETURN properties(p) ORDER BY p.n")],
        "records": ask(driver, "MATCH (r:Record)-[:DESCRIBES]->(p:Paper) RETURN p.n, properties(r) ORDER BY r.n"),
        "topics": ask(driver, "MATCH (p:Paper)-[x:ABOUT]->(t) RETURN p.n, t.id, properties(x) ORDER BY p.n"),
        "citations": ask(
            driver, "MATCH (a:Paper)-[c:CITES]->(b:Paper) RETURN a.n, b.n, properties(c) ORDER BY a.n, b.n"
        ),
        "nodes": ask(driver, "MATCH (n) RETURN labels(n) AS labels, count(*) ORDER BY labels"),
        "relationships": ask(driver, "MATCH ()-[r]->() RETURN type(r) AS type, count(*) ORDER BY type"),
        "constraints": ask(driver, "SHOW CONSTRAINTS YIELD name RETURN name ORDER BY name"),
        "topic nodes": ask(driver, "MATCH (t:Topic) RETURN properties(t) ORDER BY t.id"),
        **{
            label: [row[0] for row in ask(driver, f"MATCH (x:{label}) RETURN properties(x)")]
            for label in ("Cursor", "TokenAtlas")
        },
    }


def timed(ours: Callable[[], object], bare: Callable[[], object], repeats: int) -> tuple[float, float]:
    """Median seconds of both, in turn; the first runs warm up."""
    found = [(clocked(ours), clocked(bare)) for _ in range(repeats + 2)][2:]
    return statistics.median(one for one, _ in found), statistics.median(other for _, other in found)


def collected(driver: Driver) -> None:
    """What the columnar view holds, in as few statements as a person would write."""
    ask(
        driver,
        "MATCH (p:Paper) WHERE NOT p:Stub RETURN collect([p.id, p.title, p.year, p.published, p.venue, p.include,"
        " p.decided, p.token_type, p.topics, p.cited_by, p.references, p.cluster])",
    )
    ask(
        driver,
        "MATCH (a:Paper)-[c:CITES]->(b:Paper) RETURN a.n, c.sources, c.influential, c.intents,"
        " collect(b.n), collect(c.younger)",
    )
    ask(driver, "MATCH (p:Paper) RETURN collect(p.n), collect(p.id)")


def reads(store: GraphStore, driver: Driver) -> dict[str, tuple[float, float]]:
    """Seconds through the store and by hand, per read."""
    hub = store.papers(PaperFilter(include=()), sort="cited", limit=1).rows[0].id
    where, text = PaperFilter(topics=("S2",), year_min=1995), PaperFilter(text="brane duality", include=())
    page = "MATCH (p:Paper) WHERE p.include = 'include' AND 'S2' IN p.topics AND p.year >= 1995"
    hits = "CALL db.index.fulltext.queryNodes('tokenatlas_search', '+brane +duality') YIELD node AS p, score"
    few = next(
        row.id
        for row in store.papers(PaperFilter(include=()), sort="oldest", limit=10_000).rows
        if 5 <= row.cited_by + row.references <= 20
    )
    first = "MATCH (s:Paper {id: $id})-[:CITES]-(p:Paper) WITH DISTINCT p"
    between = (
        "WITH collect(p) AS shown UNWIND shown AS a MATCH (a)-[c:CITES]->(b:Paper) WHERE b IN shown"
        " RETURN a.id, b.id, properties(c)"
    )
    near = (
        "MATCH (s:Paper {id: $id})-[:CITES]-(f:Paper) WITH s, collect(DISTINCT f) AS first UNWIND first AS f"
        " MATCH (f)-[:CITES]-(p:Paper) WHERE p <> s AND NOT p IN first"
    )
    pairs: dict[str, tuple[Callable[[], object], Callable[[], object]]] = {
        "paper": (
            lambda: store.paper(hub),
            lambda: ask(
                driver,
                f"MATCH (p:Paper {{id: $id}}) RETURN {ROW}, properties(p),"
                " [(p)-[x:JUDGED]->(c) | [c.id, properties(x)]], [(p)-[x:ABOUT]->(c) | [c.id, properties(x)]],"
                " [(p)-[x:REPORTS]->(c) | [c.id, properties(x)]],"
                " [(p)-[x:QUANTIZES]->(c) | [c.id, properties(x)]], [(a:Author)-[:WROTE]->(p) | a.name],"
                " [(r:Record)-[:DESCRIBES]->(p) | properties(r)], [(a:Alias)-[:NAMES]->(p) | a.id],"
                " [(x)-[d:DECIDED]->(p) | properties(d)], [(l:ReadingList)-[:HOLDS]->(p) | l.name]",
                id=hub,
            ),
        ),
        "filtered page": (
            lambda: store.papers(where, limit=50),
            lambda: (
                ask(driver, f"{page} RETURN {ROW} ORDER BY p.published DESC, p.id LIMIT 50"),
                ask(driver, f"{page} RETURN count(p)"),
            ),
        ),
        "two hops at the most cited": (
            lambda: store.neighbourhood([hub], where=PaperFilter(include=()), hops=2, limit=60),
            lambda: (
                ask(driver, f"{first} RETURN {ROW} ORDER BY p.cited_by DESC, p.id LIMIT 60", id=hub),
                ask(driver, f"{first} RETURN count(p)", id=hub),
                ask(driver, f"{near} WITH DISTINCT p LIMIT {SECOND_HOP_COUNTED + 1} RETURN count(p)", id=hub),
                ask(driver, f"{first} WITH p ORDER BY p.cited_by DESC, p.id LIMIT 59 {between}", id=hub),
            ),
        ),
        "two hops at a paper of few": (
            lambda: store.neighbourhood([few], where=PaperFilter(include=()), hops=2, limit=60),
            lambda: (
                ask(driver, f"{first} RETURN {ROW} ORDER BY p.cited_by DESC, p.id LIMIT 60", id=few),
                ask(driver, f"{near} WITH DISTINCT p RETURN {ROW} ORDER BY p.cited_by DESC, p.id LIMIT 60", id=few),
                ask(driver, f"{near} WITH DISTINCT p LIMIT {SECOND_HOP_COUNTED + 1} RETURN count(p)", id=few),
                ask(driver, f"{near} WITH DISTINCT p ORDER BY p.cited_by DESC, p.id LIMIT 59 {between}", id=few),
            ),
        ),
        "full text": (
            lambda: store.papers(text, sort="relevance", limit=50),
            lambda: (
                ask(driver, f"{hits} RETURN {ROW} ORDER BY score DESC, p.id LIMIT 50"),
                ask(driver, f"{hits} RETURN count(p)"),
            ),
        ),
    }  # fmt: skip
    return {name: timed(ours, bare, READS) for name, (ours, bare) in pairs.items()}


def driven(server: Server) -> Driver:
    """The bare driver of a server."""
    return GraphDatabase.driver(
        server.url, auth=(server.user, server.password), notifications_min_severity=NotificationMinimumSeverity.OFF
    )


def main() -> int:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("data", type=Path, nargs="?", default=ROOT.parent / "shared" / "data", help="research data")
    options.add_argument("--edges", type=int, default=None)
    chosen = options.parse_args()
    pairs = edges(chosen.data, chosen.edges)
    told = list(batches(pairs))
    with (
        tempfile.TemporaryDirectory() as folder,
        running(Path(folder, "ours")) as server,
        running(Path(folder, "peer")) as peer,
        driven(server) as driver,
        driven(peer) as hand,
    ):
        os.environ[USER], os.environ[PASSWORD] = server.user, server.password
        # The first time fills what is measured and tells the peer what to write.
        with open_store(server.url) as store:
            for _ in load(store, told):
                pass
            measured = reads(store, driver)
            measured["corpus"] = timed(lambda: Corpus.load(store), lambda: collected(driver), 3)
        written = read_back(driver)
        steps = statements(written)
        with hand.session(database="neo4j") as session:
            for _, _, keys in MIGRATIONS:
                for key in keys:
                    session.run(key).consume()
        for _ in by_hand(hand, steps):
            pass
        again = read_back(hand)
        if again != written:
            raise SystemExit(f"not the same graph: {[name for name in again if again[name] != written[name]]}")
        # Batch by batch in turn, each side with a server of its own: what else the machine does burdens both alike.
        rounds: list[list[tuple[float, float]]] = []
        for _ in range(ROUNDS):
            empty(server)
            empty(peer)
            with open_store(server.url) as store:
                rounds.append(list(zip_longest(load(store, told), by_hand(hand, steps), fillvalue=0.0)))
        best = [[min(each) for each in zip(*batch, strict=True)] for batch in zip(*rounds, strict=True)]
        measured["upsert"] = (sum(ours for ours, _ in best), sum(bare for _, bare in best))
        papers = -(-len(written["papers"]) // PAPERS_PER_BATCH)
        parts = {
            name: [round(sum(each[side] for each in some), 2) for side in (0, 1)]
            for name, some in (("papers", best[:papers]), ("citations", best[papers:]))
        }
    ratios = {name: ours / bare for name, (ours, bare) in measured.items()}
    print(
        json.dumps(
            {
                "benchmark": "neo4j",
                "papers": len(written["papers"]),
                "citations": len(pairs),
                "seconds": {name: [round(each, 4) for each in both] for name, both in measured.items()},
                "upsert seconds": parts,
                "ratios": {name: round(ratio, 2) for name, ratio in ratios.items()},
                "limits": LIMITS,
                "kept": all(ratios[name] <= limit for name, limit in LIMITS.items()),
            }
        )
    )
    return 0 if all(ratios[name] <= limit for name, limit in LIMITS.items()) else 1


if __name__ == "__main__":
    sys.exit(main())
