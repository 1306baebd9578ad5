"""Judgements, measurements and decisions: what rules and persons say of a paper, and which of them counts.

`papers` shows the outcome (effective verdict, topics, token type, quantizers, own bitrates); the tables hold it with
its evidence. A person's decision on a criterion stands beside the rules' verdict in `verdicts.decided` and wins in
`verdicts.effective`; one on "include" wins in `papers.include`.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from json import JSONEncoder, dumps, loads
from typing import TYPE_CHECKING, Any, TypeVar

from kg.combine import reading
from kg.model import Decision, Judgement, Measured, Span
from kg.sqlite_papers import numbers

if TYPE_CHECKING:
    from kg.sqlite_write import BatchWriter

INCLUDE = "include"
_JUDGED = {
    "judgements": ("include", "look", "token_type", "token_type_evidence", "rules", "fields_read", "text_sha256"),
    "verdicts": ("criterion", "position", "verdict", "evidence", "reason", "confidence"),
    "tags": ("topic", "position", "evidence", "score"),
    "quantizers": ("position", "kind", "field", "start", '"end"', "text"),
}
_MEASURED = {
    "measured": ("rules", "fields_read", "text_sha256"),
    "specifications": (
        "position", "quantity", "value", "status", "role", "subject", "field", "start", '"end"', "text",
    ),
}  # fmt: skip
_READINGS = {"judgement": _JUDGED, "measured": _MEASURED}
Rows = dict[str, list[list[Any]]]
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
    _clear(con, _JUDGED, papers)
    _insert(
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
    _insert(
        con,
        "verdicts",
        [
            (n, v.criterion, at, v.verdict, _spans(v.evidence), v.reason, v.confidence)
            for n, j in chosen.items()
            for at, v in enumerate(j.verdicts)
        ],
    )
    _insert(
        con,
        "tags",
        [(n, t.topic, at, _spans(t.evidence), t.score) for n, j in chosen.items() for at, t in enumerate(j.topics)],
    )
    _insert(
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
    _clear(con, _MEASURED, sorted(chosen))
    _insert(con, "measured", [(n, m.rules, ",".join(m.fields_read), m.text_sha256) for n, m in chosen.items()])
    _insert(
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


def lay_aside(con: sqlite3.Connection, kept: int, absorbed: int) -> dict[str, Any]:
    """Before a merge: what was concluded of both, and leave what counts for both on `kept`.

    The kept work's conclusions count, unless those of the absorbed one were made from more text.
    """
    aside: dict[str, Any] = {}
    for name, tables in _READINGS.items():
        of_kept, of_absorbed = _rows(con, tables, kept), _rows(con, tables, absorbed)
        aside[name] = {"kept": of_kept, "absorbed": of_absorbed}
        _clear(con, tables, [absorbed])
        if of_absorbed is not None and (of_kept is None or _fields(name, of_kept) < _fields(name, of_absorbed)):
            _put(con, tables, kept, of_absorbed)
    con.execute("DELETE FROM verdicts WHERE paper = ?", (absorbed,))
    clusters = dict(con.execute("SELECT paper, cluster FROM cluster_members WHERE paper IN (?, ?)", (kept, absorbed)))
    aside["cluster"] = clusters.get(absorbed)
    con.execute("DELETE FROM cluster_members WHERE paper = ?", (absorbed,))
    summarise(con, kept)
    return aside


def restore(con: sqlite3.Connection, kept: int, absorbed: int, aside: Mapping[str, Any]) -> None:
    """After a merge was undone: give the absorbed work its own conclusions back, and the kept one its own.

    What was concluded of both together since stays with the kept work.
    """
    for name, tables in _READINGS.items():
        of_kept, of_absorbed = aside[name]["kept"], aside[name]["absorbed"]
        if of_absorbed is not None and _rows(con, tables, kept) == of_absorbed != of_kept:
            _put(con, tables, kept, of_kept)
        _put(con, tables, absorbed, of_absorbed)
    if aside["cluster"] is not None:
        con.execute("INSERT INTO cluster_members VALUES (?, ?)", (absorbed, aside["cluster"]))
    summarise(con, kept)
    summarise(con, absorbed)


def summarise(con: sqlite3.Connection, paper: int) -> None:
    """Make what lists show of a paper's judgement and measurement anew."""
    topics = [topic for (topic,) in con.execute("SELECT topic FROM tags WHERE paper = ? ORDER BY topic", (paper,))]
    kinds = [
        kind for (kind,) in con.execute("SELECT DISTINCT kind FROM quantizers WHERE paper = ? ORDER BY kind", (paper,))
    ]
    rates = [
        value
        for (value,) in con.execute(
            "SELECT DISTINCT value FROM specifications WHERE paper = ? AND quantity = 'bitrate_kbps' AND role = 'own'"
            " ORDER BY value",
            (paper,),
        )
    ]
    con.execute(
        "UPDATE papers SET token_type = (SELECT token_type FROM judgements WHERE paper = n), topics = ?,"
        " quantizers = ?, bitrates = ?, lowest_bitrate = ? WHERE n = ?",
        (dumps(topics), dumps(kinds), dumps(rates), rates[0] if rates else None, paper),
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


def _clear(con: sqlite3.Connection, tables: Mapping[str, Sequence[str]], papers: Sequence[int]) -> None:
    wanted = numbers(papers)
    for table in tables:
        con.execute(f"DELETE FROM {table} WHERE paper IN (SELECT value FROM json_each(?))", (wanted,))


def _columns(table: str) -> Sequence[str]:
    return _JUDGED.get(table) or _MEASURED[table]


def _insert(con: sqlite3.Connection, table: str, rows: Iterable[Sequence[object]]) -> None:
    columns = _columns(table)
    con.executemany(
        f"INSERT INTO {table} (paper, {', '.join(columns)}) VALUES (?{', ?' * len(columns)})",
        rows,
    )


def _rows(con: sqlite3.Connection, tables: Mapping[str, Sequence[str]], paper: int) -> Rows | None:
    found: Rows = {}
    for table, columns in tables.items():
        extra = " AND verdict IS NOT NULL" if table == "verdicts" else ""
        found[table] = [
            list(row)
            for row in con.execute(
                f"SELECT {', '.join(columns)} FROM {table} WHERE paper = ?{extra} ORDER BY {columns[0]}",
                (paper,),
            )
        ]
    return found if found[next(iter(tables))] else None


def _put(con: sqlite3.Connection, tables: Mapping[str, Sequence[str]], paper: int, rows: Rows | None) -> None:
    _clear(con, tables, [paper])
    for table in tables:
        _insert(con, table, [(paper, *row) for row in (rows or {}).get(table, ())])


def _fields(name: str, rows: Rows) -> set[str]:
    table = next(iter(_READINGS[name]))
    at = _columns(table).index("fields_read")
    return set(rows[table][0][at].split(","))
