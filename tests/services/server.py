"""A real HTTP server on 127.0.0.1 that stands in for arXiv, Semantic Scholar and OpenAlex, and misbehaves on cue.

    python -m tests.services.server --papers 5000 --seed 1 --port 9000

prints the environment that points `tokenatlas` at it. In tests the fixtures `services` and `make_services` start it.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from functools import lru_cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qsl, unquote, urlsplit

from ingest.services import SERVICES
from tests.services.arxiv_wire import Arxiv
from tests.services.asked import Application, Asked, Given, given_json
from tests.services.faults import CHANGES, ENDPOINTS, FAULTS, SOCKETS, Fault, on_socket
from tests.services.openalex_wire import OpenAlex
from tests.services.s2_wire import DEEPEST, NESTED_IN_BATCH, SemanticScholar
from tests.services.world import World, build

PACE_S = 0.005


class WorldServices:
    """The seeded world behind every endpoint."""

    def __init__(self, world: World, nested: int = NESTED_IN_BATCH, deepest: int = DEEPEST) -> None:
        self.world = world
        self._behind: dict[str, Application] = {
            "arxiv": Arxiv(world),
            "s2": SemanticScholar(world, nested, deepest),
            "openalex": OpenAlex(world),
        }

    def answer(self, asked: Asked) -> Given:
        """The answer of the service that the endpoint belongs to."""
        if asked.endpoint not in ENDPOINTS:
            return given_json({"error": f"No such endpoint: {asked.method} {asked.path}"}, 404)
        return self._behind[asked.endpoint.partition(".")[0]].answer(asked)


class Services:
    """A running server. Close it, or use it in a `with`.

    `requests` counts requests by endpoint (`s2.batch`), refused and faulty ones included; `log` holds all in order.
    """

    def __init__(self, behind: Application, port: int = 0, cache: Path | None = None) -> None:
        self.behind = behind
        self.cache = cache
        self.requests: Counter[str] = Counter()
        self.log: list[Asked] = []
        self._faults: dict[str, list[Fault]] = {}
        self._slow: dict[str, float] = {}
        self._before: dict[str, Given] = {}
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._server = _Server(self, port)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop; requests that wait for a time-out end."""
        self._closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)

    @property
    def world(self) -> World:
        """The world behind the server."""
        assert isinstance(self.behind, WorldServices)
        return self.behind.world

    @property
    def url(self) -> str:
        """Scheme, host and port."""
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def environment(self) -> dict[str, str]:
        """What points the program at this server, at a pace for tests, with a cache folder of its own if given."""
        addresses = {service.url_variable: f"{self.url}/{name}" for name, service in SERVICES.items()}
        pace = {"TOKENATLAS_PACE": ",".join(f"{name}={PACE_S}" for name in SERVICES)}
        return addresses | pace | ({"TOKENATLAS_CACHE": str(self.cache)} if self.cache else {})

    def fault(self, endpoint: str, kind: str, times: int | None = 1, *, after: int = 0, **options: Any) -> None:
        """Misbehave at an endpoint (or `*`, everywhere).

        Args:
            endpoint: one of `faults.ENDPOINTS`, or `*`.
            kind: one of `faults.FAULTS`, where their options stand too.
            times: how many requests it hits; None for all from then on.
            after: how many requests of the endpoint pass first, counted from now (or from the end of the fault that
                was set before it).
        """
        assert endpoint in (*ENDPOINTS, "*"), endpoint
        assert kind in FAULTS, kind
        with self._lock:
            self._faults.setdefault(endpoint, []).append(Fault(kind, times, after, options))

    def slow(self, endpoint: str, seconds: float) -> None:
        """Answer at an endpoint (or `*`) after so many seconds, from now on."""
        with self._lock:
            self._slow[endpoint] = seconds

    def reset(self) -> None:
        """Forget faults, counts and the log."""
        with self._lock:
            for each in (self.requests, self.log, self._faults, self._slow, self._before):
                each.clear()

    def due(self, asked: Asked) -> tuple[Fault | None, float, Given | None]:
        """Note a request; the fault that hits it, the seconds to wait, and the good answer before it."""
        with self._lock:
            self.requests[asked.endpoint] += 1
            self.log.append(asked)
            seconds = self._slow.get(asked.endpoint, self._slow.get("*", 0.0))
            fault = self._next(asked.endpoint) or self._next("*")
            return fault, seconds, self._before.get(asked.endpoint)

    def remember(self, endpoint: str, good: Given) -> None:
        """Keep the good answer, for the fault that gives it again."""
        with self._lock:
            self._before[endpoint] = good

    def wait(self, seconds: float) -> None:
        """Let time pass, but not past the end of the server."""
        self._closing.wait(seconds)

    @property
    def closing(self) -> threading.Event:
        """Set when the server ends."""
        return self._closing

    def _next(self, endpoint: str) -> Fault | None:
        queue = self._faults.get(endpoint)
        if not queue:
            return None
        fault = queue[0]
        if fault.after:
            fault.after -= 1
            return None
        if fault.times is not None:
            fault.times -= 1
            if fault.times <= 0:
                queue.pop(0)
        return fault


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def __init__(self, services: Services, port: int) -> None:
        self.services = services
        super().__init__(("127.0.0.1", port), _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        # Clients that give up half-way are part of the tests; anything else should be seen.
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Head and body leave together; otherwise each small answer waits 40 ms for an acknowledgement.
    wbufsize = 1 << 16
    disable_nagle_algorithm = True
    server: _Server

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def log_message(self, format: str, *args: object) -> None:
        """Keep quiet; `Services.log` has every request."""

    def _answer(self) -> None:
        services = self.server.services
        asked = self._asked()
        fault, seconds, before = services.due(asked)
        if fault is not None and fault.kind == "slow":
            seconds = fault.options.get("seconds", 0.2)
        if seconds:
            services.wait(seconds)
        good = services.behind.answer(asked)
        if fault is None or fault.kind == "slow":
            services.remember(asked.endpoint, good)
            self._send(good)
        elif fault.kind in SOCKETS:
            on_socket(fault, good, self.connection, services.closing)
            self.close_connection = True
        elif fault.kind == "same-page":
            self._send(before or good)
        else:
            self._send(CHANGES[fault.kind](good, asked, fault.options))

    def _asked(self) -> Asked:
        parts = urlsplit(self.path)
        service, _, rest = parts.path.lstrip("/").partition("/")
        path = unquote(f"/{rest}")
        endpoint = SERVICES[service].endpoint(path) if service in SERVICES else "other"
        return Asked(
            endpoint=f"{service}.{endpoint}",
            method=self.command,
            path=path,
            params=dict(parse_qsl(parts.query, keep_blank_values=True)),
            headers={name.lower(): value for name, value in self.headers.items()},
            body=self.rfile.read(int(self.headers.get("Content-Length") or 0)),
            at=time.monotonic(),
        )

    def _send(self, given: Given) -> None:
        self.send_response(given.status)
        self.send_header("Content-Type", given.kind)
        self.send_header("Content-Length", str(len(given.body)))
        for name, value in given.headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(given.body)


@lru_cache(maxsize=4)
def known_world(seed: int, papers: int, citations: int | None) -> World:
    """A world, built once for all who want the same; nobody changes one."""
    return build(seed, papers, citations)


@contextlib.contextmanager
def serving(
    papers: int = 300, seed: int = 1, citations: int | None = None, cache: Path | None = None, **limits: int
) -> Iterator[Services]:
    """A server over a world; `nested` and `deepest` set Semantic Scholar's limits lower."""
    with Services(WorldServices(known_world(seed, papers, citations), **limits), cache=cache) as services:
        yield services


def main() -> None:
    """Serve a world until interrupted."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--papers", type=int, default=300)
    parser.add_argument("--citations", type=int, default=None)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--port", type=int, default=9000)
    parser.add_argument("--slow", type=float, default=0.0, help="seconds before each answer")
    chosen = parser.parse_args()
    world = build(chosen.seed, chosen.papers, chosen.citations)
    with Services(WorldServices(world), chosen.port) as services:
        if chosen.slow:
            services.slow("*", chosen.slow)
        print(f"# {len(world):,} papers, {len(world.edges):,} citations; end with Ctrl-C")
        for name, value in services.environment.items():
            print(f"export {name}={value}")
        sys.stdout.flush()
        with contextlib.suppress(KeyboardInterrupt):
            threading.Event().wait()


if __name__ == "__main__":
    main()
