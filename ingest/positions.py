"""A position in a stream as text that outlives the process: a small JSON object.

A position that cannot be read, from another version of this program say, is the start: the stream is read again and
nothing is lost.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Position:
    """What a position says; unknown names are 0 or `None`."""

    said: Mapping[str, object] = field(default_factory=dict)

    def count(self, name: str) -> int:
        """A whole number from 0."""
        value = self.said.get(name)
        return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0

    def text(self, name: str) -> str | None:
        """Text that is not empty."""
        value = self.said.get(name)
        return value if isinstance(value, str) and value else None


def packed(**said: str | int | None) -> str:
    """The position as text; zeros and nothing are left out."""
    return json.dumps({name: value for name, value in said.items() if value}, ensure_ascii=False)


def unpacked(position: str) -> Position:
    """The position again."""
    try:
        said = json.loads(position) if position else {}
    except (ValueError, RecursionError):
        said = {}
    return Position(said if isinstance(said, dict) else {})


def digest(ids: Iterable[str]) -> str:
    """A short name for a list of ids, as good as the list for telling lists apart."""
    return hashlib.sha256("\n".join(ids).encode()).hexdigest()[:20]
