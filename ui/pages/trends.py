"""Trends: token types, numbers and topics over the years; a click opens the papers behind a mark."""

from __future__ import annotations

import streamlit as st

from kg.model import QUANTITIES
from kg.paper_filter import PaperFilter
from ui import charts, figures, filters, series, state
from ui.text import t

PAIR = {"left": "bitrate_kbps", "right": "frame_rate_hz"}
"""Two quantities side by side, by URL parameter; any other is one choice away."""
KNOWN = ("include", *PAIR)


def page() -> None:
    """Three figures over the same papers."""
    state.check_query(KNOWN)
    with st.container(horizontal=True, vertical_alignment="bottom", horizontal_alignment="distribute"):
        st.title(t("trends.heading"), anchor=False, width="content")
        only = filters.included_toggle() == PaperFilter()
    st.caption(t("trends.click"))
    _token_types(only)
    _numbers(only)
    _topics(only)


def _token_types(only: bool) -> None:
    st.subheader(t("trends.token_types"), anchor=False)
    table = series.token_types_per_year(only)
    stated, read, unread = series.token_type_totals(table)
    st.caption(t("trends.token_types_n", n=stated, none=read, unknown=unread, undated=series.without_year(table)))
    if not stated:
        st.markdown(t("trends.nothing"))
        return
    figures.show(charts.token_type_share(table), "trends.types", only=only, alt=t("trends.token_types_alt"))


def _numbers(only: bool) -> None:
    st.subheader(t("trends.numbers"), anchor=False)
    st.caption(t("trends.numbers_help"))
    for column, (parameter, preset) in zip(st.columns(2, gap="large"), PAIR.items(), strict=True):
        with column:
            _number(parameter, preset, only)


def _number(parameter: str, preset: str, only: bool) -> None:
    """One quantity over the years: a dot for each own value, the median of each year."""
    quantity = state.choice(parameter, QUANTITIES, preset)
    key = state.put(f"trends.{parameter}", quantity)
    st.selectbox(
        t("trends.quantity"),
        QUANTITIES,
        key=key,
        format_func=lambda each: t(f"quantity.{each}"),
        label_visibility="collapsed",
        on_change=lambda: state.change_query(**{parameter: None if state.value(key) == preset else state.value(key)}),
    )
    found = series.numbers(quantity, only)
    st.caption(t("trends.numbers_n", n=found.papers, m=found.of, undated=found.without_year))
    if not found.points.num_rows:
        st.markdown(t("trends.nothing"))
        return
    titles, dates = series.titles_and_dates(found.points["paper"].to_pylist())
    figures.show(
        charts.numbers_over_time(found.points, found.medians, quantity, titles, published=dates),
        f"trends.figure.{parameter}",
        only=only,
        alt=t("trends.numbers_alt", quantity=t(f"quantity.{quantity}")),
    )


def _topics(only: bool) -> None:
    st.subheader(t("trends.topics"), anchor=False)
    st.caption(t("trends.topics_n", undated=series.without_year(series.topics_per_year(only))))
    figures.topics(only, "trends.topics")
