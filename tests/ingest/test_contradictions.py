"""What `ingest.contradictions` promises: impostors are named with the reason, honest late dates are not."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

import pytest

from ingest.contradictions import Citers, contradiction, dated, read_ahead
from ingest.lines import Line
from ingest.records import parse_record

WORK = {"openalex_id": "W4300000001", "title": "A Work", "publication_date": "2023-01-01"}


def lines(records: Iterable[dict[str, Any]]) -> Iterator[Line]:
    for number, record in enumerate(records, start=1):
        yield Line(number, 0, json.dumps(record).encode())


def citing(number: int, year: int | None, *cited: str) -> dict[str, Any]:
    date = None if year is None else f"{year}-06-01"
    return {
        "openalex_id": f"W{number}",
        "title": f"Citing {number}",
        "publication_date": date,
        "referenced_works": cited,
    }


def reason(work: dict[str, Any], citing_years: Iterable[int | None] = ()) -> str | None:
    file = [work, *(citing(n, year, work["openalex_id"]) for n, year in enumerate(citing_years, start=100))]
    record = dated(parse_record(json.dumps(work).encode(), "here"))
    return contradiction(record, read_ahead(lambda: lines(file)))


def test_a_work_cited_years_before_its_date_is_an_impostor() -> None:
    said = reason(WORK, [2018, 2019, 2020, 2023, 2024])
    assert said == (
        "Dated 2023, while 3 of the 5 dated works that cite it are at least 2 years older, the first of 2018"
    )


@pytest.mark.parametrize(
    "years",
    [
        [],
        [2018, 2019],
        [2022] * 50,
        [2021, 2021, 2021] + [2024] * 58,
        [None] * 10,
        [2023, 2024, 2025],
    ],
    ids=["uncited", "two may be wrong", "one year is a preprint", "under a twentieth", "undated", "later"],
)
def test_citations_that_prove_nothing_are_no_contradiction(years: list[int | None]) -> None:
    assert reason(WORK, years) is None


def test_the_share_is_of_dated_citing_works() -> None:
    assert reason(WORK, [2021, 2021, 2021] + [2024] * 57) is not None
    assert reason(WORK, [2021, 2021, 2021] + [2024] * 57 + [None] * 40) is not None


@pytest.mark.parametrize(
    "ids", [{"doi": "10.48550/arXiv.1806.00001"}, {"arxiv_id": "1806.00001", "arxiv_id_via": "title"}]
)
def test_a_journal_version_years_after_the_preprint_is_honest(ids: dict[str, str]) -> None:
    assert reason({**WORK, **ids}, [2018, 2019, 2020, 2021, 2022]) is None
    assert reason({**WORK, **ids}, [2014, 2015, 2016]) is not None


def test_two_arxiv_ids_contradict() -> None:
    said = reason({**WORK, "arxiv_id": "2107.03312", "arxiv_id_via": "doi", "doi": "10.48550/arXiv.2209.03143"})
    assert said == "Its ids name different arXiv papers: arxiv:2107.03312, arxiv:2209.03143"


@pytest.mark.parametrize(("year", "wrong"), [("2018", True), ("2019", False), ("2024", False), ("2030", False)])
def test_an_arxiv_id_years_after_the_date_contradicts(year: str, wrong: bool) -> None:
    said = reason({**WORK, "doi": "10.48550/arXiv.2107.03312", "publication_date": f"{year}-05-01"})
    assert (said is not None) == wrong


@pytest.mark.parametrize(
    ("doi", "date", "wrong"),
    [
        ("10.1109/icassp.2023.1234567", "2019-01-01", True),
        ("10.1109/icassp.2023.1234567", "2021-01-01", False),
        ("10.21437/interspeech.2021-475", "2017-01-01", True),
        ("10.4230/lipics.itp.2023.19", "2019-01-01", True),
        ("10.18653/v1/d18-2012", "2008-01-01", False),
        ("10.1016/j.specom.2019.01.002", "2012-01-01", False),
    ],
)
def test_a_doi_year_contradicts_only_where_it_is_a_year_and_well_after_the_date(
    doi: str, date: str, wrong: bool
) -> None:
    assert (reason({**WORK, "doi": doi, "publication_date": date}) is not None) == wrong


@pytest.mark.parametrize(
    ("doi", "date", "taken"),
    [
        ("10.1109/icassp.1987.1169589", "2005-03-24", "1987"),
        ("10.1109/icassp.2000.859138", "2002-11-07", "2002-11-07"),
        ("10.1109/tpami.2014.2345678", "2016-02-03", "2016-02-03"),
        ("10.18653/v1/d18-2012", "2018-01-01", "2018"),
    ],
)
def test_a_scan_date_gives_way_to_the_year_in_the_doi(doi: str, date: str, taken: str) -> None:
    record = dated(parse_record(json.dumps({**WORK, "doi": doi, "publication_date": date}).encode(), ""))
    assert record.published is not None
    assert record.published.value == taken


def test_a_scanned_classic_is_no_impostor() -> None:
    work = {**WORK, "doi": "10.1109/icassp.1987.1169589", "publication_date": "2005-03-24"}
    assert reason(work, [1989, 1990, 1995, 1999, 2010]) is None
    assert reason(work, [1980, 1981, 1982, 1999, 2010]) is not None


def test_a_deposit_with_the_title_of_an_older_arxiv_paper_contradicts() -> None:
    deposit = {**WORK, "doi": "10.57702/abc", "arxiv_id": "1502.03167", "arxiv_id_via": "title"}
    said = reason(deposit)
    assert said is not None
    assert "its title that of an arXiv paper of 2015-02" in said


def test_a_deposit_dated_after_openalex_numbered_the_work_contradicts() -> None:
    deposit = {**WORK, "openalex_id": "W2896457183", "doi": "10.5281/zenodo.12561108"}
    said = reason(deposit)
    assert said is not None
    assert "numbered this work by 2018" in said
    assert reason({**deposit, "publication_date": "2018-11-01"}) is None
    assert reason({**deposit, "doi": "10.1109/taslp.2023.3277693"}) is None


def test_a_deposit_cited_in_earlier_years_contradicts() -> None:
    deposit = {**WORK, "doi": "10.5281/zenodo.1"}
    assert reason(deposit, [2022, 2022, 2022, 2024, 2024]) is not None
    assert reason(deposit, [2022, 2022, 2024, 2024]) is None
    assert reason(deposit, [2022, 2022, 2022] + [2024] * 30) is None


def test_a_work_without_date_contradicts_nothing() -> None:
    assert reason({**WORK, "publication_date": None}, [1990, 1991, 1992]) is None


def test_reading_ahead_counts_each_citing_work_once_and_not_the_work_itself() -> None:
    file = [
        citing(1, 2020, "W1", "W2", "https://openalex.org/W2"),
        citing(2, 2023, "W2", "W9"),
        citing(3, None, "W2"),
        {**citing(4, 2019, "W2"), "title": None},
        {"arxiv_id": "2107.03312", "title": "No OpenAlex record", "referenced_works": ["W2"]},
    ]
    broken = Line(9, 0, b'{"openalex_id": ')
    ahead = read_ahead(lambda: [*lines(file), broken, Line(10, 0, None)])
    assert ahead.citers(["openalex:W2"]) == Citers(2, ((2019, 1), (2020, 1)))
    assert ahead.citers(["openalex:W2"]).until(2019) == 1
    assert ahead.citers(["openalex:W1"]) == Citers(0, ())
    assert ahead.citers(["openalex:W9", "arxiv:2107.03312"]) == Citers(0, ())


def test_reading_ahead_keeps_titles_of_proposed_arxiv_ids() -> None:
    file = [
        {**WORK, "arxiv_id": "2107.03312", "arxiv_id_via": "title"},
        {"openalex_id": "W5", "doi": "10.48550/arXiv.2107.03312", "title": "The Title", "publication_date": None},
        {"openalex_id": "W6", "doi": "10.48550/arXiv.2209.03143", "title": "Not Proposed", "publication_date": None},
    ]
    assert read_ahead(lambda: lines(file)).titles == {"arxiv:2107.03312": "The Title"}
