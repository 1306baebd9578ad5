"""Rounds of citations: only what belongs is followed, what was judged stays, a killed snowball goes on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from ingest.fetching import Session, begin
from ingest.snowball import Snowballed, snowball
from ingest.source import Page
from kg.errors import SourceUnavailable
from kg.model import Batch, Citation, Fetch, Judgement
from kg.paper_filter import PaperFilter
from kg.store import GraphStore, open_store
from tests.conftest import EmptyStore
from tests.ingest.scripted import Scripted, paper, told

CLOCK = "2026-11-01T00:00:00+00:00"


@pytest.fixture
def store(empty_store: EmptyStore) -> Iterator[GraphStore]:
    with open_store(empty_store("sqlite")) as opened:
        yield opened


def judge(store: GraphStore) -> Callable[[], bool]:
    """Includes what has "token" in its title."""

    def conclude() -> bool:
        for batch in store.texts(unjudged_by="rule"):
            store.upsert(Batch(judgements={id: verdict(title) for id, title, _ in batch}))
        return True

    return conclude


def verdict(title: str | None) -> Judgement:
    from kg.identity import text_sha256

    include = "include" if "token" in (title or "") else "exclude"
    return Judgement(include, False, (), (), None, (), "rule", ("title",), text_sha256(title, None))  # type: ignore[arg-type]


def lists(citing: str, *cited: str, state: str = "complete", source: str = "scripted") -> Page:
    """The references of a paper."""
    return Page(
        papers=tuple(paper(id) for id in cited),
        found=cited,
        citations=tuple(Citation(citing, id, source) for id in cited),
        fetches=(Fetch(citing, source, "references", state, len(cited), len(cited), ""),),  # type: ignore[arg-type]
    )


A, B, C, D, E = (f"arxiv:2101.0000{n}" for n in range(1, 6))


def world() -> Scripted:
    """A cites B and C; B is about tokens and cites D; C is not and cites E; D is about tokens and cites nothing."""
    return Scripted(
        {
            (f"references:{A}", ""): lists(A, B, C),
            (f"references:{B}", ""): lists(B, D, A),
            (f"references:{D}", ""): Page(fetches=(Fetch(D, "scripted", "references", "empty", 0, 0, ""),)),
            (f"papers:{B}", ""): told(paper(B, "A token of B")),
            (f"papers:{C}", ""): told(paper(C, "Something else")),
            (f"papers:{D}", ""): told(paper(D, "A token of D")),
        }
    )


def start(store: GraphStore) -> None:
    store.upsert(Batch(papers=(paper(A, "A token of A"),)))
    judge(store)()


def session(store: GraphStore) -> Session:
    return begin(store, "snowball", rules=None, protocol=None, clock=lambda: CLOCK)


def run(store: GraphStore, source: Scripted, *, rounds: int = 5, **options: object) -> Snowballed:
    return snowball(
        session(store),
        [source],
        source,
        rounds=rounds,
        directions=("references",),
        seeds=None,
        conclude=judge(store),
        threshold=0.0,
        key="test",
        **options,  # type: ignore[arg-type]
    )


def test_it_follows_what_is_included_and_nothing_else(store: GraphStore) -> None:
    start(store)
    source = world()
    done = run(store, source)
    assert [(r.followed, r.named, r.screened, r.included) for r in done.rounds] == [
        (1, 2, 2, 1),
        (1, 1, 1, 1),
        (1, 0, 0, 0),
    ]
    assert "name nothing" in done.why
    assert store.ids(PaperFilter()) == [A, B, D]
    assert (f"references:{C}", "") not in source.asked
    assert store.paper(C).row.include == "exclude"  # judged and kept, so that it is not screened again


def test_every_paper_keeps_the_paper_that_led_to_it(store: GraphStore) -> None:
    start(store)
    run(store, world())
    assert [(each.how, each.detail) for each in store.paper(D).found] == [("references", B)]


def test_it_ends_after_the_rounds_asked_for(store: GraphStore) -> None:
    start(store)
    done = run(store, world(), rounds=1)
    assert (len(done.rounds), done.why) == (1, "1 rounds were asked for")
    assert store.ids(PaperFilter()) == [A, B]


def test_it_ends_when_a_round_gains_too_little(store: GraphStore) -> None:
    start(store)
    source = world()
    done = snowball(
        session(store), [source], source, rounds=5, directions=("references",), seeds=None, conclude=judge(store),
        threshold=0.6, key="test",
    )  # fmt: skip
    assert (len(done.rounds), done.why) == (1, "the last round's gain, 50.0%, is below 60.0%")


def test_seeds_are_followed_whatever_the_rules_say(store: GraphStore) -> None:
    store.upsert(Batch(papers=(paper(A, "Something else altogether"),)))
    judge(store)()
    source = world()
    done = snowball(
        session(store), [source], source, rounds=1, directions=("references",), seeds=[A], conclude=judge(store),
        key="test",
    )  # fmt: skip
    assert done.rounds[0].included == 1


@pytest.mark.parametrize("broken", [f"references:{A}", f"papers:{C}", f"references:{B}", f"papers:{D}"])
def test_a_broken_snowball_goes_on_to_the_same_end(store: GraphStore, broken: str) -> None:
    start(store)
    source = world()
    whole = source.pages[broken, ""]
    assert isinstance(whole, Page)
    source.pages[broken, ""] = [SourceUnavailable("It does not answer", source="scripted", retryable=True), whole]
    with pytest.raises(SourceUnavailable):
        run(store, source)
    done = run(store, source)
    assert [(r.followed, r.named, r.screened, r.included) for r in done.rounds] == [
        (1, 2, 2, 1),
        (1, 1, 1, 1),
        (1, 0, 0, 0),
    ]
    assert store.ids(PaperFilter()) == [A, B, D]
    assert len(source.asked) == len(set(source.asked)) + 1  # nothing but the broken request was asked twice


def test_a_stopped_snowball_says_so_and_goes_on(store: GraphStore) -> None:
    start(store)
    source = world()
    asked = 0

    def stop() -> bool:
        return len(source.asked) > asked

    done = snowball(
        replace(session(store), stop=stop), [source], source, rounds=5, directions=("references",), seeds=None,
        conclude=judge(store), threshold=0.0, key="test",
    )  # fmt: skip
    assert (done.fetched.stopped, done.why) == (True, "")
    assert run(store, source).rounds[-1].number == 3
    assert len(source.asked) == len(set(source.asked))


def test_where_one_source_is_cut_the_next_is_asked(store: GraphStore) -> None:
    start(store)
    first = world()
    first.pages[f"references:{A}", ""] = lists(A, B, state="truncated")
    second = Scripted({(f"references:{A}", ""): lists(A, C, source="second")}, name="second")
    done = snowball(
        session(store), [first, second], first, rounds=1, directions=("references",), seeds=None,
        conclude=judge(store), threshold=0.0, key="test",
    )  # fmt: skip
    assert done.rounds[0].named == 2
    assert second.asked == [(f"references:{A}", "")]
