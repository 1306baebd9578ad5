"""The table fault x endpoint: what the user sees, what is stored, how many requests leave, and how it goes on.

Every fault is played over a real socket against the real command that asks the endpoint, from the second request on
and for as long as the command runs. `EXPECTED` is the table. Whatever the fault: what was stored stays, nothing that is
not so is stored, an error is three lines, requests are bounded, and when the fault is over the same command ends in
the very state of an undisturbed run. A service that lies in a way that could be true (a null is an unknown paper, a 404
too) is believed and named, and `--refresh` asks again.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from analysis.screening import Judge
from ingest.fetching import begin
from ingest.pipeline import plan_papers, run_list
from ingest.semantic_scholar import SemanticScholarSource
from ingest.transport import Transport
from kg.store import open_store
from tests.ingest.misbehaving import COMMANDS, TRIES, Door, Ended, listed, shrink
from tests.ingest.states import differences
from tests.ingest.truth import untrue
from tests.services import faults
from tests.services.server import Services, serving


@dataclass(frozen=True)
class Outcome:
    """What a fault that lasts comes to.

    - code: the exit code. - says: what stands among the lines. - requests: to the endpoint, the good one included.
    - again: how the state of an undisturbed run is reached afterwards: by the "same" command, or with "refresh".
    - once: requests more than an undisturbed run when the fault comes once and heals; `None` when it does not heal.
    """

    code: int
    says: str
    requests: int
    again: str = "same"
    once: int | None = None


def patient(says: str, requests: int = 1 + TRIES) -> Outcome:
    """Asked again until the patience is over; then the error says when to go on."""
    return Outcome(
        4, rf"Error: .*{says}.*after {TRIES} tries\n(?s:.*)Run the same command again after 20\d\d-", requests, once=1
    )


def final(says: str, code: int = 1) -> Outcome:
    """Nothing that another try could mend."""
    return Outcome(code, f"Error: .*{says}", 2)


NOTHING = Outcome(0, "", 0, once=0)
EXPECTED: dict[str, Outcome] = {
    "429-seconds": patient(r"turning requests away \(HTTP 429\)"),
    "429-date": patient(r"turning requests away \(HTTP 429\)"),
    "429": patient(r"turning requests away \(HTTP 429\)"),
    "500": patient(r"cannot answer \(HTTP 500: Internal server error\)"),
    "502-html": patient(r"cannot answer \(HTTP 502: Bad gateway\)"),
    "503-empty": patient(r"cannot answer \(HTTP 503\)"),
    "504": patient(r"cannot answer \(HTTP 504: Endpoint request timed out\)"),
    "400": final(r"refused \(HTTP 400: The request cannot be read\)"),
    "401": final(r"refused \(HTTP 401: Unauthorized\)"),
    "403": final(r"refused \(HTTP 403: Forbidden\)"),
    "404": final(r"refused \(HTTP 404: Not found\)"),
    "413": final(r"refused \(HTTP 413: Bad gateway\)"),
    "200-html": patient("sent an HTML page instead of"),
    "200-empty": patient("sent an empty body instead of"),
    "truncated": patient("sent broken (JSON|XML)"),
    "error-feed": final(r"refused \(HTTP 200: the query cannot be read\)"),
    "gzip": NOTHING,
    "bomb": final("sent more than 4 MB, unpacked instead of"),
    "doctype": final("sent XML with a document type"),
    "redirect": final("redirected us to elsewhere.invalid, which was not asked"),
    "timeout": patient("no answer within 0.3 s"),
    "drip": patient("no whole answer within 0.4 s"),
    "reset": patient("the connection broke before the whole answer came"),
    "closed": patient("the connection broke before the whole answer came"),
    "huge": final("sent more than 2 MB instead of"),
    "huge-stated": final("sent 300 MB instead of"),
    "slow": NOTHING,
}  # fmt: skip
"""At every endpoint, unless `ELSEWHERE` says otherwise. NOTHING: as many requests as an undisturbed run."""

ELSEWHERE: dict[tuple[str, str], Outcome] = {
    # arXiv fails on large pages, so a page is also asked for in smaller ones.
    **{("arxiv.query", kind): replace(EXPECTED[kind], requests=1 + 2 * TRIES) for kind in ("500", "502-html", "504")},
    ("arxiv.query", "empty-page"): patient("counts 42 papers and gave none behind number 19", 2 + TRIES),
    ("arxiv.query", "same-page"): patient("sent another page than was asked for"),
    ("arxiv.query", "wrong-type"): patient("sent a page without a date that can be read"),
    ("arxiv.query by id", "empty-page"): patient("counts 4 papers of a list and gave none"),
    ("arxiv.query by id", "same-page"): patient("sent other papers than were asked for"),
    ("arxiv.query by id", "wrong-type"): patient("sent a page without a date that can be read"),
    # A token that went stale is a 400 too: the search starts again, and only then is the query at fault.
    ("s2.search", "400"): Outcome(2, r"Error: .*cannot read the query: The request cannot be read", 3, once=2),
    ("s2.search", "empty-page"): Outcome(4, "an empty page after 20 of 54 .*\n.*said 54 papers, gave 20", 4, once=1),
    ("s2.search", "same-page"): Outcome(4, "a page that came before\n.*said 54 papers, gave 20", 4, once=1),
    ("s2.search", "null-papers"): Outcome(3, "said 54 papers, gave 37", 3, "refresh"),
    ("s2.search", "wrong-type"): Outcome(3, r"records that cannot be used: \S+ \(title: ", 3, "refresh"),
    # A list that is too large is asked for in halves, down to a paper alone.
    ("s2.batch", "413"): replace(EXPECTED["413"], requests=4, once=2),
    ("s2.batch", "same-page"): Outcome(4, f"instead of a list of 2 papers after {TRIES} tries", 8, once=1),
    ("s2.batch", "null-papers"): Outcome(0, r"\d not known to the source: arxiv:", 3, "refresh"),
    ("s2.batch", "wrong-type"): Outcome(3, r"records that cannot be used: \S+ \(title: ", 3, "refresh"),
    ("s2.citations", "404"): Outcome(0, "10 not known to the source: ", 11, "refresh"),
    ("s2.citations", "empty-page"): Outcome(0, "gave 20 of 26 citations", 31, "refresh", once=1),
    ("s2.citations", "same-page"): Outcome(0, "gave 20 of 26 citations", 31, "refresh", once=1),
    ("s2.citations", "null-papers"): Outcome(0, "", 18, "refresh"),
    ("s2.citations", "wrong-type"): Outcome(3, r"records that cannot be used: \S+ \(title: ", 18, "refresh"),
    # Where Semantic Scholar cannot give a list, OpenAlex is asked for it.
    ("s2.references", "404"): Outcome(0, "9 not known to the source: ", 10, "refresh"),
    ("s2.references", "empty-page"): Outcome(0, "gave 0 of 5 references", 28, "refresh", once=1),
    ("s2.references", "same-page"): Outcome(0, "gave 0 of 5 references", 28, "refresh", once=1),
    ("s2.references", "null-papers"): Outcome(0, "", 11, "refresh"),
    ("s2.references", "wrong-type"): Outcome(3, r"records that cannot be used: \S+ \(title: ", 11, "refresh"),
    ("openalex.work", "404"): Outcome(0, "9 not known to the source: ", 10, "refresh"),
    ("openalex.work", "wrong-type"): Outcome(3, r"records that cannot be used: \S+ \(title: ", 10, "refresh"),
}  # fmt: skip

UNASKED = "s2.paper"
ROWS = [(name, kind) for name in COMMANDS for kind, endpoint in faults.table() if endpoint == name.partition(" ")[0]]


def expected(name: str, kind: str) -> Outcome:
    return ELSEWHERE.get((name, kind)) or EXPECTED[kind]


@pytest.fixture(scope="module")
def served() -> Iterator[Services]:
    with serving(papers=120, seed=5) as server:
        yield server


@functools.lru_cache
def judge() -> Judge:
    return Judge()


@pytest.fixture(scope="module")
def base(served: Services, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with the papers of the list."""
    path = tmp_path_factory.mktemp("base") / "base.sqlite"
    environ = served.environment | {"TOKENATLAS_CACHE": str(path.parent)}
    with open_store(f"sqlite:///{path}") as store, Transport(environ=environ) as transport:
        session = begin(store, "base", rules=None, protocol=None, clock=lambda: "2020-01-01T00:00:00+00:00")
        source = SemanticScholarSource(transport)
        run_list(session, plan_papers(session, source, listed(served)), "base")
        store.end(session.number, "done", {}, time="2020-01-01T00:00:00+00:00")
    return path


@pytest.fixture
def door(
    served: Services, base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Door:
    shrink(monkeypatch)
    # The rules are the same in every run; reading them takes longer than all the rest.
    monkeypatch.setattr("analysis.screening.Judge", judge)
    return Door(served, tmp_path, monkeypatch, capsys, base)


_WHOLE: dict[str, Ended] = {}


def undisturbed(door: Door, name: str) -> Ended:
    if name not in _WHOLE:
        door.fresh()
        _WHOLE[name] = door.run(*COMMANDS[name], endpoint=name)
        assert _WHOLE[name].code == 0
    return _WHOLE[name]


def check(door: Door, before: Ended, ended: Ended) -> None:
    """What holds whatever the fault was."""
    assert len(ended.error) == (0 if ended.code in (0, 3) or "What is missing is asked for" in ended.said else 3)
    assert "Traceback" not in ended.said
    assert "unforeseen" not in ended.said
    assert not untrue(door.server.world, ended.state)
    for table, keys in (("records", ("title",)), ("citations", ("citing", "cited")), ("ids", ("id",))):
        kept = {tuple(row[key] for key in keys) for row in ended.state[table]}
        assert {tuple(row[key] for key in keys) for row in before.state[table]} - {(None,)} <= kept


def test_every_fault_has_its_row_at_every_endpoint_that_is_asked() -> None:
    asked = {name.partition(" ")[0] for name in COMMANDS}
    assert asked == {*faults.ENDPOINTS} - {UNASKED}
    rows = {(kind, name.partition(" ")[0]) for name, kind in ROWS}
    assert rows == {(kind, endpoint) for kind, endpoint in faults.table() if endpoint != UNASKED}
    assert {*ELSEWHERE} <= {*ROWS}


@pytest.mark.parametrize(("name", "kind"), ROWS)
def test_a_fault_that_lasts(name: str, kind: str, door: Door) -> None:
    endpoint, short = name.partition(" ")[0], kind in ("timeout", "drip")
    whole, row = undisturbed(door, name), expected(name, kind)
    door.fresh()
    before = door.look()
    door.server.fault(endpoint, kind, None, after=1)
    ended = door.run(*COMMANDS[name], endpoint=name, short=short)
    check(door, before, ended)
    assert ended.code == row.code, ended.said
    assert re.search(row.says, ended.said), ended.said
    assert ended.requests == (row.requests or whole.requests)
    assert door.server.requests[UNASKED] == 0
    if row == NOTHING:
        assert differences(whole.state, ended.state) == {}
        return
    # What came before the fault is there, and not all of the rest.
    assert differences(before.state, ended.state) != {}
    assert row.again == "refresh" or differences(whole.state, ended.state) != {}

    door.server.reset()
    again = door.run(*COMMANDS[name], *(("--refresh",) if row.again == "refresh" else ()), endpoint=name)
    check(door, ended, again)
    assert again.code == 0, again.said
    assert again.all_requests <= whole.all_requests + (row.again == "same")
    if row.again == "same":
        assert differences(whole.state, again.state) == {}
    else:
        assert missing(whole, again) == {}


PLACE = ("paper", "citing", "cited", "sources", "detail")


def missing(whole: Ended, ended: Ended) -> dict[str, list[str]]:
    """What an undisturbed run stores and this one has not; what was found elsewhere in between does no harm."""
    found = {}
    for table in ("records", "citations", "fetches", "found"):
        keep = [
            key
            for key in (whole.state[table] or [{}])[0]
            if key not in ("paper", "citing", "cited", "sources", "detail")
        ]
        have = {repr({key: row[key] for key in keep}) for row in ended.state[table]}
        rest = [repr(row) for row in whole.state[table] if repr({key: row[key] for key in keep}) not in have]
        if rest:
            found[table] = rest[:3]
    return found


HEALING = [(name, kind) for name, kind in ROWS if expected(name, kind).once is not None]


@pytest.mark.parametrize(("name", "kind"), HEALING)
def test_a_fault_that_comes_once_changes_nothing(name: str, kind: str, door: Door) -> None:
    whole, row = undisturbed(door, name), expected(name, kind)
    assert row.once is not None
    door.fresh()
    door.server.fault(name.partition(" ")[0], kind, 1, after=1)
    ended = door.run(*COMMANDS[name], endpoint=name, short=kind in ("timeout", "drip"))
    assert ended.code == 0, ended.said
    assert ended.error == []
    assert ended.requests == whole.requests + row.once
    assert differences(whole.state, ended.state) == {}
