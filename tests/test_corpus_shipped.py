"""What ships in data/corpus: small, made by the present rules, no sentences, complete in its citations."""

from __future__ import annotations

import csv
import gzip

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from analysis.screening import Judge
from kg.exchange.bundle import FILES, TERM_SHOWN, read_manifest
from kg.identity import title_key
from kg.protocol import load_protocol
from tests.conftest import ROOT

CORPUS = ROOT / "data" / "corpus"


def spans_of(table: pa.Table) -> list[dict[str, object]]:
    found = []
    for row in table.to_pylist():
        for each in [*row["verdicts"], *row["topics"]]:
            found += [{"paper": row["paper"], **span} for span in each["evidence"]]
        found += [{"paper": row["paper"], **span} for span in row["token_type_evidence"]]
    return found


def test_it_is_small_and_its_manifest_is_true() -> None:
    manifest = read_manifest(CORPUS)
    assert sum((CORPUS / name).stat().st_size for name in FILES) < 10_000_000
    papers = pq.read_table(CORPUS / "papers.parquet")
    citations = pq.read_table(CORPUS / "citations.parquet")
    judgements = pq.read_table(CORPUS / "judgements.parquet")
    assert manifest.counts["papers"] == papers.num_rows
    assert manifest.counts["citations"] == citations.num_rows
    assert manifest.counts["included"] == pc.sum(pc.equal(judgements["include"], "include")).as_py()
    assert manifest.counts["included"] > 500


def test_it_was_made_by_the_present_rules_and_protocol() -> None:
    manifest = read_manifest(CORPUS)
    protocol = load_protocol()
    assert manifest.rules == Judge().rules, (
        "run `tokenatlas snapshot build --from ../shared/data` and commit data/corpus"
    )
    assert manifest.protocol == f"{protocol.id}@{protocol.version}"


def test_it_holds_terms_and_not_texts() -> None:
    assert "abstract" not in pq.read_schema(CORPUS / "papers.parquet").names
    spans = spans_of(pq.read_table(CORPUS / "judgements.parquet"))
    assert len(spans) > 1_000
    assert max(len(str(span["text"])) for span in spans) <= TERM_SHOWN
    assert not [span for span in spans if ". " in str(span["text"])], "a span runs over the end of a sentence"


def test_every_span_in_a_title_is_exact() -> None:
    papers = pq.read_table(CORPUS / "papers.parquet", columns=["id", "title"])
    titles = dict(zip(papers["id"].to_pylist(), papers["title"].to_pylist(), strict=True))
    shown = [s for s in spans_of(pq.read_table(CORPUS / "judgements.parquet")) if s["field"] == "title"]
    assert len(shown) > 500
    wrong = [s for s in shown if titles[str(s["paper"])][s["start"] : s["end"]] != s["text"]]
    # A paper may show the title of another source than the one that was judged; its offsets are then not applied.
    assert len(wrong) <= len(shown) // 100, wrong[:5]


def test_citations_join_papers_of_the_corpus_and_nothing_else() -> None:
    ids = pa.array(pq.read_table(CORPUS / "papers.parquet", columns=["id"])["id"].to_pylist())
    citations = pq.read_table(CORPUS / "citations.parquet")
    for side in ("citing", "cited"):
        assert pc.all(pc.is_in(citations[side], value_set=ids)).as_py()
    assert pc.sum(pc.equal(citations["citing"], citations["cited"])).as_py() == 0


def test_the_opening_paper_of_the_citation_graph_is_there() -> None:
    papers = pq.read_table(CORPUS / "papers.parquet", columns=["id"])["id"].to_pylist()
    assert "arxiv:2209.03143" in papers


@pytest.mark.realdata
@pytest.mark.parametrize(
    ("name", "citing", "cited", "scheme"),
    [
        ("arxiv_edges.csv.gz", "citing_arxiv", "cited_arxiv", "arxiv:"),
        ("arxiv_edges_reflists.csv.gz", "citing_arxiv", "cited_arxiv", "arxiv:"),
        ("openalex_edges.csv.gz", "citing_openalex", "cited_openalex", "openalex:"),
    ],
)
def test_every_known_citation_between_its_papers_is_in_it(shared_data, name, citing, cited, scheme) -> None:
    papers = pq.read_table(CORPUS / "papers.parquet", columns=["id", "ids"])
    work = {
        alias: id
        for id, ids in zip(papers["id"].to_pylist(), papers["ids"].to_pylist(), strict=True)
        for alias in (id, *ids)
    }
    held = pq.read_table(CORPUS / "citations.parquet", columns=["citing", "cited"])
    pairs = set(zip(held["citing"].to_pylist(), held["cited"].to_pylist(), strict=True))
    with gzip.open(shared_data / name, "rt", encoding="utf-8", newline="") as lines:
        known = {(work.get(scheme + row[citing]), work.get(scheme + row[cited])) for row in csv.DictReader(lines)}
    wanted = {(a, b) for a, b in known if a and b and a != b}
    assert len(wanted) > 1_000
    assert not wanted - pairs


def test_no_title_shows_a_line_break_in_writing() -> None:
    titles = pq.read_table(CORPUS / "papers.parquet", columns=["title"])["title"].to_pylist()
    assert not [title for title in titles if "\\n " in title or "\n" in title]


def test_an_included_paper_does_not_stand_there_twice() -> None:
    papers = pq.read_table(CORPUS / "papers.parquet", columns=["id", "title", "published"]).to_pylist()
    verdicts = pq.read_table(CORPUS / "judgements.parquet", columns=["paper", "include"]).to_pylist()
    included = {row["paper"] for row in verdicts if row["include"] == "include"}
    groups: dict[str, list[dict[str, str]]] = {}
    for row in papers:
        if len(row["title"].split()) >= 4:
            groups.setdefault(title_key(row["title"]), []).append(row)
    twice = [rows for rows in groups.values() if len(rows) > 1 and any(row["id"] in included for row in rows)]
    assert not twice
