"""A Plotly figure on a page: a click on a mark opens the papers behind it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import streamlit as st

from ui import state

if TYPE_CHECKING:
    import plotly.graph_objects as go

CONFIG = {"displaylogo": False, "modeBarButtonsToRemove": ["select2d", "lasso2d"], "responsive": True}


def show(figure: go.Figure, key: str, on_point: Callable[[Mapping[str, Any]], None], *, alt: str) -> None:
    """Draw a figure; a click calls `on_point` with the point as Plotly tells it (x, y, customdata, ...)."""
    st.plotly_chart(
        figure,
        key=key,
        on_select=lambda: _clicked(key, on_point),
        selection_mode="points",
        config=CONFIG,
        alt=alt,
    )


def _clicked(key: str, on_point: Callable[[Mapping[str, Any]], None]) -> None:
    points = state.value(key)["selection"]["points"]
    if points:
        on_point(points[0])
