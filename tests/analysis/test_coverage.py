"""What is missing: lists cut short, papers nobody asked about, listed papers that are not here, and why."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from analysis.coverage import coverage
from kg.answers import Quarantined
from kg.errors import InputError
from kg.identity import text_sha256
from kg.model import Batch, Citation, Fetch, Include, Judgement, Paper
from kg.store import GraphStore, open_store
from tests.conftest import EmptyStore

IDS = [f"arxiv:2101.0000{n}" for n in range(1, 8)]


def judged(title: str, include: Include) -> Judgement:
    return Judgement(include, False, (), (), None, (), "rule", ("title",), text_sha256(title, None))


@pytest.fixture
def store(empty_store: EmptyStore) -> Iterator[GraphStore]:
    """Papers 1-3 included, 4 excluded, 5 unclear, 6 only cited, 7 unknown to a source."""
    verdicts: list[Include] = ["include", "include", "include", "exclude", "unclear"]
    titles = [f"Paper number {n}" for n in range(1, 6)]
    with open_store(empty_store("sqlite")) as opened:
        opened.upsert(
            Batch(
                papers=tuple(Paper((id,), title, source="arxiv") for id, title in zip(IDS, titles, strict=False)),
                judgements={
                    id: judged(title, include) for id, title, include in zip(IDS, titles, verdicts, strict=False)
                },
                citations=(
                    Citation(IDS[0], IDS[1], "s2"),
                    Citation(IDS[0], IDS[1], "openalex"),
                    Citation(IDS[0], IDS[2], "s2"),
                    Citation(IDS[1], IDS[5], "s2"),
                ),
                fetches=(
                    Fetch(IDS[0], "s2", "references", "truncated", 2, 5, "2026-11-02T00:00:00+00:00"),
                    Fetch(IDS[1], "s2", "references", "empty", 0, 0, "2026-11-01T00:00:00+00:00"),
                    Fetch(IDS[3], "s2", "references", "complete", 9, 9, "2026-11-03T00:00:00+00:00"),
                    Fetch(IDS[6], "s2", "metadata", "unknown", None, None, "2026-11-03T00:00:00+00:00"),
                ),
            )
        )
        yield opened


def test_only_what_was_asked_about_included_papers_counts(store: GraphStore) -> None:
    found = coverage(store)
    assert found.included == 3
    (asked,) = found.asked
    assert (asked.source, asked.what, asked.states, asked.not_asked) == (
        "s2", "references", {"truncated": 1, "empty": 1}, 1,
    )  # fmt: skip
    assert (asked.resolved, asked.stated) == (2, 5)
    assert (asked.oldest, asked.newest) == ("2026-11-01T00:00:00+00:00", "2026-11-02T00:00:00+00:00")
    assert [(each.paper, each.state) for each in found.papers] == [(IDS[0], "truncated"), (IDS[1], "empty")]


def test_citations_known_from_one_source_only(store: GraphStore) -> None:
    found = coverage(store)
    assert (found.citations, found.by_source, found.single) == (2, {"openalex": 1, "s2": 2}, {"s2": 1})


def test_every_listed_paper_that_is_missing_says_why(store: GraphStore, tmp_path: Path) -> None:
    store.quarantine([Quarantined("arxiv", "arxiv:2102.00001", "Two papers", "Its ids contradict", None, "2026")])
    path = tmp_path / "list.csv"
    rows = [f"{id.removeprefix('arxiv:')},A title,One,codec;RVQ" for id in IDS]
    rows += ["2102.00001,A title,One,codec", "2103.00001,A title,Two,tokenizer", "2103.00002,A title,Two,cited"]
    path.write_text("arxiv_id,title,list_name,labels\n" + "\n".join(rows) + "\n", encoding="utf-8")
    both, one, two = coverage(store, [path], labels=("codec", "tokenizer")).lists
    assert (both.name, both.listed, both.known, both.included) == ("list.csv", 9, 5, 3)
    assert (one.name, one.listed, two.name, two.listed) == ("One", 8, "Two", 1)
    assert {each.id: each.why for each in both.missing} == {
        IDS[3]: "excluded",
        IDS[4]: "unclear",
        IDS[5]: "only cited",
        IDS[6]: "unknown to its source",
        "arxiv:2102.00001": "kept out",
        "arxiv:2103.00001": "never found",
    }


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"title,year\nA,2020\n", "no column of ids"),
        (b"arxiv_id\nnot an id\n", "line 2"),
        (b"arxiv_id\n\xff\xfe\n", "cannot be read"),
        (b"", "no column of ids"),
    ],
)
def test_a_list_that_cannot_be_used_says_what_is_wrong(
    store: GraphStore, tmp_path: Path, content: bytes, says: str
) -> None:
    path = tmp_path / "list.csv"
    path.write_bytes(content)
    with pytest.raises(InputError) as failed:
        coverage(store, [path])
    assert says in f"{failed.value} {failed.value.at}"
    assert failed.value.where == str(path)


def test_an_empty_store_has_nothing_to_tell(empty_store: EmptyStore) -> None:
    with open_store(empty_store("sqlite")) as store:
        found = coverage(store)
    assert (found.included, found.asked, found.papers, found.citations) == (0, (), (), 0)
