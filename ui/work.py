"""What commands that work for long share: the time, being stopped, judging what is new."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from kg.errors import Interrupted
from kg.store import GraphStore
from ui import terminal


class Asked(threading.Event):
    """Set when a person or the system asks to stop; `by_key` when it was Ctrl-C."""

    by_key = False


@contextmanager
def stoppable(*, keys: bool = False) -> Iterator[Asked]:
    """An event that SIGTERM sets (with `keys` Ctrl-C too), so that long work ends after the batch in flight.

    A second Ctrl-C ends it at once; what was committed stays.
    """
    asked = Asked()

    def terminated(*_: object) -> None:
        asked.set()

    def interrupted(*_: object) -> None:
        if asked.is_set():
            raise KeyboardInterrupt
        asked.by_key = True
        asked.set()
        terminal.say("Stopping after the request in flight (Ctrl-C again: at once)")

    handlers: dict[int, Callable[..., None]] = {signal.SIGTERM: terminated}
    if keys:
        handlers[signal.SIGINT] = interrupted
    before: dict[int, Any] = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        yield asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def stopped(stopped: bool, what: str) -> None:
    """Raise Interrupted when work ended early."""
    if stopped:
        raise Interrupted(f"{what} stopped early; everything up to here is kept", hint="Run the same command again.")


@dataclass(frozen=True, slots=True)
class Concluded:
    """How many papers were judged, and how many of them kept a verdict made from more text."""

    read: int
    kept: int
    stopped: bool


def judge_store(into: GraphStore, stop: Callable[[], bool], *, run: int | None = None) -> Concluded:
    """Judge and measure what the bundled rules have not read, with a bar for each."""
    from analysis.judging import measure_store, screen_store
    from analysis.screening import Judge
    from analysis.specifications import Extractor

    with terminal.progress("Judging") as bar:
        screened = screen_store(into, Judge(), run=run, progress=lambda n: bar(n, None), stop=stop)
    if screened.stopped:
        return Concluded(screened.read, screened.kept, stopped=True)
    with terminal.progress("Reading numbers") as bar:
        measured = measure_store(into, Extractor(), run=run, progress=lambda n: bar(n, None), stop=stop)
    return Concluded(screened.read, screened.kept, stopped=measured.stopped)
