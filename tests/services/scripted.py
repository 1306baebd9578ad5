"""Answers that a test writes itself, behind the same real socket, and a reader of whole streams."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from ingest.source import Page, Source, Stream
from ingest.transport import Transport
from tests.services.asked import Asked, Given, given_json
from tests.services.server import Services

MOST = 5_000


class Scripted:
    """Answers each request with what a function says: `Given`, or any JSON value."""

    def __init__(self, answer: Callable[[Asked], object]) -> None:
        self._answer = answer

    def answer(self, asked: Asked) -> Given:
        """The answer."""
        said = self._answer(asked)
        return said if isinstance(said, Given) else given_json(said)


@contextlib.contextmanager
def scripted(answer: Callable[[Asked], object], cache: Path, **keys: str) -> Iterator[tuple[Services, Transport]]:
    """A server that answers so, and a transport to it that waits for nothing."""
    from tests.services.clock import OwnClock

    with Services(Scripted(answer)) as services:
        environ = services.environment | {"TOKENATLAS_CACHE": str(cache)} | keys
        with Transport(environ=environ, clock=OwnClock(), chance=lambda: 0.5) as transport:
            yield services, transport


def read_all(source: Source, streams: Sequence[Stream]) -> list[Page]:
    """Every page of the streams and of what comes instead of them; fails when there is no end."""
    pages: list[Page] = []
    queue = list(streams)
    while queue:
        stream = queue.pop(0)
        position: str | None = ""
        while position is not None:
            page = source.read(stream, position)
            pages.append(page)
            assert len(pages) < MOST, "no end"
            position = page.next
            queue[:0] = page.instead
    return pages
