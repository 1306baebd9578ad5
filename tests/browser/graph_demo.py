"""A page with nothing but the citation graph, over made-up papers: `?n=60`, `?links=240`. What it reports is shown."""

from __future__ import annotations

import random

import streamlit as st

from kg.answers import CitationPath, Link, Neighbourhood, PaperRow
from ui.graph import citation_graph

TYPES = ("semantic", "acoustic", "hybrid", "none", None)
WORDS = ("codec", "token", "speech", "music", "residual", "quantizer", "language", "model", "stream", "bitrate")
HOSTILE = "<img src=x onerror=\"document.title='run'\"> \u202eevil"


def made_up(n: int, m: int, first: int = 0) -> tuple[list[PaperRow], list[Link]]:
    """`n` papers numbered from `first`, of which later ones cite earlier ones, a few the other way round."""
    chance = random.Random(7)
    rows = []
    for number in range(n):
        year = None if number % 41 == 40 else 2025 - int(chance.paretovariate(1.1)) % 12
        month = chance.randrange(1, 13)
        title = f"{chance.choice(WORDS).title()}{number}: a {chance.choice(WORDS)} {chance.choice(WORDS)} for sound"
        rows.append(
            PaperRow(
                id=f"arxiv:made.{number:05d}",
                title=HOSTILE if number == 3 else None if number == 5 else title,
                year=2019 if number == 0 else year,
                published=None if year is None or number % 3 == 0 else f"{2019 if number == 0 else year}-{month:02d}",
                venue=None,
                first_author=f"Ada Author{number}",
                authors=3,
                include=("include", "include", "include", "unclear", None)[number % 5],
                decided=False,
                topics=(),
                token_type=TYPES[chance.randrange(5)],
                quantizers=(),
                bitrates=(),
                cited_by=int(chance.paretovariate(0.8)) % 400,
                references=chance.randrange(60),
                citations_stated=None,
                cluster=None,
                stub=number % 50 == 49,
            )
        )
    pairs: dict[tuple[int, int], None] = {}
    for number in range(1, n):
        pairs[(number, 0) if (rows[number].year or 0) > 2019 else (0, number)] = None
    while len(pairs) < m:
        a, b = sorted((chance.randrange(n), min(n - 1, int(chance.expovariate(12 / n)))))
        if a != b and (b, a) not in pairs:
            pairs[(b, a)] = None
    links = []
    for a, b in pairs:
        younger = (rows[b].year or 9999) > (rows[a].year or 9999)
        links.append(Link(rows[a].id, rows[b].id, younger, ("made up",)))
    return rows[first:], links


def page() -> None:
    """The graph; a paper that is expanded brings three more."""
    st.set_page_config(layout="wide")
    query = st.query_params
    asked = int(query.get("n", "60"))
    grown = query.get("grown", "").split()
    n = asked + 3 * len(grown)
    rows, links = made_up(n, int(query.get("links", str(4 * asked))))
    shown = {row.id for row in rows}
    hops = {row.id: 0 if row.id == rows[0].id or row.id in grown else 1 for row in rows}
    seeds = (rows[0].id, *(id for id in grown if id in shown))
    near = Neighbourhood(seeds, tuple(rows), hops, tuple(links), len(rows), len(rows))

    def select(id: str | None) -> None:
        st.session_state["told"] = [*st.session_state.get("told", []), f"select {id}"]
        if id is None:
            query.pop("selected", None)
        else:
            query["selected"] = id

    def expand(id: str) -> None:
        st.session_state["told"] = [*st.session_state.get("told", []), f"expand {id}"]
        query["grown"] = " ".join([*grown, id])

    path = CitationPath((rows[0],), links[:1]) if query.get("path") else None
    if st.button("Forget the selection"):
        query.pop("selected", None)
    citation_graph(
        near, key="graph", selected=query.get("selected"), path=path, height=620, on_select=select, on_expand=expand
    )
    st.text("told: " + " | ".join(st.session_state.get("told", [])))


page()
