"""Judgements, measurements and decisions: what rules and persons say of a paper, and which of them counts.

`papers` shows the outcome (effective verdict, topics, token type, quantizers, own bitrates); the tables hold it with
its evidence. A person's decision on a criterion stands beside the rules' verdict in `verdicts.decided` and wins in
`verdicts.effective`; one on "include" wins in `papers.include`.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping
from json import dumps

from kg.batch_readings import JUDGED, MEASURED, judgement_rows, measured_rows, own_bitrates
from kg.checks import INCLUDE
from kg.model import Decision, Judgement, Measured
from kg.sqlite_papers import numbers
from kg.sqlite_readings import clear, insert


def put_judgements(con: sqlite3.Connection, chosen: Mapping[int, Judgement]) -> None:
    """Write what rules concluded in place of what stands."""
    papers = sorted(chosen)
    decided = con.execute(
        "SELECT v.paper, v.criterion, v.decided FROM json_each(?) AS j CROSS JOIN verdicts AS v ON v.paper = j.value"
        " WHERE v.decided IS NOT NULL",
        (numbers(papers),),
    ).fetchall()
    clear(con, JUDGED, papers)
    rows = {n: judgement_rows(each) for n, each in chosen.items()}
    for table in JUDGED:
        insert(con, table, [(n, *row) for n, each in rows.items() for row in each[table]])
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


def put_measured(con: sqlite3.Connection, chosen: Mapping[int, Measured]) -> None:
    """Write the numbers found in place of those that stand."""
    clear(con, MEASURED, sorted(chosen))
    rows = {n: measured_rows(each) for n, each in chosen.items()}
    for table in MEASURED:
        insert(con, table, [(n, *row) for n, each in rows.items() for row in each[table]])
    shown = []
    for n, each in rows.items():
        rates = own_bitrates(each["specifications"])
        shown.append((dumps(rates), rates[0] if rates else None, n))
    con.executemany("UPDATE papers SET bitrates = ?, lowest_bitrate = ? WHERE n = ?", shown)


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
