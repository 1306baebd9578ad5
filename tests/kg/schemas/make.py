"""Writes small stores of the present schema: `python -m tests.kg.schemas.make`, once per released schema.

One is a file of SQLite, the other what stands on a server, as nodes and relationships. Never rewrite those of a schema
that was released: old stores must stay readable as they are.
"""

from __future__ import annotations

import gzip
import json
import os
import sqlite3
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kg.model import Batch, Citation, Cluster, Cursor, Fetch, Found, Vector
from kg.store import GraphStore, open_store
from tests.neo4j_server.server import running
from tests.store.records import TIME, arxiv, cites, decision, doi, judgement, measured, paper, papers

if TYPE_CHECKING:
    from neo4j import Driver

FOLDER = Path(__file__).parent

Graph = dict[str, list[list[Any]]]
"""Nodes (number, labels, properties) and relationships (from, type, to, properties)."""


def fill(store: GraphStore) -> None:
    """A little of everything."""
    store.upsert(
        Batch(
            papers=(
                paper(arxiv(1), title="A codec", abstract="It codes 語音.", authors=("Ann B",), venue="Venue"),
                paper(doi(1), title="The same codec", source="openalex"),
                *papers(2, 3),
            ),
            citations=cites((2, 1), (3, 1), (1, 9)),
            judgements={arxiv(1): judgement(topics=("S1",), quantizers=("RVQ",), criteria=(("R1", "met"),))},
            measured={arxiv(1): measured(1.5, 6.0)},
        ),
        Cursor("file", "small", "1", TIME),
    )
    run = store.begin("ingest s2", rules="rules 1", protocol=None, time=TIME)
    store.upsert(
        Batch(
            papers=(paper(arxiv(3), standing="retracted", open_access="https://a.test/3.pdf", tldr=True),),
            citations=(Citation(arxiv(2), arxiv(1), "s2", contexts=("We follow it.",)),),
            fetches=(Fetch(doi(1), "s2", "references", "empty", 0, 0, TIME),),
            found=(Found(arxiv(9), "references", "s2", arxiv(1), TIME),),
            vectors={arxiv(1): Vector("specter_v2", (0.25, -1.5))},
            run=run,
        )
    )
    store.end(run, "done", {"papers_changed": 1}, time=TIME)
    store.merge(arxiv(1), doi(1), "the same work")
    store.decide(decision(2, "include"))
    store.add_to_list("mine", [arxiv(1)])
    store.put_clusters("run", [Cluster("run", 0, "codecs", ("codec",), 1)], {arxiv(1): 0})


def dump(driver: Driver) -> Graph:
    """All that stands in the database."""
    nodes = [
        list(row)
        for row in driver.execute_query(
            "MATCH (x) RETURN elementId(x), labels(x), properties(x) ORDER BY labels(x)[0], x.name, x.n"
        ).records
    ]
    numbers = {row[0]: at for at, row in enumerate(nodes)}
    joins = driver.execute_query("MATCH (x)-[r]->(y) RETURN elementId(x), type(r), elementId(y), properties(r)").records
    joined = sorted([[numbers[a], kind, numbers[b], held] for a, kind, b, held in joins], key=json.dumps)
    return {"nodes": [[numbers[id], sorted(labels), held] for id, labels, held in nodes], "relationships": joined}


def restore(driver: Driver, graph: Graph) -> None:
    """Put it into an empty database."""
    for number, labels, held in graph["nodes"]:
        driver.execute_query(f"CREATE (x:{':'.join(labels)}) SET x = $held, x.at = $at", held=held, at=number)
    for start, kind, end, held in graph["relationships"]:
        driver.execute_query(
            f"MATCH (x {{at: $start}}) MATCH (y {{at: $end}}) CREATE (x)-[r:{kind}]->(y) SET r = $held",
            start=start,
            end=end,
            held=held,
        )
    driver.execute_query("MATCH (x) REMOVE x.at")


def main(filled: Callable[[GraphStore], None] = fill) -> int:
    """Makes the files, unless they exist."""
    from neo4j import GraphDatabase

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "store.sqlite"
        with open_store(f"sqlite:///{path.as_posix()}") as store:
            filled(store)
            target, graph = (FOLDER / f"schema-{store.schema}.{end}" for end in ("sqlite.gz", "graph.json"))
        if target.exists() and graph.exists():
            sys.stderr.write(f"{target.name} and {graph.name} are there already and stay\n")
            return 1
        if not target.exists():
            con = sqlite3.connect(path)
            con.execute("PRAGMA journal_mode = DELETE")
            con.execute("PRAGMA page_size = 1024")
            con.execute("VACUUM")
            con.close()
            target.write_bytes(gzip.compress(path.read_bytes(), mtime=0))
        if not graph.exists():
            with running(Path(folder) / "server") as server:
                os.environ |= {"TOKENATLAS_NEO4J_USER": server.user, "TOKENATLAS_NEO4J_PASSWORD": server.password}
                with open_store(server.url) as store:
                    filled(store)
                with GraphDatabase.driver(server.url, auth=(server.user, server.password)) as driver:
                    text = json.dumps(dump(driver), ensure_ascii=False, indent=0, sort_keys=True)
            graph.write_text(text + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
