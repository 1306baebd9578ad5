"""Politeness in one place: every request to a service leaves here, at the service's pace, and comes back checked.

    with Transport() as transport:
        reply = transport.get("s2", "/graph/v1/paper/ARXIV:2107.03312", {"fields": "title"}, missing_ok=True)
        if not reply.missing:
            reply.json()

What heals is tried again with growing random pauses, or after the pause that the service asked for: 429, 5xx,
time-outs, broken connections, half bodies, pages that are not what was asked for. The pauses for one answer end after
`patience_s`; then the run stops with an error that says when to go on. What does not heal is an error at once. No
answer is kept here: what was fetched is journalled with what it brought.
"""

from __future__ import annotations

import contextlib
import datetime
import json
import os
import random
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from types import TracebackType
from typing import Any, Self
from urllib.parse import SplitResult, parse_qsl, urlencode, urljoin, urlsplit

from ingest.failures import Again, bad, broken, failed, refused
from ingest.pace import Bucket, Clock, SystemClock, cache_folder
from ingest.replies import Accept, Refusal, Reply, Unusable, check_atom, plain, read_json
from ingest.services import SERVICES, Access, access
from ingest.wire import Answer, Broken, Limits, Wire, target
from kg.errors import BadAnswer, InputError, Interrupted, RateLimited, SourceError

__all__ = ["SERVICES", "Limits", "Params", "Reply", "Transport"]

Params = Mapping[str, str | int]

PATIENCE_S = 300.0
ATTEMPTS = 10
"""Requests for one answer, whatever the pauses between them were."""

LONGEST_STEPS = 60
"""No pause of ours is longer than so many times the first."""

REDIRECTS = 3
LATER_S = 600.0
"""When to go on, where the service did not say."""

SLICE_S = 0.2
"""How long a wish to stop can go unnoticed."""


@dataclass(slots=True)
class _Lane:
    """Everything about one service: only one exchange at a time; `queued_s` were spent waiting for turns so far."""

    access: Access
    bucket: Bucket
    wire: Wire
    busy: threading.Lock = field(default_factory=threading.Lock)
    queued_s: float = 0.0


@dataclass(frozen=True, slots=True)
class _Request:
    method: str
    target: str
    endpoint: str
    accept: Accept
    content: bytes | None
    missing_ok: bool
    check: Callable[[Reply], None] | None


class Transport:
    """Requests to the services of `SERVICES`, for one run. Close it, or use it in a `with`.

    Args:
        environ: where addresses, pace, keys and the cache folder are read from; the process's own by default.
        clock: time and sleep.
        chance: numbers in [0, 1) for the pauses.
        patience_s: seconds that failures and pauses for one answer may take together.
        limits: time and size of one exchange.
        on_wait: told (service, seconds, why) before every pause longer than the service's pace.
        stop: asked during every pause; True ends it with Interrupted.

    Raises:
        InputError: the environment names an address, a pace or a key that cannot be used, or the cache folder cannot
            be written.
    """

    def __init__(
        self,
        *,
        environ: Mapping[str, str] | None = None,
        clock: Clock | None = None,
        chance: Callable[[], float] = random.random,
        patience_s: float = PATIENCE_S,
        limits: Limits | None = None,
        on_wait: Callable[[str, float, str], None] | None = None,
        stop: Callable[[], bool] | None = None,
    ) -> None:
        environ = os.environ if environ is None else environ
        self.patience_s = patience_s
        self.requests: Counter[tuple[str, str]] = Counter()
        """Requests sent, by service and endpoint, retries and redirects included."""
        self._clock = clock or SystemClock()
        self._chance = chance
        self._limits = limits or Limits()
        self._on_wait = on_wait or (lambda service, seconds, why: None)
        self._stop = stop or (lambda: False)
        self._folder = cache_folder(environ)
        self._access = {name: access(name, environ) for name in SERVICES}
        self._lanes: dict[str, _Lane] = {}
        self._making = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give the connections back."""
        with self._making:
            for lane in self._lanes.values():
                lane.wire.close()
            self._lanes.clear()

    def access(self, service: str) -> Access:
        """How a service is reached in this run: for estimates (`pace_s`) and for what a run notes about itself."""
        return self._access[service]

    def get(
        self,
        service: str,
        path: str,
        params: Params | None = None,
        *,
        accept: Accept = "json",
        missing_ok: bool = False,
        check: Callable[[Reply], None] | None = None,
    ) -> Reply:
        """Ask for something.

        Args:
            service: a name of `SERVICES`.
            path: the service's own path, unquoted; ids inside it are data and are quoted here.
            params: the query, unquoted, without a key.
            accept: the format, which the answer is checked for.
            missing_ok: give a 404 back as a reply instead of raising.
            check: looks at the reply; it raises BadAnswer with `retryable` when another try may bring a better one
                (an empty page under a total that is not), which then is made within the same patience.

        Raises:
            RateLimited, SourceUnavailable, BadAnswer: no good answer within the patience; `resume_at` says when to
                go on.
            RequestRefused: the service said no, in its words.
            Interrupted: `stop` said so during a pause.
            InputError: a path that is none.
        """
        return self._answer(service, "GET", path, params, None, accept, missing_ok, check)

    def post(
        self,
        service: str,
        path: str,
        params: Params | None = None,
        *,
        json: Any,
        missing_ok: bool = False,
        check: Callable[[Reply], None] | None = None,
    ) -> Reply:
        """Ask with a JSON body (Semantic Scholar's lists); otherwise as `get`."""
        return self._answer(service, "POST", path, params, _encoded(json), "json", missing_ok, check)

    def _answer(
        self,
        service: str,
        method: str,
        path: str,
        params: Params | None,
        content: bytes | None,
        accept: Accept,
        missing_ok: bool,
        check: Callable[[Reply], None] | None,
    ) -> Reply:
        _check_path(path)
        lane = self._lane(service)
        request = _Request(
            method=method,
            target=target(path, params or {}),
            endpoint=lane.access.service.endpoint(path),
            accept=accept,
            content=content,
            missing_ok=missing_ok,
            check=check,
        )
        with self._alone(lane):
            return self._persist(lane, request)

    def _persist(self, lane: _Lane, request: _Request) -> Reply:
        """Try until an answer is good, the patience is over, or nothing can heal it."""
        # Waiting for turns is no failure, however many runs there are, so it does not wear the patience out.
        began = self._clock.monotonic() - lane.queued_s
        attempts = 0
        while True:
            self._respect_hold(lane, request, began, attempts)
            attempts += 1
            try:
                return self._attempt(lane, request, attempts)
            except Again as again:
                self._pause(lane, again, began, attempts)

    def _respect_hold(self, lane: _Lane, request: _Request, began: float, attempts: int) -> None:
        """Wait while the service wants to be left alone, whichever run it told so."""
        held = lane.bucket.held()
        if not held:
            return
        if self._spent(lane, began) + held > self.patience_s:
            title = lane.access.service.title
            raise self._finished(
                RateLimited(
                    f"{title} asked for a pause that lasts another {_duration(held)}",
                    source=lane.access.service.name, url=lane.access.shown(request.target), retry_after_s=held,
                ),
                attempts,
                held,
            )  # fmt: skip
        self._wait(lane, held, "rate limited")

    def _spent(self, lane: _Lane, began: float) -> float:
        return self._clock.monotonic() - lane.queued_s - began

    def _pause(self, lane: _Lane, again: Again, began: float, attempts: int) -> None:
        """Wait before the next try, or end with the error when that would take more than the patience."""
        asked = again.retry_after_s
        longest = lane.access.backoff_s * min(2 ** (attempts - 1), LONGEST_STEPS)
        # Full jitter: everybody who was turned away at once comes back at a different time.
        seconds = self._chance() * longest if not asked else asked + self._chance() * lane.access.backoff_s
        if asked:
            lane.bucket.hold(asked)
        if attempts >= ATTEMPTS or self._spent(lane, began) + seconds > self.patience_s:
            raise self._finished(again.error, attempts, asked or LATER_S) from None
        self._wait(lane, seconds, again.why)

    def _attempt(self, lane: _Lane, request: _Request, attempts: int) -> Reply:
        where = request.target
        for _ in range(REDIRECTS + 1):
            answer = self._exchange(lane, request, where)
            if answer.status not in (301, 302, 303, 307, 308):
                break
            where = self._followed(lane, request, where, answer)
        else:
            raise BadAnswer(
                f"{lane.access.service.title} sent us in a circle",
                source=lane.access.service.name, expected="an answer", came="a redirect", status=answer.status,
                url=lane.access.shown(request.target), attempts=attempts,
                hint="Run it again later; if it stays, the service has moved and this program needs a newer version.",
            )  # fmt: skip
        reply = Reply(
            service=lane.access.service.name,
            endpoint=request.endpoint,
            status=answer.status,
            headers=answer.headers,
            body=answer.body,
            url=lane.access.shown(where),
            attempts=attempts,
        )
        return self._checked(lane, request, reply)

    def _exchange(self, lane: _Lane, request: _Request, where: str) -> Answer:
        """One request at its turn."""
        url = lane.access.shown(where)
        queued = self._clock.monotonic()
        try:
            with self._connection(lane):
                self._take_turn(lane)
                lane.queued_s += self._clock.monotonic() - queued
                self.requests[lane.access.service.name, request.endpoint] += 1
                return lane.wire.exchange(request.method, where, request.accept, request.content)
        except Broken as error:
            raise broken(lane.access, url, str(error)) from None
        except Unusable as error:
            raise bad(lane.access, request.accept, url, None, error) from None

    def _checked(self, lane: _Lane, request: _Request, reply: Reply) -> Reply:
        """The reply when it is good; raises what it is otherwise."""
        if reply.status == 404 and request.missing_ok:
            return reply
        if reply.status != 200:
            raise failed(lane.access, request.accept, reply, self._clock.now())
        try:
            kind = reply.headers.get("content-type", "").partition(";")[0].strip().lower()
            if kind in ("text/html", "application/xhtml+xml"):
                raise Unusable("an HTML page", again=True)
            if request.accept == "json":
                reply = replace(reply, _value=read_json(reply.body))
            else:
                check_atom(reply.body)
        except Unusable as error:
            raise bad(lane.access, request.accept, reply.url, reply.status, error) from None
        except Refusal as error:
            raise refused(lane.access, reply, error.said) from None
        if request.check is not None:
            try:
                request.check(reply)
            except BadAnswer as error:
                error.url = error.url or reply.url
                error.where = error.where or reply.url
                error.status = reply.status
                error.attempts = reply.attempts
                if error.retryable:
                    raise Again(error, plain(error.message, 60)) from None
                raise
        return reply

    def _followed(self, lane: _Lane, request: _Request, where: str, answer: Answer) -> str:
        """Where a redirect leads, which must be the same host; as a target."""
        here = urlsplit(lane.access.base)
        location = answer.headers.get("location", "")
        try:
            to = urlsplit(urljoin(lane.access.base + where, location))
            same = _origin(to) == _origin(here)
            other = to.netloc.rpartition("@")[2]
        except ValueError:
            same, other = False, location
        same = same and bool(location) and to.path.startswith(here.path + "/")
        if not same or (request.method == "POST" and answer.status not in (307, 308)):
            raise BadAnswer(
                f"{lane.access.service.title} redirected us to {plain(other, 60) or 'nowhere'}, which was not asked",
                source=lane.access.service.name, expected="an answer", came="a redirect", status=answer.status,
                url=lane.access.shown(where),
                hint="Check that nothing between here and the service (a sign-in page, a proxy) answers for it.",
            )  # fmt: skip
        # A service may repeat the key that it was asked with; the next request brings its own.
        own = lane.access.service.key_parameter
        query = [(name, value) for name, value in parse_qsl(to.query, keep_blank_values=True) if name != own]
        return to.path.removeprefix(here.path) + (f"?{urlencode(query, safe=',:')}" if query else "")

    def _finished(self, error: SourceError, attempts: int, later_s: float) -> SourceError:
        """The error that ends a run in patience: what is kept, and when to go on."""
        at = datetime.datetime.fromtimestamp(self._clock.now() + min(later_s, 7 * 86400), datetime.UTC)
        error.attempts = attempts
        error.retryable = True
        error.resume_at = at.isoformat(timespec="seconds")
        tries = f" after {attempts} tries" if attempts > 1 else ""
        error.message = f"{error.message}{tries}"
        error.hint = " ".join(
            part for part in (error.hint, f"Run the same command again after {at:%Y-%m-%d %H:%M} UTC.") if part
        )
        return error

    def _lane(self, service: str) -> _Lane:
        with self._making:
            lane = self._lanes.get(service)
            if lane is None:
                way = self._access[service]
                bucket = Bucket(self._folder, f"{service}@{way.host}", way.pace_s, self._clock)
                lane = self._lanes[service] = _Lane(way, bucket, Wire(way, self._limits))
            return lane

    @contextlib.contextmanager
    def _alone(self, lane: _Lane) -> Iterator[None]:
        """One answer at a time for a service in this run; other threads wait."""
        while not lane.busy.acquire(timeout=SLICE_S):
            self._check_stop(lane)
        try:
            yield
        finally:
            lane.busy.release()

    @contextlib.contextmanager
    def _connection(self, lane: _Lane) -> Iterator[None]:
        """One exchange at a time for the user and machine, where the service's terms ask for that."""
        if not lane.access.service.one_connection:
            yield
            return
        told = False
        while (descriptor := lane.bucket.connection()) is None:
            if not told:
                self._on_wait(lane.access.service.name, lane.access.pace_s, "another run is asking")
                told = True
            self._sleep(lane, SLICE_S)
        try:
            yield
        finally:
            os.close(descriptor)

    def _take_turn(self, lane: _Lane) -> None:
        seconds = lane.bucket.reserve()
        if seconds > 2 * lane.access.pace_s:
            self._wait(lane, seconds, "other runs are asking")
        else:
            self._sleep(lane, seconds)

    def _wait(self, lane: _Lane, seconds: float, why: str) -> None:
        if seconds > lane.access.pace_s:
            self._on_wait(lane.access.service.name, seconds, why)
        self._sleep(lane, seconds)

    def _sleep(self, lane: _Lane, seconds: float) -> None:
        until = self._clock.monotonic() + seconds
        while True:
            self._check_stop(lane)
            left = until - self._clock.monotonic()
            if left <= 0:
                return
            self._clock.sleep(min(left, SLICE_S))

    def _check_stop(self, lane: _Lane) -> None:
        if self._stop():
            raise Interrupted(
                f"Stopped while waiting for {lane.access.service.title}",
                hint="What arrived is kept; the same command goes on.",
            )


def _origin(parts: SplitResult) -> tuple[str, str | None, int | None]:
    return parts.scheme, parts.hostname, parts.port or {"http": 80, "https": 443}.get(parts.scheme)


def _check_path(path: str) -> None:
    if not path.startswith("/") or any(part in (".", "..") for part in path.split("/")):
        raise InputError(
            "This cannot be part of an address", field="path", value=path, expected="an id or a service's own path",
            hint="Check the id.",
        )  # fmt: skip


def _encoded(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=True, allow_nan=False, separators=(",", ":")).encode("ascii")


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"
