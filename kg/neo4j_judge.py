"""Judgements, measurements and decisions: what rules and persons say of a paper, and which of them counts.

Relationships hold it with its evidence, the paper shows the outcome. A person's decision on a criterion stands beside
the rules' verdict in `decided` and wins in `effective`; one on "include" wins in the paper's `include`.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from json import dumps, loads
from typing import Any

from kg.batch_readings import (
    JUDGED,
    MEASURED,
    READINGS,
    ReadingRows,
    chosen_of,
    own_bitrates,
)
from kg.checks import INCLUDE
from kg.model import Decision
from kg.neo4j_engine import Transaction
from kg.neo4j_names import make_nodes

_READ = {
    "judgement": (
        "[p.judged_include, p.look, p.token_type, p.token_type_evidence, p.rules, p.fields_read, p.judged_sha256]",
        "COLLECT { MATCH (p)-[x:JUDGED]->(y) WHERE x.verdict IS NOT NULL"
        " RETURN [y.id, x.position, x.verdict, x.evidence, x.reason, x.confidence] }",
        "COLLECT { MATCH (p)-[x:ABOUT]->(y) RETURN [y.id, x.position, x.evidence, x.score] }",
        "COLLECT { MATCH (p)-[x:QUANTIZES]->(y) RETURN [x.position, y.id, x.field, x.start, x.end, x.text] }",
    ),
    "measured": (
        "[p.measured_rules, p.measured_fields, p.measured_sha256]",
        "COLLECT { MATCH (p)-[x:REPORTS]->(y) RETURN [x.position, y.id, x.value, x.status, x.role, x.subject, x.field,"
        " x.start, x.end, x.text] }",
    ),
}
"""What gives the rows of every table of a reading of `p`, in the order of `kg.batch_readings`."""

READING = ", ".join(each for columns in _READ.values() for each in columns)


def reading_rows(columns: Sequence[Any]) -> dict[str, ReadingRows | None]:
    """Judgement and measurement, as rows, from the columns of `READING`."""
    found: dict[str, ReadingRows | None] = {}
    rest = list(columns)
    for name, tables in READINGS.items():
        single, *several = rest[: len(tables)]
        rest = rest[len(tables) :]
        first, *others = tables
        rows = {table: sorted(each, key=lambda row: row[0]) for table, each in zip(others, several, strict=True)}
        # Rules always name themselves, so a reading without rules is none.
        present = single[tables[first].index("rules")] is not None
        found[name] = {first: [_plain(single)], **rows} if present else None
    return found


def _plain(row: Sequence[Any]) -> list[Any]:
    return [int(value) if isinstance(value, bool) else value for value in row]


def readings(tx: Transaction, papers: Sequence[int]) -> dict[int, dict[str, ReadingRows | None]]:
    """Judgement and measurement of each paper, as rows."""
    return {
        n: reading_rows(columns)
        for n, *columns in tx.rows(f"UNWIND $papers AS n MATCH (p:Paper {{n: n}}) RETURN n, {READING}", papers=papers)
    }


def put_rows(tx: Transaction, kind: str, chosen: Mapping[int, ReadingRows | None], new: Container[int] = ()) -> None:
    """Write readings of one kind, `None` for none; decisions of persons stay.

    Args:
        new: papers that were made with what they show of it; nothing else stands.
    """
    papers = sorted(chosen)
    standing = [n for n in papers if n not in new]
    if kind == "measured":
        if standing:
            tx.run("UNWIND $papers AS n MATCH (:Paper {n: n})-[x:REPORTS]->() DELETE x", papers=standing)
        _write(tx, "Quantity", "REPORTS", [(n, _specifications(chosen[n])) for n in papers])
        if standing:
            shown = [[n, _measured_properties(chosen[n])] for n in standing]
            tx.run("UNWIND $rows AS r MATCH (p:Paper {n: r[0]}) SET p += r[1]", rows=shown)
        return
    decided = _decided(tx, standing) if standing else {}
    if standing:
        tx.run("UNWIND $papers AS n MATCH (:Paper {n: n})-[x:JUDGED|ABOUT|QUANTIZES]->() DELETE x", papers=standing)
    verdicts = {n: _verdicts(chosen[n], decided.get(n, {})) for n in papers}
    _write(tx, "Criterion", "JUDGED", list(verdicts.items()))
    _write(tx, "Topic", "ABOUT", [(n, _of(chosen[n], "tags", "topic")) for n in papers])
    _write(tx, "Quantizer", "QUANTIZES", [(n, _of(chosen[n], "quantizers", "kind")) for n in papers])
    if standing:
        tx.run(
            "UNWIND $rows AS r MATCH (p:Paper {n: r[0]}) SET p += r[1],"
            " p.include = CASE WHEN p.decided THEN r[2] ELSE r[1].include END",
            rows=[
                [n, shown_by(kind, chosen[n], decided.get(n, {})), include]
                for n, include in tx.rows(
                    "UNWIND $papers AS n MATCH (p:Paper {n: n}) RETURN n, p.include", papers=standing
                )
            ],
        )


def shown_by(kind: str, rows: ReadingRows | None, decided: Mapping[str, str]) -> dict[str, Any]:
    """What a paper shows of a judgement or measurement on which nobody decided the whole."""
    if kind == "measured":
        return _measured_properties(rows)
    return {**_judged_properties(rows), "verdicts": _effective(_verdicts(rows, decided))}


def _decided(tx: Transaction, papers: Sequence[int]) -> dict[int, dict[str, str]]:
    found: dict[int, dict[str, str]] = {}
    for n, criterion, verdict in tx.rows(
        "UNWIND $papers AS n MATCH (:Paper {n: n})-[x:JUDGED]->(y) WHERE x.decided IS NOT NULL"
        " RETURN n, y.id, x.decided",
        papers=papers,
    ):
        found.setdefault(n, {})[criterion] = verdict
    return found


def _write(tx: Transaction, label: str, kind: str, found: Sequence[tuple[int, list[list[Any]]]]) -> None:
    """Join papers to nodes with an `id`, made when missing, from (paper, [[id, properties], ...])."""
    rows = [(n, each) for n, each in found if each]
    ids = sorted({id for _, each in rows for id, _ in each})
    if not ids:
        return
    make_nodes(tx, label, ids)
    tx.run(
        f"UNWIND $rows AS r MATCH (p:Paper {{n: r[0]}}) UNWIND r[1] AS x MATCH (y:{label} {{id: x[0]}})"
        f" CREATE (p)-[z:{kind}]->(y) SET z = x[1]",
        rows=[list(row) for row in rows],
    )


def _verdicts(rows: ReadingRows | None, decided: Mapping[str, str]) -> list[list[Any]]:
    found = {
        row[0]: {**dict(zip(JUDGED["verdicts"][1:], row[1:], strict=True)), "effective": row[2]}
        for row in (rows or {}).get("verdicts", ())
    }
    for criterion, verdict in decided.items():
        found[criterion] = {**found.get(criterion, {}), "decided": verdict, "effective": verdict}
    return [[criterion, found[criterion]] for criterion in sorted(found)]


def _effective(verdicts: Sequence[Sequence[Any]]) -> list[str]:
    return [f"{criterion}:{each['effective']}" for criterion, each in verdicts]


def _of(rows: ReadingRows | None, table: str, key: str) -> list[list[Any]]:
    found = []
    for row in (rows or {}).get(table, ()):
        each = dict(zip(JUDGED[table], row, strict=True))
        found.append([each.pop(key), each])
    return found


def _specifications(rows: ReadingRows | None) -> list[list[Any]]:
    found = []
    for row in (rows or {}).get("specifications", ()):
        each = dict(zip(MEASURED["specifications"], row, strict=True))
        found.append([each.pop("quantity"), each])
    return found


def _judged_properties(rows: ReadingRows | None) -> dict[str, Any]:
    single = rows["judgements"][0] if rows else [None] * len(JUDGED["judgements"])
    include, look, token_type, evidence, rules, fields_read, digest = single
    return {
        "include": include,
        "judged_include": include,
        "look": None if look is None else bool(look),
        "token_type": token_type,
        "token_type_evidence": evidence,
        "rules": rules,
        "fields_read": fields_read,
        "judged_sha256": digest,
        "topics": sorted({row[0] for row in rows["tags"]}) if rows else [],
        "quantizers": sorted({row[1] for row in rows["quantizers"]}) if rows else [],
    }


def _measured_properties(rows: ReadingRows | None) -> dict[str, Any]:
    rules, fields_read, digest = rows["measured"][0] if rows else (None, None, None)
    rates = own_bitrates(rows["specifications"]) if rows else []
    return {
        "measured_rules": rules,
        "measured_fields": fields_read,
        "measured_sha256": digest,
        "bitrates": rates,
        "lowest_bitrate": rates[0] if rates else None,
    }


def decide(tx: Transaction, paper: int, work: int, decision: Decision) -> bool:
    """Add a decision to the history; the very same one is stored once. Returns whether it is new."""
    values = {"criterion": decision.criterion, "reviewer": decision.reviewer, "reason": decision.reason,
              "time": decision.time, "verdict": decision.verdict, "paper": paper}  # fmt: skip
    if tx.one(
        "MATCH (:Reviewer {name: $reviewer})-[d:DECIDED]->(:Paper {n: $paper}) WHERE d.criterion = $criterion"
        " AND coalesce(d.verdict, '') = coalesce($verdict, '') AND d.reason = $reason AND d.time = $time RETURN 1",
        **values,
    ):
        return False
    tx.run(
        "MERGE (x:Reviewer {name: $reviewer}) WITH x MATCH (p:Paper {n: $paper})"
        " CREATE (x)-[:DECIDED {n: $n, work: $work, criterion: $criterion, verdict: $verdict, reason: $reason,"
        " time: $time}]->(p)",
        **values,
        work=work,
        n=tx.take("next_decision"),
    )
    redecide(tx, [paper])
    return True


def redecide(tx: Transaction, papers: Iterable[int]) -> None:
    """Make the outcome of decisions and judgement anew: the last decision on each criterion counts."""
    wanted = sorted(papers)
    latest: dict[int, dict[str, str | None]] = {n: {} for n in wanted}
    for n, criterion, verdict in tx.rows(
        "UNWIND $papers AS n MATCH (:Paper {n: n})<-[d:DECIDED]-() RETURN n, d.criterion, d.verdict"
        " ORDER BY d.time, d.n",
        papers=wanted,
    ):
        latest[n][criterion] = verdict
    tx.run(
        "UNWIND $papers AS n MATCH (:Paper {n: n})-[x:JUDGED]->() WHERE x.decided IS NOT NULL"
        " SET x.decided = null, x.effective = x.verdict",
        papers=wanted,
    )
    tx.run("UNWIND $papers AS n MATCH (:Paper {n: n})-[x:JUDGED]->() WHERE x.effective IS NULL DELETE x", papers=wanted)
    decided = [
        (n, [[c, verdict] for c, verdict in sorted(each.items()) if verdict is not None and c != INCLUDE])
        for n, each in latest.items()
    ]
    ids = sorted({criterion for _, each in decided for criterion, _ in each})
    make_nodes(tx, "Criterion", ids)
    tx.run(
        "UNWIND $rows AS r MATCH (p:Paper {n: r[0]}) UNWIND r[1] AS x MATCH (y:Criterion {id: x[0]})"
        " MERGE (p)-[z:JUDGED]->(y) SET z.decided = x[1], z.effective = x[1]",
        rows=[list(each) for each in decided if each[1]],
    )
    tx.run(
        "UNWIND $rows AS r MATCH (p:Paper {n: r[0]}) SET p.decided = r[1] IS NOT NULL,"
        " p.include = coalesce(r[1], p.judged_include), p.verdicts = COLLECT { MATCH (p)-[x:JUDGED]->(y)"
        " RETURN y.id + ':' + x.effective ORDER BY y.id }",
        rows=[[n, each.get(INCLUDE)] for n, each in latest.items()],
    )


def keep(tx: Transaction, paper: int) -> None:
    """Note what was concluded of a paper as that of its own work, unless it came from one of the works it absorbed."""
    now = readings(tx, [paper])[paper]
    alone = tx.one("MATCH (:Merge)-[:INTO]->(:Paper {n: $n}) RETURN 1 LIMIT 1", n=paper) is None
    for kind in READINGS:
        if alone or now[kind] != _chosen(tx, paper, kind):
            _put_reading(tx, paper, kind, now[kind])


def keep_cluster(tx: Transaction, paper: int) -> None:
    """Note in which cluster a work is that is about to be absorbed."""
    found = tx.one("MATCH (p:Paper {n: $n}) MATCH (c:Cluster {number: p.cluster}) RETURN c.run, c.number", n=paper)
    _put_reading(tx, paper, "cluster", found)


def restore_cluster(tx: Transaction, paper: int) -> None:
    """Put a work that is a paper again into its cluster, if that clustering still stands."""
    found = loads(tx.value("MATCH (r:Reading {work: $n, kind: 'cluster'}) RETURN r.rows", n=paper))
    if found is not None:
        tx.run(
            "MATCH (c:Cluster {number: $number}) WHERE c.run = $run MATCH (p:Paper {n: $n})"
            " SET p.cluster = c.number CREATE (p)-[:IN_CLUSTER]->(c)",
            n=paper,
            run=found[0],
            number=found[1],
        )


def choose(tx: Transaction, paper: int) -> None:
    """Give a paper what counts among the works it is made of."""
    for kind in READINGS:
        put_rows(tx, kind, {paper: _chosen(tx, paper, kind)})


def _chosen(tx: Transaction, paper: int, kind: str) -> ReadingRows | None:
    return chosen_of(
        loads(text)
        for (text,) in tx.rows(
            "MATCH (p:Paper {n: $n}) WITH [p.n] + [(m:Merge)-[:INTO]->(p) | m.absorbed] AS works"
            " UNWIND works AS work MATCH (r:Reading {work: work, kind: $kind})"
            " RETURN r.rows ORDER BY work <> $n, work",
            n=paper,
            kind=kind,
        )
    )


def _put_reading(tx: Transaction, work: int, kind: str, rows: object) -> None:
    tx.run(
        "MERGE (r:Reading {work: $work, kind: $kind}) SET r.rows = $rows, r.name = $kind",
        work=work,
        kind=kind,
        rows=dumps(rows, ensure_ascii=False),
    )
