"""Plotly figures on a page: a click on a mark opens the papers behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from ui import charts, series, state
from ui.text import t

if TYPE_CHECKING:
    import plotly.graph_objects as go

CONFIG = {"displaylogo": False, "modeBarButtonsToRemove": ["select2d", "lasso2d"], "responsive": True}


def show(figure: go.Figure, key: str, *, only: bool, alt: str) -> None:
    """Draw a figure; a click on a mark goes to the papers it stands for (`only`: included ones)."""
    st.plotly_chart(
        figure,
        key=key,
        on_select=lambda: _clicked(key, only),
        selection_mode="points",
        config=CONFIG,
        alt=alt,
    )


def _clicked(key: str, only: bool) -> None:
    for parameters in charts.parameters_of_event(state.value(key))[:1]:
        state.go("papers", parameters | ({} if only else {"include": "any"}))


def topics(only: bool, key: str) -> None:
    """Papers per year and topic."""
    show(charts.papers_per_year(series.topics_per_year(only)), key, only=only, alt=t("trends.topics_alt"))
