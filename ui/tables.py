"""Lists of papers: a table whose titles open, a ranked list of links, and the CSV of a filter."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Literal

import streamlit as st

from kg.answers import PaperRow
from kg.exchange.csv import write_rows
from kg.paper_filter import PaperFilter, Sort
from ui import atlas, filters, state
from ui.text import label, plain, short, t

PAGE = 50
EXPORT_PAGE = 2_000


def title_of(row: PaperRow, length: int = 160) -> str:
    """A paper's title, else that it has none, as Markdown."""
    if row.title:
        return plain(short(row.title, length))
    return t("paper.stub", id=plain(row.id)) if row.stub else t("paper.untitled", id=plain(row.id))


def open_paper(id: str, parameters: Mapping[str, str] | None = None) -> None:
    """Go to the page of a paper, from a callback."""
    state.go("papers", dict(parameters or {}) | {"paper": id})


def paper_table(
    rows: Sequence[PaperRow], key: str, on_open: Callable[[str], None], *, height: int | Literal["content"] = "content"
) -> None:
    """The rows as a table; a click on a title calls `on_open` with the paper's id."""
    import pyarrow as pa

    ids = tuple(row.id for row in rows)
    unknown = t("unknown")
    table = pa.table(
        {
            "title": [label(row.title or t("paper.untitled", id=row.id)) for row in rows],
            "year": pa.array([row.year for row in rows], pa.int32()),
            "first_author": [_authors(row) for row in rows],
            "topics": [list(row.topics) for row in rows],
            "token_type": [filters.token_type_name(row.token_type) if row.token_type else None for row in rows],
            "bitrates": [_kbps(row) for row in rows],
            "cited_by": pa.array([row.cited_by for row in rows], pa.int64()),
            "citations": pa.array([row.citations_stated for row in rows], pa.int64()),
            "include": [_verdict(row) for row in rows],
            "venue": [row.venue for row in rows],
        }
    )
    column = st.column_config
    st.dataframe(
        table,
        key=key,
        hide_index=True,
        height=height,
        placeholder=unknown,
        alt=t("table.alt", n=len(rows)),
        column_config={
            "title": column.ButtonColumn(
                t("table.title"),
                width=455,
                type="tertiary",
                alignment="left",
                key=f"{key}.opened",
                on_click=_clicked,
                args=(f"{key}.opened", ids, on_open),
            ),
            "year": column.NumberColumn(t("table.year"), format="%d", width=72),
            "first_author": column.TextColumn(t("table.authors"), width=120),
            "topics": column.ListColumn(t("table.topics"), width=112),
            "token_type": column.TextColumn(t("table.token_type"), width=92),
            "bitrates": column.TextColumn(t("table.bitrates"), width=84, help=t("table.bitrates_help")),
            "cited_by": column.NumberColumn(t("table.cited_by"), width=80, help=t("table.cited_by_help")),
            "citations": column.NumberColumn(t("table.citations"), width=84, help=t("table.citations_help")),
            "include": column.TextColumn(t("table.include"), width=104),
            "venue": column.TextColumn(t("table.venue"), width=160),
        },
    )


def _clicked(key: str, ids: tuple[str, ...], on_open: Callable[[str], None]) -> None:
    """Open the paper of the row clicked, by the rows that were on screen."""
    place = state.value(key)["row"]
    if 0 <= place < len(ids):
        on_open(ids[place])


def surname(name: str) -> str:
    """The name under which an author is cited: what stands before a comma, else the last word with its particles.

    Example:
        >>> surname("Aäron van den Oord"), surname("Zeghidour, Neil"), surname("Plato")
        ('van den Oord', 'Zeghidour', 'Plato')
    """
    last, comma, _ = name.partition(",")
    if comma and last.strip():
        return last.strip()
    words = name.split()
    start = len(words) - 1
    while start > 1 and words[start - 1].islower():
        start -= 1
    return " ".join(words[max(start, 0) :]) or name


def _authors(row: PaperRow) -> str | None:
    if row.first_author is None:
        return None
    name = surname(row.first_author)
    return t("table.et_al", name=name) if (row.authors or 1) > 1 else name


def _kbps(row: PaperRow) -> str | None:
    return ", ".join(f"{value:g}" for value in row.bitrates) or None


def _verdict(row: PaperRow) -> str:
    name = filters.verdict_name(row.include)
    return t("table.decided", verdict=name) if row.decided else name


def byline(row: PaperRow) -> str:
    """Year, first author and in-graph citations of a paper, as Markdown."""
    author = _authors(row)
    parts = [
        str(row.year) if row.year is not None else t("unknown_year"),
        *([plain(short(author, 40))] if author else []),
        t("paper.cited_by_short", n=row.cited_by),
    ]
    if row.include != "include":
        parts.append(filters.verdict_name(row.include).lower())
    return " · ".join(parts)


def link_list(rows: Sequence[PaperRow], parameters: Mapping[str, str] | None = None) -> None:
    """The rows as links to their pages, in the order given. Stubs have no page of their own worth opening."""
    for row in rows:
        if row.stub:
            st.markdown(f":gray[{t('paper.stub', id=plain(row.id))}]")
        else:
            state.link("papers", title_of(row, 110), dict(parameters or {}) | {"paper": row.id}, beside=byline(row))


def papers_behind(ids: Sequence[str], key: str, *, limit: int = 200) -> None:
    """The papers behind a figure: a table that opens them, the first `limit` of n."""
    found = list(atlas.rows(tuple(ids[:limit])).values())
    st.caption(t("papers.showing", shown=len(found), total=len(ids)))
    paper_table(found, key, open_paper, height="content" if len(found) <= 10 else 400)


def export_csv(where: PaperFilter, sort: Sort) -> bytes:
    """Every paper under a filter as CSV (UTF-8 with byte-order mark, so that spreadsheets read it as such)."""
    from kg.exchange.documents import ROW_COLUMNS, row_values

    target = io.StringIO(newline="")
    target.write("\ufeff")
    write_rows(target, ROW_COLUMNS, (row_values(row) for row in _every(where, sort)))
    return target.getvalue().encode("utf-8", "replace")


def _every(where: PaperFilter, sort: Sort) -> Iterator[PaperRow]:
    offset = 0
    while rows := state.store().papers(where, sort=sort, offset=offset, limit=EXPORT_PAGE).rows:
        yield from rows
        offset += len(rows)
