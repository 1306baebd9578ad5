"""Makes the bundled corpus from research data: what is read, which papers it keeps, how well citations cover them.

Reading goes through the same doors as a user's own files; judging is handed in, because this room knows no rules.
Nothing of an abstract leaves the scratch store but matched terms and their offsets.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from ingest.files import Ingested, ingest_citations, ingest_papers
from ingest.records import clean_title
from ingest.twins import join_twins
from kg.errors import InputError
from kg.exchange.bundle import Manifest, write_bundle
from kg.model import Batch, Paper, PartialDate
from kg.paper_filter import PaperFilter
from kg.store import GraphStore, open_store

PAPERS = ("arxiv_audio.jsonl.gz", "openalex_works.jsonl.gz")
TITLES = ("arxiv_titles.csv.gz",)
CITATIONS = ("openalex_edges.csv.gz", "arxiv_edges.csv.gz", "arxiv_edges_reflists.csv.gz")
LICENCES = {
    "arxiv_audio.jsonl.gz": "arXiv metadata, CC0",
    "openalex_works.jsonl.gz": "OpenAlex, CC0",
    "arxiv_titles.csv.gz": "arXiv metadata, CC0",
    "openalex_edges.csv.gz": "OpenAlex, CC0",
    "arxiv_edges.csv.gz": "citation pairs, facts without a licence of their own",
    "arxiv_edges_reflists.csv.gz": "citation pairs read out of reference lists in public repositories, facts",
}

CoverageRow = tuple[str, int, int, str]


def build(
    source: Path,
    target: Path,
    *,
    built: str,
    protocol: str,
    clock: Callable[[], str],
    conclude: Callable[[GraphStore], None],
    progress: Callable[[str], None] = lambda _: None,
) -> tuple[Manifest, list[CoverageRow]]:
    """Read the research data in `source`, judge it, write the bundle to `target`.

    Args:
        built: date written into the manifest, so that the same data gives the same bytes.
        conclude: writes verdicts, numbers and clusters into the store it is given.
        progress: is told each step in words.

    Returns:
        The manifest, and per year how many included papers have a citation to or from another included paper.

    Raises:
        InputError: a file of `source` is missing or unreadable.
    """
    with tempfile.TemporaryDirectory() as scratch, open_store(f"sqlite:///{scratch}/snapshot.sqlite") as store:
        for name in PAPERS:
            progress(f"reading {name}")
            _whole(ingest_papers(store, source / name, rejects=Path(scratch) / f"{name}.rejects", clock=clock))
        for name in TITLES:
            progress(f"reading {name}")
            for papers in _titles(source / name):
                store.upsert(Batch(papers=papers))
        for name in CITATIONS:
            progress(f"reading {name}")
            _whole(ingest_citations(store, source / name, rejects=Path(scratch) / f"{name}.rejects", clock=clock))
        progress("joining preprints with their published versions")
        join_twins(store)
        progress("judging")
        conclude(store)
        progress("writing")
        made_from = [
            {"file": name, "sha256": _sha256(source / name), "licence": LICENCES[name]}
            for name in (*PAPERS, *TITLES, *CITATIONS)
        ]
        chosen = with_neighbours(store)
        manifest = write_bundle(store, target, chosen, built=built, protocol=protocol, made_from=made_from)
        return manifest, coverage(store)


def _whole(done: Ingested) -> None:
    if done.truncated:
        raise InputError(
            "The file is damaged",
            where=done.file,
            hint="Restore it: a corpus made from half a file would ship silently.",
        )


def with_neighbours(store: GraphStore) -> list[str]:
    """Ids of the included papers and of every titled paper that cites or is cited by one."""
    included = set(store.ids(PaperFilter()))
    citations = store.table("citations").select(["citing", "cited"])
    kept = set(included)
    for chunk in citations.to_batches():
        for citing, cited in zip(chunk["citing"].to_pylist(), chunk["cited"].to_pylist(), strict=True):
            if citing in included:
                kept.add(cited)
            if cited in included:
                kept.add(citing)
    return sorted(kept & set(store.ids(PaperFilter(include=()))))


def coverage(store: GraphStore) -> list[CoverageRow]:
    """Per year: included papers, those with a citation to or from another included paper, and the share in percent."""
    import pyarrow as pa
    import pyarrow.compute as pc

    papers = store.table("papers")
    included = papers.filter(pc.equal(papers["include"], "include")).select(["id", "year"])
    citations = store.table("citations")
    inside = citations.filter(
        pc.and_(
            pc.is_in(citations["citing"], value_set=included["id"].combine_chunks()),
            pc.is_in(citations["cited"], value_set=included["id"].combine_chunks()),
        )
    )
    joined = pa.chunked_array([*inside["citing"].chunks, *inside["cited"].chunks], type=pa.string())
    linked = pc.is_in(included["id"], value_set=joined.combine_chunks())
    counted: Any = (
        pa.table({"year": included["year"], "linked": pc.cast(linked, pa.int64())})
        .group_by("year")
        .aggregate([("linked", "sum"), ("linked", "count")])
        .sort_by("year")
        .to_pylist()
    )
    counted.append(
        {
            "year": "all",
            "linked_sum": sum(row["linked_sum"] for row in counted),
            "linked_count": sum(row["linked_count"] for row in counted),
        }
    )
    return [
        (
            "unknown" if row["year"] is None else str(row["year"]),
            row["linked_count"],
            row["linked_sum"],
            f"{row['linked_sum'] / row['linked_count']:.0%}" if row["linked_count"] else "-",
        )
        for row in counted
    ]


def _titles(path: Path, size: int = 1_000) -> Iterator[tuple[Paper, ...]]:
    """Papers of which only id, title and date are known; rows without a title stay what they are, cited ids."""
    try:
        with gzip.open(path, "rt", encoding="utf-8", newline="") as lines:
            found = [
                Paper(
                    ids=(f"arxiv:{row['arxiv_id']}",),
                    title=clean_title(row["title"]),
                    published=PartialDate(row["published"], "arxiv") if row["published"] else None,
                    source="arxiv",
                    provenance=path.name,
                )
                for row in csv.DictReader(lines)
                if row["title"].strip()
            ]
    except (OSError, EOFError) as error:
        raise InputError(
            f"The file cannot be read: {error}", where=str(path), hint="Restore the file of the research data."
        ) from error
    for start in range(0, len(found), size):
        yield tuple(found[start : start + size])


def _sha256(path: Path) -> str:
    with path.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
