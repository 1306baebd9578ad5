"""One exchange with one host: bounded in time and size, on one connection, with the key where nothing can log it.

The key travels in a header or in the request target that is handed to the connection beside the URL, so the URL that
HTTP libraries log, keep in exceptions and follow never holds it. Redirects are not followed here.

The whole exchange has a time limit of its own, since a server that sends a byte a minute never trips the limit of a
single read: a timer shuts the connection when the time is over.
"""

from __future__ import annotations

import contextlib
import logging
import socket
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import metadata
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode, urlsplit

from ingest.replies import Accept, Unusable, decoded, plain
from ingest.services import Access

if TYPE_CHECKING:
    import httpx

ACCEPT = {"json": "application/json", "atom": "application/atom+xml"}
# What RFC 3986 allows in a path; a question mark or a hash inside an id must not end it.
_PATH_SAFE = "/:@!$&'()*+,;=~"


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one exchange: seconds to connect, to the next bytes, for the whole; bytes as sent and unpacked.

    Semantic Scholar stops at 10 MB an answer and arXiv's largest page (2,000 entries) is smaller, so what exceeds these
    is no answer of theirs.
    """

    connect_s: float = 10.0
    read_s: float = 30.0
    whole_s: float = 120.0
    sent_bytes: int = 32_000_000
    unpacked_bytes: int = 64_000_000


class Broken(Exception):
    """No complete answer came: the reason in words (`no answer within 30 s`), without addresses or keys."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, headers with names in lower case, and the whole body."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def target(path: str, params: Mapping[str, str | int]) -> str:
    """Path and query as they are sent. Ids and queries in them are data: nothing in them can end path or query."""
    query = urlencode(params, safe=",:")
    return quote(path, safe=_PATH_SAFE) + (f"?{query}" if query else "")


class Wire:
    """The connection to one host. Not for several threads at once."""

    def __init__(self, access: Access, limits: Limits) -> None:
        import httpx

        self._access = access
        self._limits = limits
        self._socket: socket.socket | None = None
        # At level DEBUG this library logs the headers of answers, in which a service may repeat a key.
        logging.getLogger("httpcore").setLevel(logging.INFO)
        self._client = httpx.Client(
            headers={"user-agent": f"tokenatlas/{_version()}", "accept-encoding": "gzip"},
            timeout=httpx.Timeout(limits.read_s, connect=limits.connect_s),
            limits=httpx.Limits(max_connections=1, max_keepalive_connections=1, keepalive_expiry=30),
            follow_redirects=False,
            # A proxy named in the environment is for the world outside.
            trust_env=not access.loopback,
            # Certificates take 30 ms to load, and plain HTTP to this machine has none to check.
            verify=not (access.loopback and access.base.startswith("http://")),
        )

    def close(self) -> None:
        """Give the connection back."""
        self._client.close()

    def exchange(self, method: str, target: str, accept: Accept, content: bytes | None = None) -> Answer:
        """Send one request, read the whole answer.

        Args:
            method: GET or POST.
            target: path and query, as `target` makes them; without the address's own prefix and without a key.
            accept: the format asked for.
            content: the body of a POST, JSON.

        Raises:
            Broken: time-out, no connection, or a body that ended early.
            Unusable: larger than the limits, or a compressed body that cannot be read.
        """
        import httpx

        headers = {"accept": ACCEPT[accept]}
        if content is not None:
            headers["content-type"] = "application/json"
        if self._access.key and self._access.service.key_header:
            headers[self._access.service.key_header] = self._access.key
        request = self._client.build_request(
            method,
            self._access.base + target,
            content=content,
            headers=headers,
            extensions={"target": self._keyed(target).encode("ascii"), "trace": self._trace},
        )
        try:
            with self._deadline() as over:
                try:
                    answer = self._read(request)
                except httpx.TimeoutException as error:
                    raise Broken(self._late(error)) from None
                except (httpx.TransportError, OSError) as error:
                    raise Broken(self._overdue() if over.is_set() else _reason(error)) from None
                # A body without a stated length looks complete when its connection is shut.
                if over.is_set():
                    raise Broken(self._overdue())
                return answer
        finally:
            request.extensions = {}

    def _read(self, request: httpx.Request) -> Answer:
        response = self._client.send(request, stream=True)
        try:
            length = response.headers.get("content-length", "")
            if length.isdecimal() and len(length) < 20 and int(length) > self._limits.sent_bytes:
                raise Unusable(f"{int(length) / 1_000_000:,.0f} MB", again=False)
            body = decoded(
                response.iter_raw(),
                response.headers.get("content-encoding", "").strip().lower(),
                limit=self._limits.unpacked_bytes,
                raw_limit=self._limits.sent_bytes,
            )
        finally:
            response.close()
        named = {name.lower(): self._access.without_key(value) for name, value in response.headers.items()}
        return Answer(response.status_code, named, self._without_key(body))

    def _keyed(self, target: str) -> str:
        whole = quote(urlsplit(self._access.base).path, safe=_PATH_SAFE + "%") + target
        parameter = self._access.service.key_parameter
        if not (self._access.key and parameter):
            return whole
        return f"{whole}{'&' if '?' in whole else '?'}{urlencode({parameter: self._access.key})}"

    def _without_key(self, body: bytes) -> bytes:
        key = self._access.key.encode("ascii")
        return body.replace(key, b"[key]") if len(key) >= 8 and key in body else body

    @contextlib.contextmanager
    def _deadline(self) -> Iterator[threading.Event]:
        over = threading.Event()

        def end() -> None:
            over.set()
            if self._socket is not None:
                with contextlib.suppress(OSError):
                    # The plain socket's own method: an SSL socket's would touch what the reading thread is using.
                    socket.socket.shutdown(self._socket, socket.SHUT_RDWR)

        timer = threading.Timer(self._limits.whole_s, end)
        timer.daemon = True
        timer.start()
        try:
            yield over
        finally:
            timer.cancel()

    def _trace(self, event: str, info: Mapping[str, Any]) -> None:
        if event.endswith((".connect_tcp.complete", ".start_tls.complete")):
            self._socket = info["return_value"].get_extra_info("socket")

    def _overdue(self) -> str:
        return f"no whole answer within {self._limits.whole_s:g} s"

    def _late(self, error: httpx.TimeoutException) -> str:
        import httpx

        if isinstance(error, httpx.ConnectTimeout):
            return f"no connection within {self._limits.connect_s:g} s"
        return f"no answer within {self._limits.read_s:g} s"


def _reason(error: Exception) -> str:
    import httpx

    if isinstance(error, httpx.ConnectError):
        return f"no connection ({plain(str(error), 60)})"
    if isinstance(error, httpx.ProxyError):
        return "the proxy refused"
    return "the connection broke before the whole answer came"


def _version() -> str:
    try:
        return metadata.version("tokenatlas")
    except metadata.PackageNotFoundError:
        return "0"
