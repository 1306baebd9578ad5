"""Files of references through the store: every entry loaded or named, twice changes nothing, killed runs go on."""

from __future__ import annotations

import gzip
import itertools
import json
import random
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest.reference_files import Recognised, ingest_references, recognise
from ingest.runs import Ingested
from kg.errors import InputError
from kg.exchange import bibtex, csl, csv, jsonl, ris
from kg.model import Paper
from kg.paper_filter import PaperFilter
from kg.store import GraphStore, open_store

ROOT = Path(__file__).resolve().parents[2]
ALL = PaperFilter(include=())
TIME = "2026-01-01T00:00:00Z"


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[GraphStore]:
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    with open_store(f"sqlite:///{tmp_path}/x.sqlite") as opened:
        yield opened


def ingest(store: GraphStore, path: Path, **options: Any) -> Ingested:
    how = {name: options.pop(name) for name in ("encoding",) if name in options}
    found = recognise(path, columns=options.get("columns"), **how)
    assert found is not None, "not recognised as a file of references"
    return ingest_references(store, path, found, clock=lambda: TIME, **options)


def library(entries: int, broken: tuple[int, ...] = ()) -> str:
    """A BibTeX file of `entries` entries, each on three lines, those numbered in `broken` without a closing brace."""
    lines = []
    for number in range(1, entries + 1):
        lines.append(f"@article{{key{number},")
        lines.append(f"  title = {{On Codec Number {number}{'' if number in broken else '}'},")
        lines.append(f"  author = {{Example, Ada}}, year = {2000 + number % 25} }}")
    return "\n".join(lines) + "\n"


def rejects(path: Path | None) -> list[dict[str, Any]]:
    assert path is not None
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def test_of_200_entries_three_broken_ones_are_named_and_197_load(store: GraphStore, tmp_path: Path) -> None:
    path = tmp_path / "library.bib"
    path.write_text(library(200, broken=(1, 77, 200)), encoding="utf-8")
    done = ingest(store, path)
    assert (done.read, done.loaded, done.rejected, done.quarantined) == (200, 197, 3, 0)
    assert store.counts().papers == 197
    named = rejects(done.rejects)
    assert [(each["line"], each["entry"]) for each in named] == [(1, "key1"), (229, "key77"), (598, "key200")]
    assert all("a brace or quote is missing" in each["reason"] for each in named)
    found = store.paper("title:oncodecnumber5")
    assert found.paper.title == "On Codec Number 5"
    assert [(each.source, each.provenance) for each in found.sources] == [("bibtex", "library.bib: key5")]
    assert found.paper.published is not None
    assert (found.paper.published.value, found.paper.published.source) == ("2005", "bibtex")


def test_the_same_file_twice_changes_nothing_and_another_reading_reads_anew(store: GraphStore, tmp_path: Path) -> None:
    path = tmp_path / "library.bib"
    path.write_text(library(30, broken=(4,)), encoding="utf-8")
    first = ingest(store, path)
    revision, listed = store.revision(), rejects(first.rejects)
    again = ingest(store, path)
    assert (again.read, again.rejected, store.revision()) == (0, 0, revision)
    assert rejects(first.rejects) == listed
    other = ingest(store, path, encoding="latin-1")
    assert (other.read, other.written.papers_new, other.written.papers_changed) == (30, 0, 0)


def test_a_stopped_run_goes_on_and_lists_each_reject_once(store: GraphStore, tmp_path: Path) -> None:
    path = tmp_path / "library.bib"
    bad = tuple(range(5, 500, 10))
    path.write_text(library(500, broken=bad), encoding="utf-8")
    asked = itertools.count()
    first = ingest(store, path, batch=70, stop=lambda: next(asked) == 1)
    assert (first.stopped, first.read, store.counts().papers) == (True, 200, 180)
    second = ingest(store, path, batch=70)
    assert (second.stopped, second.read, store.counts().papers) == (False, 300, 450)
    assert [each["entry"] for each in rejects(second.rejects)] == [f"key{number}" for number in bad]


def test_items_on_one_line_are_told_apart_when_a_run_goes_on(store: GraphStore, tmp_path: Path) -> None:
    path = tmp_path / "library.json"
    items = [{"id": f"i{n}", "title": f"Codec {n}"} if n % 7 else {"id": f"i{n}"} for n in range(1, 401)]
    path.write_text(json.dumps(items), encoding="utf-8")
    asked = itertools.count()
    first = ingest(store, path, batch=30, stop=lambda: next(asked) == 1)
    assert (first.stopped, first.read) == (True, 200)
    second = ingest(store, path, batch=30)
    assert (second.read, store.counts().papers) == (200, 400 - 57)
    assert [each["entry"] for each in rejects(second.rejects)] == [f"i{n}" for n in range(7, 401, 7)]


RUN = """
import sys
from pathlib import Path
from ingest.reference_files import ingest_references, recognise
from kg.store import open_store
path = Path(sys.argv[2])
with open_store(sys.argv[1]) as store:
    done = ingest_references(
        store, path, recognise(path), rejects=Path(sys.argv[3]), batch=20, clock=lambda: "2026-01-01",
        progress=lambda _: print("batch", flush=True),
    )
print("done", done.resumed_from)
"""


def test_killed_at_random_moments_the_end_is_the_same(tmp_path: Path) -> None:
    path = tmp_path / "library.bib"
    path.write_text(library(1500, broken=tuple(range(3, 1500, 50))), encoding="utf-8")
    found = recognise(path)
    assert found is not None
    whole, rest = tmp_path / "whole.rejects", ""
    with open_store(f"sqlite:///{tmp_path}/whole.sqlite") as store:
        ingest_references(store, path, found, rejects=whole, batch=20, clock=lambda: "2026-01-01")
        expected = store.counts(), store.ids(ALL)
    url, listed, seeded = f"sqlite:///{tmp_path}/killed.sqlite", tmp_path / "killed.rejects", random.Random(3)
    command = [sys.executable, "-c", RUN, url, str(path), str(listed)]
    for _ in range(4):
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            for _ in range(seeded.randint(1, 9)):
                assert process.stdout.readline() == "batch\n"
            time.sleep(seeded.uniform(0, 0.02))
            process.kill()
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        rest, _ = process.communicate(timeout=120)
    assert process.returncode == 0
    assert int(rest.rpartition("done ")[2]) > 0, "nothing had been kept before the last kill"
    with open_store(url) as store:
        assert (store.counts(), store.ids(ALL)) == expected
    assert listed.read_bytes() == whole.read_bytes()


@pytest.mark.parametrize(
    ("name", "text", "format"),
    [
        ("a.bib", "@article{a, title={A}}", "bibtex"),
        ("a.txt", "% exported\n@article{a, title={A}}", "bibtex"),
        ("a.txt", "\n\nTY  - JOUR\nTI  - A\nER  - \n", "ris"),
        ("a.bib", "TY  - JOUR\nTI  - A\nER  - \n", "ris"),
        ("a.json", '[{"title": "A"}]', "csl"),
        ("a.json", " [\n", "csl"),
        ("a.csv", "title\nA\n", "csv"),
        ("a.tsv", "title\tdoi\nA\t\n", "csv"),
        ("a.jsonl", '{"ids": ["title:a"], "author_names": null}\n', "jsonl"),
        ("a.json", '{"arxiv_id": "2107.03312", "title": "A"}\n{"arxiv_id": "2107.03313"}\n', None),
        ("a.jsonl", '{"arxiv_id": "2107.03312"}\n', None),
        ("a.jsonl", "[1]\n", None),
        ("a.dat", "anything", None),
        ("a.bib", "", "bibtex"),
    ],
)
@pytest.mark.parametrize("compressed", [False, True])
def test_a_file_is_recognised_by_ending_and_content(
    tmp_path: Path, name: str, text: str, format: str | None, compressed: bool
) -> None:
    path = tmp_path / (f"{name}.gz" if compressed else name)
    path.write_bytes(gzip.compress(text.encode()) if compressed else text.encode())
    found = recognise(path)
    assert (found and found.format) == format


@pytest.mark.parametrize(
    ("encoding", "stated", "said"),
    [
        ("utf-8", None, ""),
        ("utf-8-sig", None, ""),
        ("utf-16", None, ""),
        ("cp1252", None, "Windows-1252"),
        ("gb18030", "gb18030", ""),
        ("latin-1", "latin-1", ""),
    ],
)
def test_text_is_read_in_its_encoding(
    store: GraphStore, tmp_path: Path, encoding: str, stated: str | None, said: str
) -> None:
    name = "王小明" if encoding == "gb18030" else "Jörg Müller"
    path = tmp_path / "x.bib"
    path.write_bytes(f"@article{{k,\r\n title = {{A Codec}},\r\n author = {{{name}}}\r\n}}\r\n".encode(encoding))
    done = ingest(store, path, encoding=stated)
    assert done.loaded == 1
    authors = store.paper("title:acodec").paper.authors
    assert authors is not None
    assert [author.name for author in authors] == [name]
    assert (said in " ".join(done.notes)) if said else not done.notes


def test_a_wrong_or_unknown_encoding_is_an_input_error(store: GraphStore, tmp_path: Path) -> None:
    path = tmp_path / "x.bib"
    path.write_bytes("@article{k, title = {Größe}}".encode("latin-1"))
    with pytest.raises(InputError, match="not utf-8"):
        ingest(store, path, encoding="utf-8")
    with pytest.raises(InputError, match="no text encoding 'klingon'"):
        recognise(path, encoding="klingon")
    assert store.counts().papers == 0


def test_repeated_keys_and_bad_dois_are_said(store: GraphStore, tmp_path: Path) -> None:
    path = tmp_path / "x.bib"
    path.write_text("".join(f"@article{{k, title = {{Codec {n}}}, doi = {{soon}}}}\n" for n in range(5)))
    done = ingest(store, path)
    assert (done.loaded, store.counts().papers) == (5, 5)
    assert done.notes[0].startswith("4 entries have a key")
    assert "line 1: doi 'soon' is no id" in done.notes[1]
    assert done.notes[1].endswith("and 2 more")


@pytest.mark.parametrize(("name", "text"), [("x.bib", "<html>"), ("x.ris", "%PDF-1.4 \x00"), ("x.bib", "[1, 2]")])
def test_a_file_without_any_entry_is_an_input_error(store: GraphStore, tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(InputError, match=r"No (bibtex|ris) entry"):
        ingest(store, tmp_path / name)


def test_an_empty_file_is_empty(store: GraphStore, tmp_path: Path) -> None:
    for name in ("a.bib", "a.ris", "a.csv"):
        (tmp_path / name).write_text("\n\n")
        assert ingest(store, tmp_path / name).read == 0


def test_a_cut_file_keeps_what_came_before_and_says_so(store: GraphStore, tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_text('[{"title": "One Codec"}, {"title": "Tw')
    done = ingest(store, path)
    assert (done.truncated, done.loaded, done.rejected) == (True, 1, 1)
    packed = gzip.compress(library(3000).encode())
    cut = tmp_path / "x.bib.gz"
    cut.write_bytes(packed[: len(packed) // 2])
    done = ingest(store, cut)
    assert done.truncated
    assert 0 < done.loaded < 3000


def test_a_preprint_and_its_entry_in_a_library_are_one_work(store: GraphStore, tmp_path: Path) -> None:
    (tmp_path / "a.bib").write_text("@article{a, title={A Codec}, journal={arXiv preprint arXiv:2107.03312}}")
    (tmp_path / "b.ris").write_text("TY  - JOUR\nTI  - A Codec\nUR  - https://arxiv.org/abs/2107.03312v2\nER  - \n")
    (tmp_path / "c.json").write_text('[{"title": "A Codec", "note": "arXiv:2107.03312 [cs]", "DOI": "10.1000/x"}]')
    (tmp_path / "d.csv").write_text("title,doi\nA Codec,10.1000/x\n")
    for name in ("a.bib", "b.ris", "c.json", "d.csv"):
        assert ingest(store, tmp_path / name).loaded == 1
    assert store.ids(ALL) == ["arxiv:2107.03312"]
    assert [each.source for each in store.paper("10.1000/x").sources] == ["bibtex", "ris", "csl", "csv"]


@pytest.mark.parametrize("format", [bibtex, ris, csl, csv, jsonl])
def test_through_a_store_and_back_the_bytes_are_the_same(tmp_path: Path, format: Any) -> None:
    name = format.__name__.rpartition(".")[2]
    ending = {"bibtex": "bib", "csl": "json"}.get(name, name)
    (tmp_path / "start.json").write_text(
        json.dumps(
            [
                {"title": "A {Codec} at 50% & more", "number": "arXiv:2107.03312v3", "DOI": "10.1000/a_b%c",
                 "author": [{"given": "Aaron", "family": "Oord"}, "Aaron van den Oord", {"literal": "王小明"}],
                 "issued": {"date-parts": [[2021, 7, 7]]}, "keyword": "cs.SD, eess.AS", "abstract": "Two\nlines."},
                {"title": "=No $id$ at_all", "author": ["Wei Wang", "Wei Wang"], "container-title": "ICLR"},
            ]
        )
    )  # fmt: skip
    paths = [tmp_path / f"{place}.{ending}" for place in ("first", "second")]
    source = tmp_path / "start.json"
    for place, path in enumerate(paths):
        with open_store(f"sqlite:///{tmp_path}/{place}.sqlite") as store:
            assert ingest(store, source).rejected == 0
            with path.open("w", encoding="utf-8", newline="") as target:
                assert format.write_papers(target, (store.paper(id).paper for id in store.ids(ALL))) == 2
        source = path
    assert paths[0].read_bytes() == paths[1].read_bytes()


STARTS = (b"@article{a, title={A}}", b"TY  - X\nTI  - A\n", b"title,doi\nA,1\n", b'[{"title":"A"},')


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.one_of(
        st.binary(max_size=300),
        st.tuples(st.sampled_from(STARTS), st.binary(max_size=80)).map(b"".join),
    ),
    st.sampled_from(["x.bib", "x.ris", "x.json", "x.csv", "x.tsv", "x.bib.gz"]),
)
def test_random_bytes_are_refused_in_words(tmp_path_factory: pytest.TempPathFactory, content: bytes, name: str) -> None:
    folder = tmp_path_factory.mktemp("noise")
    path = folder / name
    path.write_bytes(content)
    with open_store(f"sqlite:///{folder}/x.sqlite") as store:
        try:
            found = recognise(path)
            if found is None:
                return
            done = ingest_references(store, path, found, rejects=folder / "rejects", clock=lambda: TIME)
        except InputError:
            return
        assert done.read == done.loaded + done.rejected
        assert done.rejected == (len(rejects(done.rejects)) if done.rejects else 0)


@pytest.mark.parametrize("format", [bibtex, ris, csl, csv, jsonl])
def test_memory_does_not_grow_with_the_file(tmp_path: Path, format: Any) -> None:
    peaks = []
    for count in (200, 2_000):
        path = tmp_path / f"{count}"
        with path.open("w", newline="", encoding="utf-8") as target:
            told = (Paper((f"title:codec{n}",), f"Codec {n}", abstract="word " * 200) for n in range(count))
            format.write_papers(target, told)
        with path.open(newline="", encoding="utf-8") as source:
            tracemalloc.start()
            assert sum(1 for entry in format.read_papers(source, name="x") if entry.paper) == count
            peaks.append(tracemalloc.get_traced_memory()[1])
            tracemalloc.stop()
    # The first run also pays for what the libraries keep once; a file of 2,000 entries is 2 MB.
    assert peaks[1] < 1.3 * peaks[0] + 200_000


def test_what_was_found_says_how_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "x.bib"
    path.write_text("@article{k, title = {x}}")
    assert recognise(path) == Recognised("bibtex", "utf-8")
    assert recognise(path, encoding="latin-1") == Recognised("bibtex", "latin-1", stated=True)
