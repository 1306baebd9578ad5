"""Papers: the filtered list; every row opens its evidence."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from kg.answers import PaperRow
from kg.paper_filter import SORTS, PaperFilter, Sort
from ui import atlas, filters, state, tables
from ui.pages import paper
from ui.text import short, t

OWN = ("sort", "page", "paper", *paper.OWN)


def page() -> None:
    """The list, or with `?paper=` one paper."""
    where = state.filter_from_url(OWN)
    chosen = state.query().get("paper")
    if chosen:
        paper.page(chosen, where)
        return
    filters.sidebar(where, OWN)
    st.title(t("papers.heading"), anchor=False)
    filters.search_box(where, OWN)
    filters.chips(where, OWN)
    sort: Sort = state.choice("sort", SORTS, _natural(where))  # type: ignore[assignment]  # one of SORTS
    number = state.number("page", 1, 10**6, 1)
    found = atlas.papers(where, sort=sort, offset=(number - 1) * tables.PAGE, limit=tables.PAGE)
    if found.total == 0:
        filters.empty_state(where, OWN)
        return
    last = -(-found.total // tables.PAGE)
    if number > last:
        state.name_ignored(["page"])
        number = last
        found = atlas.papers(where, sort=sort, offset=(number - 1) * tables.PAGE, limit=tables.PAGE)
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        first = found.offset + 1
        st.markdown(
            t("papers.range", first=first, last=first + len(found.rows) - 1, n=found.total, of=found.of),
            width="content",
        )
        with st.container(horizontal=True, vertical_alignment="center", width="content"):
            _sort_box(where, sort)
            st.download_button(
                t("papers.csv"),
                lambda: tables.export_csv(where, sort),
                file_name="token-atlas-papers.csv",
                mime="text/csv",
                icon=":material/download:",
                on_click="ignore",
                help=t("papers.csv_help", n=found.total),
            )
    tables.paper_table(found.rows, f"papers.{number}", lambda id: state.change_query(paper=id))
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        _open_box(found.rows)
        if last > 1:
            key = f"papers.page.{number}"
            st.pagination(last, default=number, key=key, on_change=_turn, args=(key,))


def _natural(where: PaperFilter) -> Sort:
    return "relevance" if where.text else "newest"


def _open_box(rows: Sequence[PaperRow]) -> None:
    """Opens a paper by keyboard or by a screen reader, to whom the cells of the table are no buttons."""
    key = state.put("papers.open", None)
    titles = {row.id: f"{row.title or row.id} ({row.year or t('unknown_year')})" for row in rows}
    st.selectbox(
        t("papers.open"),
        list(titles),
        key=key,
        index=None,
        format_func=lambda id: short(titles[id], 100),
        placeholder=t("papers.open"),
        label_visibility="collapsed",
        on_change=lambda: state.change_query(paper=state.value(key)),
        width=360,
    )


def _turn(key: str) -> None:
    number = state.value(key)
    state.change_query(page=None if number == 1 else str(number))


def _sort_box(where: PaperFilter, sort: Sort) -> None:
    key = state.put("papers.sort", sort)

    def changed() -> None:
        wanted = state.value(key)
        state.change_query(sort=None if wanted == _natural(where) else wanted, page=None)

    shown = [each for each in SORTS if each != "relevance" or where.text]
    if sort not in shown:
        shown.append(sort)
    st.selectbox(
        t("papers.sort"),
        shown,
        key=key,
        format_func=lambda each: t(f"sort.{each}"),
        label_visibility="collapsed",
        on_change=changed,
        width=190,
    )
