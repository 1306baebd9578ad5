"""arXiv for tests of its source: the seeded world and lists that we make, each behind a real socket, and fixtures."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import pytest

from ingest import arxiv_api
from ingest.arxiv_api import ArxivSource
from ingest.source import Page, Stream
from ingest.transport import Limits, Transport
from tests.services.asked import ATOM, Asked, Given
from tests.services.clock import OwnClock
from tests.services.server import Services, serving

TODAY = date(2025, 12, 1)
EVERYTHING = "all:the OR all:a OR all:of OR all:and OR all:we OR all:in"
MADE = Path(__file__).parents[1] / "recorded" / "arxiv"
SHORT = Limits(connect_s=2, read_s=0.4, whole_s=0.8, sent_bytes=2_000_000, unpacked_bytes=4_000_000)

Ask = Callable[[Services], ArxivSource]


@dataclass
class Made:
    """Serves a list of ids, sorted as it stands; `before` may change it ahead of each answer."""

    ids: list[str]
    total: int | str | None = None
    most: int = 2000
    tell_start: bool = True
    hidden: set[str] = field(default_factory=set)
    before: Callable[[Made, Asked], Given | None] = lambda made, asked: None

    def answer(self, asked: Asked) -> Given:
        given = self.before(self, asked)
        if given is not None:
            return given
        listed = asked.params.get("id_list", "")
        ids = [id for id in listed.split(",") if id in self.ids] if listed else self.ids
        start, most = int(asked.params["start"]), min(int(asked.params["max_results"]), self.most)
        shown = [id for id in ids[start : start + most] if id not in self.hidden]
        return made_feed(shown, len(ids) if self.total is None else self.total, start if self.tell_start else None)


def made_feed(ids: Sequence[str], total: int | str, start: int | None) -> Given:
    entries = "".join(
        f"<entry><id>http://arxiv.org/abs/{id}v1</id><title>Made {id}</title><summary>Made.</summary>"
        "<updated>2024-03-05T00:00:00Z</updated><published>2024-03-05T00:00:00Z</published>"
        "<author><name>Ada Testwright</name></author></entry>"
        for id in ids
    )
    told = "" if start is None else f"<opensearch:startIndex>{start}</opensearch:startIndex>"
    body = (
        '<feed xmlns:opensearch="http://a9.com/-/spec/opensearch/1.1/" xmlns="http://www.w3.org/2005/Atom">'
        f"<opensearch:totalResults>{total}</opensearch:totalResults>{told}{entries}</feed>"
    )
    return Given(200, body.encode(), ATOM)


Serve = Callable[[Made], Services]


@pytest.fixture
def ask(tmp_path: Path) -> Iterator[Ask]:
    """A source that asks a server, without waiting."""
    with ExitStack() as stack:

        def made(server: Services) -> ArxivSource:
            environ = server.environment | {"TOKENATLAS_CACHE": str(tmp_path)}
            transport = Transport(environ=environ, clock=OwnClock(), chance=lambda: 0.5, limits=SHORT)
            return ArxivSource(stack.enter_context(transport), today=lambda: TODAY)

        yield made


@pytest.fixture
def serve() -> Iterator[Callable[[Made], Services]]:
    with ExitStack() as stack:
        yield lambda made: stack.enter_context(Services(made))


@pytest.fixture(scope="module")
def world() -> Iterator[Services]:
    with serving(papers=160, seed=11) as server:
        yield server


@pytest.fixture
def server(world: Services) -> Iterator[Services]:
    """The world, with a clean log and no faults."""
    world.reset()
    yield world
    world.reset()


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages of 50 instead of 2,000, so that a small world has several."""
    monkeypatch.setattr(arxiv_api, "PAGE", 50)
    monkeypatch.setattr(arxiv_api, "SMALL_PAGE", 20)
    monkeypatch.setattr(arxiv_api, "BACK", 10)


def present(server: Services) -> list[str]:
    """The ids of the world's papers at arXiv, oldest first as arXiv sorts."""
    rows = [row for row, id in enumerate(server.world.arxiv) if id is not None]
    stamp = {row: (server.world.date(row), row * 397 % 1440, row) for row in rows}
    return [f"arxiv:{server.world.arxiv[row]}" for row in sorted(rows, key=stamp.__getitem__)]


def pages(source: ArxivSource, streams: Sequence[Stream]) -> list[Page]:
    """Every page of streams, those that stand in for others included."""
    queue, found = list(streams), []
    while queue:
        stream = queue.pop(0)
        position: str | None = ""
        while position is not None:
            page = source.read(stream, position)
            found.append(page)
            position = page.next
            queue[:0] = page.instead
            assert len(found) < 400, "reading does not end"
    return found


def ids(found: Sequence[Page]) -> list[str]:
    return [id for page in found for id in page.found]


def warnings(found: Sequence[Page]) -> list[str]:
    return [sentence for page in found for sentence in page.warnings]


def params(server: Services) -> list[dict[str, str]]:
    return [dict(each.params) for each in server.log]


def numbered(count: int, first: int = 1) -> list[str]:
    return [f"2403.{number:05d}" for number in range(first, first + count)]


def canonical(ids: Sequence[str]) -> list[str]:
    return [f"arxiv:{id}" for id in ids]
