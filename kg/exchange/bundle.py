"""The bundled corpus: a store's bibliographic facts and verdicts as Parquet files, without abstracts or sentences.

What a bundle holds: works with ids, titles, dates, venues, authors and provenance; citations between them; verdicts,
topics, token types, quantizers and numbers with the matched terms and their offsets (a matched term is at most
`TERM_SHOWN` characters, a fact about a text and not the text); one clustering. `manifest.json` says what it was made
from. Rows are sorted, so the same store gives the same files.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from kg.answers import PaperDetails
from kg.errors import InputError
from kg.model import (
    Author,
    Batch,
    Citation,
    Cluster,
    Judgement,
    Manifestation,
    Measured,
    Paper,
    PartialDate,
    Quantizer,
    Span,
    Specification,
    Tag,
    Verdict,
)
from kg.store import GraphStore

FORMAT = 1
TERM_SHOWN = 120
FILES = ("papers.parquet", "citations.parquet", "judgements.parquet", "specifications.parquet", "clusters.parquet")
MANIFEST = "manifest.json"


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a bundle holds and what it was made from. `sha256` is that of all data files: the bundle's identity."""

    format: int
    built: str
    protocol: str
    rules: str | None
    counts: Mapping[str, int]
    made_from: Sequence[Mapping[str, str]]
    sha256: str


def write_bundle(
    store: GraphStore,
    folder: Path,
    ids: Sequence[str],
    *,
    built: str,
    protocol: str,
    made_from: Sequence[Mapping[str, str]],
) -> Manifest:
    """Write the papers `ids` and everything between them to `folder`; returns the manifest written beside them.

    Raises:
        NotFound: an id is not in the store.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    folder.mkdir(parents=True, exist_ok=True)
    # Without a manifest a half-written folder is no bundle, so it goes first and comes back last.
    (folder / MANIFEST).unlink(missing_ok=True)
    details = [store.paper(id) for id in sorted(ids)]
    inside = {detail.row.id for detail in details}
    kept = store.clusters()
    cited = store.table("citations").to_pylist()
    tables = {
        "papers.parquet": [_paper_row(detail) for detail in details],
        "citations.parquet": [
            {name: row.get(name) for name in ("citing", "cited", "sources", "influential", "intents")}
            for row in cited
            if row["citing"] in inside and row["cited"] in inside
        ],
        "judgements.parquet": [
            {"paper": detail.row.id, **_judgement_row(detail.judgement)} for detail in details if detail.judgement
        ],
        "specifications.parquet": [
            {"paper": detail.row.id, **_plain(asdict(detail.measured))} for detail in details if detail.measured
        ],
        "clusters.parquet": [_plain(asdict(cluster)) for cluster in kept.clusters] if kept else [],
    }
    for name, rows in tables.items():
        pq.write_table(pa.Table.from_pylist(rows, schema=_schema(name)), folder / name, compression="zstd")
    manifest = Manifest(
        format=FORMAT,
        built=built,
        protocol=protocol,
        rules=store.counts().rules,
        counts={
            "papers": len(details),
            "included": sum(detail.row.include == "include" for detail in details),
            "citations": len(tables["citations.parquet"]),
        },
        made_from=made_from,
        sha256=_digest(folder),
    )
    (folder / MANIFEST).write_text(json.dumps(asdict(manifest), indent=1, sort_keys=True) + "\n", encoding="utf-8")
    return manifest


def read_manifest(folder: Path) -> Manifest:
    """What stands in `folder`, without reading the data.

    Raises:
        InputError: no manifest, or one that this program does not read.
    """
    path = folder / MANIFEST
    try:
        fields = json.loads(path.read_text(encoding="utf-8"))
        manifest = Manifest(**fields)
    except FileNotFoundError as error:
        raise InputError(
            "There is no bundle here",
            where=str(folder),
            hint=f"Name a folder with a {MANIFEST}, made by `snapshot build`.",
        ) from error
    except (ValueError, TypeError) as error:
        raise InputError(
            f"The manifest cannot be read: {error}",
            where=str(path),
            hint="Build the bundle anew with `snapshot build`.",
        ) from error
    counted = isinstance(manifest.counts, dict) and all(
        isinstance(manifest.counts.get(name), int) for name in ("papers", "included", "citations")
    )
    if not counted:
        raise InputError(
            "The manifest does not say how many papers, included papers and citations there are",
            where=str(path),
            field="counts",
            value=manifest.counts,
            hint="Build the bundle anew with `snapshot build`.",
        )
    if manifest.format != FORMAT:
        raise InputError(
            f"The bundle has format {manifest.format}; this program reads format {FORMAT}",
            where=str(path),
            field="format",
            value=manifest.format,
            expected=str(FORMAT),
            hint="Update the program, or build the bundle anew.",
        )
    return manifest


def verify(folder: Path, manifest: Manifest) -> None:
    """Compare the data files with the manifest's digest.

    Raises:
        InputError: a file is missing or is not the one that the manifest was written for.
    """
    try:
        found = _digest(folder)
    except OSError as error:
        raise InputError(
            f"A file of the bundle cannot be read: {error.strerror}",
            where=error.filename or str(folder),
            hint="Restore the file, or build anew.",
        ) from error
    if found != manifest.sha256:
        raise InputError(
            "The files of the bundle are not those that its manifest was written for",
            where=str(folder),
            field="sha256",
            value=found,
            expected=manifest.sha256,
            hint="Restore the folder as a whole, or build anew with `snapshot build`.",
        )


def read_batches(folder: Path, *, size: int = 2_000) -> Iterator[Batch]:
    """The bundle as batches: papers with their verdicts and numbers first, then the citations between them.

    Raises:
        InputError: a data file is missing or damaged.
    """
    judgements = {row.pop("paper"): _judgement(row) for row in _rows(folder, "judgements.parquet")}
    measured = {row.pop("paper"): _measured(row) for row in _rows(folder, "specifications.parquet")}
    for rows in _chunks(_rows(folder, "papers.parquet"), size):
        papers = tuple(paper for row in rows for paper in _papers(row))
        named = [row["id"] for row in rows]
        yield Batch(
            papers=papers,
            judgements={id: judgements[id] for id in named if id in judgements},
            measured={id: measured[id] for id in named if id in measured},
        )
    for rows in _chunks(_rows(folder, "citations.parquet"), 10 * size):
        yield Batch(
            citations=tuple(
                Citation(
                    row["citing"],
                    row["cited"],
                    source,
                    row["influential"],
                    None if row["intents"] is None else tuple(row["intents"]),
                )
                for row in rows
                for source in row["sources"]
            )
        )


def read_clusters(folder: Path) -> tuple[tuple[Cluster, ...], dict[str, int]]:
    """The clustering of a bundle and which paper is in which cluster."""
    clusters = tuple(Cluster(**{**row, "terms": tuple(row["terms"])}) for row in _rows(folder, "clusters.parquet"))
    members = {row["id"]: row["cluster"] for row in _rows(folder, "papers.parquet", ["id", "cluster"])}
    return clusters, {id: number for id, number in members.items() if number is not None}


def _chunks(rows: Sequence[dict[str, Any]], size: int) -> Iterator[Sequence[dict[str, Any]]]:
    for start in range(0, len(rows), size):
        yield rows[start : start + size]


def _rows(folder: Path, name: str, columns: list[str] | None = None) -> list[dict[str, Any]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        rows: list[dict[str, Any]] = pq.read_table(folder / name, columns=columns).to_pylist()
    except (OSError, pa.ArrowException) as error:
        raise InputError(
            f"A file of the bundle cannot be read: {error}",
            where=str(folder / name),
            hint="Restore the file, or build anew.",
        ) from error
    return rows


def _digest(folder: Path) -> str:
    total = hashlib.sha256()
    for name in FILES:
        total.update(hashlib.sha256((folder / name).read_bytes()).digest())
    return total.hexdigest()


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    return [_plain(each) for each in value] if isinstance(value, list | tuple) else value


def _short(spans: Iterable[Span]) -> tuple[Span, ...]:
    return tuple(span for span in spans if len(span.text) <= TERM_SHOWN)


def _paper_row(detail: PaperDetails) -> dict[str, Any]:
    paper = detail.paper
    return {
        "id": detail.row.id,
        "ids": list(paper.ids),
        "title": paper.title,
        "published": paper.published.value if paper.published else None,
        "published_source": paper.published.source if paper.published else None,
        "venue": paper.venue,
        "categories": None if paper.categories is None else list(paper.categories),
        "authors": None if paper.authors is None else [asdict(author) for author in paper.authors],
        "manifestations": [asdict(each) for each in paper.manifestations],
        "references_stated": paper.references_stated,
        "citations_stated": paper.citations_stated,
        "sources": [{"source": each.source, "provenance": each.provenance} for each in detail.sources],
        "cluster": detail.row.cluster,
    }


def _papers(row: Mapping[str, Any]) -> Iterator[Paper]:
    """One record per source that told of the paper, so that counts per source survive."""
    paper = Paper(
        ids=(row["id"], *(id for id in row["ids"] if id != row["id"])),
        title=row["title"],
        published=PartialDate(row["published"], row["published_source"]) if row["published"] else None,
        venue=row["venue"],
        categories=None if row["categories"] is None else tuple(row["categories"]),
        authors=None if row["authors"] is None else tuple(Author(**author) for author in row["authors"]),
        manifestations=tuple(Manifestation(**each) for each in row["manifestations"]),
        references_stated=row["references_stated"],
        citations_stated=row["citations_stated"],
    )
    told: list[dict[str, Any]] = row["sources"] or [{"source": "bundle", "provenance": None}]
    for each in told:
        yield replace(paper, source=each["source"], provenance=each["provenance"])


def _judgement_row(judgement: Judgement) -> dict[str, Any]:
    shown = replace(
        judgement,
        verdicts=tuple(replace(each, evidence=_short(each.evidence)) for each in judgement.verdicts),
        topics=tuple(replace(each, evidence=_short(each.evidence)) for each in judgement.topics),
        token_type_evidence=_short(judgement.token_type_evidence),
        quantizers=tuple(each for each in judgement.quantizers if len(each.span.text) <= TERM_SHOWN),
    )
    row: dict[str, Any] = _plain(asdict(shown))
    return row


def _spans(rows: Iterable[Mapping[str, Any]]) -> tuple[Span, ...]:
    return tuple(Span(**row) for row in rows)


def _judgement(row: Mapping[str, Any]) -> Judgement:
    return Judgement(
        **{
            **row,
            "verdicts": tuple(Verdict(**{**each, "evidence": _spans(each["evidence"])}) for each in row["verdicts"]),
            "topics": tuple(Tag(**{**each, "evidence": _spans(each["evidence"])}) for each in row["topics"]),
            "quantizers": tuple(Quantizer(each["kind"], Span(**each["span"])) for each in row["quantizers"]),
            "fields_read": tuple(row["fields_read"]),
            "token_type_evidence": _spans(row["token_type_evidence"]),
        }
    )


def _measured(row: Mapping[str, Any]) -> Measured:
    found = tuple(
        Specification(**{**each, "span": Span(**each["span"]) if each["span"] else None})
        for each in row["specifications"]
    )
    return Measured(**{**row, "specifications": found, "fields_read": tuple(row["fields_read"])})


def _schema(name: str) -> Any:
    import pyarrow as pa

    text, texts, whole = pa.string(), pa.list_(pa.string()), pa.int32()
    span = pa.struct([("field", text), ("start", whole), ("end", whole), ("text", text)])
    verdict = pa.struct(
        [
            ("criterion", text),
            ("verdict", text),
            ("evidence", pa.list_(span)),
            ("reason", text),
            ("confidence", pa.float64()),
        ]
    )
    tag = pa.struct([("topic", text), ("evidence", pa.list_(span)), ("score", pa.float64())])
    number = pa.struct(
        [
            ("quantity", text),
            ("value", pa.float64()),
            ("status", text),
            ("role", text),
            ("span", span),
            ("subject", text),
        ]
    )
    read = [("rules", text), ("fields_read", texts), ("text_sha256", text)]
    author = pa.struct([("id", text), ("name", text), ("name_only", pa.bool_())])
    manifestation = pa.struct([("scheme", text), ("value", text), ("version", whole), ("source", text)])
    fields = {
        "papers.parquet": [
            ("id", text), ("ids", texts), ("title", text), ("published", text), ("published_source", text),
            ("venue", text), ("categories", texts), ("authors", pa.list_(author)),
            ("manifestations", pa.list_(manifestation)), ("references_stated", whole), ("citations_stated", whole),
            ("sources", pa.list_(pa.struct([("source", text), ("provenance", text)]))), ("cluster", whole),
        ],
        "citations.parquet": [
            ("citing", text), ("cited", text), ("sources", texts), ("influential", pa.bool_()), ("intents", texts)
        ],
        "judgements.parquet": [
            ("paper", text), ("include", text), ("look", pa.bool_()), ("verdicts", pa.list_(verdict)),
            ("topics", pa.list_(tag)), ("token_type", text), ("token_type_evidence", pa.list_(span)),
            ("quantizers", pa.list_(pa.struct([("kind", text), ("span", span)]))), *read,
        ],
        "specifications.parquet": [("paper", text), ("specifications", pa.list_(number)), *read],
        "clusters.parquet": [
            ("run", text), ("number", whole), ("label", text), ("terms", texts), ("size", whole),
            ("stability", pa.float64()),
        ],
    }  # fmt: skip
    return pa.schema(fields[name])
