"""What is told of works beside their records, on a server: fetches, findings, vectors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import sha256
from json import dumps

from kg.batch_rows import FetchKey, FetchRow, FoundRow, VectorRow
from kg.batch_told import packed, unpacked
from kg.neo4j_engine import Transaction

NAME_SHOWN = 80


def fetched(tx: Transaction, works: Sequence[int]) -> Mapping[FetchKey, FetchRow]:
    """What sources were asked about these works."""
    return {
        (row.work, row.source, row.what): row
        for row in map(
            FetchRow._make,
            tx.rows(
                "UNWIND $works AS work MATCH (x:Fetch {work: work})-[:ASKED]->(p:Paper)"
                " RETURN work, p.n, x.source, x.what, x.state, x.got, x.stated, x.time",
                works=list(works),
            ),
        )
    }


def put_fetches(tx: Transaction, rows: Sequence[FetchRow]) -> None:
    """Write fetches, replacing what stands under the same key."""
    tx.run(
        "UNWIND $rows AS r MATCH (p:Paper {n: r.paper})"
        " MERGE (x:Fetch {work: r.work, source: r.source, what: r.what}) MERGE (x)-[:ASKED]->(p)"
        " SET x.state = r.state, x.got = r.got, x.stated = r.stated, x.time = r.time,"
        " x.name = r.source + ' ' + r.what + ': ' + r.state",
        rows=[row._asdict() for row in rows],
    )


def finding_key(row: FoundRow) -> str:
    """What makes two findings the same: a digest, since a query may be longer than a key can be."""
    return sha256(dumps([row.work, row.how, row.source, row.detail]).encode()).hexdigest()


def new_findings(tx: Transaction, rows: Sequence[FoundRow]) -> list[FoundRow]:
    """Those that are not there yet."""
    keyed = {finding_key(row): row for row in rows}
    known = {key for (key,) in tx.rows("UNWIND $keys AS key MATCH (x:Finding {key: key}) RETURN key", keys=list(keyed))}
    return [row for key, row in keyed.items() if key not in known]


def put_findings(tx: Transaction, rows: Sequence[FoundRow]) -> None:
    """Write findings that are new."""
    if rows:
        tx.run(
            "UNWIND $rows AS r MATCH (p:Paper {n: r[0]}) CREATE (x:Finding)-[:FOUND]->(p) SET x = r[1]",
            rows=[
                [
                    row.paper,
                    {
                        "key": finding_key(row), "name": f"{row.how} {row.detail}"[:NAME_SHOWN], "work": row.work,
                        "how": row.how, "source": row.source, "detail": row.detail, "time": row.time,
                    },
                ]
                for row in rows
            ],
        )  # fmt: skip


def vectors(tx: Transaction, works: Sequence[int]) -> Mapping[tuple[int, str], bytes]:
    """The embeddings of these works."""
    return {
        (work, model): packed(model, values)
        for work, model, values in tx.rows(
            "UNWIND $works AS work MATCH (x:Vector {work: work}) RETURN work, x.model, x.values", works=list(works)
        )
    }


def put_vectors(tx: Transaction, rows: Sequence[VectorRow]) -> None:
    """Write embeddings, as lists so that a vector index can be made over them."""
    tx.run(
        "UNWIND $rows AS r MATCH (p:Paper {n: r[1]}) MERGE (x:Vector {work: r[0], model: r[2]})"
        " MERGE (x)-[:PLACES]->(p) SET x.name = r[2], x.values = r[3]",
        rows=[[row.work, row.paper, row.model, unpacked(row.values)] for row in rows],
    )
