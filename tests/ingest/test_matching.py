"""Works become one when title, author and year say so and nothing contradicts; every doubt is named."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.agreement import Account, Work
from ingest.matching import BLOCK, Matched, match, united

TITLE = "Coding quiet speech on small devices"
ANN = ("Ann Example", "Bo Sample", "Cy Third")


def work(
    id: str, title: str = TITLE, year: int | None = 2022, authors: tuple[str, ...] | None = ANN, *ids: str
) -> Work:
    return Work(id, (id, *ids), (Account(title, year, authors),))


PREPRINT = work("arxiv:2201.00001")


def one_work(*works: Work, apart: set[tuple[str, str]] | None = None) -> Matched:
    return match(works, apart=apart or set())


@pytest.mark.parametrize(
    "other",
    [
        work("doi:10.1109/x.1"),
        work("doi:10.1109/x.1", year=2023),
        work("doi:10.1109/x.1", year=2021),
        work("doi:10.1109/x.1", year=None),
        work("doi:10.1109/x.1", TITLE.upper() + "."),
        work("doi:10.1109/x.1", authors=("Example, A.", "Sample, B.")),
        work("doi:10.1109/x.1", authors=None),
        work("doi:10.1109/x.1", authors=()),
        work("openalex:W1", authors=None, year=None),
        work("s2:" + "a" * 40),
        work("title:codingquietspeechonsmalldevices"),
        work("corpusid:5"),
    ],
)
def test_one_title_first_author_and_year_make_one_work(other: Work) -> None:
    found = one_work(PREPRINT, other)
    assert [(each.kept, each.absorbed) for each in found.proposals] == [(PREPRINT.id, other.id)]
    assert "same title" in found.proposals[0].reason
    assert found.held_back == ()


def test_a_reason_says_what_agreed() -> None:
    (same,) = one_work(PREPRINT, work("openalex:W1")).proposals
    (later,) = one_work(PREPRINT, work("openalex:W1", year=2023)).proposals
    (bare,) = one_work(PREPRINT, work("openalex:W1", year=None, authors=None)).proposals
    assert same.reason == "same title and first author (ann example), same year (2022)"
    assert later.reason == "same title and first author (ann example), years 2022 and 2023"
    assert bare.reason == "same title, no year that contradicts, authors not listed for both"
    assert same.confidence > later.confidence > bare.confidence


@pytest.mark.parametrize(
    ("one", "other", "kind"),
    [
        (PREPRINT, work("arxiv:2205.00009"), "arxiv"),
        (work("doi:10.1109/x.1"), work("doi:10.1016/y.2"), "doi"),
        (work("doi:10.2139/ssrn.1"), work("doi:10.2139/ssrn.2"), "doi"),
        (PREPRINT, work("openalex:W1", TITLE + " at 1.5 kbps"), "word"),
        (work("arxiv:2201.00001", TITLE + " at 15 kbps"), work("openalex:W1", TITLE + " at 1.5 kbps"), "number"),
        (work("arxiv:2201.00001", TITLE + " in C++"), work("openalex:W1", TITLE + " in C"), "number"),
        (PREPRINT, work("openalex:W1", authors=("Di Fourth", "Bo Sample")), "authors"),
        (PREPRINT, work("openalex:W1", authors=("Bo Sample", "Ann Example", "Cy Third")), "authors"),
        (PREPRINT, work("openalex:W1", authors=("Ann Example", "Di Fourth", "Ed Fifth")), "authors"),
        (PREPRINT, work("openalex:W1", year=2024), "year"),
        (PREPRINT, work("openalex:W1", year=2020), "year"),
        (work("arxiv:2201.00001", "Speech tokens"), work("openalex:W1", "Speech tokens", 2022, None), "short"),
        (work("arxiv:2201.00001", "Editorial"), work("openalex:W1", "Editorial"), "short"),
        (PREPRINT, work("openalex:W1", TITLE + ", Part II"), "number"),
        (work("openalex:W2", TITLE + ", Part I"), work("openalex:W1", TITLE + ", Part II"), "number"),
        (PREPRINT, work("openalex:W1", TITLE + " v2"), "number"),
        (PREPRINT, work("openalex:W1", TITLE.replace("quiet", "loud")), "word"),
        (PREPRINT, work("openalex:W1", "A survey of " + TITLE), "word"),
        (PREPRINT, work("openalex:W1", "Reply to: " + TITLE), "reply"),
        (PREPRINT, work("openalex:W1", "Comment on " + TITLE), "reply"),
        (PREPRINT, work("openalex:W1", "Erratum: " + TITLE), "reply"),
        (PREPRINT, work("openalex:W1", "Brook: " + TITLE), "name"),
    ],
)
def test_what_contradicts_holds_a_pair_back_and_is_named(one: Work, other: Work, kind: str) -> None:
    found = one_work(one, other)
    assert found.proposals == ()
    listed = [(each.one, each.other, each.kind) for each in found.held_back]
    assert listed == [(*sorted((one.id, other.id)), kind)]
    assert one_work(other, one) == found


def test_a_doi_of_a_preprint_is_no_second_published_version() -> None:
    published = work("doi:10.1016/j.csl.2022.1")
    for preprint in ("doi:10.2139/ssrn.1", "doi:10.36227/techrxiv.1.v1", "doi:10.31234/osf.io/abc"):
        assert len(one_work(published, work(preprint)).proposals) == 1


def test_versions_of_one_preprint_are_one_work() -> None:
    for one, other in [
        ("doi:10.36227/techrxiv.1.v1", "doi:10.36227/techrxiv.1.v2"),
        ("doi:10.21203/rs.3.rs-1/v1", "doi:10.21203/rs.3.rs-1/v2"),
        ("doi:10.7554/elife.109400", "doi:10.7554/elife.109400.1"),
    ]:
        assert len(one_work(work(one), work(other)).proposals) == 1


def test_an_arxiv_id_gives_the_year_that_an_account_lacks() -> None:
    undated = work("arxiv:1801.00001", year=None)
    assert one_work(undated, work("openalex:W1", year=2022)).held_back[0].kind == "year"
    assert len(one_work(undated, work("openalex:W1", year=2018)).proposals) == 1


def test_what_a_person_took_apart_stays_apart() -> None:
    other = work("openalex:W1")
    for apart in ({(PREPRINT.id, other.id)}, {(other.id, PREPRINT.id)}):
        found = one_work(PREPRINT, other, apart=apart)
        assert found.proposals == ()
        assert [each.kind for each in found.held_back] == ["taken apart"]


def test_what_fits_two_works_that_are_not_one_stays_apart_from_both() -> None:
    other = work("arxiv:2205.00009", authors=("Di Fourth",))
    found = one_work(PREPRINT, other, work("openalex:W1", authors=None))
    assert found.proposals == ()
    assert sorted(each.kind for each in found.held_back) == ["ambiguous", "ambiguous", "arxiv"]


def test_authors_that_agree_join_though_something_without_authors_fits_two() -> None:
    other = work("arxiv:2205.00009", authors=("Di Fourth",))
    found = one_work(PREPRINT, work("doi:10.1109/x.1"), other, work("openalex:W1", authors=None))
    assert [(each.kept, each.absorbed) for each in found.proposals] == [(PREPRINT.id, "doi:10.1109/x.1")]
    assert {each.kind for each in found.held_back} >= {"ambiguous", "arxiv"}


def test_three_manifestations_over_three_years_are_one_work() -> None:
    found = one_work(PREPRINT, work("openalex:W1", year=2023, authors=None), work("doi:10.1109/x.1", year=2024))
    assert [each.absorbed for each in found.proposals] == ["doi:10.1109/x.1", "openalex:W1"]
    assert found.proposals[0].reason.endswith("as openalex:W1, which is the same work")


def test_a_title_that_comes_back_every_year_is_not_one_work() -> None:
    years = [work(f"openalex:W{year}", "Findings of the yearly speech challenge", year) for year in range(2015, 2023)]
    assert one_work(*years).proposals == ()


def test_a_title_of_very_many_works_joins_none_and_costs_no_comparison() -> None:
    found = one_work(*(work(f"openalex:W{n}") for n in range(1, BLOCK + 2)))
    assert found.proposals == ()
    assert [(each.kind, each.reason) for each in found.held_back] == [("common", f"{BLOCK + 1} works bear this title")]


def test_near_titles_of_other_authors_are_nobodys_concern() -> None:
    other = work("openalex:W1", TITLE + ", Part II", authors=("Di Fourth",))
    assert one_work(PREPRINT, other) == Matched((), ())


def test_near_titles_whose_ids_differ_need_nobodys_look() -> None:
    assert one_work(PREPRINT, work("arxiv:2205.00009", TITLE + ", Part II")) == Matched((), ())


def test_near_titles_are_left_out_when_not_asked_for() -> None:
    assert match([PREPRINT, work("openalex:W1", TITLE + ", Part II")], near=False) == Matched((), ())


def test_the_best_id_is_kept_whatever_order() -> None:
    works = [work("openalex:W1"), work("doi:10.1109/x.1"), PREPRINT, work("title:codingquietspeechonsmalldevices")]
    for at in range(len(works)):
        turned = works[at:] + works[:at]
        assert {each.kept for each in one_work(*turned).proposals} == {PREPRINT.id}


def test_a_work_without_any_title_is_passed_over() -> None:
    assert one_work(Work("openalex:W1", ("openalex:W1",), ()), work("openalex:W2", "...")) == Matched((), ())


TITLES = (
    TITLE,
    TITLE + ", Part I",
    TITLE + ", Part II",
    "Speech tokens",
    TITLE + " at 15 kbps",
    TITLE + " at 1.5 kbps",
)
AUTHORS = (None, (), ANN, ("A. Example",), ("Ann Example", "Di Fourth", "Ed Fifth"), ("Di Fourth",))


@st.composite
def libraries(draw: st.DrawFn) -> list[Work]:
    """Up to nine works that share few titles, authors and years, with ids that contradict or not."""
    works = []
    for number in range(draw(st.integers(2, 9))):
        scheme = draw(st.sampled_from(["arxiv:2201.{:05d}", "doi:10.1109/x.{}", "doi:10.2139/ssrn.{}", "openalex:W{}"]))
        accounts = draw(
            st.lists(
                st.builds(
                    Account,
                    st.sampled_from(TITLES),
                    st.sampled_from([None, 2020, 2021, 2022, 2023]),
                    st.sampled_from(AUTHORS),
                ),
                min_size=1,
                max_size=2,
            )
        )
        id = scheme.format(number + 1)
        works.append(Work(id, (id,), tuple(accounts)))
    return works


@settings(max_examples=100)
@given(libraries(), st.randoms(use_true_random=False))
def test_the_order_of_works_changes_nothing(works: list[Work], random) -> None:
    shuffled = [
        Work(each.id, each.ids, tuple(random.sample(each.accounts, len(each.accounts))))
        for each in random.sample(works, len(works))
    ]
    assert match(shuffled) == match(works)


@settings(max_examples=100)
@given(libraries())
def test_matching_again_proposes_nothing(works: list[Work]) -> None:
    assert match(united(works, match(works).proposals)).proposals == ()


@settings(max_examples=100)
@given(libraries())
def test_no_group_holds_what_contradicts(works: list[Work]) -> None:
    found = match(works)
    absorbed = [each.absorbed for each in found.proposals]
    assert len(absorbed) == len(set(absorbed))
    assert not {each.kept for each in found.proposals} & set(absorbed)
    for group in united(works, found.proposals):
        assert sum(id.startswith("arxiv:") for id in group.ids) <= 1
        assert sum(id.startswith("doi:10.1109") for id in group.ids) <= 1
        years = [account.year for account in group.accounts if account.year is not None]
        assert not years or max(years) - min(years) <= 3
        for one, other in combinations([each for each in works if each.id in group.ids], 2):
            firsts = [{account.authors[0][0] for account in each.accounts if account.authors} for each in (one, other)]
            assert not (firsts[0] and firsts[1]) or firsts[0] == firsts[1] == {firsts[0].pop()}


@settings(max_examples=100)
@given(libraries(), st.data())
def test_what_is_taken_apart_is_not_joined_again(works: list[Work], data: st.DataObject) -> None:
    proposals = match(works).proposals
    if not proposals:
        return
    undone = data.draw(st.sampled_from(proposals))
    pair = (undone.kept, undone.absorbed)
    groups = united(works, match(works, apart={pair}).proposals)
    assert not any(set(pair) <= set(group.ids) for group in groups)


@pytest.mark.realdata
def test_hard_negatives_made_from_real_titles_stay_apart(shared_data: Path) -> None:
    from benchmarks.hard_negatives import negatives
    from benchmarks.identity import joined, read

    records = [record for record, _ in read(shared_data / "arxiv_audio.jsonl.gz")]
    made = list(negatives(records, 360, seed=7))
    assert len({kind for kind, _ in made}) == 18
    assert [(kind, pair) for kind, pair in made if len(set(joined(pair))) == 1] == []
