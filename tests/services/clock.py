"""A clock that only moves when somebody sleeps, so that pauses of minutes take no time and can be measured."""

from __future__ import annotations

import threading


class OwnClock:
    """Starts at a whole second of 2025; `slept` lists the pauses."""

    def __init__(self, now: float = 1_750_000_000.0, monotonic: float = 5_000.0) -> None:
        self._lock = threading.Lock()
        self._now = now
        self._monotonic = monotonic
        self.slept: list[float] = []

    def now(self) -> float:
        """Seconds since 1970."""
        return self._now

    def monotonic(self) -> float:
        """Seconds since some start."""
        return self._monotonic

    def sleep(self, seconds: float) -> None:
        """Let the time pass at once."""
        with self._lock:
            self.slept.append(seconds)
            self._now += seconds
            self._monotonic += seconds
