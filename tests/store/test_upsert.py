"""Writing the same twice changes nothing; what a source does not know erases nothing; order inside a batch is free."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace

import pytest

from kg.answers import Upserted
from kg.errors import InputError, NotFound
from kg.model import Batch, Citation, Cursor, Fetch, Found, Manifestation, Paper, PartialDate, Standing, Vector
from kg.store import GraphStore, open_store
from tests.store.records import EVERYTHING, arxiv, cites, doi, judgement, measured, paper, papers

FULL = Batch(
    papers=(
        paper(
            arxiv(1), doi(1), title="A Codec", abstract="It codes.", published="2020-01-05", authors=("Ann B", "Cy D"),
            venue="Venue", categories=("cs.SD",), references_stated=3, citations_stated=7, provenance="file 1",
        ),
        paper(arxiv(2), title="A Model"),
    ),
    citations=(*cites((2, 1), (1, 3)), Citation(arxiv(2), doi(1), "other", True, ("background",))),
    judgements={doi(1): judgement(topics=("S1", "S2"), token_type="acoustic", quantizers=("RVQ",))},
    measured={arxiv(1): measured(6.0, 1.5)},
)  # fmt: skip


def test_a_batch_is_counted(store: GraphStore) -> None:
    done = store.upsert(FULL)
    assert done == Upserted(papers_new=2, citations_new=2, duplicates=1, stubs_new=1, judgements=1)


def test_writing_twice_changes_nothing_not_even_the_revision(store: GraphStore) -> None:
    cursor = Cursor("file", "stream", "10", "2025-01-01T00:00:00+00:00")
    store.upsert(FULL, cursor)
    before = (store.revision(), store.paper(arxiv(1)), store.counts(), store.table("citations"))
    done = store.upsert(FULL, replace(cursor, time="2025-02-02T00:00:00+00:00"))
    assert (store.revision(), store.paper(arxiv(1)), store.counts(), store.table("citations")) == before
    assert done == Upserted(duplicates=3)
    assert store.cursor("file", "stream") == cursor


def test_every_change_makes_the_revision_grow(store: GraphStore) -> None:
    seen = [store.revision()]
    for batch in (
        Batch(papers=papers(1)),
        Batch(papers=(paper(arxiv(1), abstract="Now with text."),)),
        Batch(citations=cites((1, 2))),
        Batch(citations=cites((1, 2), source="another")),
        Batch(judgements={arxiv(1): judgement()}),
        Batch(measured={arxiv(1): measured(1.0)}),
        Batch(papers=(paper(arxiv(1), standing="withdrawn"),)),
        Batch(papers=(paper(arxiv(1), tldr=False),)),
        Batch(citations=(Citation(arxiv(1), arxiv(2), "lists", contexts=("We follow it.",)),)),
        Batch(fetches=(Fetch(arxiv(1), "s2", "references", "empty", 0, 0, "2025"),)),
        Batch(found=(Found(arxiv(1), "query", "s2", "speech", "2025"),)),
        Batch(vectors={arxiv(1): Vector("m", (1.0,))}),
    ):
        store.upsert(batch)
        seen.append(store.revision())
    assert seen == sorted(set(seen))


def test_everything_told_of_a_paper_comes_back(store: GraphStore) -> None:
    store.upsert(FULL)
    found = store.paper("10.1000/PAPER.1")
    told = FULL.papers[0]
    assert found.paper == replace(told, manifestations=())
    assert found.judgement == (FULL.judgements or {})[doi(1)]
    assert found.measured == (FULL.measured or {})[arxiv(1)]
    row = found.row
    assert (row.id, row.title, row.year, row.published, row.venue) == (arxiv(1), "A Codec", 2020, "2020-01-05", "Venue")
    assert (row.first_author, row.authors, row.citations_stated) == ("Ann B", 2, 7)
    assert (row.include, row.decided, row.topics, row.token_type) == ("include", False, ("S1", "S2"), "acoustic")
    assert (row.quantizers, row.bitrates, row.cited_by, row.references) == (("RVQ",), (1.5, 6.0), 1, 0)
    assert [each.source for each in found.sources] == ["arxiv"]
    assert found.sources[0].provenance == "file 1"


def test_numbers_come_back_to_the_last_digit(store: GraphStore) -> None:
    exact = (0.1 + 0.2, 1 / 3, 1e-7)
    store.upsert(Batch(papers=papers(1), measured={arxiv(1): measured(*exact)}))
    assert store.paper(arxiv(1)).row.bitrates == tuple(sorted(exact))
    assert store.table("specifications")["value"].to_pylist() == list(exact)


def test_unknown_is_not_none_of_them(store: GraphStore) -> None:
    store.upsert(Batch(papers=(paper(arxiv(1)), paper(arxiv(2), authors=(), categories=()))))
    unknown, none = store.paper(arxiv(1)), store.paper(arxiv(2))
    assert (unknown.paper.authors, unknown.row.authors, unknown.paper.categories) == (None, None, None)
    assert (none.paper.authors, none.row.authors, none.paper.categories) == ((), 0, ())


def test_what_a_source_no_longer_says_stays(store: GraphStore) -> None:
    store.upsert(FULL)
    store.upsert(Batch(papers=(paper(arxiv(1), title="A Codec"),)))
    found = store.paper(arxiv(1)).paper
    assert (found.abstract, found.venue, found.published) == ("It codes.", "Venue", PartialDate("2020-01-05", "arxiv"))
    assert (found.references_stated, len(found.authors or ())) == (3, 2)


def test_a_sources_newer_word_replaces_its_older_one(store: GraphStore) -> None:
    store.upsert(FULL)
    done = store.upsert(Batch(papers=(paper(arxiv(1), title="A Better Codec", authors=("Eve F",)),)))
    found = store.paper(arxiv(1))
    assert done == Upserted(papers_changed=1)
    assert (found.paper.title, found.row.first_author, found.row.authors) == ("A Better Codec", "Eve F", 1)
    assert store.counts().authors == 1


def test_between_sources_the_first_wins_unless_another_says_more(store: GraphStore) -> None:
    first = paper(
        doi(1), title="A Codec", abstract="Short.", published="2020-01", venue="First", citations_stated=9, source="s2"
    )
    second = paper(
        doi(1), title="Codecs", abstract="Longer words.", published="2021-02-03", venue="Second", citations_stated=4,
        source="openalex", authors=("Ann B",),
    )  # fmt: skip
    for record in (first, second):
        store.upsert(Batch(papers=(record,)))
    found = store.paper(doi(1)).paper
    assert (found.title, found.venue, found.citations_stated) == ("A Codec", "First", 9)
    assert (found.abstract, found.published) == ("Longer words.", PartialDate("2021-02-03", "openalex"))
    assert found.authors is not None
    assert [each.source for each in store.paper(doi(1)).sources] == ["s2", "openalex"]


def test_arxiv_knows_better_when_a_work_appeared(store: GraphStore) -> None:
    store.upsert(Batch(papers=(paper(arxiv(1), published="2021-02-03", source="openalex"),)))
    assert store.paper(arxiv(1)).row.published == "2020-01"
    store.upsert(Batch(papers=(paper(arxiv(1), published="2020-01-30"),)))
    assert store.paper(arxiv(1)).paper.published == PartialDate("2020-01-30", "arxiv")


def test_a_title_that_was_cut_is_completed(store: GraphStore) -> None:
    store.upsert(Batch(papers=(paper(arxiv(1), title="Speech tokens"),)))
    store.upsert(Batch(papers=(paper(arxiv(1), title="Speech tokens: a survey", source="openalex"),)))
    assert store.paper(arxiv(1)).row.title == "Speech tokens: a survey"


def test_fetched_text_survives_a_bundle_without_it(store: GraphStore) -> None:
    store.upsert(Batch(papers=(paper(arxiv(1), abstract="Fetched by a person."),)))
    store.upsert(Batch(papers=(paper(arxiv(1), venue="From the bundle"),)))
    found = store.paper(arxiv(1)).paper
    assert (found.abstract, found.venue) == ("Fetched by a person.", "From the bundle")


def test_another_provenance_alone_changes_nothing(store: GraphStore) -> None:
    store.upsert(Batch(papers=(paper(arxiv(1), provenance="file 1"),)))
    assert store.upsert(Batch(papers=(paper(arxiv(1), provenance="file 2"),))) == Upserted()
    assert store.paper(arxiv(1)).sources[0].provenance == "file 1"


def test_manifestations_are_united_with_their_latest_version(store: GraphStore) -> None:
    one, two = Manifestation("arxiv", "2001.00001", 1, "arxiv"), Manifestation("doi", "10.1000/x", None, "openalex")
    store.upsert(Batch(papers=(replace(paper(arxiv(1)), manifestations=(one,)),)))
    store.upsert(Batch(papers=(replace(paper(arxiv(1)), manifestations=(replace(one, version=3),)),)))
    store.upsert(Batch(papers=(replace(paper(arxiv(1), source="openalex"), manifestations=(one, two)),)))
    assert store.paper(arxiv(1)).paper.manifestations == (replace(one, version=3), two)


def test_the_order_inside_a_batch_changes_nothing(empty_url: Callable[[], str]) -> None:
    told = [
        paper(arxiv(1), title="A Codec"),
        paper(arxiv(1), doi(1), title="A Codec", source="openalex", abstract="It codes."),
        paper(doi(1), title="A Codec", source="s2", venue="Venue"),
        paper(arxiv(2), doi(2)),
        paper(arxiv(2), abstract="One.", source="openalex"),
        paper(arxiv(2), abstract="Two.", source="openalex"),
    ]
    links = [*cites((1, 2), (2, 3), (3, 3)), Citation(doi(2), doi(1), "s2"), Citation(arxiv(2), arxiv(1), "lists")]
    answers = []
    for seed in range(5):
        random.Random(seed).shuffle(told)
        random.Random(seed).shuffle(links)
        with open_store(empty_url()) as store:
            store.upsert(Batch(papers=tuple(told), citations=tuple(links)), Cursor("s", "t", "1", "2025"))
            answers.append(
                (
                    [store.paper(id) for id in store.ids(EVERYTHING)],
                    store.table("citations").to_pylist(),
                    store.counts(),
                )
            )
    assert all(answer == answers[0] for answer in answers)


def test_a_judgement_of_nobody_writes_nothing(store: GraphStore) -> None:
    with pytest.raises(NotFound) as caught:
        store.upsert(Batch(papers=papers(1), judgements={arxiv(9): judgement()}))
    assert caught.value.id == arxiv(9)
    assert store.counts().papers == 0


def test_a_text_that_is_no_id_writes_nothing(store: GraphStore) -> None:
    with pytest.raises(InputError, match="no id"):
        store.upsert(Batch(papers=papers(1), citations=(Citation(arxiv(1), "what is this", "lists"),)))
    assert store.counts().papers == 0


def test_half_a_character_is_refused_and_nothing_written(store: GraphStore) -> None:
    with pytest.raises(InputError, match="surrogate"):
        store.upsert(Batch(papers=(*papers(1), paper(arxiv(2), title="A \ud800"))))
    assert store.counts().papers == 0


def test_text_from_anywhere_is_kept_as_it_is(store: GraphStore) -> None:
    title = "'); DROP TABLE papers; -- \" 語音 \U0001f3a4 \x00 naïve\n"
    store.upsert(Batch(papers=(paper(arxiv(1), title=title, abstract=title, venue=title, authors=('O\'Neil "x"',)),)))
    found = store.paper(arxiv(1)).paper
    assert (found.title, found.abstract, found.venue) == (title, title, title)


def shown(store: GraphStore) -> tuple[Standing | None, str | None, bool | None]:
    told: Paper = store.paper(arxiv(1)).paper
    return told.standing, told.open_access, told.tldr


def test_what_one_source_says_of_validity_the_silence_of_others_does_not_take_back(store: GraphStore) -> None:
    store.upsert(Batch(papers=(paper(arxiv(1)),)))
    assert shown(store) == (None, None, None)
    store.upsert(Batch(papers=(paper(arxiv(1), source="s2", tldr=False), paper(arxiv(1), standing="withdrawn"))))
    assert shown(store) == ("withdrawn", None, False)
    store.upsert(Batch(papers=(paper(arxiv(1)), paper(arxiv(1), source="s2"))))
    assert shown(store) == ("withdrawn", None, False)
    store.upsert(Batch(papers=(paper(arxiv(1), source="openalex", standing="retracted", tldr=True),)))
    assert shown(store) == ("retracted", None, True)
    store.upsert(Batch(papers=(paper(arxiv(1), source="s2", standing="withdrawn", tldr=False),)))
    assert shown(store) == ("retracted", None, True)
    store.upsert(Batch(papers=(paper(arxiv(1), source="openalex", standing="withdrawn", tldr=False),)))
    assert shown(store) == ("withdrawn", None, False)


def test_where_a_paper_is_free_to_read_is_what_the_first_source_says(store: GraphStore) -> None:
    places = {source: f"https://{source}.test/1.pdf" for source in ("s2", "openalex")}
    store.upsert(Batch(papers=(paper(arxiv(1)), paper(arxiv(1), source="s2", open_access=" "))))
    store.upsert(Batch(papers=(paper(arxiv(1), source="openalex", open_access=places["openalex"]),)))
    assert shown(store)[1] == places["openalex"]
    store.upsert(Batch(papers=(paper(arxiv(1), source="s2", open_access=places["s2"]),)))
    assert shown(store)[1] == places["s2"]
