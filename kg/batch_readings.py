"""Which judgements and measurements of a batch replace what stands, and how they are taken apart and put together.

A reading is kept as plain rows by table, in the order of the columns here: what an engine writes, what a merge lays
aside (as JSON), and what a copy carries from one engine to the other.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from json import JSONEncoder, loads
from typing import Any, TypeVar, cast

from kg.batch import BatchWriter
from kg.combine import reading
from kg.model import Field, Judgement, Measured, Quantizer, Span, Specification, Tag, Verdict

JUDGED = {
    "judgements": ("include", "look", "token_type", "token_type_evidence", "rules", "fields_read", "text_sha256"),
    "verdicts": ("criterion", "position", "verdict", "evidence", "reason", "confidence"),
    "tags": ("topic", "position", "evidence", "score"),
    "quantizers": ("position", "kind", "field", "start", "end", "text"),
}
MEASURED = {
    "measured": ("rules", "fields_read", "text_sha256"),
    "specifications": (
        "position", "quantity", "value", "status", "role", "subject", "field", "start", "end", "text",
    ),
}  # fmt: skip
READINGS = {"judgement": JUDGED, "measured": MEASURED}

_encode = JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode

ReadingRows = dict[str, list[list[Any]]]
"""Rows by table, without the paper; each list of rows is ordered by its first column."""

T = TypeVar("T", Judgement, Measured)


def write_judgements(writer: BatchWriter, judgements: Mapping[str, Judgement]) -> None:
    """Write what rules concluded, where nothing made from more text stands."""
    chosen = _replacing(writer, "judgements", judgements)
    if chosen:
        if writer.log:
            writer.log.watch((), judged=chosen)
        writer.rows.put_judgements(chosen)
        writer.counts["judgements"] += len(chosen)
        writer.changed = True


def write_measured(writer: BatchWriter, measured: Mapping[str, Measured]) -> None:
    """Write the numbers found, where none found in more text stand."""
    chosen = _replacing(writer, "measured", measured)
    if chosen:
        writer.rows.put_measured(chosen)
        writer.changed = True


def _replacing(writer: BatchWriter, kind: str, new: Mapping[str, T]) -> dict[int, T]:
    """Those of the new readings that replace what stands, by paper."""
    if not new:
        return {}
    writer.resolve(new)
    of: dict[int, T] = {}
    for spelling in sorted(new):
        place = writer.require(spelling)
        if place is None:
            continue
        paper, _ = place
        # Two ids of one paper: the reading of more text counts, else the later spelling, so that order is no matter.
        before = of.get(paper)
        if before is None or not set(new[spelling].fields_read) < set(before.fields_read):
            of[paper] = new[spelling]
    papers = list(of)
    standing = writer.rows.read_by(kind, papers)
    present = writer.rows.texts(papers)
    chosen: dict[int, T] = {}
    for n in sorted(of):
        each = of[n]
        old = standing.get(n)
        outcome = (
            "replace" if old is None else reading((each.fields_read, each.rules, each.text_sha256), old, present[n])
        )
        if outcome == "replace":
            chosen[n] = each
        elif outcome == "less" and kind == "judgements":
            writer.counts["judgements_kept"] += 1
    return chosen


def chosen_of(readings: Iterable[ReadingRows | None]) -> ReadingRows | None:
    """What counts for a paper among the readings of its works, its own first: the first, unless one read more."""
    chosen: ReadingRows | None = None
    for rows in readings:
        if rows is not None and (chosen is None or _fields(chosen) < _fields(rows)):
            chosen = rows
    return chosen


def _fields(rows: ReadingRows) -> set[str]:
    table = next(iter(rows))
    return set(rows[table][0][(JUDGED.get(table) or MEASURED[table]).index("fields_read")].split(","))


def judgement_rows(judgement: Judgement) -> ReadingRows:
    """A judgement as rows."""
    return {
        "judgements": [
            [
                judgement.include, int(judgement.look), judgement.token_type, packed(judgement.token_type_evidence),
                judgement.rules, ",".join(judgement.fields_read), judgement.text_sha256,
            ]
        ],
        "verdicts": [
            [v.criterion, at, v.verdict, packed(v.evidence), v.reason, _real(v.confidence)]
            for at, v in enumerate(judgement.verdicts)
        ],
        "tags": [[t.topic, at, packed(t.evidence), _real(t.score)] for at, t in enumerate(judgement.topics)],
        "quantizers": [
            [at, q.kind, q.span.field, q.span.start, q.span.end, q.span.text]
            for at, q in enumerate(judgement.quantizers)
        ],
    }  # fmt: skip


def judgement(rows: ReadingRows) -> Judgement:
    """A judgement from its rows in any order."""
    include, look, token_type, token_type_evidence, rules, fields_read, digest = rows["judgements"][0]
    return Judgement(
        include=include,
        look=look == 1,
        verdicts=tuple(
            [
                Verdict(criterion, verdict, spans(evidence), reason, confidence)
                for criterion, _, verdict, evidence, reason, confidence in _placed(rows["verdicts"], 1)
            ]
        ),
        topics=tuple([Tag(topic, spans(evidence), score) for topic, _, evidence, score in _placed(rows["tags"], 1)]),
        token_type=token_type,
        quantizers=tuple([Quantizer(kind, Span(*span)) for _, kind, *span in _placed(rows["quantizers"], 0)]),
        rules=rules,
        fields_read=fields_of(fields_read),
        text_sha256=digest,
        token_type_evidence=spans(token_type_evidence),
    )


def measured_rows(measured: Measured) -> ReadingRows:
    """A measurement as rows."""
    return {
        "measured": [[measured.rules, ",".join(measured.fields_read), measured.text_sha256]],
        "specifications": [
            [
                at, s.quantity, float(s.value), s.status, s.role, s.subject,
                *((s.span.field, s.span.start, s.span.end, s.span.text) if s.span else (None,) * 4),
            ]
            for at, s in enumerate(measured.specifications)
        ],
    }  # fmt: skip


def measured(rows: ReadingRows) -> Measured:
    """A measurement from its rows in any order."""
    rules, fields_read, digest = rows["measured"][0]
    return Measured(
        specifications=tuple(
            [
                Specification(quantity, value, status, role, None if span[0] is None else Span(*span), subject)
                for _, quantity, value, status, role, subject, *span in _placed(rows["specifications"], 0)
            ]
        ),
        rules=rules,
        fields_read=fields_of(fields_read),
        text_sha256=digest,
    )


def packed(evidence: Sequence[Span]) -> str:
    """Evidence as JSON text."""
    if not evidence:
        return "[]"
    return _encode([[s.field, s.start, s.end, s.text] for s in evidence])


def _real(value: float | None) -> float | None:
    # Engines that know types keep 1 and 1.0 apart.
    return None if value is None else float(value)


def spans(stored: str | None) -> tuple[Span, ...]:
    """Evidence as stored."""
    return tuple([Span(*each) for each in loads(stored)]) if stored and stored != "[]" else ()


def fields_of(stored: str) -> tuple[Field, ...]:
    """The fields read, as stored."""
    return tuple(cast(list[Field], stored.split(","))) if stored else ()


def own_bitrates(specifications: Sequence[Sequence[Any]]) -> list[float]:
    """The paper's own bitrates in kbps, ascending, from rows of specifications."""
    return sorted({row[2] for row in specifications if row[1] == "bitrate_kbps" and row[4] == "own"})


def _placed(rows: Sequence[Sequence[Any]], at: int) -> list[Sequence[Any]]:
    return sorted(rows, key=lambda row: row[at])
