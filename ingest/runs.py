"""One run over a file: lines to a worker, batches to the store with the position behind them, refusals to a list.

The worker says what a line means and what a batch writes; everything that must hold at any moment of a kill (order of
rejects, batch and cursor) is here and nowhere else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Literal, Protocol, TypeVar

from ingest.journal import Journal, Rejects, stream_of
from ingest.lines import LINE_BYTES, LineReader
from ingest.records import Refused
from kg.answers import Quarantined, Upserted
from kg.errors import InputError
from kg.model import Batch
from kg.store import GraphStore

BATCH_BYTES = 16_000_000
"""A batch ends at this many bytes of input even when it has few lines."""

STOP_EVERY = 100
"""Lines between two questions whether to stop."""

T = TypeVar("T")
T_in = TypeVar("T_in", contravariant=True)
T_out = TypeVar("T_out", covariant=True)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is: lines read and refused, the share of the file behind it (0 to 1) in which step."""

    read: int
    rejected: int
    fraction: float
    step: Literal["lines", "references"] = "lines"


@dataclass(frozen=True, slots=True)
class Ingested:
    """What a run did. `read` = `loaded` + `rejected` + `quarantined`; blank lines are no records.

    `written` sums what the store changed. `left_out` counts arXiv ids that only a title match proposed and that were
    not believed. `resumed_from` is the line behind which this run began. `truncated`: the file is damaged and what
    stood before the damage was kept. `stopped`: asked to stop; the same call goes on. `rejects` lists the refused
    lines, `None` when this run refused none. `notes` are sentences about the file as a whole.
    """

    file: str
    read: int
    loaded: int
    written: Upserted
    rejected: int
    quarantined: int
    left_out: int
    resumed_from: int
    truncated: bool
    stopped: bool
    rejects: Path | None
    notes: tuple[str, ...] = ()

    def written_and(self, other: Ingested) -> Upserted:
        """What the store changed in this run and another."""
        return _sum(self.written, other.written)


@dataclass(frozen=True, slots=True)
class Taken:
    """What a worker took from the lines of one batch."""

    batch: Batch
    kept_out: tuple[Quarantined, ...] = ()
    left_out: int = 0


class Unit(Protocol[T_out]):
    """A line, or an entry that begins on one. `end` grows from unit to unit; reading goes on behind it."""

    @property
    def number(self) -> int: ...

    @property
    def end(self) -> int: ...

    @property
    def content(self) -> T_out | None: ...

    @property
    def blank(self) -> bool: ...


class Reader(Protocol[T_out]):
    """A file taken apart. After iterating, `damage` says why reading ended early."""

    @property
    def damage(self) -> str | None: ...

    @property
    def fraction(self) -> float: ...

    def __iter__(self) -> Iterator[Unit[T_out]]: ...


class Worker(Protocol[T_in]):
    """What lines mean. `first` lines at the top are a header and are not given to `take`."""

    @property
    def kind(self) -> str:
        """Names the reading: each kind has its own position in a file."""

    @property
    def first(self) -> int: ...

    def take(self, content: T_in) -> bool:
        """Take one line in; false when nothing of it is loaded. Raises Refused."""

    def flush(self, time: str) -> Taken:
        """What was taken since the last flush."""


def run(
    worker: Worker[bytes],
    store: GraphStore,
    path: Path,
    *,
    rejects: Path | None,
    clock: Callable[[], str],
    batch: int,
    progress: Callable[[Progress], None] | None,
    stop: Callable[[], bool] | None,
) -> Ingested:
    """Read the lines of a file from where the store's cursor stands to its end.

    Args:
        rejects: list of refused lines; `None` when an earlier reading of the file has listed them.

    Raises:
        InputError: the file cannot be read, the list not written, or `batch` is below 1.
        StoreError: the store failed; what was committed before stays.
    """

    def opened(line: int, byte: int) -> LineReader:
        return LineReader(path, line=line, byte=byte)

    return run_over(
        opened, worker, store, path, rejects=rejects, clock=clock, batch=batch, progress=progress, stop=stop
    )


def run_over(
    opened: Callable[[int, int], AbstractContextManager[Reader[T]]],
    worker: Worker[T],
    store: GraphStore,
    path: Path,
    *,
    rejects: Path | None,
    clock: Callable[[], str],
    batch: int,
    progress: Callable[[Progress], None] | None,
    stop: Callable[[], bool] | None,
) -> Ingested:
    """As `run`, over whatever units a reader takes a file apart into.

    Args:
        opened: opens the file behind a line and an `end`, as the cursor has them.

    Raises:
        InputError: the file cannot be read, the list not written, or `batch` is below 1.
        StoreError: the store failed; what was committed before stays.
    """
    if batch < 1:
        raise InputError("A batch has at least one line", field="batch", value=batch, hint="Give a number above 0.")
    journal = Journal(store, stream_of(path, worker.kind))
    read = loaded = rejected = left_out = 0
    written = Upserted()
    line, byte, stopped = journal.line, journal.byte, False
    with opened(line, byte) as reader:
        listed = Rejects(rejects, path, line=line, position=byte) if rejects is not None else None

        def commit(*, done: bool = False) -> None:
            nonlocal written, left_out
            if listed is not None:
                listed.sync()
            time = clock()
            taken = worker.flush(time)
            if taken.kept_out:
                store.quarantine(taken.kept_out)
            written = _sum(written, store.upsert(taken.batch, journal.cursor(line, byte, time=time, done=done)))
            left_out += taken.left_out
            if progress is not None:
                progress(Progress(read, rejected, 1.0 if done else reader.fraction))

        committed = line, byte
        pending = seen = 0
        try:
            for each in () if journal.done else reader:
                line, byte = each.number, each.end
                seen, pending = seen + 1, pending + 1
                if line > worker.first and not each.blank:
                    read += 1
                    try:
                        if each.content is None:
                            raise Refused("line", f"oversized: more than {LINE_BYTES:,} bytes")
                        loaded += worker.take(each.content)
                    except Refused as refused:
                        rejected += 1
                        if listed is not None:
                            where = None if refused.entry is None else byte
                            listed.add(
                                line, refused.field, refused.reason, refused.value, entry=refused.entry, position=where
                            )
                stopped = seen % STOP_EVERY == 0 and stop is not None and stop()
                if stopped:
                    break
                if pending >= batch or byte - committed[1] >= BATCH_BYTES:
                    commit()
                    committed, pending = (line, byte), 0
            whole = not stopped and reader.damage is None
            if not journal.done and (whole or (line, byte) != committed):
                commit(done=whole)
        finally:
            if listed is not None:
                listed.close()
        return Ingested(
            file=str(path),
            read=read,
            loaded=loaded,
            written=written,
            rejected=rejected,
            quarantined=read - loaded - rejected,
            left_out=left_out,
            resumed_from=journal.line,
            truncated=reader.damage is not None,
            stopped=stopped,
            rejects=rejects if rejected else None,
        )


def _sum(one: Upserted, other: Upserted) -> Upserted:
    return Upserted(**{each.name: getattr(one, each.name) + getattr(other, each.name) for each in fields(Upserted)})
