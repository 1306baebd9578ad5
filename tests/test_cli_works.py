"""`tokenatlas works`: conflicts, merging, taking apart, as a shell sees them."""

from __future__ import annotations

import json
import signal
import sys

import pytest

import cli
from ingest.twins import join_twins
from kg.paper_filter import PaperFilter
from kg.store import open_store

TITLE = "Quiet Brook: a codec for speech tokens"
RECORDS = (
    {"arxiv_id": "2101.00001", "title": TITLE, "authors": ["Ann Example"], "published": "2021-01-04"},
    {"openalex_id": "W1", "title": TITLE.upper(), "publication_date": "2021-05-01"},
    {"openalex_id": "W2", "title": TITLE + " II", "publication_date": "2021-05-01"},
    {"arxiv_id": "2103.00009", "title": TITLE, "authors": ["Ann Example"], "published": "2021-03-01"},
    {"openalex_id": "W5", "title": "Another matter", "publication_date": "2019-05-01"},
)


@pytest.fixture
def url(tmp_path, monkeypatch) -> str:
    place = f"sqlite:///{tmp_path}/atlas.sqlite"
    monkeypatch.setenv("TOKENATLAS_STORE", place)
    monkeypatch.chdir(tmp_path)
    return place


@pytest.fixture
def run(url, monkeypatch, capsys):
    before = signal.getsignal(signal.SIGTERM)

    def call(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["tokenatlas", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        return (ended.value.code or 0, *capsys.readouterr())

    yield call
    signal.signal(signal.SIGTERM, before)


@pytest.fixture
def filled(run, tmp_path):
    path = tmp_path / "papers.jsonl"
    path.write_text("".join(json.dumps(record) + "\n" for record in RECORDS), encoding="utf-8")
    assert run("ingest", "files", path, "--no-judge")[0] == 0
    return run


def ids(url: str) -> list[str]:
    with open_store(url, read_only=True) as store:
        return store.ids(PaperFilter(include=()))


def test_conflicts_name_the_works_and_why_they_are_apart(filled) -> None:
    code, out, err = filled("works", "conflicts", "--json")
    document = json.loads(out)
    assert (code, document["schema"], document["joinable"], document["records"]) == (0, 1, 0, [])
    seen = {(pair["works"][0]["id"], pair["works"][1]["id"]): pair for pair in document["pairs"]}
    two = seen["arxiv:2101.00001", "arxiv:2103.00009"]
    assert two["kind"] == "arxiv"
    assert two["works"][0] == {"id": "arxiv:2101.00001", "title": TITLE, "year": 2021}
    assert seen["arxiv:2101.00001", "openalex:W1"]["kind"] == "ambiguous"
    assert any(pair["kind"] == "number" for pair in document["pairs"])
    code, out, err = filled("works", "conflicts")
    assert "two arXiv papers: 2101.00001 / 2103.00009" in out
    assert "works merge" in err


def test_a_merge_is_made_listed_and_undone(filled, url) -> None:
    code, out, err = filled("works", "merge", "2101.00001", "W1", "--reason", "the same text", "--json")
    merge = json.loads(out)["merge"]
    assert (code, merge["kept"], merge["absorbed"], merge["reason"]) == (
        0,
        "arxiv:2101.00001",
        "openalex:W1",
        "the same text",
    )
    assert "works split 1" in err
    assert "openalex:W1" not in ids(url)
    listed = json.loads(filled("works", "list", "W1", "--json")[1])
    assert (listed["schema"], [each["number"] for each in listed["merges"]]) == (1, [1])
    assert json.loads(filled("works", "list", "W5", "--json")[1])["merges"] == []
    code, out, _ = filled("works", "split", "https://openalex.org/W1", "--json")
    assert (code, json.loads(out)["merge"]["undone"] is not None) == (0, True)
    assert "openalex:W1" in ids(url)
    assert "the same text" in filled("works", "list")[1]
    with open_store(url) as store:
        join_twins(store)
        assert store.resolve(["W1"])["W1"] != "arxiv:2101.00001"


def test_a_work_of_one_merge_is_split_by_any_of_its_ids(filled, url) -> None:
    filled("works", "merge", "2101.00001", "W1")
    assert filled("works", "split", "arxiv:2101.00001")[0] == 0
    assert "openalex:W1" in ids(url)


def test_which_merge_is_meant_must_be_said_when_there_are_several(filled, url) -> None:
    filled("works", "merge", "2101.00001", "W1")
    filled("works", "merge", "2101.00001", "W5")
    code, _, err = filled("works", "split", "2101.00001")
    assert code == 2
    assert "2 took in openalex:W5" in err
    assert "works split 2" in err
    assert filled("works", "split", "2")[0] == 0
    assert "openalex:W5" in ids(url)
    assert "openalex:W1" not in ids(url)


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("split", "W5"), 2, "Nothing was merged with W5"),
        (("split", "77"), 1, "No merge '77'"),
        (("split", "W99"), 1, "No paper"),
        (("split", "nonsense"), 1, "No paper"),
        (("merge", "W5", "W5"), 2, "same work already"),
        (("merge", "W5", "W99"), 1, "No paper"),
        (("merge", "W5", "W1", "--reason", " "), 2, "--reason"),
        (("list", "W99"), 1, "No paper"),
    ],
)
def test_what_cannot_be_done_is_three_lines(filled, url, arguments, code, said) -> None:
    before = ids(url)
    found, out, err = filled("works", *arguments)
    assert (found, out, len(err.strip().splitlines())) == (code, "", 3)
    assert said in err
    assert ids(url) == before


def test_an_empty_store_has_nothing_to_show(run, tmp_path) -> None:
    empty = tmp_path / "empty.jsonl"
    empty.write_text(json.dumps(RECORDS[0]) + "\n", encoding="utf-8")
    run("ingest", "files", empty, "--no-judge")
    assert run("works", "conflicts")[1:] == ("", "No two works look like one.\n")
    assert run("works", "list")[1:] == ("", "No works were merged.\n")
    assert run("works", "list", "2101.00001")[1:] == ("", "Nothing was merged with 2101.00001.\n")


def test_what_the_next_ingest_joins_is_counted(filled) -> None:
    filled("works", "merge", "2101.00001", "2103.00009")
    code, _, err = filled("works", "conflicts")
    assert code == 0
    assert "Nothing contradicts 1 more" in err
