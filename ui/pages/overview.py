"""Overview: what is in the atlas, since when, and what is missing; every number opens the papers behind it."""

from __future__ import annotations

import streamlit as st

from kg.answers import StoreCounts
from kg.model import TOPICS
from kg.paper_filter import PaperFilter
from ui import atlas, charts, collecting, figures, filters, series, state, tables
from ui.text import plain, short, t

GAPS = ("citations", "date", "text", "unclear")
CLUSTERS_SHOWN = 24
CLUSTERS_IN_ROW = 4


def page() -> None:
    """Counts, papers per year and topic, gaps, clusters."""
    state.check_query(("gap",))
    counts = atlas.counts()
    st.title(t("overview.heading"), anchor=False)
    st.markdown(t("overview.purpose"))
    _figures(counts)
    _per_year()
    left, right = st.columns(2, gap="large")
    with left:
        _gaps(counts)
    with right:
        _provenance(counts)
    _gap_papers()
    collecting.panel()
    _clusters()


def _figures(counts: StoreCounts) -> None:
    included = counts.include.get("include", 0)
    unclear = counts.include.get("unclear", 0)
    cards: tuple[tuple[str, int, dict[str, str] | None], ...] = (
        ("included", included, {}),
        ("unclear", unclear, {"include": "unclear"}),
        ("papers", counts.papers, {"include": "any"}),
        ("citations", counts.citations, None),
        ("numbers", counts.specifications, None),
    )
    for column, (name, value, parameters) in zip(st.columns(len(cards)), cards, strict=True):
        with column.container(border=True, height="stretch", gap="xsmall"):
            st.metric(t(f"overview.{name}"), f"{value:,}", help=t(f"overview.{name}_help"))
            if name == "citations":
                state.link("citations", t("overview.open_citations"))
            elif name == "numbers":
                state.link("trends", t("overview.open_trends"))
            else:
                state.link("papers", t("overview.open_papers"), parameters)


def _per_year() -> None:
    st.subheader(t("overview.per_year"), anchor=False)
    topics = {topic: filters.topic_name(topic) for topic in TOPICS}
    counted = atlas.counts().topics
    with st.container(horizontal=True, gap="medium"):
        for topic in TOPICS:
            state.link("papers", topics[topic], {"topic": topic}, beside=f"{counted.get(topic, 0):,}")
    years, by_topic = st.columns([2, 3], gap="large", vertical_alignment="center")
    with years:
        counts_by_year = atlas.facets(PaperFilter()).years
        figures.show(charts.included_per_year(counts_by_year), "overview.years", only=True, alt=t("overview.years_alt"))
    with by_topic:
        figures.topics(only=True, key="overview.topics")
    undated = series.without_year(series.topics_per_year(True))
    st.caption(t("overview.per_year_help", n=undated))


def _gaps(counts: StoreCounts) -> None:
    st.subheader(t("overview.gaps"), anchor=False)
    missing = atlas.gaps()
    rows = (
        ("citations", len(missing.no_citations)),
        ("date", len(missing.no_date)),
        ("text", len(missing.no_text)),
    )
    chosen = state.query().get("gap")
    for name, n in rows:
        line = t(f"gap.{name}", n=n, m=missing.included)
        if n:
            state.link("overview", line, {} if chosen == name else {"gap": name})
        else:
            st.caption(line)
    unclear = counts.include.get("unclear", 0)
    state.link("papers", t("gap.unclear", n=unclear), {"include": "unclear"})
    if counts.unjudged:
        st.caption(t("gap.unjudged", n=counts.unjudged))
    if counts.quarantined:
        st.caption(t("gap.quarantined", n=counts.quarantined))


def _gap_papers() -> None:
    chosen = state.query().get("gap")
    if chosen is None:
        return
    missing = atlas.gaps()
    ids = {"citations": missing.no_citations, "date": missing.no_date, "text": missing.no_text}.get(chosen)
    if ids is None:
        state.name_ignored(["gap"])
        return
    st.markdown(f"**{t(f'gap.{chosen}', n=len(ids), m=missing.included)}**")
    tables.papers_behind(ids, f"gap.{chosen}")


def _provenance(counts: StoreCounts) -> None:
    st.subheader(t("overview.provenance"), anchor=False)
    protocol = atlas.protocol()
    lines = [
        t("overview.last_ingest", time=(counts.last_ingest or t("unknown")).replace("T", " ")[:16]),
        t("overview.rules", rules=plain(counts.rules or t("unknown"))),
    ]
    for name, n in sorted(counts.sources.items(), key=lambda pair: (-pair[1], pair[0])):
        state.link(
            "papers",
            plain(filters.source_name(name)),
            {"source": name, "include": "any"},
            beside=t("overview.source", n=n),
        )
    st.caption("  \n".join(lines))
    state.link("protocol", t("overview.protocol", id=plain(protocol.id), version=protocol.version))


def _clusters() -> None:
    kept = atlas.clusters()
    st.subheader(t("overview.clusters"), anchor=False)
    if kept is None or not kept.clusters:
        st.caption(t("overview.no_clusters"))
        return
    counted = atlas.facets(PaperFilter()).clusters
    st.caption(t("overview.clusters_help"))
    shown = sorted(kept.clusters, key=lambda each: (-counted.get(each.number, 0), each.number))[:CLUSTERS_SHOWN]
    for start in range(0, len(shown), CLUSTERS_IN_ROW):
        row = shown[start : start + CLUSTERS_IN_ROW]
        for column, each in zip(st.columns(CLUSTERS_IN_ROW), row, strict=False):
            with column.container(border=True, gap="xsmall", height="stretch"):
                state.link("papers", plain(short(each.label, 70)), {"cluster": str(each.number)})
                n = counted.get(each.number, 0)
                size = t("overview.cluster_size", n=n)
                if n != each.size:
                    size += t("overview.cluster_of", of=each.size)
                others = [plain(term) for term in each.terms if term not in each.label.split(", ")]
                st.caption(size + "  \n" + ", ".join(others))
