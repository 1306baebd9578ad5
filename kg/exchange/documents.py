"""The JSON documents that `--json` prints: plain values, stable names, unknown as null."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from kg.answers import PaperDetails, PaperPage, PaperRow, StoreCounts
from kg.model import TOPICS

SCHEMA = 1
ROW_COLUMNS = (
    "id",
    "title",
    "year",
    "published",
    "venue",
    "first_author",
    "authors",
    "include",
    "decided",
    "topics",
    "token_type",
    "quantizers",
    "bitrates_kbps",
    "cited_by",
    "references",
    "citations_stated",
    "cluster",
    "url",
)


def paper_url(id: str) -> str | None:
    """Where a work can be read, `None` for ids that no site resolves."""
    scheme, _, value = id.partition(":")
    homes = {
        "arxiv": "https://arxiv.org/abs/",
        "doi": "https://doi.org/",
        "openalex": "https://openalex.org/",
        "s2": "https://www.semanticscholar.org/paper/",
        "corpusid": "https://api.semanticscholar.org/CorpusID:",
    }
    return homes[scheme] + value if scheme in homes else None


def row_values(row: PaperRow) -> tuple[object, ...]:
    """The values of `ROW_COLUMNS` for one paper."""
    return (
        row.id,
        row.title,
        row.year,
        row.published,
        row.venue,
        row.first_author,
        row.authors,
        row.include,
        row.decided,
        row.topics,
        row.token_type,
        row.quantizers,
        row.bitrates,
        row.cited_by,
        row.references,
        row.citations_stated,
        row.cluster,
        paper_url(row.id),
    )


def row_document(row: PaperRow) -> dict[str, Any]:
    """One paper of a list."""
    return {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in zip(ROW_COLUMNS, row_values(row), strict=True)
    }


def page_document(page: PaperPage) -> dict[str, Any]:
    """A page of a list, with its totals."""
    return {
        "schema": SCHEMA,
        "total": page.total,
        "of": page.of,
        "offset": page.offset,
        "papers": [row_document(row) for row in page.rows],
    }


def details_document(details: PaperDetails) -> dict[str, Any]:
    """One paper with everything known."""
    return {
        "schema": SCHEMA,
        **row_document(details.row),
        "ids": list(details.paper.ids),
        "abstract": details.paper.abstract,
        "date": asdict(details.paper.published) if details.paper.published else None,
        "categories": None if details.paper.categories is None else list(details.paper.categories),
        "author_names": None if details.paper.authors is None else [author.name for author in details.paper.authors],
        "judgement": asdict(details.judgement) if details.judgement else None,
        "measured": asdict(details.measured) if details.measured else None,
        "decisions": {criterion: asdict(decision) for criterion, decision in details.decisions.items()},
        "history": [asdict(decision) for decision in details.history],
        "sources": [asdict(source) for source in details.sources],
        "lists": list(details.lists),
        "merged": list(details.merged),
    }


def status_document(
    counts: StoreCounts, *, store: str, engine: str, store_schema: int, protocol: str
) -> dict[str, Any]:
    """What `status --json` prints: a fixed contract, relied on from outside."""
    return {
        "schema": SCHEMA,
        "store_schema": store_schema,
        "store": store,
        "engine": engine,
        "papers": counts.papers,
        "stubs": counts.stubs,
        "authors": counts.authors,
        "citations": counts.citations,
        "topics": {topic: counts.topics.get(topic, 0) for topic in TOPICS},
        "include": {verdict: counts.include.get(verdict, 0) for verdict in ("include", "exclude", "unclear")},
        "specifications": counts.specifications,
        "sources": dict(counts.sources),
        "protocol": protocol,
        "rules": counts.rules,
        "last_ingest": counts.last_ingest,
    }
