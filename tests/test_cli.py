"""The terminal door, at the seam that a shell sees: arguments in; stdout, stderr, files and an exit code out."""

from __future__ import annotations

import csv
import gzip
import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

import cli
from kg.model import Decision
from kg.store import open_store
from tests.conftest import ROOT

CODEC = {
    "arxiv_id": "2101.00001",
    "title": "ToyCodec: A Neural Audio Codec with Residual Vector Quantization",
    "abstract": "We propose ToyCodec, a neural audio codec whose residual vector quantizer turns speech into discrete "
    "tokens. ToyCodec runs at 3 kbps with 8 codebooks and a frame rate of 50 Hz, and reconstructs 24 kHz audio.",
    "authors": ["Ada Example", "Bo Sample"],
    "categories": ["eess.AS"],
    "published": "2021-01-04",
}
MODEL = {
    "arxiv_id": "2202.00002",
    "title": "=SUM(1) A language model over discrete speech units",
    "abstract": "We train a decoder-only language model on discrete semantic tokens from k-means clustering of HuBERT "
    "features for speech generation.",
    "authors": ["Cy Third"],
    "categories": ["cs.CL"],
    "published": None,
}
OTHER = {
    "arxiv_id": "1903.00003",
    "title": "Galaxy rotation and dust",
    "abstract": "We measure rotation curves of dusty spiral galaxies.",
    "authors": ["Di Fourth"],
    "categories": ["astro-ph.GA"],
    "published": "2019-03-01",
}


class Answer:
    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err

    @property
    def document(self):
        return json.loads(self.out)


@pytest.fixture(autouse=True)
def _handlers_as_before():
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


@pytest.fixture
def run(monkeypatch, capsys, tmp_path):
    monkeypatch.setenv("TOKENATLAS_STORE", f"sqlite:///{tmp_path}/atlas.sqlite")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)

    def call(*arguments: object) -> Answer:
        monkeypatch.setattr(sys, "argv", ["tokenatlas", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        out, err = capsys.readouterr()
        return Answer(ended.value.code or 0, out, err)

    return call


@pytest.fixture
def papers(tmp_path) -> Path:
    path = tmp_path / "papers.jsonl.gz"
    with gzip.open(path, "wt", encoding="utf-8") as lines:
        lines.writelines(json.dumps(record) + "\n" for record in (CODEC, MODEL, OTHER))
    return path


@pytest.fixture
def filled(run, papers, tmp_path):
    assert run("ingest", "files", papers).code == 0
    pairs = tmp_path / "pairs.csv"
    pairs.write_text(
        "citing,cited\narxiv:2202.00002,arxiv:2101.00001\narxiv:2202.00002,arxiv:2202.00002\n"
        "arxiv:1903.00003,arxiv:2101.00001\narxiv:2101.00001,arxiv:1711.00937\n"
    )
    assert run("ingest", "citations", pairs).code == 0
    return run


def test_status_counts_what_was_ingested(filled) -> None:
    document = filled("status", "--json").document
    assert list(document) == [
        "schema", "store_schema", "store", "engine", "papers", "stubs", "authors", "citations", "topics", "include",
        "specifications", "sources", "protocol", "rules", "last_ingest",
    ]  # fmt: skip
    assert (document["papers"], document["stubs"], document["authors"], document["citations"]) == (3, 1, 4, 2)
    assert document["include"] == {"include": 2, "exclude": 1, "unclear": 0}
    assert document["topics"]["S1"] >= 1
    assert document["specifications"] >= 4
    assert document["sources"] == {"arxiv": 3}
    assert document["engine"] == "sqlite"
    assert document["last_ingest"].endswith("+00:00")


def test_ingesting_twice_changes_nothing(filled, papers) -> None:
    before = filled("status", "--json").document
    assert filled("ingest", "files", papers).code == 0
    after = filled("status", "--json").document
    assert before == after


def test_bad_lines_are_listed_and_the_rest_is_kept(run, tmp_path) -> None:
    path = tmp_path / "dirty.jsonl"
    path.write_text(json.dumps(CODEC) + "\nnot json\n" + json.dumps({**MODEL, "title": None}) + "\n")
    answer = run("ingest", "files", path, "--rejects", tmp_path / "rejects.jsonl")
    assert answer.code == 3
    rejects = [json.loads(line) for line in (tmp_path / "rejects.jsonl").read_text().splitlines()]
    assert [reject["line"] for reject in rejects] == [2, 3]
    assert all(reject["file"] and reject["reason"] for reject in rejects)
    assert run("status", "--json").document["papers"] == 1


def test_papers_are_filtered_by_options(filled) -> None:
    assert {row["id"] for row in filled("papers", "--json").document["papers"]} == {
        "arxiv:2101.00001",
        "arxiv:2202.00002",
    }
    page = filled("papers", "--include", "any", "--to", "2019", "--json").document
    assert (page["total"], page["of"], page["papers"][0]["id"]) == (1, 3, "arxiv:1903.00003")
    assert filled("papers", "--q", "galaxy", "--json").document["total"] == 0
    assert filled("papers", "--q", "galaxy", "--include", "exclude", "--json").document["total"] == 1
    assert filled("papers", "--kbps-max", "3", "--json").document["total"] == 1


def test_a_filter_value_that_means_nothing_is_a_usage_error(filled) -> None:
    answer = filled("papers", "--topic", "S9")
    assert answer.code == 2
    assert "--topic" in answer.err
    assert "S1,S2,S3,S4" in answer.err
    assert [line.split(":")[0] for line in answer.err.splitlines()] == ["Error", "Where", "Fix"]


@pytest.mark.parametrize(
    "arguments",
    [("papers", "--topic", "S9"), ("status", "--bogus"), ("paper",), ("nonsense",), ("papers", "--limit", "x"),
     ("screen", "--out", "x.jsonl"), ("specs", "--rejects", "x.jsonl")],
)  # fmt: skip
def test_wrong_usage_is_an_object_too_when_json_is_asked_for(run, arguments) -> None:
    answer = run(*arguments, "--json") if arguments[0] not in ("screen", "specs") else run(*arguments)
    assert answer.code == 2
    assert answer.out == ""
    if "--json" in sys.argv:
        error = json.loads(answer.err)
        assert error["error"] == "input.usage"
        assert error["message"]
        assert error["hint"]
    else:
        assert len(answer.err.splitlines()) == 3


def test_without_arguments_there_is_help(run) -> None:
    answer = run()
    assert answer.code == 2
    assert "Usage: tokenatlas" in answer.out + answer.err


def test_the_output_never_goes_over_the_input(run, papers) -> None:
    before = papers.read_bytes()
    answer = run("screen", papers, "--out", papers)
    assert answer.code == 2
    assert papers.read_bytes() == before


def test_a_link_is_followed_and_a_pipe_is_written_to(run, papers, tmp_path) -> None:
    (tmp_path / "real.jsonl").write_text("old")
    (tmp_path / "link.jsonl").symlink_to(tmp_path / "real.jsonl")
    assert run("specs", papers, "--out", tmp_path / "link.jsonl").code == 0
    assert (tmp_path / "link.jsonl").is_symlink()
    assert len((tmp_path / "real.jsonl").read_text().splitlines()) == 3
    os.mkfifo(tmp_path / "pipe")
    with subprocess.Popen(["cat", str(tmp_path / "pipe")], stdout=subprocess.PIPE, text=True) as reader:
        assert run("specs", papers, "--out", tmp_path / "pipe").code == 0
        assert len(reader.communicate(timeout=10)[0].splitlines()) == 3


def test_a_broken_run_leaves_no_half_output(run, tmp_path, monkeypatch) -> None:
    path = tmp_path / "in.jsonl"
    path.write_text(json.dumps(CODEC) + "\n")
    (tmp_path / "folder").mkdir()
    assert run("specs", path, "--out", tmp_path / "folder").code == 2
    monkeypatch.setattr("analysis.specifications.Extractor.extract", lambda *_: 1 / 0)
    assert run("specs", path, "--out", tmp_path / "out.jsonl").code == 1
    assert sorted(each.name for each in tmp_path.iterdir() if "jsonl" in each.name) == ["in.jsonl"]


def test_a_mistyped_second_file_is_found_before_the_first_is_read(run, papers, tmp_path) -> None:
    answer = run("ingest", "files", papers, tmp_path / "absent.jsonl")
    assert answer.code == 2
    assert not (tmp_path / "atlas.sqlite").exists()


def test_escape_sequences_in_a_title_do_not_reach_the_terminal(run, tmp_path) -> None:
    path = tmp_path / "in.jsonl"
    title = "\x1b]0;taken\x07 A neural audio codec \x1b[2J with discrete tokens \u202e"
    path.write_text(json.dumps({**CODEC, "title": title}) + "\n")
    run("ingest", "files", path)
    shown = run("papers", "--include", "any").out + run("paper", "2101.00001").out
    assert "A neural audio codec" in shown
    assert not {"\x1b", "\x07", "\u202e"} & set(shown)


def test_clustering_by_title_alone_must_be_asked_for(run, papers, tmp_path) -> None:
    bare = tmp_path / "bare.jsonl"
    bare.write_text(
        "".join(json.dumps({**CODEC, "abstract": None, "arxiv_id": f"2101.0000{n}"}) + "\n" for n in range(1, 5))
    )
    run("ingest", "files", bare)
    for number in range(1, 5):
        decide(tmp_path, f"arxiv:2101.0000{number}")
    answer = run("cluster", "--k", "2")
    assert answer.code == 2
    assert "--titles" in answer.err
    assert run("cluster", "--k", "2", "--titles", "--json").document["clusters"]


def decide(folder: Path, id: str) -> None:
    with open_store(f"sqlite:///{folder}/atlas.sqlite") as store:
        store.decide(Decision(id, "include", "include", "me", "", "2026-01-01T00:00:00+00:00"))


def test_chinese_is_printed_where_the_terminal_claims_ascii(tmp_path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "ascii", "LC_ALL": "C"}
    command = [sys.executable, "-m", "cli", "protocol", "show", "--language", "zh-Hant"]
    done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert "離散" in done.stdout.decode("utf-8")


def test_without_a_place_for_the_log_the_error_is_still_three_lines(run, monkeypatch, tmp_path) -> None:
    def broken(**_: object) -> None:
        raise ZeroDivisionError("seven")

    (tmp_path / "file").write_text("")
    monkeypatch.setattr(cli, "app", broken)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path / "file"))
    answer = run("status")
    assert (answer.code, len(answer.err.splitlines())) == (1, 3)
    assert "no log could be written" in answer.err


def test_one_paper_is_found_by_any_spelling(filled) -> None:
    document = filled("paper", "https://arxiv.org/abs/2101.00001v3", "--json").document
    assert document["id"] == "arxiv:2101.00001"
    assert document["include"] == "include"
    assert document["cited_by"] == 2
    values = {(each["quantity"], each["value"]) for each in document["measured"]["specifications"]}
    assert {("bitrate_kbps", 3.0), ("n_codebooks", 8.0), ("frame_rate_hz", 50.0), ("sample_rate_khz", 24.0)} <= values
    text = filled("paper", "2101.00001").out
    assert CODEC["title"] in text


def test_an_unknown_paper_says_so_in_three_lines(filled) -> None:
    answer = filled("paper", "2101.00009")
    assert answer.code == 1
    assert [line.split(":")[0] for line in answer.err.splitlines()] == ["Error", "Where", "Fix"]


def test_with_json_an_error_is_an_object_on_stderr(filled) -> None:
    answer = filled("paper", "not an id at all", "--json")
    assert answer.code == 1
    assert answer.out == ""
    error = json.loads(answer.err)
    assert error["error"] == "not_found"
    assert error["id"] == "not an id at all"


def test_csv_export_is_defused_and_complete(filled, tmp_path) -> None:
    assert filled("export", "--format", "csv", "--out", tmp_path / "out.csv").code == 0
    with (tmp_path / "out.csv").open(encoding="utf-8", newline="") as lines:
        rows = {row["id"]: row for row in csv.DictReader(lines)}
    assert rows["arxiv:2202.00002"]["title"] == "'" + MODEL["title"]
    assert rows["arxiv:2202.00002"]["bitrates_kbps"] == ""
    lines = filled("export", "--format", "jsonl", "--include", "any").out.splitlines()
    assert len(lines) == 3
    assert {json.loads(line)["id"] for line in lines} >= {"arxiv:1903.00003"}


@pytest.mark.parametrize("form", ["bibtex", "ris", "csl", "csv", "jsonl"])
def test_an_export_is_read_and_exported_again_byte_by_byte(filled, tmp_path, form) -> None:
    name = {"bibtex": "out.bib", "ris": "out.ris", "csl": "out.json"}.get(form, f"out.{form}")
    records = ("--records",) if form in ("csv", "jsonl") else ()
    export = ("export", "--format", form, "--include", "any", *records, "--out")
    assert filled(*export, tmp_path / name).err.startswith("3 papers written")
    other = f"sqlite:///{tmp_path}/other.sqlite"
    answer = filled("ingest", "files", tmp_path / name, "--store", other)
    assert answer.code == 0
    assert "read 3; 3 new papers" in answer.err
    filled(*export, tmp_path / "again", "--store", other)
    assert (tmp_path / "again").read_bytes() == (tmp_path / name).read_bytes()


@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_an_export_with_verdicts_can_be_read_too(filled, tmp_path, form) -> None:
    filled("export", "--format", form, "--include", "any", "--out", tmp_path / f"out.{form}")
    other = f"sqlite:///{tmp_path}/other.sqlite"
    assert filled("ingest", "files", tmp_path / f"out.{form}", "--store", other).code == 0
    document = filled("paper", "2101.00001", "--json", "--store", other).document
    assert (document["author_names"], document["abstract"]) == (CODEC["authors"], CODEC["abstract"])
    assert (document["date"]["source"], document["include"]) == ("arxiv", "include")


def test_export_goes_by_the_filters(filled) -> None:
    out = filled("export", "--format", "bibtex", "--from", "2022").out
    assert out.count("@misc{") == 1
    assert "eprint = {2202.00002}" in out
    assert filled("export", "--format", "word").code == 2


def test_a_library_with_broken_entries_is_kept_but_for_them(run, tmp_path) -> None:
    good = "".join(f"@article{{k{n}, title = {{Codec Number {n}}}}}\n" for n in range(197))
    bad = "@article{b1, title = {Open,\n}\n@article{b2\n title = {X}}\n@misc{b3, year = 2020}\n"
    (tmp_path / "lib.bib").write_text(good[:2000] + "\n" + good[2000:] + bad)
    answer = run("ingest", "files", tmp_path / "lib.bib", "--no-judge")
    assert answer.code == 3
    assert "read 200; 197 new papers; 3 lines rejected, listed in lib.bib.rejects.jsonl" in answer.err
    listed = [json.loads(line) for line in (tmp_path / "lib.bib.rejects.jsonl").read_text().splitlines()]
    assert [each["entry"] for each in listed] == ["b1", "b2", "b3"]
    assert all(each["line"] > 197 and each["reason"] for each in listed)


def test_a_table_is_mapped_by_option(run, tmp_path) -> None:
    (tmp_path / "list.csv").write_text("Titel;Jahr, ca.;DOI\nEin Codec;2020;10.1000/x\n", encoding="cp1252")
    answer = run("ingest", "files", tmp_path / "list.csv")
    assert answer.code == 2
    assert "No column holds a title" in answer.err.splitlines()[0]
    assert "--columns title=NAME; the columns are Titel, Jahr, ca., DOI" in answer.err
    answer = run("ingest", "files", tmp_path / "list.csv", "--columns", "title=Title")
    assert (answer.code, len(answer.err.splitlines())) == (2, 3)
    assert "no column 'Title'" in answer.err
    answer = run("ingest", "files", tmp_path / "list.csv", "--columns", "title=Titel,year=Jahr, ca.", "--no-judge")
    assert answer.code == 0
    assert run("paper", "10.1000/x", "--json").document["year"] == 2020
    assert run("ingest", "files", tmp_path / "list.csv", "--columns", "title").code == 2


def test_a_table_is_checked_before_the_file_before_it_is_read(run, papers, tmp_path) -> None:
    (tmp_path / "list.csv").write_text("Titel\nX\n")
    assert run("ingest", "files", papers, tmp_path / "list.csv").code == 2
    assert not (tmp_path / "atlas.sqlite").exists()


def test_an_encoding_that_was_found_out_is_said(run, tmp_path) -> None:
    (tmp_path / "old.ris").write_bytes("TY  - JOUR\r\nTI  - Größe\r\nER  - \r\n".encode("latin-1"))
    answer = run("ingest", "files", tmp_path / "old.ris", "--no-judge")
    assert answer.code == 0
    assert "Windows-1252" in answer.err
    assert run("papers", "--include", "any", "--json").document["papers"][0]["title"] == "Größe"


def test_screening_a_file_needs_no_store(run, papers, tmp_path) -> None:
    assert run("screen", papers, "--out", tmp_path / "verdicts.jsonl").code == 0
    records = [json.loads(line) for line in (tmp_path / "verdicts.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [record["id"] for record in records] == ["2101.00001", "2202.00002", "1903.00003"]
    assert [record["include"] for record in records] == ["include", "include", "exclude"]
    assert not (tmp_path / "atlas.sqlite").exists()
    for record, source in zip(records, (CODEC, MODEL, OTHER), strict=True):
        for verdict in record["criteria"].values():
            for span in verdict["evidence"]:
                assert source[span["field"]][span["start"] : span["end"]] == span["text"]


def test_specs_of_a_file_go_to_stdout_when_no_file_is_named(run, papers) -> None:
    lines = [json.loads(line) for line in run("specs", papers).out.splitlines()]
    assert [line["id"] for line in lines] == ["2101.00001", "2202.00002", "1903.00003"]
    assert {each["quantity"] for each in lines[0]["specifications"]} >= {"bitrate_kbps", "n_codebooks"}


@pytest.mark.parametrize("command", [("status",), ("papers",), ("export",), ("cluster",), ("screen",)])
def test_a_missing_store_says_what_to_run(run, command, tmp_path) -> None:
    answer = run(*command)
    assert answer.code == 1
    assert "tokenatlas load" in answer.err
    assert not (tmp_path / "atlas.sqlite").exists()


def test_a_missing_file_is_unreadable_input(run, tmp_path) -> None:
    answer = run("ingest", "files", tmp_path / "absent.jsonl")
    assert answer.code == 2
    assert "absent.jsonl" in answer.err


def test_an_unknown_scheme_lists_the_known_ones(run) -> None:
    answer = run("status", "--store", "mysql://host/x")
    assert answer.code == 2
    assert "sqlite" in answer.err


def test_something_unforeseen_is_logged_and_the_log_is_named(run, monkeypatch, tmp_path) -> None:
    def broken(**_: object) -> None:
        raise ZeroDivisionError("seven")

    monkeypatch.setattr(cli, "app", broken)
    answer = run("status")
    assert answer.code == 1
    assert "Traceback" not in answer.err
    log = next(tmp_path.rglob("tokenatlas.log"))
    assert str(log) in answer.err
    assert "ZeroDivisionError: seven" in log.read_text(encoding="utf-8")


def test_a_taken_port_gets_one_clear_line(run) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        answer = run("serve", "--port", taken.getsockname()[1])
    assert answer.code == 1
    (line,) = answer.err.splitlines()
    assert "is taken" in line


def test_help_does_not_load_the_heavy_libraries() -> None:
    code = (
        "import sys, cli; bad = {'streamlit', 'pyarrow', 'sklearn', 'pandas'} & set(sys.modules); assert not bad, bad"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


def test_a_closed_pipe_is_no_crash(filled, tmp_path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = f"{sys.executable} -m cli export --format jsonl --include any | head -n 1"
    done = subprocess.run(command, shell=True, env=environment, capture_output=True, text=True, timeout=60)
    assert len(done.stdout.splitlines()) == 1
    assert "Traceback" not in done.stderr


def many(path: Path, count: int) -> None:
    with path.open("w", encoding="utf-8") as lines:
        for number in range(count):
            record = {**CODEC, "arxiv_id": f"2101.{10_000 + number}", "title": f"{CODEC['title']} {number}"}
            lines.write(json.dumps(record) + "\n")


def test_sigterm_stops_early_and_the_same_command_goes_on(run, tmp_path) -> None:
    many(tmp_path / "many.jsonl", 30_000)
    command = [sys.executable, "-m", "cli", "ingest", "files", "many.jsonl", "--no-judge"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True, cwd=tmp_path) as process:
        assert process.stderr is not None
        process.stderr.readline()  # the first progress line: some batches are in
        process.send_signal(signal.SIGTERM)
        errors = process.stderr.read()
    assert process.returncode == 4, errors
    assert "same command" in errors
    kept = run("status", "--json").document["papers"]
    assert 0 < kept < 30_000
    assert run("ingest", "files", "many.jsonl", "--no-judge").code == 0
    assert run("status", "--json").document["papers"] == 30_000
