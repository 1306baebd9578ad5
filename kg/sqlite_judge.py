"""Judgements, measurements and decisions: what rules and persons say of a paper, and which of them counts.

`papers` shows the outcome (effective verdict, topics, token type, quantizers, own bitrates); the tables hold it with
its evidence. A person's decision on a criterion stands beside the rules' verdict in `verdicts.decided` and wins in
`verdicts.effective`; one on "include" wins in `papers.include`.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from json import JSONEncoder, dumps, loads
from typing import TYPE_CHECKING, TypeVar

from kg.combine import reading
from kg.model import Decision, Judgement, Measured, Span
from kg.sqlite_papers import numbers
from kg.sqlite_readings import JUDGED, MEASURED, clear, insert

if TYPE_CHECKING:
    from kg.sqlite_write import BatchWriter

INCLUDE = "include"
_encode = JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
T = TypeVar("T", Judgement, Measured)


def write_judgements(writer: BatchWriter, judgements: Mapping[str, Judgement]) -> None:
    """Write what rules concluded, where nothing made from more text stands."""
    chosen = _replacing(writer, "judgements", judgements)
    if not chosen:
        return
    con = writer.con
    papers = sorted(chosen)
    decided = con.execute(
        "SELECT v.paper, v.criterion, v.decided FROM json_each(?) AS j CROSS JOIN verdicts AS v ON v.paper = j.value"
        " WHERE v.decided IS NOT NULL",
        (numbers(papers),),
    ).fetchall()
    clear(con, JUDGED, papers)
    insert(
        con,
        "judgements",
        [
            (
                n, j.include, int(j.look), j.token_type, _spans(j.token_type_evidence), j.rules,
                ",".join(j.fields_read), j.text_sha256,
            )
            for n, j in chosen.items()
        ],
    )  # fmt: skip
    insert(
        con,
        "verdicts",
        [
            (n, v.criterion, at, v.verdict, _spans(v.evidence), v.reason, v.confidence)
            for n, j in chosen.items()
            for at, v in enumerate(j.verdicts)
        ],
    )
    insert(
        con,
        "tags",
        [(n, t.topic, at, _spans(t.evidence), t.score) for n, j in chosen.items() for at, t in enumerate(j.topics)],
    )
    insert(
        con,
        "quantizers",
        [
            (n, at, q.kind, q.span.field, q.span.start, q.span.end, q.span.text)
            for n, j in chosen.items()
            for at, q in enumerate(j.quantizers)
        ],
    )
    con.executemany(
        "UPDATE papers SET token_type = ?, topics = ?, quantizers = ?,"
        " include = CASE WHEN decided THEN include ELSE ? END WHERE n = ?",
        [
            (
                j.token_type, dumps(sorted({t.topic for t in j.topics})),
                dumps(sorted({q.kind for q in j.quantizers})), j.include, n,
            )
            for n, j in chosen.items()
        ],
    )  # fmt: skip
    con.executemany(
        "INSERT INTO verdicts (paper, criterion, decided) VALUES (?, ?, ?)"
        " ON CONFLICT DO UPDATE SET decided = excluded.decided",
        decided,
    )
    writer.counts["judgements"] += len(chosen)
    writer.changed = True


def write_measured(writer: BatchWriter, measured: Mapping[str, Measured]) -> None:
    """Write the numbers found, where none found in more text stand."""
    chosen = _replacing(writer, "measured", measured)
    if not chosen:
        return
    con = writer.con
    clear(con, MEASURED, sorted(chosen))
    insert(con, "measured", [(n, m.rules, ",".join(m.fields_read), m.text_sha256) for n, m in chosen.items()])
    insert(
        con,
        "specifications",
        [
            (
                n, at, s.quantity, s.value, s.status, s.role, s.subject,
                *((s.span.field, s.span.start, s.span.end, s.span.text) if s.span else (None,) * 4),
            )
            for n, m in chosen.items()
            for at, s in enumerate(m.specifications)
        ],
    )  # fmt: skip
    shown = []
    for n, each in chosen.items():
        rates = sorted({s.value for s in each.specifications if s.quantity == "bitrate_kbps" and s.role == "own"})
        shown.append((dumps(rates), rates[0] if rates else None, n))
    con.executemany("UPDATE papers SET bitrates = ?, lowest_bitrate = ? WHERE n = ?", shown)
    writer.changed = True


def decide(con: sqlite3.Connection, paper: int, work: int, decision: Decision) -> bool:
    """Add a decision to the history; the very same one is stored once. Returns whether it is new."""
    values = (decision.criterion, decision.verdict, decision.reviewer, decision.reason, decision.time)
    if con.execute(
        "SELECT 1 FROM decisions WHERE paper = ? AND criterion = ? AND verdict IS ? AND reviewer = ? AND reason = ?"
        " AND time = ?",
        (paper, *values),
    ).fetchone():
        return False
    con.execute(
        "INSERT INTO decisions (paper, work, criterion, verdict, reviewer, reason, time) VALUES (?, ?, ?, ?, ?, ?, ?)",
        (paper, work, *values),
    )
    redecide(con, [paper])
    return True


def redecide(con: sqlite3.Connection, papers: Iterable[int]) -> None:
    """Make the outcome of decisions and judgement anew: the last decision on each criterion counts."""
    for n in papers:
        latest: dict[str, str | None] = dict(
            con.execute("SELECT criterion, verdict FROM decisions WHERE paper = ? ORDER BY time, n", (n,))
        )
        con.execute("DELETE FROM verdicts WHERE paper = ? AND verdict IS NULL", (n,))
        con.execute("UPDATE verdicts SET decided = NULL WHERE paper = ?", (n,))
        con.executemany(
            "INSERT INTO verdicts (paper, criterion, decided) VALUES (?, ?, ?)"
            " ON CONFLICT DO UPDATE SET decided = excluded.decided",
            [(n, c, verdict) for c, verdict in sorted(latest.items()) if verdict is not None and c != INCLUDE],
        )
        include = latest.get(INCLUDE)
        con.execute(
            "UPDATE papers SET decided = ?, include = coalesce(?, (SELECT include FROM judgements WHERE paper = n))"
            " WHERE n = ?",
            (include is not None, include, n),
        )


def spans(stored: str | None) -> tuple[Span, ...]:
    """Evidence as stored."""
    return tuple([Span(*each) for each in loads(stored)]) if stored and stored != "[]" else ()


def _spans(evidence: Sequence[Span]) -> str:
    if not evidence:
        return "[]"
    return _encode([[s.field, s.start, s.end, s.text] for s in evidence])


def _replacing(writer: BatchWriter, table: str, new: Mapping[str, T]) -> dict[int, T]:
    """Those of the new readings that replace what stands, by paper."""
    if not new:
        return {}
    writer.resolve(new)
    of: dict[int, T] = {}
    for spelling in sorted(new):
        paper = writer.require(spelling)
        if paper is None:
            continue
        # Two ids of one paper: the reading of more text counts, else the later spelling, so that order is no matter.
        before = of.get(paper)
        if before is None or not set(new[spelling].fields_read) < set(before.fields_read):
            of[paper] = new[spelling]
    wanted = numbers(of)
    standing = {
        n: (fields.split(","), rules, digest)
        for n, fields, rules, digest in writer.con.execute(
            f"SELECT t.paper, t.fields_read, t.rules, t.text_sha256 FROM json_each(?) AS j CROSS JOIN {table} AS t"
            " ON t.paper = j.value",
            (wanted,),
        )
    }
    present = dict(
        writer.con.execute(
            "SELECT p.n, p.text_sha256 FROM json_each(?) AS j CROSS JOIN papers AS p ON p.n = j.value", (wanted,)
        )
    )
    chosen: dict[int, T] = {}
    for n in sorted(of):
        each = of[n]
        old = standing.get(n)
        outcome = (
            "replace" if old is None else reading((each.fields_read, each.rules, each.text_sha256), old, present[n])
        )
        if outcome == "replace":
            chosen[n] = each
        elif outcome == "less" and table == "judgements":
            writer.counts["judgements_kept"] += 1
    return chosen
