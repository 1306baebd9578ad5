"""A filter in words, its conditions one by one, and which of them removed most."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from streamlit.testing.v1 import AppTest

from kg.paper_filter import PaperFilter
from kg.store import GraphStore
from ui import atlas, filters

FULL = PaperFilter(
    text="neural *codec*",
    topics=("S1", "S2"),
    criteria=(("A1", "met"), ("X1", "not_met")),
    include=("include", "unclear"),
    token_types=("acoustic",),
    quantizers=("RVQ",),
    bitrate_min=0.5,
    bitrate_max=6.0,
    year_min=2021,
    year_max=2024,
    sources=("arxiv_listing",),
    cluster=7,
    reading_list="to [read]",
)


def test_each_condition_can_be_dropped_alone(world_url: str) -> None:
    found = atlas.conditions(FULL)
    assert len(found) == 15
    assert all(each.without != FULL for each in found)
    assert replace(FULL, topics=("S2",)) in [each.without for each in found]
    assert replace(FULL, include=()) in [each.without for each in found]


def test_dropping_everything_ends_at_no_condition(world_url: str) -> None:
    where = FULL
    for _ in range(20):
        left = atlas.conditions(where)
        if not left:
            break
        where = left[0].without
    assert where == atlas.EVERYTHING


def test_words_from_outside_are_escaped_in_chips(world_url: str) -> None:
    said = [filters.describe(each) for each in atlas.conditions(FULL)]
    assert r"“neural \*codec\*”" in said
    assert r"List: to \[read\]" in said
    assert "S1 Codecs, quantizers" in said
    assert "from 0.5 kbps" in said


def test_a_quoted_search_is_not_quoted_again(world_url: str) -> None:
    (words,) = atlas.conditions(PaperFilter(text='"semantic tokens" speech', include=()))
    assert filters.describe(words) == r"Search: \"semantic tokens\" speech"


def test_a_range_of_bitrates_says_how_many_papers_state_none(world: GraphStore, visit: Callable[..., AppTest]) -> None:
    stating = {row.id for row in world.papers(PaperFilter()).rows if row.bitrates}
    said = f"{11 - len(stating)} papers state no bitrate of their own and are in no range."
    assert 0 < len(stating) < 10
    assert said in [each.value for each in visit("papers", kbps_max="2").sidebar.caption]
    assert said not in [each.value for each in visit("papers").sidebar.caption]


def test_the_sentence_names_every_condition(world_url: str) -> None:
    assert filters.sentence(atlas.EVERYTHING) == "all papers"
    assert filters.sentence(PaperFilter()) == "Included only"
    assert len(filters.sentence(FULL).split("; ")) == 15


@pytest.mark.parametrize(
    ("where", "field"),
    [
        (PaperFilter(quantizers=("RVQ",), token_types=("semantic",), include=()), "token_types"),
        (PaperFilter(text="nothing-has-this-word"), "text"),
        (PaperFilter(year_min=2099), "year_min"),
    ],
)
def test_the_condition_that_removed_most_is_named(world_url: str, where: PaperFilter, field: str) -> None:
    counts = {
        name: atlas.total(replace(where, **{name: () if isinstance(getattr(where, name), tuple) else None}))
        for name in where.__dataclass_fields__
        if getattr(where, name) not in (None, ())
    }
    found = atlas.narrowest(where)
    assert found is not None
    assert found[1] == max(counts.values()) == counts[found[0].field]
    if list(counts.values()).count(found[1]) == 1:
        assert found[0].field == field


@pytest.mark.parametrize(
    ("where", "field", "n"),
    [
        (PaperFilter(text="spectrograms"), "include", 1),
        (PaperFilter(text="Ripple", token_types=("semantic",)), "token_types", 2),
        (PaperFilter(text="nothing-has-this-word", topics=("S1",)), "text", None),
    ],
)
def test_the_search_text_is_the_last_to_be_dropped(
    world_url: str, where: PaperFilter, field: str, n: int | None
) -> None:
    found = atlas.narrowest(where)
    assert found is not None
    assert found[0].field == field
    assert found[1] == (n or atlas.total(replace(where, text=None))) > 0


def test_no_single_condition_to_blame_is_said(world_url: str) -> None:
    assert atlas.narrowest(PaperFilter(text="nothing-has-this-word", year_min=2099)) is None


def test_a_facet_writes_the_filter_into_the_url(world: GraphStore, visit: Callable[..., AppTest]) -> None:
    app = visit("papers")
    app.sidebar.button_group(key="filter.topics").set_value(["S1"]).run()
    assert app.query_params == {"topic": "S1"}
    app.sidebar.multiselect(key="filter.quantizers").set_value(["RVQ"]).run()
    assert app.query_params == {"topic": "S1", "quantizer": "RVQ"}
    assert not app.exception


def test_widgets_follow_the_url(world: GraphStore, visit: Callable[..., AppTest]) -> None:
    app = visit("papers", topic="S1,S4", from_="2022", q="codec", kbps_max="2")
    assert app.sidebar.button_group(key="filter.topics").value == ["S1", "S4"]
    assert app.sidebar.slider(key="filter.years").value[0] == 2022
    assert app.text_input(key="filter.text").value == "codec"
    assert app.sidebar.number_input(key="filter.bitrate_max").value == 2.0
    # Back in the browser: the same session, another URL.
    app.query_params.clear()
    app.query_params["topic"] = "S2"
    app.run()
    assert app.sidebar.button_group(key="filter.topics").value == ["S2"]
    assert app.text_input(key="filter.text").value == ""


def test_a_new_filter_starts_on_page_one_and_keeps_the_order(world: GraphStore, visit: Callable[..., AppTest]) -> None:
    app = visit("papers", sort="title", page="1")
    app.text_input(key="filter.text").set_value("codec").run()
    assert app.query_params == {"sort": "title", "q": "codec"}


@pytest.mark.parametrize(
    "typed",
    ["https://arxiv.org/pdf/2209.03143v2", "https://doi.org/10.1000/audiolm", " arXiv:2209.03143 "],
)
def test_an_id_or_address_in_the_search_opens_its_paper(
    world: GraphStore, visit: Callable[..., AppTest], typed: str
) -> None:
    app = visit("papers", topic="S2")
    app.text_input(key="filter.text").set_value(typed).run()
    assert not app.exception
    assert app.query_params == {"topic": "S2", "paper": "arxiv:2209.03143"}
    assert "Verdict per criterion" in [each.value for each in app.subheader]


@pytest.mark.parametrize("typed", ["https://arxiv.org/abs/2209.99999", "codec", "https://example.invalid/x"])
def test_what_names_no_known_paper_is_searched(world: GraphStore, visit: Callable[..., AppTest], typed: str) -> None:
    app = visit("papers")
    app.text_input(key="filter.text").set_value(typed).run()
    assert not app.exception
    assert app.query_params == {"q": typed}


def test_the_search_says_where_it_looks(world: GraphStore, visit: Callable[..., AppTest]) -> None:
    said = visit("papers").text_input(key="filter.text").placeholder
    assert said.startswith("Search titles, authors, ids and stored abstracts")


def test_the_chip_of_the_default_can_be_removed_and_put_back(world: GraphStore, visit: Callable[..., AppTest]) -> None:
    app = visit("papers")
    app.button(key="chip.0.include").click().run()
    assert app.query_params == {"include": "any"}
    app.button(key="chip.included").click().run()
    assert app.query_params == {}
