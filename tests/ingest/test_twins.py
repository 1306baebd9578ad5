"""A preprint and its published version become one work when the title says so and nothing speaks against it."""

from __future__ import annotations

import pytest

from ingest.twins import merge_twins
from kg.model import Author, Batch, Paper, PartialDate
from kg.paper_filter import PaperFilter
from kg.store import open_store

TITLE = "Quiet Brook: a codec for speech tokens"


def paper(id: str, title: str = TITLE, year: str | None = "2022", authors: tuple[str, ...] | None = None) -> Paper:
    return Paper(
        ids=(id,),
        title=title,
        published=PartialDate(year, "test") if year else None,
        authors=None if authors is None else tuple(Author(f"name:{a}", a, True) for a in authors),
        source="test",
    )


def merged(tmp_path, *papers: Paper) -> tuple[int, list[str], list[str]]:
    with open_store(f"sqlite:///{tmp_path}/x.sqlite") as store:
        for each in papers:
            store.upsert(Batch(papers=(each,)))
        count = merge_twins(store)
        assert merge_twins(store) == 0
        return count, store.ids(PaperFilter(include=())), [merge.reason for merge in store.merges()]


@pytest.mark.parametrize(
    "other",
    [
        paper("doi:10.1109/x.2023.1", year="2023"),
        paper("openalex:W1", "QUIET BROOK - A Codec for Speech Tokens.", None),
        paper("doi:10.1109/x.2023.1", authors=("ada-example", "bo-sample")),
    ],
)
def test_a_published_version_joins_its_preprint(tmp_path, other) -> None:
    count, ids, reasons = merged(tmp_path, other, paper("arxiv:2201.00001", authors=("a-example",)))
    assert (count, ids) == (1, ["arxiv:2201.00001"])
    assert "same title" in reasons[0]


@pytest.mark.parametrize(
    "other",
    [
        paper("arxiv:2301.00002", year="2023"),
        paper("doi:10.1109/x.2026.1", year="2026"),
        paper("openalex:W1", TITLE + " II"),
        paper("openalex:W1", authors=("cy-other",)),
    ],
)
def test_what_contradicts_stays_apart(tmp_path, other) -> None:
    count, ids, _ = merged(tmp_path, other, paper("arxiv:2201.00001", authors=("ada-example",)))
    assert (count, len(ids)) == (0, 2)


def test_a_short_title_proposes_nothing(tmp_path) -> None:
    assert merged(tmp_path, paper("openalex:W1", "Speech Tokens"), paper("arxiv:2201.00001", "Speech Tokens"))[0] == 0
