"""The commands that ask services, at the door: documents, estimates, options, bad input. Over real sockets."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import fields
from functools import lru_cache
from pathlib import Path

import pytest

from analysis.screening import Judge
from kg.answers import Upserted
from kg.store import open_store
from tests.ingest.misbehaving import Door, Ended, listed, shrink
from tests.services.server import Services, serving

REPORT = [
    "schema", "run", "command", "state", "requests", "pages", "papers", *(each.name for each in fields(Upserted)),
    "unknown", "unusable", "unaskable", "short", "fresh", "joined", "held_back", "judged",
    "unknown_ids", "unaskable_ids", "unusable_records", "warnings",
]  # fmt: skip
ARXIV = ("ingest", "arxiv", "--query", "all:codec OR all:tokens")
S2 = ("ingest", "s2", "--query", "codec | tokens")


@pytest.fixture(scope="module")
def served() -> Iterator[Services]:
    with serving(papers=120, seed=5) as server:
        yield server


@lru_cache
def judge() -> Judge:
    return Judge()


@pytest.fixture
def door(served: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Door:
    served.reset()
    shrink(monkeypatch)
    monkeypatch.setattr("analysis.screening.Judge", judge)
    return Door(served, tmp_path, monkeypatch, capsys)


def refused(ended: Ended, *said: str, code: int = 2) -> None:
    """Three lines, with these words among them, and an exit code."""
    assert (ended.code, len(ended.error)) == (code, 3), ended.said
    assert [line.split(":")[0] for line in ended.error] == ["Error", "Where", "Fix"]
    for each in said:
        assert each in ended.said


# Documents


def test_the_document_of_an_ingest(door: Door) -> None:
    found = door.run(*S2, "--json").document
    assert list(found) == REPORT
    assert (found["schema"], found["run"], found["state"]) == (1, 1, "done")
    assert found["command"] == 'ingest s2 --query "codec | tokens"'
    assert found["requests"] == {"s2 search": 3}
    assert (found["papers"], found["papers_new"], found["pages"]) == (54, 54, 3)
    assert found["judged"] > 45
    assert found["unknown_ids"] == found["unusable_records"] == found["warnings"] == []


def test_the_document_of_a_list(door: Door) -> None:
    (door.folder / "mine.txt").write_text("arxiv:2412.99999\nopenalex:W4242\nnot an id\n" + listed(door.server)[0])
    ended = door.run("ingest", "ids", "mine.txt", "--source", "arxiv", "--json")
    assert ended.code == 3
    found = ended.document
    assert (found["unknown_ids"], found["unaskable_ids"]) == (["arxiv:2412.99999"], ["openalex:W4242"])
    assert (found["unknown"], found["unaskable"], found["papers_new"]) == (1, 1, 1)
    assert "mine.txt, line 3: " in ended.said


def test_the_documents_of_what_follows_an_ingest(door: Door) -> None:
    door.run(*S2, "--limit", "20")
    found = door.run("snowball", "--direction", "both", "--threshold", "0", "--json")
    assert list(found.document) == REPORT
    assert found.document["judged"] > 0
    assert "Round 1: followed " in found.said
    assert "The snowball ended: 1 rounds were asked for." in found.said
    found = door.run("complete", "--json").document
    assert list(found) == REPORT
    assert found["requests"]["arxiv query"] >= 1
    found = door.run("ingest", "references", "--of", "all", "--json").document
    assert {"s2 references", "s2 citations"} <= {*found["requests"]}

    runs = door.run("runs", "--json").document
    assert list(runs) == ["schema", "runs"]
    assert [each["number"] for each in runs["runs"]] == [4, 3, 2, 1]
    assert list(runs["runs"][0]) == [
        "number", "command", "started", "ended", "state", "rules", "protocol", "counts",
    ]  # fmt: skip
    assert runs["runs"][0]["command"] == 'ingest references --of "all" --direction "both"'
    assert {each["state"] for each in runs["runs"]} == {"done"}
    assert set(REPORT[6:-4]) <= {*runs["runs"][0]["counts"]}
    assert len(door.run("runs", "--limit", "1", "--json").document["runs"]) == 1

    covered = door.run("coverage", "--json").document
    assert list(covered) == ["schema", "included", "asked", "papers", "citations", "by_source", "single", "lists"]
    assert list(covered["asked"][0]) == [
        "source", "what", "states", "not_asked", "resolved", "stated", "oldest", "newest",
    ]  # fmt: skip
    asked = {(each["source"], each["what"]): each for each in covered["asked"]}
    assert asked["s2", "references"]["not_asked"] == 0
    assert (asked["arxiv", "metadata"]["resolved"], asked["arxiv", "metadata"]["stated"]) == (None, None)

    changed = door.run("diff", "--since", "2", "--json").document
    assert list(changed) == [
        "schema", "since", "runs", "new", "new_included", "fields", "verdicts", "look_again", "vanished", "withdrawn",
    ]  # fmt: skip
    assert [each["number"] for each in changed["runs"]] == [4, 3, 2]
    assert {*changed["new_included"]} <= {*changed["new"]}


def test_what_is_told_to_people(door: Door) -> None:
    ended = door.run(*S2)
    assert ended.out == ""
    assert "3 requests; 54 papers told of; 54 new papers; " in ended.said
    said = door.run("runs").out
    assert "3 requests; 54 papers told of" in " ".join(said.split())
    said = door.run("diff", "--since", "1").out
    assert "New and included: " in said
    title = next(row["title"] for row in ended.state["papers"] if row["include"] == "include")
    assert title.split(":")[0] in said or "(--json names them all)" in said
    assert "included papers" in door.run("coverage").out


def test_without_a_run_there_is_a_hint(door: Door) -> None:
    with open_store(f"sqlite:///{door.store.as_posix()}"):
        pass
    assert "Nothing was fetched yet: tokenatlas ingest --help" in door.run("runs").said
    assert door.run("runs", "--json").document == {"schema": 1, "runs": []}
    assert door.run("coverage", "--json").document["asked"] == []


# Estimates


@pytest.mark.parametrize(
    "command",
    [
        ARXIV, (*ARXIV, "--limit", "25"), (*ARXIV, "--since", "2022-01-01"),
        ("ingest", "arxiv", "--query", "all:zebra"), ("ingest", "arxiv", "--protocol"),
        S2, (*S2, "--limit", "25"), ("ingest", "s2"),
        ("ingest", "ids", "list.txt", "--source", "arxiv"), ("ingest", "ids", "list.txt"),
        ("ingest", "ids", "list.txt", "--source", "openalex"),
    ],
    ids=" ".join,
)  # fmt: skip
def test_a_dry_run_says_the_requests_that_are_then_made(door: Door, command: tuple[str, ...]) -> None:
    planned = door.run(*command, "--dry-run", "--json").document
    assert not door.store.exists()
    asked = sum(each["asked"] for each in planned["steps"])
    assert sum(door.server.requests.values()) == asked
    door.server.reset()
    assert door.run(*command).code == 0
    assert sum(door.server.requests.values()) == planned["requests"] == sum(s["requests"] for s in planned["steps"])


@pytest.mark.parametrize("direction", ["references", "citations"])
def test_a_dry_run_of_lists_says_their_requests_too(door: Door, direction: str) -> None:
    door.run("ingest", "ids", "list.txt")
    command = ("ingest", "references", "--of", "list.txt", "--direction", direction)
    planned = door.run(*command, "--dry-run", "--json").document
    door.server.reset()
    ended = door.run(*command)
    assert ended.all_requests == planned["requests"] > 10
    assert "In all " in planned["said"]


def test_a_dry_run_is_honest_about_the_time(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKENATLAS_PACE", "arxiv=3,s2=1,openalex=0")
    planned = door.run(*ARXIV, "--dry-run", "--json").document
    assert list(planned) == ["schema", "requests", "seconds", "said", "steps"]
    assert list(planned["steps"][0]) == ["step", "source", "requests", "pace", "asked", "seconds", "said"]
    assert (planned["requests"], planned["seconds"]) == (3, 9.0)
    assert planned["steps"][0]["said"] == "search, arXiv: 3 requests at 1 per 3 seconds: about 9 seconds"
    assert "search, arXiv: 3 requests at 1 per 3 seconds" in door.run(*ARXIV, "--dry-run").said
    door.run("ingest", "ids", "list.txt")
    said = door.run("ingest", "references", "--of", "list.txt", "--dry-run").said
    assert "citations, Semantic Scholar: 18 requests at 1 per second: about 18 seconds" in said
    assert "OpenAlex is asked" in said
    said = door.run("ingest", "ids", "list.txt", "--source", "openalex", "--dry-run").said
    assert "10 requests without a pause" in said


def test_a_dry_run_changes_nothing(door: Door) -> None:
    door.run(*S2)
    before = door.store.read_bytes()
    for command in (S2, ARXIV, ("complete",), ("snowball",), ("ingest", "references")):
        assert door.run(*command, "--dry-run").code == 0
    assert door.store.read_bytes() == before
    assert len(door.run("runs", "--json").document["runs"]) == 1


# Options


def test_what_is_fresh_is_asked_again_only_when_told_so(door: Door) -> None:
    dois = (f"https://doi.org/10.48550/{id.replace(':', '.')}" for id in listed(door.server))
    (door.folder / "dois.txt").write_text("\n".join(dois))
    for command in (S2, ("ingest", "ids", "list.txt"), ("ingest", "references", "--of", "list.txt")):
        door.server.reset()
        first = door.run(*command)
        door.server.reset()
        again = door.run(*command)
        assert again.all_requests == 0
        assert "Nothing to ask: everything is fresh (--refresh asks again)." in again.said
        assert door.run(*command, "--refresh").all_requests == first.all_requests
    door.server.reset()
    assert door.run("ingest", "ids", "dois.txt").all_requests == 0, "known by another id"


@pytest.mark.parametrize("source", ["arxiv", "s2"])
def test_since_and_limit_are_the_services_to_keep(door: Door, source: str) -> None:
    command = ARXIV if source == "arxiv" else S2
    ended = door.run(*command, "--since", "2023-05-01")
    assert ended.code == 0
    dates = [each["published"] for each in ended.state["records"]]
    assert dates
    # Where the service knows a year alone, that is what counts.
    assert all(date >= "2023-05-01"[: len(date)] for date in dates)
    door.fresh()
    ended = door.run(*command, "--limit", "7", "--no-judge", "--json")
    assert ended.document["papers"] == 7
    assert ended.document["judged"] == 0
    assert door.run(*command, "--limit", "0").code == 2


def test_the_protocol_names_what_is_searched(door: Door) -> None:
    ended = door.run("ingest", "s2", "--protocol", "--json")
    asked = [each.params["query"] for each in door.server.log]
    assert len({*asked}) > 1
    assert ended.document["command"] == "ingest s2"
    assert {row["detail"] for row in ended.state["found"]} <= {*asked}
    refused(door.run("ingest", "s2", "--protocol", "--query", "codec"), "--query, --protocol")


# Bad input


@pytest.mark.parametrize("source", ["arxiv", "s2"])
@pytest.mark.parametrize("query", ["", "   ", "()"])
def test_an_empty_query_is_refused_before_anything_is_made(door: Door, source: str, query: str) -> None:
    refused(door.run("ingest", source, "--query", query), "query")
    refused(door.run("ingest", source, "--query", query, "--dry-run"), "query")
    assert not door.store.exists()
    assert not door.server.requests


@pytest.mark.parametrize("source", ["arxiv", "s2"])
def test_a_day_that_is_none_is_refused_before_anything_is_made(door: Door, source: str) -> None:
    refused(door.run("ingest", source, "--since", "next week"), "since")
    assert not door.store.exists()


@pytest.mark.parametrize("command", [("ingest", "arxiv", "--query", "all:zebra"), ("ingest", "s2", "--query", "zebra")])
def test_a_query_without_hits_says_so_and_is_done(door: Door, command: tuple[str, ...]) -> None:
    ended = door.run(*command, "--json")
    assert (ended.code, ended.document["papers"], ended.document["state"]) == (0, 0, "done")
    assert door.run(*command).all_requests == ended.all_requests


def test_a_query_that_the_service_cannot_read_is_the_users_to_mend(door: Door) -> None:
    refused(door.run("ingest", "s2", "--query", "(codec"), "cannot read the query", "quotation marks")
    refused(door.run("ingest", "arxiv", "--query", "all:codec AND"), "both sides of AND")


def test_a_list_as_people_keep_it(door: Door) -> None:
    first, second = listed(door.server)[:2]
    text = f"\ufeff# to read\r\n{first}  # the first\r\n\r\nhttps://arxiv.org/abs/{second.removeprefix('arxiv:')}v2\r\n{first}\r\n"
    (door.folder / "bom.txt").write_text(text, encoding="utf-8")
    ended = door.run("ingest", "ids", "bom.txt", "--json")
    assert (ended.code, ended.document["papers_new"]) == (0, 2)
    assert {row["detail"] for row in ended.state["found"]} == {"bom.txt"}


def test_lists_that_cannot_be_used(door: Door) -> None:
    (door.folder / "empty.txt").write_text("# nothing yet\n")
    (door.folder / "latin.txt").write_bytes(b"arxiv:2101.00001 # caf\xe9\n")
    (door.folder / "wrong.txt").write_text("ten\nof these\n")
    refused(door.run("ingest", "ids", "absent.txt"), "absent.txt")
    refused(door.run("ingest", "ids", "empty.txt"), "holds no id")
    refused(door.run("ingest", "ids", "latin.txt"), "UTF-8")
    refused(door.run("ingest", "ids", "wrong.txt"), "holds no id", "wrong.txt, line 2")
    refused(door.run("ingest", "ids", "list.txt", "--source", "acm"), "acm", "arxiv, s2, openalex")
    refused(door.run("ingest", "references", "--direction", "sideways"), "sideways")
    refused(door.run("snowball", "--seeds", "absent.txt"), "absent.txt")
    assert not door.store.exists()
    assert not door.server.requests


def test_references_of_papers_that_are_not_here(door: Door) -> None:
    door.run(*S2, "--limit", "5", "--no-judge")
    (door.folder / "other.txt").write_text("arxiv:2412.99999\n")
    ended = door.run("ingest", "references", "--of", "other.txt")
    assert ended.code == 0
    assert "arxiv:2412.99999 is not in the atlas: tokenatlas ingest ids brings it in" in ended.said
    assert "Nothing to ask." in ended.said


def test_a_moment_that_is_none(door: Door) -> None:
    door.run(*S2, "--limit", "5", "--no-judge")
    refused(door.run("diff", "--since", "9"), "no run 9")
    refused(door.run("diff", "--since", "yesterday"), "YYYY-MM-DD")
    refused(door.run("coverage", "--list", "absent.csv"), "absent.csv")


def test_the_pace_of_the_real_service_is_not_ours(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TOKENATLAS_S2_URL")
    refused(door.run(*S2), "TOKENATLAS_PACE", "api.semanticscholar.org", "TOKENATLAS_S2_URL")
    monkeypatch.setenv("TOKENATLAS_PACE", "s2=fast")
    refused(door.run(*S2), "s2=fast")
    assert not door.store.exists()


def test_a_store_that_cannot_be_written(door: Door) -> None:
    (door.folder / "file").write_text("")
    place = (door.folder / "file").as_posix()
    for url in (f"sqlite:///{place}/atlas.sqlite", f"sqlite:///{door.folder.as_posix()}"):
        refused(door.run(*S2, "--store", url), code=1)
    assert not door.server.requests
    (door.folder / "text.sqlite").write_text("no database, but longer than the head of one: " + "x" * 200)
    refused(door.run(*S2, "--store", f"sqlite:///{door.folder.as_posix()}/text.sqlite"), code=1)
    assert (door.folder / "text.sqlite").read_text().startswith("no database")


def test_a_pause_beyond_patience_says_when_to_go_on(door: Door) -> None:
    door.server.fault("s2.search", "429-seconds", None, after=1, seconds=4000)
    ended = door.run(*S2, "--json")
    assert ended.code == 4
    error = json.loads(ended.said.splitlines()[-1])
    assert (error["error"], error["retryable"], error["status"]) == ("source.rate", True, 429)
    assert error["resume_at"][:16].replace("T", " ") + " UTC" in error["hint"]
    assert door.server.requests == {"s2.search": 2}
    stopped = door.run("runs", "--json").document["runs"][0]
    assert (stopped["state"], stopped["counts"]["papers_new"]) == ("stopped", 20)
    door.server.reset()
    # The pause holds for every command of this user: nothing is asked before it is over.
    ended = door.run(*S2)
    assert (ended.code, ended.all_requests) == (4, 0)
    assert "asked for a pause that lasts another 60 min" in ended.said
    door.wait(3600)
    assert door.run(*S2, "--json").document["papers"] == 34
