"""Figures over the years, from tables to Plotly figures. Pure: no page, no store, no network.

Rules:
- Every mark that stands for papers carries `customdata` that leads back to them; `parameters_of` reads it.
- A figure says its n. Colour never speaks alone: a pattern, a shape or a panel says the same.
- Ground and text stay unset, so that the page's theme, light or dark, shows through.
- Titles are escaped, as Plotly reads a little HTML in hover texts.
"""

from __future__ import annotations

import html
import math
import re
import textwrap
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from kg.model import TOPICS
from ui import palette
from ui.text import t

if TYPE_CHECKING:
    import plotly.graph_objects as go
    import pyarrow as pa

TYPES = ("semantic", "acoustic", "hybrid")
FEW = 5
"""A year with fewer papers than this is drawn pale: a share of so few says little."""

WEBGL_FROM = 2_500
_GRID = "rgba(128, 140, 145, 0.24)"
_CLEAR = "rgba(0, 0, 0, 0)"
_INVISIBLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]+")

Labels = Mapping[str, str]


def chart_labels() -> dict[str, str]:
    """Names that the figures show, in the visitor's language: axes, token types, topics, quantities and units."""
    from kg.model import QUANTITIES

    names = {f"chart.{name}": t(f"chart.{name}") for name in _NAMES}
    names |= {kind: t(f"token_type.{kind}") for kind in TYPES}
    names |= {topic: t(f"topic.{topic}") for topic in TOPICS}
    names |= {f"quantity.{name}": t(f"quantity.{name}") for name in QUANTITIES}
    return names | {f"unit.{name}": t(f"unit.{name}") for name in QUANTITIES}


_NAMES = ("year", "share", "papers", "median", "quartiles", "log", "included", "nothing", "untitled")


def token_type_share(table: pa.Table, labels: Labels | None = None) -> go.Figure:
    """Bars of 100 % per year: semantic, acoustic and hybrid among the papers that name one of the three.

    Args:
        table: year, token_type, papers, share, as `analysis.trends.token_type_share` gives it.
        labels: names as `chart_labels` gives them, which is the default.

    Returns:
        customdata of a bar: year, token type, its papers, papers of the year. Years with fewer than `FEW` are pale.
    """
    import plotly.graph_objects as go

    names = labels or chart_labels()
    rows = [row for row in table.to_pylist() if row["token_type"] in TYPES]
    total: dict[int, int] = {}
    for row in rows:
        total[row["year"]] = total.get(row["year"], 0) + row["papers"]
    years = [year for year in sorted(total) if total[year]]
    if not years:
        return _nothing(names)
    figure = go.Figure()
    for kind in TYPES:
        mine = {row["year"]: row for row in rows if row["token_type"] == kind}
        bars = [mine[year] for year in years if year in mine and mine[year]["papers"]]  # nothing is no bar to point at
        figure.add_bar(
            x=[row["year"] for row in bars],
            y=[row["share"] for row in bars],
            name=names[kind],
            customdata=[[row["year"], kind, row["papers"], total[row["year"]]] for row in bars],
            hovertext=[
                f"<b>{names[kind]}</b> {row['share']:.0%}<br>{t('chart.papers_n', n=row['papers'])} "
                f"{t('chart.of_n', n=total[row['year']])}"
                for row in bars
            ],
            hovertemplate="%{x}: %{hovertext}<extra></extra>",
            marker={
                "color": palette.TOKEN_TYPES[kind],
                "opacity": [0.42 if total[row["year"]] < FEW else 1.0 for row in bars],
                "line": {"width": 0.6, "color": "rgba(128, 128, 128, 0.9)"},
                "pattern": {
                    "shape": palette.PATTERNS[kind],
                    "fgcolor": "rgba(255, 255, 255, 0.75)",
                    "fillmode": "overlay",
                    "size": 7,
                    "solidity": 0.22,
                },
            },
        )
    # above each bar, as a share without its n misleads
    for year in years:
        figure.add_annotation(x=year, y=1.0, yanchor="bottom", text=f"{total[year]:,}", showarrow=False, font_size=11)
    figure.update_layout(barmode="stack", bargap=0.18)
    figure.update_yaxes(
        title_text=names["chart.share"], tickformat=".0%", range=[0, 1.09], tickvals=[0, 0.25, 0.5, 0.75, 1]
    )
    dressed = _dressed(figure, names, years, 380)
    if any(total[year] < FEW for year in years):
        # with the axis, where neither the legend nor turned years reach it
        dressed.update_xaxes(title_text=f"{names['chart.year']} ({t('chart.few', n=FEW)})")
    return dressed


def numbers_over_time(
    points: pa.Table,
    medians: pa.Table,
    quantity: str,
    titles: Sequence[str | None],
    labels: Labels | None = None,
    *,
    published: Sequence[str | None] | None = None,
) -> go.Figure:
    """A dot for every value a paper states, with the median and the middle half of each year, on a logarithmic axis.

    Args:
        points: paper, year, value; one row a dot.
        medians: year, points, papers, median, lower, upper; null where a year has none.
        quantity: one of `kg.model.QUANTITIES`, for the axis.
        titles: titles of the points' papers, in their order.
        labels: names as `chart_labels` gives them, which is the default.
        published: dates of the points' papers ("2023-05"); with a month the dot stands in it, else its place within
            the year is only spread, the same for all values of a paper.

    Returns:
        customdata of a dot: paper id, value. Values that are not positive have no place on the axis and are left out.
    """
    import plotly.graph_objects as go

    names = labels or chart_labels()
    dates = published if published is not None else [None] * points.num_rows
    rows = [
        (row["paper"], row["year"], row["value"], title, date)
        for row, title, date in zip(points.to_pylist(), titles, dates, strict=True)
        if row["value"] is not None and row["value"] > 0 and row["year"] is not None
    ]
    if not rows:
        return _nothing(names)
    unit = names[f"unit.{quantity}"]
    spread = {paper: number for number, paper in enumerate(sorted({row[0] for row in rows}))}
    figure = go.Figure()
    _quartile_band(figure, medians, names)
    draw = go.Scattergl if len(rows) >= WEBGL_FROM else go.Scatter
    figure.add_trace(
        draw(
            x=[_when(year, date, spread[paper]) for paper, year, _, _, date in rows],
            y=[value for _, _, value, _, _ in rows],
            mode="markers",
            name=t("chart.values", n=len(rows)),
            customdata=[[paper, value] for paper, _, value, _, _ in rows],
            hovertext=[_hover(title or names["chart.untitled"], year) for _, year, _, title, _ in rows],
            hovertemplate=f"%{{hovertext}}<br><b>%{{y:,.4~g}} {unit}</b><extra></extra>",
            marker={
                "size": 8 if len(rows) < 400 else 6,
                "opacity": 0.62,
                "color": palette.VALUES,
                "line": {"width": 0.8, "color": "rgba(255, 255, 255, 0.55)"},
            },
        )
    )
    found = [row for row in medians.to_pylist() if row["points"] and row["median"] and row["median"] > 0]
    by_year = {row["year"]: row for row in found}
    run = list(range(min(by_year), max(by_year) + 1)) if by_year else []
    figure.add_scatter(
        x=run,
        y=[by_year[year]["median"] if year in by_year else None for year in run],
        mode="lines+markers",
        name=names["chart.median"],
        hovertext=[_median_hover(by_year.get(year)) for year in run],
        hovertemplate=f"%{{x}}, {names['chart.median']}: <b>%{{y:,.4~g}} {unit}</b><br>%{{hovertext}}<extra></extra>",
        line={"color": palette.MEDIAN, "width": 2.5},
        marker={
            "symbol": [
                "diamond" if year in by_year and by_year[year]["points"] >= FEW else "diamond-open" for year in run
            ],
            "size": 10,
            "color": palette.MEDIAN,
        },
    )
    title = f"{names[f'quantity.{quantity}']}{f' ({unit})' if unit else ''}, {names['chart.log']}"
    ticks = _log_ticks([row[2] for row in rows])
    figure.update_yaxes(title_text=title, type="log", tickvals=ticks, ticktext=[f"{tick:,g}" for tick in ticks])
    return _dressed(figure, names, [row[1] for row in rows], 400)


def papers_per_year(table: pa.Table, labels: Labels | None = None) -> go.Figure:
    """Papers per year, one panel a topic: a paper may have two topics, so bars of topics must not be stacked.

    Args:
        table: year, topic, papers, as `analysis.trends.papers_per_year_topic` gives it.
        labels: names as `chart_labels` gives them, which is the default.

    Returns:
        customdata of a bar: year, topic, papers. All panels share their axes.
    """
    import plotly.graph_objects as go
    from plotly.subplots import make_subplots

    names = labels or chart_labels()
    rows = [row for row in table.to_pylist() if row["topic"] in TOPICS]
    years = [row["year"] for row in rows if row["papers"]]
    if not years:
        return _nothing(names)
    sums = {topic: sum(row["papers"] for row in rows if row["topic"] == topic) for topic in TOPICS}
    figure = make_subplots(
        rows=2,
        cols=2,
        shared_xaxes="all",
        shared_yaxes="all",
        horizontal_spacing=0.05,
        vertical_spacing=0.14,
        subplot_titles=[f"<b>{topic}</b> ({sums[topic]:,})<br>{names[topic]}" for topic in TOPICS],
    )
    for place, topic in enumerate(TOPICS):
        bars = [row for row in rows if row["topic"] == topic and min(years) <= row["year"] <= max(years)]
        figure.add_trace(
            go.Bar(
                x=[row["year"] for row in bars],
                y=[row["papers"] for row in bars],
                name=names[topic],
                showlegend=False,
                customdata=[[row["year"], topic, row["papers"]] for row in bars],
                hovertext=[t("chart.papers_n", n=row["papers"]) for row in bars],
                hovertemplate=f"<b>{topic}</b> %{{x}}: %{{hovertext}}<extra></extra>",
                marker={"color": palette.TOPICS[topic], "line": {"width": 0}},
            ),
            row=place // 2 + 1,
            col=place % 2 + 1,
        )
    # titles start where the panel does
    figure.update_annotations(font_size=12, xanchor="left", align="left")
    for place, note in enumerate(figure.layout.annotations):
        note.x = figure.layout["xaxis" if place == 0 else f"xaxis{place + 1}"].domain[0]
    figure.update_layout(bargap=0.2)
    top = max(row["papers"] for row in rows)
    figure.update_yaxes(range=[0, top * 1.08], rangemode="tozero")
    figure.update_yaxes(title_text=names["chart.papers"], col=1)
    dressed = _dressed(figure, names, years, 460)
    dressed.update_xaxes(title_text=None, row=1)
    return dressed


def included_per_year(counts: Mapping[int, int], labels: Labels | None = None) -> go.Figure:
    """Papers per year in one row of bars; `counts` is papers by year, as a store's facets give it.

    customdata of a bar: year, papers.
    """
    import plotly.graph_objects as go

    names = labels or chart_labels()
    if not any(counts.values()):
        return _nothing(names)
    found = [year for year in counts if counts[year]]
    years = list(range(min(found), max(found) + 1))
    figure = go.Figure()
    figure.add_bar(
        x=years,
        y=[counts.get(year, 0) for year in years],
        name=names["chart.included"],
        customdata=[[year, counts.get(year, 0)] for year in years],
        hovertext=[t("chart.papers_n", n=counts.get(year, 0)) for year in years],
        hovertemplate="%{x}: <b>%{hovertext}</b><extra></extra>",
        text=[f"{counts[year]:,}" if counts.get(year) else "" for year in years],
        textposition="outside",
        cliponaxis=False,
        marker={"color": palette.VALUES, "line": {"width": 0}},
    )
    figure.update_layout(bargap=0.2, showlegend=False)
    figure.update_yaxes(title_text=f"{names['chart.papers']} (n = {sum(counts.values()):,})")
    return _dressed(figure, names, years, 300)


def parameters_of(point: Mapping[str, Any]) -> dict[str, str]:
    """What a selected point stands for, as URL parameters: `paper`, or `from` and `to` with `topic` or `type`.

    `point` is one of `event["selection"]["points"]`. Empty for a mark that stands for no paper, such as a median.
    """
    data = point.get("customdata")
    if not isinstance(data, Sequence) or isinstance(data, str) or not data:
        return {}
    first, second = data[0], data[1] if len(data) > 1 else None
    if isinstance(first, str) and not first.isdecimal():
        return {"paper": first}
    try:
        year = str(int(first))
    except (TypeError, ValueError):
        return {}
    found = {"from": year, "to": year}
    if second in TOPICS:
        found["topic"] = str(second)
    elif second in TYPES:
        found["type"] = str(second)
    return found


def parameters_of_event(event: Mapping[str, Any] | None) -> tuple[dict[str, str], ...]:
    """`parameters_of` for every point of a Streamlit selection event that stands for papers."""
    selection = (event or {}).get("selection") or {}
    found = (parameters_of(point) for point in selection.get("points") or ())
    return tuple(parameters for parameters in found if parameters)


def _quartile_band(figure: go.Figure, medians: pa.Table, names: Labels) -> None:
    """The middle half of the values, for every run of neighbouring years with enough of them."""
    runs: list[list[dict[str, Any]]] = []
    for row in sorted(medians.to_pylist(), key=lambda row: row["year"]):
        if row["points"] < FEW or not row["lower"] or row["lower"] <= 0:
            continue
        if runs and row["year"] == runs[-1][-1]["year"] + 1:
            runs[-1].append(row)
        else:
            runs.append([row])
    for number, run in enumerate(run for run in runs if len(run) > 1):
        years = [row["year"] for row in run]
        figure.add_scatter(
            x=years + years[::-1],
            y=[row["upper"] for row in run] + [row["lower"] for row in reversed(run)],
            fill="toself",
            mode="lines",
            line={"width": 0},
            fillcolor=palette.MEDIAN_BAND,
            name=names["chart.quartiles"],
            legendgroup="quartiles",
            showlegend=number == 0,
            hoverinfo="skip",
        )


def _when(year: int, published: str | None, spread: int) -> float:
    """Place on the axis, where a year's number marks its middle."""
    month = published[5:7] if published and published[:4] == str(year) else ""
    if month.isdecimal() and 1 <= int(month) <= 12:
        return round(year + (int(month) - 0.5) / 12 - 0.5, 4)
    # the golden ratio spreads any number of papers evenly
    return round(year + (spread * 0.618034 % 1 - 0.5) * 0.6, 4)


def _hover(title: str, year: int) -> str:
    """A title that shows exactly its characters, in lines."""
    clean = " ".join(_INVISIBLE.sub(" ", title[:2000]).split())
    return "<br>".join(html.escape(line) for line in textwrap.wrap(textwrap.shorten(clean, 180), 60)) + f" ({year})"


def _median_hover(row: Mapping[str, Any] | None) -> str:
    if row is None:
        return ""
    return f"{t('chart.values_n', n=row['points'])} {t('chart.from_papers', n=row['papers'])}"


def _log_ticks(values: Sequence[float]) -> list[float]:
    """1, 2, 5 times powers of ten around the values; powers alone when they span many."""
    low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
    steps = (1, 2, 5) if high - low <= 3 else (1,)
    return [float(f"{step}e{power}") for power in range(low, high + 1) for step in steps]


def _dressed(figure: go.Figure, names: Labels, years: Sequence[int], height: int) -> go.Figure:
    """The look that all figures share."""
    first, last = min(years), max(years)
    figure.update_layout(
        height=height,
        margin={"l": 10, "r": 10, "t": 44, "b": 10},
        paper_bgcolor=_CLEAR,
        plot_bgcolor=_CLEAR,
        legend={
            "orientation": "h",
            "x": 0,
            "xanchor": "left",
            "y": 1.02,
            "yanchor": "bottom",
            "title_text": "",
            "traceorder": "normal",
        },
        hoverlabel={"align": "left"},
        clickmode="event+select",
        dragmode=False,
    )
    step = max(1, math.ceil((last - first + 1) / 16))
    figure.update_xaxes(
        title_text=names["chart.year"],
        tickmode="linear",
        tick0=last,
        dtick=step,
        tickformat="d",
        range=[first - 0.6, last + 0.6],
        showgrid=False,
        automargin=True,
    )
    figure.update_yaxes(gridcolor=_GRID, zerolinecolor=_GRID, automargin=True)
    return figure


def _nothing(names: Labels) -> go.Figure:
    """A figure that says so, instead of empty axes."""
    import plotly.graph_objects as go

    figure = go.Figure()
    figure.add_annotation(
        x=0.5, y=0.5, xref="paper", yref="paper", text=names["chart.nothing"], showarrow=False, font_size=15
    )
    figure.update_layout(
        height=220, paper_bgcolor=_CLEAR, plot_bgcolor=_CLEAR, margin={"l": 10, "r": 10, "t": 10, "b": 10}
    )
    figure.update_xaxes(visible=False)
    figure.update_yaxes(visible=False)
    return figure
