"""Connections to one SQLite file: opened, lent to one thread at a time, and every error translated here.

A connection is borrowed per operation and given back, so any number of threads may share a store and no thread that
ends leaves one behind. Readers see one snapshot per operation (WAL) while one writer writes; writers of this process
queue on a lock, those of others on SQLite's own with a time limit.
"""

from __future__ import annotations

import sqlite3
import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from kg.errors import InputError, NoStore, SchemaMismatch, StoreError, StoreUnavailable
from kg.sqlite_schema import APPLICATION, MIGRATIONS, SCHEMA, migrate

ENGINE = "sqlite"
WAIT_S = 30.0
"""How long a write waits for another process before it gives up."""

OLDEST = (3, 38, 0)
"""First SQLite with everything used here (STRICT tables since 3.37, JSON always built in since 3.38)."""

_RETRY = "Another program is writing; try again in a moment."
_HINTS = {
    "SQLITE_BUSY": _RETRY,
    "SQLITE_LOCKED": _RETRY,
    "SQLITE_FULL": "The disk is full: make room, then run the same command again.",
    "SQLITE_READONLY": "The file or its folder cannot be written: check the permissions, or name another place.",
    "SQLITE_CANTOPEN": "Check the path and that its folder can be read and written.",
    "SQLITE_PERM": "Check the permissions of the file and its folder.",
    "SQLITE_NOTADB": "The file is no store: name another one, or move it away.",
    "SQLITE_CORRUPT": "The file is damaged: restore a backup, or load into a new store.",
    "SQLITE_IOERR": "The disk failed to read or write: check it, then run the same command again.",
}
_UNAVAILABLE = {"SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_PERM", "SQLITE_NOTADB"}


@contextmanager
def translated(operation: str, where: str) -> Iterator[None]:
    """SQLite's errors leave as `StoreError`, a locked file as one that a retry may cure."""
    try:
        yield
    except UnicodeEncodeError as error:
        raise InputError(
            "This text cannot be stored: it holds half a surrogate pair, which is no character",
            where=where,
            value=ascii(error.object[max(0, error.start - 20) : error.end + 20]),
            hint="Remove the character.",
        ) from None
    except sqlite3.Error as error:
        name = getattr(error, "sqlite_errorname", "") or ""
        primary = "_".join(name.split("_")[:2])
        kind = StoreUnavailable if primary in _UNAVAILABLE else StoreError
        raise kind(
            f"The store failed: {error}",
            engine=ENGINE,
            operation=operation,
            where=where,
            hint=_HINTS.get(primary, ""),
            retryable=primary in ("SQLITE_BUSY", "SQLITE_LOCKED"),
        ) from error


class Engine:
    """One file, its connections and its writer's lock."""

    def __init__(self, path: Path, *, url: str, create: bool, read_only: bool, now: str) -> None:
        self.path = path
        self.url = url
        self.read_only = read_only
        self._idle: list[sqlite3.Connection] = []
        self._all: list[sqlite3.Connection] = []
        self._guard = threading.Lock()
        self._writing = threading.RLock()
        self._closed = False
        # An object that nobody closed must not leave open files, and not warn about them either.
        self._finalizer = weakref.finalize(self, _close_all, self._all)
        try:
            self._open(create=create and not read_only, now=now)
        except BaseException:
            self.close()
            raise

    def _open(self, *, create: bool, now: str) -> None:
        if sqlite3.sqlite_version_info < OLDEST:
            raise self._unavailable(
                f"SQLite {sqlite3.sqlite_version} is too old", "A Python with SQLite 3.38 or newer is needed."
            )
        if not self.path.exists():
            if not create:
                raise NoStore(engine=ENGINE, where=self.url)
            try:
                self.path.parent.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise self._unavailable(
                    f"The folder cannot be made: {error.strerror or error}", "Name another place."
                ) from error
        with translated("open", self.url), self._borrowed() as con:
            found = self._version(con)
            if found > SCHEMA:
                raise SchemaMismatch(engine=ENGINE, found=found, supported=SCHEMA, where=self.url)
            if found < SCHEMA:
                if self.read_only:
                    raise SchemaMismatch(engine=ENGINE, found=found, supported=SCHEMA, where=self.url)
                con.execute("PRAGMA journal_mode = WAL")
                with self._writing:
                    migrate(con, found, now, MIGRATIONS)

    def _version(self, con: sqlite3.Connection) -> int:
        application: int = con.execute("PRAGMA application_id").fetchone()[0]
        version: int = con.execute("PRAGMA user_version").fetchone()[0]
        if application == APPLICATION:
            return version
        if application or version or con.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]:
            raise self._unavailable(
                "This database belongs to another program", "Name another file; this one was not touched."
            )
        return 0

    def _unavailable(self, message: str, hint: str) -> StoreUnavailable:
        return StoreUnavailable(message, engine=ENGINE, operation="open", where=self.url, hint=hint)

    def connect(self) -> sqlite3.Connection:
        """A new connection, set up; the caller closes it."""
        mode = "ro" if self.read_only else "rwc"
        con = sqlite3.connect(
            f"{self.path.absolute().as_uri()}?mode={mode}",
            uri=True,
            timeout=WAIT_S,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=256,
        )
        try:
            con.execute("PRAGMA foreign_keys = ON")
            con.execute("PRAGMA synchronous = NORMAL")
            con.execute("PRAGMA temp_store = MEMORY")
            con.execute("PRAGMA cache_size = -65536")
        except BaseException:
            con.close()
            raise
        return con

    @contextmanager
    def _borrowed(self) -> Iterator[sqlite3.Connection]:
        with self._guard:
            if self._closed:
                raise StoreError(
                    "The store is closed", engine=ENGINE, operation="use", where=self.url, hint="Open it again."
                )
            con = self._idle.pop() if self._idle else None
        if con is None:
            con = self.connect()
            with self._guard:
                self._all.append(con)
        try:
            yield con
        finally:
            with self._guard:
                if self._closed:
                    con.close()
                else:
                    self._idle.append(con)

    @contextmanager
    def reading(self, operation: str) -> Iterator[sqlite3.Connection]:
        """One consistent snapshot for as many statements as are run on it."""
        with translated(operation, self.url), self._borrowed() as con:
            con.execute("BEGIN")
            try:
                yield con
            finally:
                con.execute("ROLLBACK")

    @contextmanager
    def writing(self, operation: str) -> Iterator[sqlite3.Connection]:
        """One transaction: all of it or, after any error, nothing."""
        if self.read_only:
            raise StoreError(
                "The store was opened for reading only",
                engine=ENGINE,
                operation=operation,
                where=self.url,
                hint="Open it without read_only.",
            )
        with translated(operation, self.url), self._writing, self._borrowed() as con:
            con.execute("BEGIN IMMEDIATE")
            try:
                yield con
                con.execute("COMMIT")
            except BaseException:
                # A full disk or a failed commit may have rolled back already.
                if con.in_transaction:
                    con.execute("ROLLBACK")
                raise

    def close(self) -> None:
        """Close every connection; one that is in use is closed when it comes back."""
        with self._guard:
            self._closed = True
            for con in self._idle:
                con.close()
                self._all.remove(con)
            self._idle.clear()


def _close_all(connections: list[sqlite3.Connection]) -> None:
    for con in connections:
        con.close()
