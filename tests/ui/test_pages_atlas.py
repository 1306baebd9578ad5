"""Overview, Citations, Trends and Protocol over the invented atlas."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from streamlit.testing.v1 import AppTest

from kg.store import GraphStore
from tests.ui.test_pages_papers import shown
from tests.ui.world import AUDIOLM, CODEC, EXCLUDED, HYBRID, LONELY, NASTY, STUB, TITLE_ONLY

Visit = Callable[..., AppTest]


def links(app: AppTest) -> list[tuple[str, str]]:
    """(label, query string) of every link to a page."""
    return [(each.proto.label, each.proto.query_string) for each in app.get("page_link")]


def test_overview_counts_what_is_in_the_store(world: GraphStore, visit: Visit) -> None:
    app = visit("overview")
    assert not app.exception
    assert {each.label: each.value for each in app.metric} == {
        "Included papers": "11",
        "Unclear": "1",
        "All papers": "14",
        "Citations": f"{world.counts().citations}",
        "Numbers": f"{world.counts().specifications}",
    }


def test_overview_says_what_is_missing(world: GraphStore, visit: Visit) -> None:
    said = "\n".join(label for label, _ in links(visit("overview")))
    assert "Citations not fetched for 1 of 11 included papers" in said
    assert "Date unknown for 1 of 11 included papers" in said
    assert "Abstract not stored for 2 of 11 included papers" in said
    assert "1 unclear paper to look at" in said


def test_a_gap_opens_its_papers(world: GraphStore, visit: Visit) -> None:
    app = visit("overview", gap="citations")
    assert not app.exception
    assert list(app.dataframe[0].value["title"]) == [world.paper(LONELY).row.title]


def test_clusters_open_their_papers(world: GraphStore, visit: Visit) -> None:
    app = visit("overview")
    assert (":blue[codec\\, bitrate\\, quantization]", "cluster=0") in links(app)
    assert "3 included papers" in shown(app)
    assert r":blue[semantic\, speech\, \$clustering\$]" in [label for label, _ in links(app)]
    assert "stream" in shown(app)


def test_citations_open_on_audiolm(world: GraphStore, visit: Visit) -> None:
    app = visit("citations")
    assert not app.exception
    assert "Around **AudioLM" in shown(app)
    assert "Showing 4 of 4 papers" in shown(app)


def test_citations_without_audiolm_open_on_the_most_cited(
    world: GraphStore, visit: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ui.pages import citations

    monkeypatch.setattr(citations, "OPENING", "arxiv:1001.0001")
    assert "Around **Delta" in shown(visit("citations"))


def test_the_ranked_list_shows_the_papers_of_the_graph(world: GraphStore, visit: Visit) -> None:
    app = visit("citations", focus=CODEC, include="any")
    ranked = [each for each in app.button if (each.key or "").startswith("ranked.")]
    assert len(ranked) == 6
    assert f"ranked.{STUB}" in {each.key for each in ranked}


def test_a_click_selects_and_the_url_knows(world: GraphStore, visit: Visit) -> None:
    app = visit("citations")
    app.button(key=f"ranked.{HYBRID}").click().run()
    assert app.query_params["select"] == HYBRID
    assert not app.exception


def test_expanding_adds_a_seed_and_back_takes_it_away(world: GraphStore, visit: Visit) -> None:
    app = visit("citations", focus=AUDIOLM, select=HYBRID)
    app.button(key="details.expand").click().run()
    assert app.query_params["focus"] == f"{AUDIOLM} {HYBRID}"
    wider = next(each.value for each in app.caption if each.value.startswith("Showing"))
    app.query_params.clear()
    app.query_params["focus"] = AUDIOLM
    app.run()
    narrower = next(each.value for each in app.caption if each.value.startswith("Showing"))
    assert wider.startswith("Showing 9 of 9")
    assert narrower.startswith("Showing 4 of 4")


def test_a_seed_that_is_unknown_is_named(world: GraphStore, visit: Visit) -> None:
    app = visit("citations", focus="2209.03143 1001.0001 <b>")
    assert not app.exception
    assert any("1001" in each.value for each in app.warning)
    assert "Around **AudioLM" in shown(app)


def test_a_path_shows_each_citation_in_its_own_direction(world: GraphStore, visit: Visit) -> None:
    app = visit("citations", start=LONELY, end=AUDIOLM)
    assert "No chain of citations" in shown(app)
    app = visit("citations", start=AUDIOLM, end=TITLE_ONLY)
    assert "**2 steps**" in shown(app)
    assert shown(app).count("is cited by") == 2
    assert "No chain of references" in shown(visit("citations", start=AUDIOLM, end=TITLE_ONLY, directed="yes"))
    assert "↓ cites" in shown(visit("citations", start=TITLE_ONLY, end=AUDIOLM, directed="yes"))


def test_a_paper_is_found_by_words_and_by_id(world: GraphStore, visit: Visit) -> None:
    app = visit("citations")
    app.text_input(key="path.start.text").set_value("ripple").run()
    app.button(key=f"path.start.{CODEC}").click().run()
    assert app.query_params["start"] == CODEC
    app.text_input(key="path.end.text").set_value("https://arxiv.org/abs/2209.03143").run()
    app.button(key=f"path.end.{AUDIOLM}").click().run()
    assert app.query_params["end"] == AUDIOLM
    assert "**1 step**" in shown(app)


def test_included_only_hides_context_in_the_graph(world: GraphStore, visit: Visit) -> None:
    app = visit("citations", focus=AUDIOLM)
    assert f"ranked.{EXCLUDED}" not in {each.key for each in app.button}
    app.toggle(key="toggle.include").set_value(False).run()
    assert app.query_params["include"] == "any"
    assert f"ranked.{EXCLUDED}" in {each.key for each in app.button}


def test_trends_say_how_many_papers_state_a_number(world: GraphStore, visit: Visit) -> None:
    app = visit("trends")
    assert not app.exception
    assert "3 of 11 papers state one" in shown(app)
    assert len(app.get("plotly_chart")) == 4


def test_trends_without_a_value_say_so(world: GraphStore, visit: Visit) -> None:
    app = visit("trends", left="latency_ms")
    assert "0 of 11 papers state one" in shown(app)
    assert "Nothing to show" in shown(app)


def test_the_protocol_speaks_both_languages(world: GraphStore, visit: Visit) -> None:
    english, chinese, both = (visit("protocol", text=each) for each in ("en", "zh", "both"))
    for app in (english, chinese, both):
        assert not app.exception
    assert "離散音訊標記" not in shown(english)
    assert "離散音訊標記" in shown(chinese)
    assert "Discrete audio tokens" not in chinese.title[0].value
    assert "Discrete audio tokens" in shown(both)
    assert "離散音訊標記" in shown(both)


def test_verdict_counts_open_their_papers(world: GraphStore, visit: Visit) -> None:
    found = links(visit("protocol"))
    assert (":blue[met] :gray[11]", "criteria=R1%3Amet&include=any") in found
    assert (":blue[met] :gray[1]", "criteria=X1%3Amet&include=any") in found


def test_the_protocol_says_how_verdicts_combine(world: GraphStore, visit: Visit) -> None:
    text = shown(visit("protocol"))
    assert "1\\. " in text or "1. " in text
    assert "marked for a look" in text
    assert "Not judged from the abstract" in text


def test_the_graph_takes_hostile_seeds(world: GraphStore, visit: Visit) -> None:
    assert not visit("citations", focus=" ".join(NASTY), hops="2").exception
