"""A request as the test server saw it, and the answer it gives: what the wire formats and the faults have in common."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

JSON = "application/json"
ATOM = "application/atom+xml; charset=utf-8"
HTML = "text/html; charset=utf-8"


@dataclass(frozen=True)
class Asked:
    """`path` is the service's own, unquoted, without the prefix; `endpoint` is e.g. `s2.batch`; `at` is monotonic."""

    endpoint: str
    method: str
    path: str
    params: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes = b""
    at: float = 0.0

    def number(self, name: str, default: int) -> int | None:
        """A parameter that is a whole number, None when it is something else."""
        text = self.params.get(name, "") or str(default)
        return int(text) if text.isdecimal() else None


@dataclass(frozen=True)
class Given:
    """Status, body and headers of an answer."""

    status: int
    body: bytes
    kind: str = JSON
    headers: Mapping[str, str] = field(default_factory=dict)


class Application(Protocol):
    """What stands behind the server: the seeded world, or recorded exchanges."""

    def answer(self, asked: Asked) -> Given:
        """The good answer to a request."""
        ...


def given_json(value: Any, status: int = 200) -> Given:
    """An answer in JSON, spaced as the services space theirs."""
    return Given(status, json.dumps(value).encode())
