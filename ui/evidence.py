"""Evidence in place: text from outside with the spans that verdicts, topics and numbers rest on.

A span is drawn only where the characters under it are exactly the ones recorded. With the digest of the text that was
read this always holds; when the abstract is not stored, or has changed, it still lets the title keep its evidence.
Everything else is listed as a matched term. All output is HTML with every outside character escaped.
"""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from kg.identity import text_sha256
from kg.model import Field, Judgement, Measured, Paper, Span
from ui.text import visible


@dataclass(frozen=True, slots=True)
class Mark:
    """A span with what it is evidence for; `kind` is "verdict", "topic", "token" or "number"."""

    span: Span
    kind: str
    label: str


def marks(judgement: Judgement | None, measured: Measured | None, quantity_name: dict[str, str]) -> list[Mark]:
    """Every span of a paper. `quantity_name` gives the words for quantities."""
    found: list[Mark] = []
    if judgement is not None:
        for verdict in judgement.verdicts:
            found += [Mark(span, "verdict", verdict.criterion) for span in verdict.evidence]
        for tag in judgement.topics:
            found += [Mark(span, "topic", tag.topic) for span in tag.evidence]
        found += [Mark(span, "token", judgement.token_type or "") for span in judgement.token_type_evidence]
        found += [Mark(each.span, "token", each.kind) for each in judgement.quantizers]
    if measured is not None:
        found += [
            Mark(each.span, "number", quantity_name.get(each.quantity, each.quantity))
            for each in measured.specifications
            if each.span is not None
        ]
    return found


def reads_present_text(paper: Paper, sha256: str) -> bool:
    """Whether the digest is that of the text which the store holds now."""
    return text_sha256(paper.title, paper.abstract) == sha256


def in_place(text: str | None, field: Field, found: Iterable[Mark]) -> list[Mark]:
    """The marks that can be drawn in a field."""
    if text is None:
        return []
    return [
        each
        for each in found
        if each.span.field == field
        and 0 <= each.span.start < each.span.end <= len(text)
        and text[each.span.start : each.span.end] == each.span.text
    ]


def marked(text: str, found: Sequence[Mark]) -> str:
    """HTML of a text with marks; overlapping ones share their part, and a hover names what each is evidence for."""
    edges = sorted({0, len(text), *(edge for each in found for edge in (each.span.start, each.span.end))})
    parts: list[str] = []
    for start, end in pairwise(edges):
        piece = html.escape(visible(text[start:end]))
        over = [each for each in found if each.span.start <= start and end <= each.span.end]
        if not over:
            parts.append(piece)
            continue
        labels = ", ".join(dict.fromkeys(each.label for each in over if each.label))
        kind = "number" if any(each.kind == "number" for each in over) else "words"
        parts.append(f'<mark class="{kind}" title="{html.escape(labels)}">{piece}</mark>')
    return "".join(parts)


def terms(spans: Iterable[Span]) -> list[str]:
    """The distinct matched texts, in order, folded by case."""
    found: dict[str, str] = {}
    for span in spans:
        shown = " ".join(span.text.split())
        found.setdefault(shown.casefold(), shown)
    return list(found.values())


def term_list(spans: Iterable[Span], limit: int = 8) -> str:
    """HTML of matched terms, at most `limit`, an ellipsis for the rest."""
    found = terms(spans)
    shown = [f'<span class="term">{html.escape(each[:80])}</span>' for each in found[:limit]]
    return " ".join([*shown, *(["…"] if len(found) > limit else [])])
