"""How many requests a plan needs and how long they take at the pace that the services ask for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ingest.pipeline import Plan


@dataclass(frozen=True, slots=True)
class Estimate:
    """Requests of one source at `pace` seconds between two. `asked` requests were made to find that out."""

    source: str
    requests: int
    pace: float
    asked: int = 0

    @property
    def seconds(self) -> float:
        """Time for all of them; what the service itself needs to answer is not in it."""
        return self.requests * self.pace

    def __str__(self) -> str:
        number = f"{self.requests:,} request{'' if self.requests == 1 else 's'}"
        if self.pace <= 0:
            return f"{number} without a pause"
        rate = f"1 per {self.pace:g} seconds" if self.pace > 1 else f"{1 / self.pace:.0f} per second"
        return f"{number} at {rate}: {in_words(self.seconds)}"


def estimate(plans: Sequence[Plan], pace: Mapping[str, float]) -> list[Estimate]:
    """Estimates per source, in the order of the plans. A search that says no length beforehand is counted by asking.

    Raises:
        SourceError: the service could not be asked how long a search is.
    """
    requests: dict[str, int] = {}
    asked: dict[str, int] = {}
    for plan in plans:
        name = plan.source.name
        requests.setdefault(name, 0)
        for stream in plan.streams:
            needed = plan.source.requests(stream)
            if needed is None:
                total = plan.source.count(stream)
                asked[name] = asked.get(name, 0) + 1
                needed = plan.source.requests(stream, total) or 1
            requests[name] += needed
    return [Estimate(name, count, pace[name], asked.get(name, 0)) for name, count in requests.items()]


def in_words(seconds: float) -> str:
    """A duration as a person says it: "about 7 minutes"."""
    if seconds < 90:
        return f"about {max(1, round(seconds))} second{'' if round(seconds) <= 1 else 's'}"
    if seconds < 90 * 60:
        return f"about {round(seconds / 60)} minutes"
    return f"about {seconds / 3600:.1f} hours"
