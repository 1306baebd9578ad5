"""What an answer that is no good means: which error, whether another try may heal it, and after which pause."""

from __future__ import annotations

import contextlib
import email.utils
from collections.abc import Mapping

from ingest.replies import Accept, Reply, Unusable, said
from ingest.services import Access
from kg.errors import BadAnswer, RateLimited, RequestRefused, SourceError, SourceUnavailable

_WAITING = (408, 425, 429)


class Again(Exception):
    """An attempt failed in a way that may heal: the error to end with, why in words, and the pause asked for."""

    def __init__(self, error: SourceError, why: str, retry_after_s: float | None = None) -> None:
        super().__init__(why)
        self.error = error
        self.why = why
        self.retry_after_s = retry_after_s


def failed(access: Access, accept: Accept, reply: Reply, now: float) -> Exception:
    """What a status that is not 200 means; `now` is the wall clock, for pauses stated as a date."""
    name, title = access.service.name, access.service.title
    words = access.without_key(said(reply.body, reply.headers.get("content-type", "")))
    asked = retry_after_s(reply.headers, now)
    # OpenAlex documents 403 for "slow down", other services for a key that is no good.
    slow_down = reply.status == 403 and (asked is not None or "rate limit" in words.lower())
    if reply.status in _WAITING or slow_down or (reply.status == 503 and asked):
        limited = RateLimited(
            f"{title} is turning requests away (HTTP {reply.status})",
            source=name, url=reply.url, status=reply.status, retry_after_s=asked,
        )  # fmt: skip
        return Again(limited, "rate limited", asked)
    if reply.status >= 500:
        unavailable = SourceUnavailable(
            f"{title} cannot answer (HTTP {reply.status}{': ' + words if words else ''})",
            source=name, url=reply.url, status=reply.status, retryable=True,
        )  # fmt: skip
        return Again(unavailable, f"HTTP {reply.status}", asked)
    if reply.status >= 400:
        return refused(access, reply, words)
    return bad(access, accept, reply.url, reply.status, Unusable(f"HTTP {reply.status}", again=True))


def broken(access: Access, url: str, why: str) -> Again:
    """No complete answer came."""
    error = SourceUnavailable(
        f"{access.service.title} could not be asked: {why}", source=access.service.name, url=url, retryable=True,
        hint="" if access.loopback else "Check the connection to the network.",
    )  # fmt: skip
    return Again(error, why)


def bad(access: Access, accept: Accept, url: str, status: int | None, unusable: Unusable) -> Exception:
    """An answer came, but not what was asked for."""
    expected = "JSON" if accept == "json" else "an Atom feed"
    error = BadAnswer(
        f"{access.service.title} sent {unusable.came} instead of {expected}",
        source=access.service.name, expected=expected, came=unusable.came, url=url, status=status,
        retryable=unusable.again,
        hint="" if unusable.again else "Something between here and the service may have answered in its place.",
    )  # fmt: skip
    return Again(error, f"it sent {unusable.came}") if unusable.again else error


def refused(access: Access, reply: Reply, words: str) -> RequestRefused:
    """The service said no, and will say it again."""
    service = access.service
    hints = {
        401: f"Check {service.key_variable}." if service.key_variable else "",
        403: f"Check {service.key_variable}, or unset it to go on without a key." if access.key else "",
        404: "Check the id.",
        413: "Ask for less at once.",
    }
    return RequestRefused(
        f"{service.title} refused (HTTP {reply.status}{': ' + words if words else ''})",
        source=service.name, url=reply.url, status=reply.status, attempts=reply.attempts, said=words,
        hint=hints.get(reply.status, "") or "Asking again gives the same; change what is asked for.",
    )  # fmt: skip


def retry_after_s(headers: Mapping[str, str], now: float) -> float | None:
    """Seconds that `Retry-After` asks for, in either form (RFC 9110, 10.2.3); None when absent or unreadable."""
    stated = headers.get("retry-after", "").strip()
    if stated.isascii() and stated.isdigit():
        return float(stated[:9])
    try:
        then = email.utils.parsedate_to_datetime(stated).timestamp()
    except (ValueError, TypeError, OverflowError):
        return None
    # Against the service's own clock where it tells the time, since ours may be wrong.
    with contextlib.suppress(ValueError, TypeError, OverflowError):
        now = email.utils.parsedate_to_datetime(headers.get("date", "")).timestamp()
    return max(0.0, then - now)
