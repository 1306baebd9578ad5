"""Figures over the years: what they draw is what the table says, and every mark leads back to its papers."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.trends import TYPES, numbers_per_year, papers_per_year_topic, token_type_share
from kg.model import TOPICS
from ui import charts, palette

YEARS = [2021] * 3 + [2023] * 6
KINDS = ["semantic", "acoustic", "acoustic", "hybrid", "hybrid", "semantic", "acoustic", "none", None]


def texts(figure: go.Figure) -> list[str]:
    return [note.text for note in figure.layout.annotations]


def numbers(*rows: tuple[str, int | None, float]) -> tuple[pa.Table, pa.Table]:
    paper, year, value = zip(*rows, strict=True) if rows else ((), (), ())
    return numbers_per_year(
        pa.table(
            {
                "paper": pa.array(paper, pa.string()),
                "year": pa.array(year, pa.int32()),
                "quantity": pa.array(["bitrate_kbps"] * len(paper), pa.string()),
                "value": pa.array(value, pa.float64()),
            }
        )
    )


def test_token_type_bars_are_the_shares_of_the_table():
    table = token_type_share(YEARS, KINDS)
    figure = charts.token_type_share(table)
    wanted = {
        (row["year"], row["token_type"]): (row["share"], row["papers"]) for row in table.to_pylist() if row["share"]
    }
    drawn = {
        (data[0], data[1]): (y, data[2]) for bar in figure.data for y, data in zip(bar.y, bar.customdata, strict=True)
    }
    assert drawn == wanted
    assert {data[3] for bar in figure.data for data in bar.customdata if data[0] == 2023} == {4 + 0}
    assert figure.layout.barmode == "stack"
    for year in (2021, 2023):
        assert sum(share for (when, _), (share, _) in drawn.items() if when == year) == pytest.approx(1)
    assert all(list(bar.x) == [data[0] for data in bar.customdata] for bar in figure.data)


def test_years_of_few_papers_are_pale_and_say_so():
    figure = charts.token_type_share(token_type_share([2020] * 4 + [2021] * 5, ["semantic"] * 9))
    assert list(figure.data[0].marker.opacity) == [0.42, 1.0]
    assert "fewer than 5" in figure.layout.xaxis.title.text
    assert {"4", "5"} <= set(texts(figure))
    many = charts.token_type_share(token_type_share([2021] * 5, ["semantic"] * 5))
    assert "fewer" not in many.layout.xaxis.title.text


def test_token_types_differ_in_pattern_as_well_as_in_colour():
    figure = charts.token_type_share(token_type_share(YEARS, KINDS))
    assert len({bar.marker.pattern.shape for bar in figure.data}) == len(TYPES)
    assert len({bar.marker.color for bar in figure.data}) == len(TYPES)
    assert len({palette.SHAPES[kind] for kind in (*TYPES, "none", "unknown")}) == 5


def test_every_value_is_a_dot_that_leads_to_its_paper():
    points, medians = numbers(("b", 2022, 6.0), ("a", 2022, 1.5), ("a", 2022, 3.0), ("c", 2024, 0.5), ("d", None, 9.0))
    figure = charts.numbers_over_time(points, medians, "bitrate_kbps", ["T"] * 4)
    dots, line = figure.data
    assert [tuple(data) for data in dots.customdata] == [("a", 1.5), ("a", 3.0), ("b", 6.0), ("c", 0.5)]
    assert list(dots.y) == [1.5, 3.0, 6.0, 0.5]
    assert dots.x[0] == dots.x[1] != dots.x[2]  # values of one paper stand above each other
    assert [round(x) for x in dots.x] == [2022, 2022, 2022, 2024]
    assert list(line.x) == [2022, 2023, 2024]
    assert list(line.y) == [3.0, None, 0.5]
    assert line.customdata is None
    assert "(n = 4)" in dots.name
    assert "kbps" in figure.layout.yaxis.title.text
    assert figure.layout.yaxis.type == "log"


def test_a_month_places_the_dot_within_its_year():
    points, medians = numbers(("a", 2022, 1.0), ("b", 2022, 2.0), ("c", 2022, 3.0))
    figure = charts.numbers_over_time(
        points, medians, "bitrate_kbps", [None] * 3, published=["2022-01", "2022-12-31", "2021-06"]
    )
    january, december, other_year = figure.data[0].x
    assert 2021.5 < january < 2021.6
    assert 2022.4 < december < 2022.5
    assert 2021.5 < other_year < 2022.5


def test_the_middle_half_is_drawn_for_neighbouring_years_with_enough_values():
    rows = [(f"p{year}{n}", year, float(n)) for year in (2020, 2021, 2023) for n in range(1, 6)] + [("q", 2022, 1.0)]
    points, medians = numbers(*rows)
    band = charts.numbers_over_time(points, medians, "bitrate_kbps", [None] * len(rows)).data[0]
    assert list(band.x) == [2020, 2021, 2021, 2020]
    assert list(band.y) == [4.0, 4.0, 2.0, 2.0]


def test_titles_show_exactly_their_characters():
    points, medians = numbers(("a", 2022, 1.0))
    figure = charts.numbers_over_time(points, medians, "bitrate_kbps", ['<a href="javascript:x">\u202ek & <b>l</b>'])
    text = figure.data[0].hovertext[0]
    assert "&lt;a href=" in text
    assert "\u202e" not in text
    assert "<b>" not in text


def test_values_without_a_place_on_the_axis_are_left_out():
    points, medians = numbers(("a", 2022, 0.0), ("b", 2022, 2.0))
    figure = charts.numbers_over_time(points, medians, "bitrate_kbps", ["A", "B"])
    assert [data[0] for data in figure.data[0].customdata] == ["b"]


def test_topics_stand_in_panels_of_one_scale():
    flags = np.array([[True, True, False, False], [True, False, False, False], [False, False, True, False]])
    table = papers_per_year_topic([2021, 2023, 2023], flags)
    figure = charts.papers_per_year(table)
    drawn = {(data[0], data[1]): y for bar in figure.data for y, data in zip(bar.y, bar.customdata, strict=True)}
    assert drawn == {(row["year"], row["topic"]): row["papers"] for row in table.to_pylist()}
    assert [bar.customdata[0][1] for bar in figure.data] == list(TOPICS)
    assert len({bar.yaxis for bar in figure.data}) == len(TOPICS)
    assert {tuple(figure.layout[f"yaxis{n}"].range) for n in ("", 2, 3, 4)} == {(0, 1.08)}
    assert any(text.startswith("<b>S1</b> (2)") for text in texts(figure))


def test_years_without_papers_are_zero_between_the_first_and_the_last():
    figure = charts.included_per_year({2024: 3, 2021: 1, 1950: 0})
    (bars,) = figure.data
    assert list(bars.x) == [2021, 2022, 2023, 2024]
    assert list(bars.y) == [1, 0, 0, 3]
    assert [list(data) for data in bars.customdata] == [[2021, 1], [2022, 0], [2023, 0], [2024, 3]]
    assert "n = 4" in figure.layout.yaxis.title.text


def test_empty_tables_say_that_there_is_nothing():
    empty = numbers()
    figures = [
        charts.token_type_share(token_type_share([], [])),
        charts.token_type_share(token_type_share([2020], ["none"])),
        charts.numbers_over_time(*empty, "bitrate_kbps", []),
        charts.papers_per_year(papers_per_year_topic([], np.zeros((0, 4), dtype=bool))),
        charts.included_per_year({}),
        charts.included_per_year({2020: 0}),
    ]
    for figure in figures:
        assert not figure.data
        assert texts(figure) == [charts.chart_labels()["chart.nothing"]]


def test_labels_can_be_given():
    names = charts.chart_labels() | {"semantic": "語義", "chart.share": "比例"}
    figure = charts.token_type_share(token_type_share(YEARS, KINDS), names)
    assert figure.data[0].name == "語義"
    assert figure.layout.yaxis.title.text == "比例"


@pytest.mark.parametrize(
    ("customdata", "parameters"),
    [
        ([2023, "semantic", 3, 9], {"from": "2023", "to": "2023", "type": "semantic"}),
        ([2023, "S2", 3], {"from": "2023", "to": "2023", "topic": "S2"}),
        ([2023, 3], {"from": "2023", "to": "2023"}),
        (["arxiv:2209.03143", 1.5], {"paper": "arxiv:2209.03143"}),
        ([None, 2023], {}),
        ([], {}),
        (None, {}),
        ("arxiv:2209.03143", {}),
    ],
)
def test_a_point_becomes_parameters(customdata, parameters):
    assert charts.parameters_of({"customdata": customdata}) == parameters
    event = {"selection": {"points": [{"customdata": customdata}, {}]}}
    assert charts.parameters_of_event(event) == ((parameters,) if parameters else ())


def test_no_event_is_no_point():
    assert charts.parameters_of_event(None) == ()
    assert charts.parameters_of_event({}) == ()
    assert charts.parameters_of_event({"selection": {"points": []}}) == ()


@given(st.lists(st.floats(1e-4, 1e7), min_size=1, max_size=20))
@settings(max_examples=80)
def test_ticks_enclose_the_values(values):
    ticks = charts._log_ticks(values)
    assert ticks == sorted(ticks)
    assert ticks[0] <= min(values) * (1 + 1e-9)  # a logarithm rounds the last digit
    assert ticks[-1] >= max(values) * (1 - 1e-9)
    assert len(ticks) <= 3 * 4 + 12


def test_figures_use_no_outside_font_and_no_ground_of_their_own():
    figure = charts.included_per_year({2020: 1})
    written = figure.to_json()
    assert "http" not in written.replace("https://plotly.com", "")
    assert figure.layout.paper_bgcolor == figure.layout.plot_bgcolor == "rgba(0, 0, 0, 0)"


def _luminance(colour: str) -> float:
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


COLOURS = {*palette.TOKEN_TYPES.values(), *palette.TOPICS.values(), palette.CITES, palette.CITED_BY, palette.PATH}


@pytest.mark.parametrize("colour", sorted({*COLOURS, palette.VALUES, palette.MEDIAN}))
@pytest.mark.parametrize("ground", ["#ffffff", "#12181a"])
def test_colours_stand_out_from_either_ground(colour, ground):
    light, dark = sorted((_luminance(colour), _luminance(ground)), reverse=True)
    assert (light + 0.05) / (dark + 0.05) >= 2.9
