"""One run over a file: lines to a worker, batches to the store with the position behind them, refusals to a list.

The worker says what a line means and what a batch writes; everything that must hold at any moment of a kill (order of
rejects, batch and cursor) is here and nowhere else.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Literal, Protocol

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
    lines, `None` when this run refused none.
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

    def written_and(self, other: Ingested) -> Upserted:
        """What the store changed in this run and another."""
        return _sum(self.written, other.written)


@dataclass(frozen=True, slots=True)
class Taken:
    """What a worker took from the lines of one batch."""

    batch: Batch
    kept_out: tuple[Quarantined, ...] = ()
    left_out: int = 0


class Worker(Protocol):
    """What lines mean. `first` lines at the top are a header and are not given to `take`."""

    @property
    def kind(self) -> str:
        """Names the reading: each kind has its own position in a file."""

    @property
    def first(self) -> int: ...

    def take(self, content: bytes) -> bool:
        """Take one line in; false when nothing of it is loaded. Raises Refused."""

    def flush(self, time: str) -> Taken:
        """What was taken since the last flush."""


def run(
    worker: Worker,
    store: GraphStore,
    path: Path,
    *,
    rejects: Path | None,
    clock: Callable[[], str],
    batch: int,
    progress: Callable[[Progress], None] | None,
    stop: Callable[[], bool] | None,
) -> Ingested:
    """Read a file from where the store's cursor stands to its end.

    Args:
        rejects: list of refused lines; `None` when an earlier reading of the file has listed them.

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
    with LineReader(path, line=line, byte=byte) as reader:
        listed = Rejects(rejects, path, line=line) if rejects is not None else None

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
        try:
            for each in () if journal.done else reader:
                line, byte = each.number, each.end
                if line > worker.first and (each.content is None or each.content.strip()):
                    read += 1
                    try:
                        if each.content is None:
                            raise Refused("line", f"oversized: more than {LINE_BYTES:,} bytes")
                        loaded += worker.take(each.content)
                    except Refused as refused:
                        rejected += 1
                        if listed is not None:
                            listed.add(line, refused.field, refused.reason, refused.value)
                stopped = line % STOP_EVERY == 0 and stop is not None and stop()
                if stopped:
                    break
                if line - committed[0] >= batch or byte - committed[1] >= BATCH_BYTES:
                    commit()
                    committed = line, byte
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
