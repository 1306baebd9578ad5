"""What `ingest.files` promises, on the real store: every line accounted for, twice changes nothing, dirt stays out."""

from __future__ import annotations

import gzip
import hashlib
import itertools
import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest.files import Ingested, Progress, ingest_citations, ingest_papers
from kg.errors import InputError
from kg.paper_filter import PaperFilter
from kg.store import GraphStore, open_store
from tests.strategies import citation_graphs

TIME = "2026-01-01T00:00:00Z"
ALL = PaperFilter(include=())


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[GraphStore]:
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    with open_store(f"sqlite:///{tmp_path}/x.sqlite") as opened:
        yield opened


def arxiv(number: int, **changes: Any) -> dict[str, Any]:
    paper = {
        "arxiv_id": f"2401.{number:05d}",
        "title": f"On Codec Number {number}",
        "abstract": f"We study codec number {number}.",
        "authors": ["Ada Example", f"Author N{number}"],
        "categories": ["cs.SD"],
        "published": "2024-01-15",
    }
    return {**paper, **changes}


def openalex(number: int, *cited: int, **changes: Any) -> dict[str, Any]:
    paper = {
        "openalex_id": f"W{number}",
        "doi": None,
        "arxiv_id": None,
        "arxiv_id_via": None,
        "title": f"Work Number {number}",
        "abstract": None,
        "publication_date": "2024-02-01",
        "referenced_works": [f"W{each}" for each in cited],
        "source": "a list",
    }
    return {**paper, **changes}


def jsonl(path: Path, records: Iterable[dict[str, Any] | bytes], end: bytes = b"\n") -> Path:
    content = b"".join((r if isinstance(r, bytes) else json.dumps(r).encode()) + end for r in records)
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return path


def papers(store: GraphStore, path: Path, **options: Any) -> Ingested:
    return ingest_papers(store, path, clock=lambda: TIME, **options)


def citations(store: GraphStore, path: Path, **options: Any) -> Ingested:
    return ingest_citations(store, path, clock=lambda: TIME, **options)


def pairs(store: GraphStore) -> set[tuple[str, str]]:
    table = store.table("citations")
    return set(zip(table["citing"].to_pylist(), table["cited"].to_pylist(), strict=True))


def listed(path: Path | None) -> list[tuple[int, str]]:
    assert path is not None
    return [(entry["line"], entry["field"]) for entry in map(json.loads, path.read_text("utf-8").splitlines())]


def test_arxiv_records_arrive_whole(store: GraphStore, tmp_path: Path) -> None:
    done = papers(store, jsonl(tmp_path / "a.jsonl.gz", [arxiv(1), arxiv(2, published=None)]))
    assert (done.read, done.loaded, done.rejected, done.quarantined) == (2, 2, 0, 0)
    assert done.written.papers_new == 2
    assert done.rejects is None
    assert list(Path.cwd().iterdir()) == []
    found = store.paper("2401.00001v3")
    assert found.paper.title == "On Codec Number 1"
    assert found.paper.abstract == "We study codec number 1."
    assert found.paper.categories == ("cs.SD",)
    assert [author.name for author in found.paper.authors or ()] == ["Ada Example", "Author N1"]
    assert all(author.name_only for author in found.paper.authors or ())
    assert [(each.source, each.provenance) for each in found.sources] == [("arxiv", "a.jsonl.gz")]
    monthly = store.paper("2401.00002").paper.published
    assert monthly is not None
    assert (monthly.value, monthly.precision, monthly.source) == ("2024-01", "month", "arxiv id")


def test_openalex_records_bring_their_references(store: GraphStore, tmp_path: Path) -> None:
    done = papers(store, jsonl(tmp_path / "o.jsonl", [openalex(1, 2, 3, 2, 1), openalex(2)]))
    assert done.loaded == 2
    assert done.written.self_citations == 1
    assert pairs(store) == {("openalex:W1", "openalex:W2")}
    counts = store.counts()
    assert (counts.papers, counts.stubs, counts.citations) == (2, 1, 1)
    assert store.paper("W1").sources[0].provenance == "a list"
    assert store.paper("W1").paper.references_stated == 3
    assert store.paper("W2").paper.references_stated is None


def test_the_same_file_twice_changes_nothing(store: GraphStore, tmp_path: Path) -> None:
    path = jsonl(tmp_path / "o.jsonl", [openalex(1, 2), b"{", openalex(2, 1), openalex(3, title=None)])
    first = papers(store, path)
    revision, counts, left = store.revision(), store.counts(), store.quarantined()
    rejects = first.rejects
    assert rejects is not None
    before = rejects.read_bytes()
    again = papers(store, path)
    assert (again.read, again.rejected, again.resumed_from, again.rejects) == (0, 0, 4, None)
    assert (store.revision(), store.counts(), store.quarantined()) == (revision, counts, left)
    assert rejects.read_bytes() == before
    renamed = jsonl(tmp_path / "same.jsonl", [openalex(1, 2), openalex(2, 1)])
    third = papers(store, renamed)
    assert third.read == 2
    assert (third.written.papers_new, third.written.papers_changed, third.written.citations_new) == (0, 0, 0)
    assert store.counts().papers == counts.papers


def test_a_changed_file_is_read_anew(store: GraphStore, tmp_path: Path) -> None:
    path = jsonl(tmp_path / "a.jsonl", [arxiv(1), b"no json"])
    assert listed(papers(store, path).rejects) == [(2, "line")]
    jsonl(path, [arxiv(1), arxiv(2), b"still none"])
    done = papers(store, path)
    assert (done.resumed_from, done.read, done.written.papers_new) == (0, 3, 1)
    assert listed(done.rejects) == [(3, "line")]


def test_bad_lines_are_listed_and_the_rest_loads(store: GraphStore, tmp_path: Path) -> None:
    bad = [b"{", arxiv(2, title=" "), {"title": "No Id"}, arxiv(3, authors=3), b'"\xff"', b'{"a": "' + b"x" * 4_000_001]
    path = jsonl(tmp_path / "a.jsonl", [arxiv(1), *bad, b"", b"  ", arxiv(4)], end=b"\r\n")
    done = papers(store, path)
    assert (done.read, done.loaded, done.rejected) == (8, 2, 6)
    assert done.rejects == Path("a.jsonl.rejects.jsonl")
    assert listed(done.rejects) == [
        (2, "line"),
        (3, "title"),
        (4, "id"),
        (5, "authors"),
        (6, "line"),
        (7, "line"),
    ]
    assert store.ids(ALL) == ["arxiv:2401.00001", "arxiv:2401.00004"]


def test_a_byte_order_mark_is_no_fault(store: GraphStore, tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"\xef\xbb\xbf" + json.dumps(arxiv(1)).encode())
    assert papers(store, path).loaded == 1


def test_a_named_list_of_rejects_serves_several_files(store: GraphStore, tmp_path: Path) -> None:
    target = tmp_path / "rejects.jsonl"
    for name in ("a.jsonl", "b.jsonl"):
        done = papers(store, jsonl(tmp_path / name, [b"{"]), rejects=target)
        assert done.rejects == target
    files = [json.loads(line)["file"] for line in target.read_text("utf-8").splitlines()]
    assert files == [str(tmp_path / "a.jsonl"), str(tmp_path / "b.jsonl")]


def test_a_work_without_title_is_refused_and_listed_as_kept_out(store: GraphStore, tmp_path: Path) -> None:
    done = papers(store, jsonl(tmp_path / "o.jsonl", [openalex(1, title=None), openalex(2, 1)]))
    assert (done.read, done.loaded, done.rejected, done.quarantined) == (2, 1, 1, 0)
    (kept_out,) = store.quarantined()
    assert (kept_out.id, kept_out.reason, kept_out.provenance) == ("openalex:W1", "No title", "a list")
    assert store.counts().stubs == 1


def test_an_impostor_is_kept_out_with_its_reason(store: GraphStore, tmp_path: Path) -> None:
    impostor = openalex(4385245566, 7, doi="10.4230/lipics.itp.2023.19", publication_date="2023-01-01")
    early = [openalex(n, 4385245566, publication_date="2019-01-01") for n in range(10, 15)]
    done = papers(store, jsonl(tmp_path / "o.jsonl", [*early[:2], impostor, *early[2:]]), batch=2)
    assert (done.read, done.loaded, done.quarantined, done.rejected) == (6, 5, 1, 0)
    (kept_out,) = store.quarantined()
    assert kept_out.id == "doi:10.4230/lipics.itp.2023.19"
    assert "5 of the 5 dated works that cite it" in kept_out.reason
    assert "doi:10.4230/lipics.itp.2023.19" not in store.ids(ALL)
    assert store.counts().stubs == 1


@pytest.mark.parametrize(
    ("known", "proposing", "believed"),
    [
        ({"title": "The Same: Title"}, {"title": "the same title."}, True),
        ({"title": "A Title"}, {"title": "Another Title"}, False),
        (None, {"title": "Not Known Yet"}, True),
        (None, {"title": "Years Apart", "publication_date": "2030-01-01"}, False),
        (None, {"title": "No Date", "publication_date": None}, True),
        (None, {"title": "Has Another", "doi": "10.48550/arXiv.2209.03143"}, False),
    ],
)
def test_a_title_match_only_proposes(
    store: GraphStore, tmp_path: Path, known: dict[str, Any] | None, proposing: dict[str, Any], believed: bool
) -> None:
    if known is not None:
        papers(store, jsonl(tmp_path / "a.jsonl", [arxiv(1, **known)]))
    record = openalex(1, arxiv_id="2401.00001", arxiv_id_via="title", **proposing)
    done = papers(store, jsonl(tmp_path / "o.jsonl", [record]))
    assert (done.loaded, done.left_out) == (1, 0 if believed else 1)
    resolved = store.resolve(["W1", "2401.00001"])
    assert (resolved.get("2401.00001") == resolved["W1"]) == believed


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_what_is_believed_does_not_depend_on_the_order_of_lines(
    store: GraphStore, tmp_path: Path, order: tuple[int, ...]
) -> None:
    records = [
        openalex(1, arxiv_id="2401.00001", arxiv_id_via="title", title="The Old Title"),
        openalex(2, doi="10.48550/arXiv.2401.00001", title="The New Title"),
        openalex(3, arxiv_id="2401.00001", arxiv_id_via="title", title="The new title"),
    ]
    done = papers(store, jsonl(tmp_path / "o.jsonl", [records[n] for n in order]), batch=1)
    assert done.left_out == 1
    resolved = store.resolve(["W1", "W2", "W3", "2401.00001"])
    assert resolved["W2"] == resolved["W3"] == resolved["2401.00001"] != resolved["W1"]


@pytest.mark.parametrize(
    "header",
    ["citing_arxiv,cited_arxiv", "citing,cited", "note,cited,more,citing", '"citing"\t"cited"', "Citing;Cited"],
)
def test_citation_columns_are_found(store: GraphStore, tmp_path: Path, header: str) -> None:
    delimiter = next(each for each in "\t;," if each in header)
    names = [name.strip('"').lower() for name in header.split(delimiter)]
    row = [{"citing": "2401.00001", "cited": "2401.00002"}.get(name.split("_")[0], "x") for name in names]
    papers(store, jsonl(tmp_path / "a.jsonl", [arxiv(1), arxiv(2)]))
    path = tmp_path / "pairs.csv"
    path.write_text("\ufeff" + header + "\r\n" + delimiter.join(row) + "\r\n", encoding="utf-8")
    assert citations(store, path).loaded == 1
    assert pairs(store) == {("arxiv:2401.00001", "arxiv:2401.00002")}


def test_an_openalex_id_that_is_unknown_gives_way_to_the_arxiv_id_beside_it(store: GraphStore, tmp_path: Path) -> None:
    papers(store, jsonl(tmp_path / "p.jsonl", [arxiv(1), arxiv(2), openalex(1), openalex(2)]))
    path = tmp_path / "pairs.csv"
    rows = ["W1,W2,2401.00001,2401.00002", "W8,W2,2401.00001,", "W1,W9,,2401.00002"]
    header = "citing_openalex,cited_openalex,citing_arxiv,cited_arxiv"
    path.write_text("\n".join([header, *rows]), encoding="utf-8")
    assert citations(store, path).loaded == 3
    assert pairs(store) == {
        ("openalex:W1", "openalex:W2"),
        ("arxiv:2401.00001", "openalex:W2"),
        ("openalex:W1", "arxiv:2401.00002"),
    }


def test_bad_citation_rows_are_listed(store: GraphStore, tmp_path: Path) -> None:
    path = tmp_path / "pairs.csv"
    rows = [b"citing,cited", b"W1,W2", b"W1", b",W2", b"W1,x", b'"W1,W2', b"\xff,W1", b"", b"W1,W1", b"W1,W2"]
    path.write_bytes(b"\n".join(rows))
    done = citations(store, path)
    assert (done.read, done.loaded, done.rejected) == (8, 3, 5)
    assert listed(done.rejects) == [(3, "cited"), (4, "citing"), (5, "cited"), (6, "line"), (7, "line")]
    assert done.written.self_citations == 1
    assert store.counts().stubs == 2
    assert citations(store, path).resumed_from == 10


@pytest.mark.parametrize("content", [b"", b"a,b\n1,2\n", b"citing,other\n", b"\xff\xfe\n"])
def test_a_table_without_the_columns_is_refused_whole(store: GraphStore, tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "pairs.csv"
    path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        citations(store, path)
    assert caught.value.where == str(path)
    assert caught.value.field == "header"
    assert "citing,cited" in caught.value.hint


@pytest.mark.parametrize("verb", [ingest_papers, ingest_citations])
def test_an_unreadable_file_is_refused_whole(store: GraphStore, tmp_path: Path, verb: Callable[..., Ingested]) -> None:
    broken = tmp_path / "broken.gz"
    broken.write_bytes(b"\x1f\x8b\x08\x00 not really")
    revision = store.revision()
    for path in (tmp_path, tmp_path / "absent.jsonl", broken):
        with pytest.raises(InputError) as caught:
            verb(store, path, clock=lambda: TIME)
        assert caught.value.where == str(path)
        assert caught.value.field == "file"
        assert caught.value.hint
    assert store.revision() == revision


def test_a_batch_without_lines_is_refused(store: GraphStore, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="at least one line"):
        papers(store, jsonl(tmp_path / "a.jsonl", [arxiv(1)]), batch=0)


def test_a_truncated_gzip_keeps_what_was_read_and_says_so(store: GraphStore, tmp_path: Path) -> None:
    whole = jsonl(
        tmp_path / "a.jsonl.gz", [arxiv(n, abstract=hashlib.sha256(b"%d" % n).hexdigest()) for n in range(1, 3001)]
    )
    content = whole.read_bytes()
    cut = tmp_path / "cut" / "a.jsonl.gz"
    cut.parent.mkdir()
    cut.write_bytes(content[: len(content) // 2])
    done = papers(store, cut)
    assert done.truncated
    assert not done.stopped
    assert 0 < done.loaded == done.read == store.counts().papers < 3000
    again = papers(store, cut)
    assert (again.truncated, again.read, again.resumed_from) == (True, 0, done.read)
    full = papers(store, whole)
    assert (full.truncated, full.read, store.counts().papers) == (False, 3000, 3000)


def test_a_stopped_run_goes_on_where_it_was(store: GraphStore, tmp_path: Path) -> None:
    path = jsonl(tmp_path / "a.jsonl", [arxiv(n) if n % 10 else b"{" for n in range(1, 1001)])
    asked = itertools.count()
    first = papers(store, path, batch=70, stop=lambda: next(asked) == 3)
    assert first.stopped
    assert (first.read, first.rejected, store.counts().papers) == (400, 40, 360)
    second = papers(store, path, batch=70)
    assert not second.stopped
    assert (second.resumed_from, second.read, store.counts().papers) == (400, 600, 900)
    assert listed(second.rejects) == [(n, "line") for n in range(10, 1001, 10)]


def test_progress_is_told_after_each_batch(store: GraphStore, tmp_path: Path) -> None:
    told: list[Progress] = []
    papers(store, jsonl(tmp_path / "a.jsonl", [arxiv(n) for n in range(1, 251)]), batch=100, progress=told.append)
    lines = [each for each in told if each.step == "lines"]
    assert [each.read for each in lines] == [100, 200, 250]
    assert [each.fraction for each in lines] == sorted(each.fraction for each in lines)
    assert lines[-1].fraction == told[-1].fraction == 1.0
    assert [(each.step, each.read) for each in told[3:]] == [("references", 250)] * 3


def test_a_work_cited_before_its_line_keeps_its_best_id(store: GraphStore, tmp_path: Path) -> None:
    cited = openalex(2, doi="10.48550/arXiv.2401.00002")
    papers(store, jsonl(tmp_path / "o.jsonl", [openalex(1, 2, 3), cited, openalex(3, doi="10.1000/x")]), batch=1)
    assert store.ids(ALL) == ["arxiv:2401.00002", "doi:10.1000/x", "openalex:W1"]
    assert pairs(store) == {("openalex:W1", "arxiv:2401.00002"), ("openalex:W1", "doi:10.1000/x")}


def test_a_run_stopped_among_the_references_goes_on_with_them(store: GraphStore, tmp_path: Path) -> None:
    path = jsonl(tmp_path / "o.jsonl", [openalex(n, n + 1) if n % 9 else b"{" for n in range(1, 301)])
    asked = itertools.count()
    first = papers(store, path, batch=100, stop=lambda: next(asked) == 4)
    assert (first.stopped, first.read, first.rejected) == (True, 300, 33)
    assert store.counts().papers == 267
    half = len(pairs(store))
    second = papers(store, path, batch=100)
    assert (second.stopped, second.read, second.resumed_from, second.rejects) == (False, 0, 300, None)
    assert 0 < half < len(pairs(store)) == first.written.citations_new + second.written.citations_new - 34
    assert listed(first.rejects) == [(n, "line") for n in range(9, 301, 9)]


anything = st.one_of(
    st.binary(max_size=30).filter(lambda line: b"\n" not in line and line[:2] != b"\x1f\x8b"),
    st.integers(1, 30).map(lambda n: json.dumps(arxiv(n)).encode()),
    st.tuples(st.integers(1, 9), st.integers(1, 9)).map(lambda w: json.dumps(openalex(*w)).encode()),
    st.sampled_from([b"", b" ", b"\r", b"{}", b"null", b"\xef\xbb\xbf", json.dumps(arxiv(1, title="")).encode()]),
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(anything, max_size=25), st.integers(1, 9))
def test_every_line_is_loaded_or_refused(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, lines: list[bytes], batch: int
) -> None:
    folder = tmp_path_factory.mktemp("any")
    path = jsonl(folder / "any.jsonl", lines)
    whole = path.read_bytes().split(b"\n")[:-1]
    if whole:
        whole[0] = whole[0].removeprefix(b"\xef\xbb\xbf")
    records = [line for line in whole if line.rstrip(b"\r").strip()]
    with open_store(f"sqlite:///{folder}/x.sqlite") as opened:
        done = papers(opened, path, batch=batch, rejects=folder / "rejects.jsonl")
        assert done.read == len(records) == done.loaded + done.rejected + done.quarantined
        assert (len(listed(done.rejects)) if done.rejects else 0) == done.rejected
        assert done.written.papers_new - done.written.merges <= done.loaded
        assert opened.counts().papers <= done.loaded


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(citation_graphs(size=6), st.integers(1, 5))
def test_a_citation_table_is_a_graph_without_loops(
    tmp_path_factory: pytest.TempPathFactory, graph: tuple[list[str], list[tuple[str, str]]], batch: int
) -> None:
    _, cited = graph
    folder = tmp_path_factory.mktemp("graph")
    path = folder / "pairs.csv"
    quoted = [f'"{one}","{other}"' for one, other in cited]
    path.write_text("\n".join(["citing,cited", *quoted]), encoding="utf-8")
    with open_store(f"sqlite:///{folder}/x.sqlite") as opened:
        done = citations(opened, path, batch=batch)
        assert (done.loaded, done.rejected) == (len(cited), 0)
        assert done.written.self_citations == sum(one == other for one, other in cited)
        assert done.written.citations_new == len({pair for pair in cited if pair[0] != pair[1]})


@pytest.mark.realdata
def test_the_research_data_loads_with_its_dirt_kept_out(store: GraphStore, shared_data: Path, tmp_path: Path) -> None:
    first = papers(store, shared_data / "arxiv_audio.jsonl.gz")
    assert (first.read, first.loaded, first.rejected, first.quarantined) == (9011, 9011, 0, 0)
    second = papers(store, shared_data / "openalex_works.jsonl.gz")
    assert (second.read, second.loaded, second.rejected, second.quarantined) == (3580, 3557, 7, 16)
    assert [field for _, field in listed(second.rejects)] == ["title"] * 7
    assert second.left_out == 3
    out = {each.id for each in store.quarantined()}
    assert len(out) == 23
    assert out >= {
        "doi:10.4230/lipics.itp.2023.19",
        "doi:10.5281/zenodo.12561108",
        "doi:10.4230/lipics.giscience.2023.43",
        "doi:10.4230/oasics.ldk.2021.22",
        "doi:10.57702/v7a23pbp",
        "doi:10.18653/v1/n19-1423",
    }
    assert {"doi:10.1109/icassp.1985.1168147"} <= set(store.ids(ALL))
    assert store.paper("W2151626637").row.year == 1985
    third = citations(store, shared_data / "openalex_edges.csv.gz")
    fourth = citations(store, shared_data / "arxiv_edges.csv.gz")
    fifth = citations(store, shared_data / "arxiv_edges_reflists.csv.gz")
    assert [each.loaded for each in (third, fourth, fifth)] == [151_500, 7025, 34_438]
    assert [each.rejected for each in (third, fourth, fifth)] == [0, 0, 0]
    assert fourth.written.self_citations == 4
    revision = store.revision()
    assert papers(store, shared_data / "openalex_works.jsonl.gz").read == 0
    assert store.revision() == revision
