"""What a run did, in words: the same on the terminal when it ends and in the list of runs afterwards."""

from __future__ import annotations

from collections.abc import Mapping

_TOLD = (
    ("requests", "request", "requests"),
    ("papers", "paper told of", "papers told of"),
    ("papers_new", "new paper", "new papers"),
    ("papers_changed", "paper changed", "papers changed"),
    ("citations_new", "new citation", "new citations"),
    ("stubs_new", "cited id of which nothing more is known", "cited ids of which nothing more is known"),
    ("joined", "work joined by title", "works joined by title"),
    ("judged", "judged", "judged"),
    ("fresh", "asked lately and left out", "asked lately and left out"),
    ("unknown", "not known to the source", "not known to the source"),
    ("unusable", "record that cannot be used", "records that cannot be used"),
    ("unaskable", "without an id to ask by", "without an id to ask by"),
    ("short", "search that ended early", "searches that ended early"),
)


def counted(count: int, one: str, many: str) -> str:
    """A number with its word."""
    return f"{count:,} {one if count == 1 else many}"


def told(counts: Mapping[str, int]) -> str:
    """The counts of a run that are not 0, in one sentence; "" when all are."""
    return "; ".join(counted(counts[name], one, many) for name, one, many in _TOLD if counts.get(name))
