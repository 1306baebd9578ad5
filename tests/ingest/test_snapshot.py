"""A snapshot keeps included papers, their neighbours and the citations between them, and says how covered they are."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from ingest.snapshot import build
from kg.errors import InputError
from kg.identity import text_sha256
from kg.model import Batch, Judgement
from kg.store import GraphStore

TITLES = {
    "2101.00001": "Codec",
    "2102.00002": "Units",
    "2103.00003": "Mel",
    "2104.00004": "Far away",
    "2105.00005": "Alone",
}
INCLUDED = ("2101.00001", "2102.00002", "2105.00005")


def clock() -> str:
    return "2026-02-03T04:05:06+00:00"


def conclude(store: GraphStore) -> None:
    judgements = {
        f"arxiv:{id}": Judgement(
            "include" if id in INCLUDED else "exclude",
            False, (), (), "none", (), "test-1", ("title", "abstract"), text_sha256(title, f"About {title}."),
        )
        for id, title in TITLES.items()
    }  # fmt: skip
    store.upsert(Batch(judgements=judgements))


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()

    def write(name: str, text: str) -> None:
        (folder / name).write_bytes(gzip.compress(text.encode()))

    records = [
        {
            "arxiv_id": id,
            "title": title,
            "abstract": f"About {title}.",
            "authors": ["A B"],
            "categories": ["cs.SD"],
            "published": None,
        }
        for id, title in TITLES.items()
    ]
    write("arxiv_audio.jsonl.gz", "".join(json.dumps(record) + "\n" for record in records))
    write(
        "openalex_works.jsonl.gz",
        json.dumps(
            {
                "openalex_id": "W9",
                "doi": "10.48550/arxiv.2101.00001",
                "arxiv_id": "2101.00001",
                "arxiv_id_via": "doi",
                "title": "Codec",
                "abstract": None,
                "publication_date": None,
                "referenced_works": [],
                "source": "x",
            }
        )
        + "\n",
    )
    write("arxiv_titles.csv.gz", "arxiv_id,title,published\n1901.00007,An old title,2019-01-03\n1901.00008,,\n")
    write(
        "openalex_edges.csv.gz",
        "citing_openalex,cited_openalex,cited_in_works_file,citing_arxiv,cited_arxiv\nW8,W9,1,2103.00003,2101.00001\n",
    )
    write(
        "arxiv_edges.csv.gz",
        "citing_arxiv,cited_arxiv,both_in_gold\n2102.00002,2101.00001,1\n2101.00001,2101.00001,1\n2101.00001,1901.00007,0\n2101.00001,1901.00008,0\n2104.00004,2103.00003,0\n",
    )
    write(
        "arxiv_edges_reflists.csv.gz",
        "citing_arxiv,cited_arxiv,repository,path,method,cited_younger\n2102.00002,2101.00001,r,p,m,0\n",
    )
    return folder


def test_included_papers_and_their_neighbours_are_kept(data, tmp_path) -> None:
    manifest, coverage = build(
        data, tmp_path / "out", built="2026-02-03", protocol="p@1", clock=clock, conclude=conclude
    )
    papers = pq.read_table(tmp_path / "out" / "papers.parquet")["id"].to_pylist()
    assert papers == [
        "arxiv:1901.00007",
        "arxiv:2101.00001",
        "arxiv:2102.00002",
        "arxiv:2103.00003",
        "arxiv:2105.00005",
    ]
    held = pq.read_table(tmp_path / "out" / "citations.parquet").to_pylist()
    assert [(row["citing"], row["cited"]) for row in held] == [
        ("arxiv:2101.00001", "arxiv:1901.00007"),
        ("arxiv:2102.00002", "arxiv:2101.00001"),
        ("arxiv:2103.00003", "arxiv:2101.00001"),
    ]
    assert manifest.counts == {"papers": 5, "included": 3, "citations": 3}
    assert coverage == [("2021", 3, 2, "67%"), ("all", 3, 2, "67%")]
    assert len(manifest.made_from) == 6
    assert {source["licence"] for source in manifest.made_from} >= {"arXiv metadata, CC0", "OpenAlex, CC0"}


def test_the_same_data_and_date_give_the_same_bytes(data, tmp_path) -> None:
    for name in ("one", "other"):
        build(data, tmp_path / name, built="2026-02-03", protocol="p@1", clock=clock, conclude=conclude)
    files = sorted(path.name for path in (tmp_path / "one").iterdir())
    assert files == sorted(path.name for path in (tmp_path / "other").iterdir())
    for name in files:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "other" / name).read_bytes()


def test_a_missing_file_of_the_research_data_is_named(data, tmp_path) -> None:
    (data / "arxiv_edges.csv.gz").unlink()
    with pytest.raises(InputError) as refused:
        build(data, tmp_path / "out", built="2026-02-03", protocol="p@1", clock=clock, conclude=conclude)
    assert "arxiv_edges.csv.gz" in refused.value.where
