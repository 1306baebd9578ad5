"""The citation graph without a browser: places, names, and what crosses to the script and back."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kg.answers import CitationPath, Link, Neighbourhood, PaperRow
from ui.graph import GraphEvent, _event, graph_data, graph_strings, layout, short_name
from ui.graph.layout import APART_X, APART_Y, Layout

NOBODY = PaperRow(
    id="arxiv:0000.00000",
    title="Nothing: a paper about nothing",
    year=2023,
    published=None,
    venue=None,
    first_author="Ada Lovelace",
    authors=1,
    include="include",
    decided=False,
    topics=(),
    token_type=None,
    quantizers=(),
    bitrates=(),
    cited_by=0,
    references=0,
    citations_stated=None,
    cluster=None,
    stub=False,
)


def row(number: int, published: str | None, **more: object) -> PaperRow:
    year = None if published is None else int(published[:4])
    return replace(NOBODY, id=f"arxiv:{number:04d}", year=year, published=published, **more)  # type: ignore[arg-type]


def link(a: PaperRow, b: PaperRow) -> Link:
    return Link(a.id, b.id, younger=False, sources=("test",))


@st.composite
def dates(draw: st.DrawFn) -> str | None:
    form = draw(st.sampled_from(["none", "year", "month", "day"]))
    if form == "none":
        return None
    year = draw(st.one_of(st.integers(2015, 2026), st.integers(1950, 2030)))
    month, day = draw(st.integers(1, 12)), draw(st.integers(1, 28))
    return {"year": f"{year}", "month": f"{year}-{month:02d}", "day": f"{year}-{month:02d}-{day:02d}"}[form]


@st.composite
def graphs(draw: st.DrawFn) -> tuple[list[PaperRow], list[Link], dict[str, int]]:
    rows = [row(number, date) for number, date in enumerate(draw(st.lists(dates(), min_size=1, max_size=40)))]
    numbers = st.integers(0, len(rows) - 1)
    pairs = draw(st.lists(st.tuples(numbers, numbers), max_size=80))
    links = [link(rows[a], rows[b]) for a, b in pairs]
    return rows, links, {each.id: int(number > 0) for number, each in enumerate(rows)}


def assert_apart(found: Layout) -> None:
    places = sorted(found.places.values())
    for number, (x, y) in enumerate(places):
        for other_x, other_y in places[number + 1 :]:
            if other_x - x >= APART_X - 0.2:
                break
            assert abs(other_y - y) >= APART_Y - 0.2


@given(graphs(), st.randoms(use_true_random=False))
@settings(deadline=None, max_examples=60)
def test_order_of_papers_and_links_changes_nothing(graph, chance):
    rows, links, hops = graph
    found = layout(rows, links, hops)
    chance.shuffle(rows)
    chance.shuffle(links)
    assert layout(rows, links, hops) == found


@given(graphs())
@settings(deadline=None, max_examples=60)
def test_papers_stand_apart_and_in_order_of_their_dates(graph):
    rows, links, hops = graph
    found = layout(rows, links, hops)
    assert set(found.places) == {each.id for each in rows}
    assert_apart(found)
    for first in rows:
        for second in rows:
            if first.year is not None and second.year is not None and first.year < second.year:
                assert found.places[first.id][0] < found.places[second.id][0]
            if first.year is None and second.year is not None:
                assert found.places[first.id][0] < found.places[second.id][0]
    for before, after in pairwise(found.bands):
        assert before.end == pytest.approx(after.start)
        assert before.last + 1 == after.first


@given(graphs(), st.data())
@settings(deadline=None, max_examples=80)
def test_a_paper_keeps_its_place_when_others_join(graph, data):
    rows, links, hops = graph
    known = [each for each in rows if data.draw(st.booleans())] or rows[:1]
    before = layout(known, links, hops)
    after = layout(rows, links, hops, before)
    assert_apart(after)
    moved = after.undated[0] - before.undated[0] if after.undated and before.undated else 0.0
    assert moved <= 0
    for each in known:
        x, y = before.places[each.id]
        shift = moved if each.year is None else 0.0
        assert after.places[each.id] == pytest.approx((x + shift, y), abs=0.11)
    if not moved:
        assert all(after.places[each.id] == before.places[each.id] for each in known)
    assert set(before.bands) <= set(after.bands)


def test_undated_papers_move_left_only_when_older_years_arrive():
    rows = [row(0, "2020-01"), row(1, None), row(2, "2022-01")]
    hops = {each.id: 1 for each in rows}
    before = layout(rows, [], hops)
    same = layout([*rows, row(3, "2024-01")], [], hops, before)
    assert same.places["arxiv:0001"] == before.places["arxiv:0001"]
    older = layout([*rows, row(4, "2012-01")], [], hops, before)
    assert older.places["arxiv:0001"][0] < before.places["arxiv:0001"][0]
    assert older.places["arxiv:0001"][0] < older.places["arxiv:0004"][0] < before.places["arxiv:0000"][0]
    assert older.places["arxiv:0000"] == before.places["arxiv:0000"]


def test_a_corrected_date_moves_the_paper():
    before = layout([row(0, "2020-01"), row(1, "2022-01")], [], {})
    after = layout([row(0, "2020-01"), row(1, "2020-06")], [], {}, before)
    assert after.places["arxiv:0000"] == before.places["arxiv:0000"]
    assert after.places["arxiv:0001"][0] < before.places["arxiv:0001"][0]


def test_months_stand_in_order_and_a_run_of_empty_years_is_folded():
    rows = [row(0, "1967"), row(1, "2021-02"), row(2, "2021-09"), row(3, "2022-01-20")]
    found = layout(rows, [], {})
    xs = [found.places[each.id][0] for each in rows]
    assert xs == sorted(xs)
    assert [(band.first, band.last) for band in found.bands] == [(1967, 1967), (1968, 2020), (2021, 2021), (2022, 2022)]
    folded = found.bands[1]
    assert folded.end - folded.start < found.bands[2].end - found.bands[2].start


def test_groups_that_cite_each_other_stand_together():
    rows = [row(number, "2023-05") for number in range(12)]
    even, odd = rows[::2], rows[1::2]
    links = [link(a, b) for group in (even, odd) for a in group for b in group if a.id > b.id]
    found = layout(rows, links, {each.id: 1 for each in rows})
    order = sorted(rows, key=lambda each: found.places[each.id][1])
    parity = [int(each.id[-1]) % 2 for each in order]
    assert sum(a != b for a, b in pairwise(parity)) == 1


def test_nothing_gives_an_empty_layout():
    assert layout([], [], {}) == Layout({}, (), None)
    assert layout([row(0, None)], [], {}).bands == ()


@pytest.mark.parametrize(
    ("title", "author", "year", "name"),
    [
        ("Streamy: an invented codec", "Ada Lovelace", 2021, "Streamy"),
        ("An invented codec without a short name", "Ada Lovelace", 2021, "Lovelace 2021"),
        ("An invented codec without a short name", "Lovelace, Ada", None, "Lovelace"),
        ("An invented codec without a short name", None, 2021, "An invented codec witho…"),
        (None, None, None, "arxiv:0000.00000"),
        ("A subtitle follows a very long name of a system: yes", "Plato", 2021, "Plato 2021"),
        ("Turned\u202e: marks are dropped", None, 2021, "Turned"),
    ],
)
def test_short_name(title, author, year, name):
    assert short_name(replace(NOBODY, title=title, first_author=author, year=year)) == name


def test_data_is_json_with_links_between_shown_papers_only():
    rows = (
        row(0, "2022-09", title="<b>bold</b>\n\x00" + "x" * 100_000),
        row(1, "2021", stub=True),
        row(2, "2023", include=None),
    )
    links = (
        link(rows[0], rows[1]),
        Link(rows[1].id, rows[2].id, True, ("test",)),
        Link("arxiv:gone", rows[0].id, False, ()),
    )
    near = Neighbourhood((rows[0].id,), rows, {rows[0].id: 0, rows[1].id: 1}, links, 3, 9)
    path = CitationPath(rows[:2], links[:1])
    data = graph_data(
        near, layout(rows, links, near.hops), selected=rows[2].id, path=path, height=400, strings=graph_strings()
    )
    assert json.loads(json.dumps(data)) == data
    assert data["links"] == [[0, 1, 0, 1], [1, 2, 1, 0]]
    assert data["seeds"] == [0]
    assert data["selected"] == 2
    assert [node["include"] for node in data["nodes"]] == ["include", "stub", "unjudged"]
    assert [node["path"] for node in data["nodes"]] == [True, True, False]
    assert data["nodes"][0]["title"].startswith("<b>bold</b> xxx")
    assert len(data["nodes"][0]["title"]) == 240


def test_selection_outside_the_graph_is_no_selection():
    near = Neighbourhood((NOBODY.id,), (NOBODY,), {NOBODY.id: 0}, (), 1, 1)
    data = graph_data(near, layout(near.rows, (), near.hops), selected="arxiv:gone", path=None, height=400, strings={})
    assert data["selected"] is None


@pytest.mark.parametrize(
    ("sent", "happened"),
    [
        ({"selected": {"id": "a"}}, GraphEvent(selected="a")),
        ({"selected": {"id": None}}, GraphEvent(cleared=True)),
        ({"expand": "a"}, GraphEvent(expand="a")),
        ({"selected": {"id": "not shown"}, "expand": "not shown"}, GraphEvent()),
        ({"selected": {"id": 7}, "expand": ["a"]}, GraphEvent()),
        ({"selected": {}}, GraphEvent()),
        ({"selected": "a"}, GraphEvent()),
        ({}, GraphEvent()),
        (None, GraphEvent()),
    ],
)
def test_only_papers_of_the_graph_are_believed(sent, happened):
    assert _event(sent, frozenset({"a"})) == happened
