"""Requests over a real socket to a server that misbehaves: what heals, what ends a run, how many requests it takes."""

from __future__ import annotations

import pickle
import time
import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest

from ingest.replies import Reply
from ingest.transport import ATTEMPTS, Limits, Transport
from kg.errors import (
    BadAnswer,
    InputError,
    Interrupted,
    RateLimited,
    RequestRefused,
    SourceError,
    SourceUnavailable,
)
from tests.services.clock import OwnClock
from tests.services.server import Services

SHORT = Limits(connect_s=5, read_s=0.6, whole_s=1.2)
HEALING = (
    "429-seconds", "429-date", "429", "500", "502-html", "503-empty", "504", "200-html", "200-empty", "truncated",
    "timeout", "drip", "reset", "closed",
)  # fmt: skip
QUERY = {"search_query": 'all:"discrete audio tokens"', "start": 0, "max_results": 5}

Make = Callable[..., Transport]
Ask = Callable[[Transport], Reply]


@pytest.fixture
def clock() -> OwnClock:
    return OwnClock()


@pytest.fixture
def make(services: Services, clock: OwnClock) -> Make:
    def made(**chosen: Any) -> Transport:
        environ = services.environment | chosen.pop("environ", {})
        return Transport(**{"environ": environ, "clock": clock, "chance": lambda: 0.5} | chosen)

    return made


def ask_arxiv(transport: Transport) -> Reply:
    return transport.get("arxiv", "/api/query", QUERY, accept="atom")


def ask_s2(transport: Transport) -> Reply:
    return transport.get("s2", "/graph/v1/paper/search/bulk", {"query": "tokens", "fields": "title"})


def ask_batch(transport: Transport) -> Reply:
    return transport.post(
        "s2", "/graph/v1/paper/batch", {"fields": "title"}, json={"ids": [f"CorpusId:{number}" for number in range(20)]}
    )


ENDPOINTS = (("arxiv.query", ask_arxiv), ("s2.search", ask_s2), ("s2.batch", ask_batch))


def test_an_answer_comes_with_its_status_and_is_counted(make, services) -> None:
    world = services.world
    with make() as transport:
        reply = transport.get("s2", f"/graph/v1/paper/{world.s2[7]}", {"fields": "title,year"})
        assert (reply.status, reply.endpoint, reply.attempts) == (200, "paper", 1)
        assert reply.json() == {"paperId": world.s2[7], "title": world.title(7), "year": world.date(7).year}
        assert b"<entry>" in ask_arxiv(transport).atom()
        assert ask_batch(transport).json() is not None
        assert transport.requests == {("s2", "paper"): 1, ("arxiv", "query"): 1, ("s2", "batch"): 1}
    assert services.requests == {"s2.paper": 1, "arxiv.query": 1, "s2.batch": 1}


@pytest.mark.parametrize("kind", HEALING)
@pytest.mark.parametrize(("endpoint", "ask"), ENDPOINTS)
def test_what_heals_is_asked_once_more(make, services, endpoint: str, ask: Ask, kind: str) -> None:
    with make(limits=SHORT if kind in ("timeout", "drip") else Limits()) as transport:
        good = ask(transport)
        services.fault(endpoint, kind)
        again = ask(transport)
    assert (again.body, again.attempts) == (good.body, 2)
    assert services.requests[endpoint] == sum(transport.requests.values()) == 3


@pytest.mark.parametrize(
    ("kind", "error"),
    [(kind, RateLimited) for kind in HEALING[:3]]
    + [(kind, SourceUnavailable) for kind in ("500", "502-html", "503-empty", "504", "reset", "closed")]
    + [(kind, BadAnswer) for kind in ("200-html", "200-empty", "truncated")],
)
def test_what_does_not_heal_ends_with_a_time_to_go_on(
    make, services, clock, kind: str, error: type[SourceError]
) -> None:
    services.fault("s2.search", kind, times=None)
    began = clock.now()
    with make() as transport, pytest.raises(error) as raised:
        ask_s2(transport)
    assert raised.value.retryable
    assert raised.value.attempts == services.requests["s2.search"] == ATTEMPTS
    assert raised.value.resume_at is not None
    assert raised.value.resume_at.startswith("2025-06-15T15:")
    assert "Run the same command again after 2025-06-15 15:" in raised.value.hint
    assert "/graph/v1/paper/search/bulk" in raised.value.where
    assert clock.now() - began < 300


def test_patience_ends_the_waiting(make, services, clock) -> None:
    services.fault("s2.search", "429-seconds", times=None, seconds=20)
    began = clock.now()
    with make(patience_s=50) as transport, pytest.raises(RateLimited) as raised:
        ask_s2(transport)
    assert services.requests["s2.search"] == 3
    assert 40 <= clock.now() - began <= 50
    assert raised.value.retry_after_s == 20


@pytest.mark.parametrize("kind", ["429-seconds", "429-date"])
def test_the_stated_pause_is_kept_in_either_form(make, services, clock, kind: str) -> None:
    told: list[tuple[str, float, str]] = []
    services.fault("arxiv.query", kind, seconds=30)
    began = clock.now()
    with make(on_wait=lambda *heard: told.append(heard)) as transport:
        ask_arxiv(transport)
    assert 29 <= clock.now() - began <= 32
    assert [(name, why) for name, _, why in told] == [("arxiv", "rate limited")]
    assert 29 <= told[0][1] <= 32


def test_a_pause_beyond_the_patience_ends_the_run_at_once_and_the_next_run_respects_it(make, services, clock) -> None:
    services.fault("arxiv.query", "429-seconds", seconds=1200)
    began = clock.now()
    with make() as transport, pytest.raises(RateLimited, match=r"arXiv .*15:26 UTC") as raised:
        ask_arxiv(transport)
    assert raised.value.resume_at == "2025-06-15T15:26:40+00:00"
    with make() as other, pytest.raises(RateLimited, match="lasts another 20 min") as again:
        ask_arxiv(other)
    assert again.value.attempts == 0
    assert (services.requests["arxiv.query"], clock.now() - began) == (1, 0)
    with make() as other:
        assert ask_s2(other).status == 200
    clock.sleep(1201)
    with make() as other:
        assert ask_arxiv(other).status == 200


def test_pauses_grow_and_are_random(make, services, clock) -> None:
    services.fault("s2.search", "500", times=5)
    seen: list[float] = []
    with make(chance=lambda: 1.0, on_wait=lambda _, seconds, why: seen.append(seconds)) as transport:
        ask_s2(transport)
        assert seen == pytest.approx([transport.access("s2").backoff_s * step for step in (1, 2, 4, 8, 16)])


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("400", "cannot be read"),
        ("401", "Unauthorized"),
        ("403", "Forbidden"),
        ("404", "Not found"),
        ("413", "gateway"),
    ],
)
def test_a_refusal_is_told_at_once_in_the_services_words(make, services, kind: str, words: str) -> None:
    services.fault("s2.search", kind)
    with make() as transport, pytest.raises(RequestRefused, match=rf"HTTP {kind}.*{words}") as raised:
        ask_s2(transport)
    assert not raised.value.retryable
    assert raised.value.status == int(kind)
    assert services.requests["s2.search"] == 1


def test_a_refusal_that_says_slow_down_is_a_rate_limit(make, services) -> None:
    services.behind = _Saying(services.behind, 403, b'{"error": "Rate limit exceeded"}')
    with make(patience_s=0) as transport, pytest.raises(RateLimited):
        transport.get("openalex", "/works/W1")


@pytest.mark.parametrize("status", [200, 400])
def test_an_error_feed_is_a_refusal_whatever_its_status(make, services, status: int) -> None:
    services.fault("arxiv.query", "error-feed", status=status, message="incorrect id format for \u202eabc")
    with make() as transport, pytest.raises(RequestRefused) as raised:
        ask_arxiv(transport)
    assert raised.value.said.startswith("incorrect id format for")
    assert raised.value.said.isprintable()
    assert services.requests["arxiv.query"] == 1


def test_a_malformed_id_is_refused_in_arxivs_words(make, services) -> None:
    with make() as transport, pytest.raises(RequestRefused, match="incorrect id format for abc"):
        transport.get("arxiv", "/api/query", {"id_list": "1901.00001,abc"}, accept="atom")


def test_a_missing_thing_is_a_reply_when_that_is_no_error(make, services) -> None:
    with make() as transport:
        reply = transport.get("openalex", "/works/doi:10.5555/nothing", missing_ok=True)
        assert reply.missing
        assert reply.json() is None
        with pytest.raises(RequestRefused, match="Check the id"):
            transport.get("openalex", "/works/doi:10.5555/nothing")
    assert services.requests["openalex.work"] == 2


@pytest.mark.parametrize("kind", ["huge", "huge-stated", "bomb"])
@pytest.mark.parametrize(("endpoint", "ask"), ENDPOINTS[:2])
def test_a_body_beyond_all_measure_is_left_early(make, services, endpoint: str, ask: Ask, kind: str) -> None:
    services.fault(endpoint, kind, times=None)
    with make(limits=Limits(sent_bytes=2_000_000, unpacked_bytes=4_000_000)) as transport:
        tracemalloc.start()
        began = time.monotonic()
        with pytest.raises(BadAnswer, match="MB") as raised:
            ask(transport)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert not raised.value.retryable
    assert services.requests[endpoint] == 1
    assert time.monotonic() - began < 5
    # The server's own block of a megabyte, in this process, is part of it.
    assert peak < 20_000_000


def test_a_compressed_answer_is_unpacked(make, services) -> None:
    with make() as transport:
        good = ask_s2(transport)
        services.fault("s2.search", "gzip")
        assert ask_s2(transport).body == good.body
    assert services.log[-1].headers["accept-encoding"] == "gzip"


def test_entities_are_never_expanded(make, services) -> None:
    services.fault("arxiv.query", "doctype", times=None)
    with make() as transport, pytest.raises(BadAnswer, match="document type") as raised:
        ask_arxiv(transport)
    assert not raised.value.retryable
    assert services.requests["arxiv.query"] == 1


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_to_another_host_is_not_followed(make, make_services, services, status: int) -> None:
    other = make_services()
    services.fault("s2.search", "redirect", to=f"{other.url}/s2/graph/v1/paper/search/bulk?query=tokens", status=status)
    with make() as transport, pytest.raises(BadAnswer, match=r"redirected us to 127\.0\.0\.1") as raised:
        ask_s2(transport)
    assert not raised.value.retryable
    assert other.log == []
    assert services.requests["s2.search"] == 1


def test_a_redirect_within_the_host_is_followed(make, services) -> None:
    world = services.world
    id = next(ids[0] for ids in world.openalex if ids)
    services.fault("openalex.work", "moved", to=f"/openalex/works/{id}?select=id")
    with make() as transport:
        reply = transport.get("openalex", "/works/W999", {"select": "id"})
    assert reply.json() == {"id": f"https://openalex.org/{id}"}
    assert reply.url.endswith(f"/openalex/works/{id}?select=id")
    assert transport.requests["openalex", "work"] == 2


@pytest.mark.parametrize("to", ["/elsewhere/works/W1", "/openalex/../s2/x", "", "http://[", "https://127.0.0.1/x"])
def test_a_redirect_out_of_the_service_is_not_followed(make, services, to: str) -> None:
    services.fault("openalex.work", "moved", to=to)
    with make() as transport, pytest.raises(BadAnswer):
        transport.get("openalex", "/works/W999")
    assert services.requests == {"openalex.work": 1}


def test_redirects_in_a_circle_end(make, services) -> None:
    services.fault("openalex.work", "moved", times=None, to="/openalex/works/W1")
    with make() as transport, pytest.raises(BadAnswer, match="circle"):
        transport.get("openalex", "/works/W1")
    assert services.requests["openalex.work"] == 4


def test_a_server_that_is_not_there_is_told(make, services, clock) -> None:
    services.close()
    with make() as transport, pytest.raises(SourceUnavailable, match="no connection") as raised:
        ask_s2(transport)
    assert raised.value.retryable
    assert raised.value.attempts == ATTEMPTS


def test_the_whole_exchange_has_a_limit_of_its_own(make, services) -> None:
    services.fault("s2.search", "drip", times=None, seconds=0.05)
    began = time.monotonic()
    with (
        make(limits=SHORT, patience_s=0) as transport,
        pytest.raises(SourceUnavailable, match=r"no whole answer within 1\.2 s"),
    ):
        ask_s2(transport)
    assert time.monotonic() - began < 3


def test_waiting_for_a_turn_does_not_wear_out_the_patience(make, services, clock) -> None:
    environ = {"TOKENATLAS_PACE": "s2=40"}
    services.fault("s2.search", "500", times=1)
    with make(environ=environ, patience_s=10, chance=lambda: 0.01) as transport:
        for _ in range(3):
            ask_s2(transport)
    assert clock.now() == pytest.approx(1_750_000_000 + 3 * 40)
    assert services.requests["s2.search"] == 4


def test_a_check_can_ask_for_another_try(make, services) -> None:
    services.fault("arxiv.query", "empty-page", times=2)

    def full(reply: Reply) -> None:
        if b"<entry>" not in reply.atom():
            raise BadAnswer("arXiv sent an empty page", source="arxiv", retryable=True)

    with make() as transport:
        reply = transport.get("arxiv", "/api/query", QUERY, accept="atom", check=full)
        assert reply.attempts == 3
        services.fault("arxiv.query", "empty-page", times=None)
        with pytest.raises(BadAnswer, match=f"empty page after {ATTEMPTS} tries") as raised:
            transport.get("arxiv", "/api/query", QUERY, accept="atom", check=full)
    assert raised.value.resume_at is not None
    assert "/api/query" in raised.value.where


def test_a_check_can_refuse_for_good(make, services) -> None:
    def never(reply: Reply) -> None:
        raise BadAnswer("titles are numbers", source="s2", expected="text", came="7")

    with make() as transport, pytest.raises(BadAnswer, match="titles are numbers") as raised:
        transport.get("s2", "/graph/v1/paper/search/bulk", {"query": "tokens"}, check=never)
    assert (raised.value.attempts, raised.value.status) == (1, 200)
    assert raised.value.url.endswith("query=tokens")
    assert services.requests["s2.search"] == 1


def test_a_wish_to_stop_ends_a_pause(make, services, clock) -> None:
    services.fault("s2.search", "429-seconds", times=None, seconds=200)
    with make(stop=lambda: clock.now() > 1_750_000_010) as transport, pytest.raises(Interrupted):
        ask_s2(transport)
    assert clock.now() < 1_750_000_011
    assert services.requests["s2.search"] == 1


@pytest.mark.parametrize("id", ["10.1002/(sici)1097<1::aid>3.0.co;2-#", "a?b=c", "a b%2f", "élan\n"])
def test_an_id_is_data_in_an_address(make, services, id: str) -> None:
    with make() as transport:
        transport.get("s2", f"/graph/v1/paper/DOI:{id}", {"fields": "title&x=1"}, missing_ok=True)
    assert services.log[-1].path == f"/graph/v1/paper/DOI:{id}"
    assert services.log[-1].params == {"fields": "title&x=1"}


@pytest.mark.parametrize("path", ["/graph/v1/paper/../../secret", "graph/v1", "/works/.", ""])
def test_a_path_that_leaves_its_place_is_refused(make, services, path: str) -> None:
    with make() as transport, pytest.raises(InputError, match="part of an address"):
        transport.get("s2", path)
    assert services.log == []


def test_an_error_survives_pickling(make, services) -> None:
    services.fault("s2.search", "429-seconds", seconds=4000)
    with make() as transport, pytest.raises(RateLimited) as raised:
        ask_s2(transport)
    copy = pickle.loads(pickle.dumps(raised.value))
    assert (str(copy), copy.resume_at, copy.retry_after_s) == (str(raised.value), raised.value.resume_at, 4000)


class _Saying:
    """Another answer in place of every one."""

    def __init__(self, behind: Any, status: int, body: bytes) -> None:
        self.world = behind.world
        self.status = status
        self.body = body

    def answer(self, asked: Any) -> Any:
        from tests.services.asked import Given

        return Given(self.status, self.body)
