"""Misbehaviour on cue: each fault turns the good answer to a request into what a service does on a bad day.

A fault either changes the answer (`Given` to `Given`) or what happens on the socket (`on_socket`). `FAULTS` names them
all with what they do; `fits` says where each makes sense, so that a test can walk the whole table.
"""

from __future__ import annotations

import contextlib
import email.utils
import gzip
import json
import re
import socket
import struct
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

from tests.services.arxiv_wire import error_feed
from tests.services.asked import HTML, JSON, Asked, Given

ENDPOINTS = (
    "arxiv.query", "s2.search", "s2.batch", "s2.paper", "s2.citations", "s2.references", "openalex.work",
)  # fmt: skip
HUGE = 300_000_000
PAGE = b"<!doctype html>\n<html><head><title>Bad gateway</title></head><body><h1>Bad gateway</h1></body></html>\n"


@dataclass
class Fault:
    """A fault on cue: how many requests pass before it, how many it then hits (None: all), and its options."""

    kind: str
    times: int | None
    after: int
    options: dict[str, Any] = field(default_factory=dict)


def _status(
    status: int, body: bytes = b"", kind: str = "text/plain"
) -> Callable[[Given, Asked, dict[str, Any]], Given]:
    return lambda good, asked, options: Given(status, body, kind)


def _limited(good: Given, asked: Asked, options: dict[str, Any]) -> Given:
    return Given(429, b'{"message": "Too Many Requests"}', JSON, {"Retry-After": str(options.get("seconds", 1))})


def _limited_until(good: Given, asked: Asked, options: dict[str, Any]) -> Given:
    # Dates have whole seconds; round up, or a pause of one second could be over already.
    then = email.utils.formatdate(time.time() + options.get("seconds", 1) + 0.999, usegmt=True)
    return Given(429, b"", "text/plain", {"Retry-After": then})


def _cut(good: Given, asked: Asked, options: dict[str, Any]) -> Given:
    return replace(good, body=good.body[: max(1, len(good.body) * 2 // 3)])


def _empty(good: Given, asked: Asked, options: dict[str, Any]) -> Given:
    """The counts of a full page, and nothing on it."""
    if asked.endpoint == "arxiv.query":
        body = re.sub(rb"\s*<entry>.*</entry>", b"", good.body, flags=re.DOTALL)
        if b"<opensearch:totalResults>0<" in body:
            body = body.replace(b"<opensearch:totalResults>0<", b"<opensearch:totalResults>7<")
        return replace(good, body=body)
    return _changed(good, lambda value: value | {"data": []})


def _nulls(good: Given, asked: Asked, options: dict[str, Any]) -> Given:
    """Every second paper is null."""

    def without(items: list[Any]) -> list[Any]:
        return [None if place % 2 == 0 else item for place, item in enumerate(items)]

    return _changed(
        good,
        lambda value: without(value) if isinstance(value, list) else value | {"data": without(value["data"] or [])},
    )


def _wrong_type(good: Given, asked: Asked, options: dict[str, Any]) -> Given:
    """A number where a string was: titles, and the dates of a feed."""
    if asked.endpoint == "arxiv.query":
        return replace(good, body=re.sub(rb"<published>[^<]*</published>", b"<published>7</published>", good.body))
    return _changed(good, _numbered)


def _numbered(value: Any) -> Any:
    if isinstance(value, list):
        return [_numbered(each) for each in value]
    if isinstance(value, dict):
        return {key: 12345 if key in ("title", "display_name") else _numbered(each) for key, each in value.items()}
    return value


def _bomb(good: Given, asked: Asked, options: dict[str, Any]) -> Given:
    return Given(200, bomb(), good.kind, {"Content-Encoding": "gzip"})


def _elsewhere(good: Given, asked: Asked, options: dict[str, Any]) -> Given:
    return Given(
        options.get("status", 302), b"", "text/plain", {"Location": options.get("to", "http://elsewhere.invalid/")}
    )


def _moved(good: Given, asked: Asked, options: dict[str, Any]) -> Given:
    return Given(301, b"", "text/plain", {"Location": options["to"]})


def _doctype(good: Given, asked: Asked, options: dict[str, Any]) -> Given:
    entities = b"".join(b'<!ENTITY a%d "%s">' % (n, b"&a%d;" % (n - 1) * 10 if n else b"ha") for n in range(9))
    head, _, rest = good.body.partition(b"<feed")
    return replace(good, body=head + b"<!DOCTYPE feed [" + entities + b"]>\n<feed" + rest)


def _gzipped(good: Given, asked: Asked, options: dict[str, Any]) -> Given:
    return replace(good, body=gzip.compress(good.body), headers={**good.headers, "Content-Encoding": "gzip"})


def _error_feed(good: Given, asked: Asked, options: dict[str, Any]) -> Given:
    return error_feed(options.get("message", "the query cannot be read"), options.get("status", 200))


def _same(good: Given, asked: Asked, options: dict[str, Any]) -> Given:
    return good  # the server gives the answer before once more


CHANGES: dict[str, Callable[[Given, Asked, dict[str, Any]], Given]] = {
    "429-seconds": _limited,
    "429-date": _limited_until,
    "429": _status(429, b'{"message": "Too Many Requests"}', JSON),
    "500": _status(500, b'{"message": "Internal server error"}', JSON),
    "502-html": _status(502, PAGE, HTML),
    "503-empty": _status(503),
    "504": _status(504, b'{"message": "Endpoint request timed out"}', JSON),
    "400": _status(400, b'{"error": "The request cannot be read"}', JSON),
    "401": _status(401, b'{"message": "Unauthorized"}', JSON),
    "403": _status(403, b'{"message": "Forbidden"}', JSON),
    "404": _status(404, b'{"error": "Not found"}', JSON),
    "413": _status(413, PAGE, HTML),
    "200-html": _status(200, PAGE.replace(b"Bad gateway", b"Sign in"), HTML),
    "200-empty": _status(200, b"", JSON),
    "truncated": _cut,
    "empty-page": _empty,
    "error-feed": _error_feed,
    "same-page": _same,
    "null-papers": _nulls,
    "wrong-type": _wrong_type,
    "gzip": _gzipped,
    "bomb": _bomb,
    "doctype": _doctype,
    "redirect": _elsewhere,
    "moved": _moved,
}
SOCKETS = ("timeout", "drip", "reset", "closed", "huge", "huge-stated", "slow")
FAULTS: dict[str, str] = {
    "429-seconds": "429, Retry-After as seconds (seconds=1)",
    "429-date": "429, Retry-After as a date (seconds=1)",
    "429": "429 without Retry-After",
    "500": "500 with a JSON message",
    "502-html": "502 with a web page",
    "503-empty": "503 without a body",
    "504": "504 with a JSON message",
    "400": "400 with a JSON message",
    "401": "401",
    "403": "403",
    "404": "404",
    "413": "413 with a web page",
    "200-html": "200 with a web page (a sign-in page)",
    "200-empty": "200 without a body",
    "truncated": "two thirds of the body, with the length to match",
    "empty-page": "a page without entries under a total that is not 0",
    "error-feed": "arXiv's error feed (status=200, message=...)",
    "same-page": "the answer before, once more",
    "null-papers": "every second paper null",
    "wrong-type": "numbers where titles (or a feed's dates) were",
    "gzip": "the good answer, compressed; no fault at all",
    "bomb": "300 kB of gzip that are 300 MB",
    "doctype": "a feed with a document type and entities that multiply",
    "redirect": "a redirect to another host (to=URL, status=302)",
    "moved": "301 within the host (to=path or URL)",
    "timeout": "nothing for a long time (seconds=30), then the connection ends",
    "drip": "headers, then a byte now and then (seconds=0.05 between bytes)",
    "reset": "half the body, then the connection is reset",
    "closed": "the connection ends before anything came",
    "huge": "300 MB in chunks, without a stated length",
    "huge-stated": "300 MB with their length stated",
    "slow": "the good answer after a while (seconds=0.2)",
}


def fits(kind: str, endpoint: str) -> bool:
    """Whether a fault makes sense at an endpoint."""
    if kind in ("error-feed", "doctype"):
        return endpoint == "arxiv.query"
    if kind == "null-papers":
        return endpoint in ("s2.search", "s2.batch", "s2.citations", "s2.references")
    if kind == "empty-page":
        return endpoint in ("arxiv.query", "s2.search", "s2.citations", "s2.references")
    if kind == "same-page":
        return endpoint in ("arxiv.query", "s2.search", "s2.citations", "s2.references", "s2.batch")
    return kind != "moved"


def on_socket(fault: Fault, good: Given, connection: socket.socket, closing: threading.Event) -> None:
    """What the faults in `SOCKETS` other than `slow` do. The connection is of no use afterwards."""
    with contextlib.suppress(OSError):
        if fault.kind == "timeout":
            closing.wait(fault.options.get("seconds", 30))
        elif fault.kind == "drip":
            connection.sendall(_head(good, len(good.body)))
            for byte in good.body:
                if closing.wait(fault.options.get("seconds", 0.05)):
                    break
                connection.sendall(bytes((byte,)))
        elif fault.kind == "reset":
            connection.sendall(_head(good, len(good.body) + 1) + good.body[: len(good.body) // 2])
            # No lingering: the peer gets a reset instead of an orderly end.
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            connection.close()
        elif fault.kind in ("huge", "huge-stated"):
            stated = fault.kind == "huge-stated"
            connection.sendall(_head(good, HUGE if stated else None))
            block = b" " * 1_000_000
            for _ in range(HUGE // len(block)):
                connection.sendall(block if stated else b"%x\r\n%s\r\n" % (len(block), block))


def _head(good: Given, length: int | None) -> bytes:
    size = "Transfer-Encoding: chunked" if length is None else f"Content-Length: {length}"
    return f"HTTP/1.1 {good.status} OK\r\nContent-Type: {good.kind}\r\n{size}\r\n\r\n".encode()


@lru_cache
def bomb() -> bytes:
    """A gzip stream of 300 MB of spaces. Blocks that start afresh can be repeated; only the checksum would be wrong."""
    compress = zlib.compressobj(9, wbits=31)
    start = compress.flush(zlib.Z_FULL_FLUSH)
    block = compress.compress(b" " * 1_000_000) + compress.flush(zlib.Z_FULL_FLUSH)
    return start + block * (HUGE // 1_000_000)


def _changed(good: Given, change: Callable[[Any], Any]) -> Given:
    if good.status != 200:
        return good
    return replace(good, body=json.dumps(change(json.loads(good.body))).encode())


def table() -> Iterator[tuple[str, str]]:
    """Every fault at every endpoint where it makes sense."""
    return ((kind, endpoint) for kind in FAULTS for endpoint in ENDPOINTS if fits(kind, endpoint))
