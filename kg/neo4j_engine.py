"""A Neo4j server as the engine: the driver and units of work; `neo4j_errors` translates what goes wrong.

A unit of work is a function that may run twice: the driver repeats it when the server asks for that. All writers take
the lock of the marker node first, so they queue, and numbers minted under it are never given twice. Neo4j reads what is
committed, statement by statement; an operation of several statements compares the revision before and after, and reads
again when a writer came between.

When the connection breaks during a commit its fate is unknown. Every write leaves a mark on the marker node, so it is
looked up: found, the write stands; not found, it is made again; no server, `CommitUnknown`.
"""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from kg.checks import closed, reading_only
from kg.errors import CommitUnknown, InputError, SchemaMismatch, StoreError, StoreUnavailable
from kg.neo4j_errors import DATABASE, ENGINE, LOGIN, OLDEST, PASSWORD, USER, translated
from kg.neo4j_schema import BEFORE, SCHEMA, migrate

if TYPE_CHECKING:
    import neo4j

CONNECT_S = 10.0
RETRY_S = 30.0
"""How long the driver repeats a unit of work, and how long the fate of a commit is asked for."""

MARKS = 64
READ_AGAIN = 5

T = TypeVar("T")


class Transaction:
    """One transaction, asked in Cypher. Values are parameters; the text is put together from our own words."""

    def __init__(self, run: neo4j.ManagedTransaction | neo4j.Transaction) -> None:
        self._run = run
        self.changed = False
        self.counters: dict[str, Any] = {}

    def rows(self, cypher: str, **values: object) -> list[list[Any]]:
        """Every row of the answer, as lists in the order of RETURN."""
        return self._run.run(cypher, values).values()

    def one(self, cypher: str, **values: object) -> list[Any] | None:
        """The first row, `None` without one."""
        found = self.rows(cypher, **values)
        return found[0] if found else None

    def value(self, cypher: str, **values: object) -> Any:
        """The only value of a statement that always answers one row."""
        return self.rows(cypher, **values)[0][0]

    def run(self, cypher: str, **values: object) -> None:
        """Write; the answer is of no interest."""
        self._run.run(cypher, values).consume()

    def take(self, counter: str, several: int = 1) -> int:
        """The next number of a counter of the marker node, and as many after it reserved."""
        first: int = self.counters.get(counter) or 1
        self.counters[counter] = first + several
        return first


LOCK = "MATCH (m:TokenAtlas) SET m.writing = true REMOVE m.writing RETURN properties(m)"
REVISION = "MATCH (m:TokenAtlas) RETURN m.revision"
COMMIT = "MATCH (m:TokenAtlas) SET m += $counters, m.revision = m.revision + 1, m.marks = ($mark + m.marks)[..$marks]"
MARKED = "MATCH (m:TokenAtlas) SET m.writing = true REMOVE m.writing RETURN $mark IN m.marks"


class Engine:
    """One database on one server. Safe to share between threads."""

    def __init__(self, url: str, *, create: bool, read_only: bool, now: str) -> None:
        self.url = url
        self.read_only = read_only
        self._driver: neo4j.Driver | None = None
        address, self.database = parsed(url)
        try:
            self._open(address, create=create and not read_only, now=now)
        except BaseException:
            self.close()
            raise

    def _open(self, address: str, *, create: bool, now: str) -> None:
        from neo4j import GraphDatabase, NotificationMinimumSeverity

        with translated("open", self.url):
            self._driver = GraphDatabase.driver(
                address,
                auth=(os.environ.get(USER) or "neo4j", _password(self.url)),
                connection_timeout=CONNECT_S,
                max_transaction_retry_time=RETRY_S,
                notifications_min_severity=NotificationMinimumSeverity.OFF,
                user_agent="tokenatlas",
            )
            self._bookmarks = GraphDatabase.bookmark_manager()
            self._check_version(self._driver.get_server_info().agent)
        found = self.read("open", _found, steady=False)
        if found is None:
            raise self._unavailable(
                "This database belongs to another program", "Name another database; this one was not touched."
            )
        if found > SCHEMA:
            raise SchemaMismatch(engine=ENGINE, found=found, supported=SCHEMA, where=self.url)
        if found == BEFORE and not create:
            raise self._unavailable("There is no store here", "Run tokenatlas load, or name another store.")
        if found < SCHEMA:
            if self.read_only:
                raise SchemaMismatch(engine=ENGINE, found=found, supported=SCHEMA, where=self.url)
            with translated("open", self.url), self._session() as session:
                migrate(session, found, now)

    def _check_version(self, agent: str) -> None:
        version = agent.partition("/")[2]
        numbers = tuple(int(part) for part in version.split(".")[:2] if part.isdigit())
        if numbers and numbers < OLDEST:
            raise self._unavailable(
                f"The server is Neo4j {version}, which is too old",
                f"Neo4j {OLDEST[0]}.{OLDEST[1]} (long-term support) or newer is needed.",
            )

    def _unavailable(self, message: str, hint: str) -> StoreUnavailable:
        return StoreUnavailable(message, engine=ENGINE, operation="open", where=self.url, hint=hint)

    def _session(self) -> neo4j.Session:
        if self._driver is None:
            raise closed(ENGINE, self.url)
        return self._driver.session(database=self.database, bookmark_manager=self._bookmarks, fetch_size=-1)

    def read(self, operation: str, work: Callable[[Transaction], T], *, steady: bool = True) -> T:
        """Run a unit of work that only reads; with `steady` no write came between its statements."""

        def unit(run: neo4j.ManagedTransaction) -> T:
            tx = Transaction(run)
            if not steady:
                return work(tx)
            before = tx.one(REVISION)
            for _ in range(READ_AGAIN):
                found = work(tx)
                after = tx.one(REVISION)
                if after == before:
                    return found
                before = after
            raise StoreError(
                "Others write faster than this can be read",
                engine=ENGINE,
                operation=operation,
                where=self.url,
                hint="Try again in a moment.",
                retryable=True,
            )

        with translated(operation, self.url), self._session() as session:
            return session.execute_read(unit)

    def write(self, operation: str, work: Callable[[Transaction], T], *, batch: str = "") -> T:
        """Run a unit of work and, when it says that it changed something, count the revision up: all or nothing.

        Raises:
            CommitUnknown: the connection broke during the commit and no server tells its fate; names `batch`.
        """
        from neo4j.exceptions import IncompleteCommit

        if self.read_only:
            raise reading_only(ENGINE, operation, self.url)
        mark = uuid.uuid4().hex
        outcome: list[T] = []

        def unit(run: neo4j.ManagedTransaction) -> T:
            tx = Transaction(run)
            outcome.clear()
            found = tx.one(LOCK)
            if found is None:
                raise self._unavailable("The store was removed meanwhile", "Open it again.")
            tx.counters = dict(found[0])
            known = dict(tx.counters)
            done = work(tx)
            news = {name: value for name, value in tx.counters.items() if known.get(name) != value}
            if tx.changed:
                tx.run(COMMIT, counters=news, mark=mark, marks=MARKS)
            elif news:
                tx.run("MATCH (m:TokenAtlas) SET m += $counters", counters=news)
            outcome.append(done)
            return done

        with translated(operation, self.url):
            while True:
                try:
                    with self._session() as session:
                        return session.execute_write(unit)
                except IncompleteCommit as error:
                    if self._committed(mark, operation, batch, error):
                        return outcome[0]

    def _committed(self, mark: str, operation: str, batch: str, error: Exception) -> bool:
        """Whether the write with this mark stands. The lock makes the question wait until a late commit is over."""
        from neo4j.exceptions import DriverError, Neo4jError

        deadline = time.monotonic() + RETRY_S
        while True:
            try:
                # Not repeated by the driver, whose pauses double: a server that comes back is asked at once.
                with self._session() as session, session.begin_transaction() as run:
                    found = Transaction(run).one(MARKED, mark=mark)
                    run.commit()
                    return bool(found and found[0])
            except (DriverError, Neo4jError) as refusal:
                refused = isinstance(refusal, Neo4jError) and not refusal.is_retryable()
                if refused or time.monotonic() > deadline:
                    raise CommitUnknown(engine=ENGINE, operation=operation, batch=batch, where=self.url) from error
                time.sleep(0.5)

    def close(self) -> None:
        """Close every connection."""
        driver, self._driver = self._driver, None
        if driver is not None:
            driver.close()


def _found(tx: Transaction) -> int | None:
    """The schema of the store here, `BEFORE` for an empty database, `None` for somebody else's."""
    marker = tx.one("MATCH (m:TokenAtlas) RETURN m.schema")
    if marker is not None:
        return marker[0] if isinstance(marker[0], int) else None
    return BEFORE if tx.one("MATCH (n) RETURN 1 LIMIT 1") is None else None


def parsed(url: str) -> tuple[str, str]:
    """(address for the driver, database) of a store URL such as neo4j://127.0.0.1:7687/atlas.

    Raises:
        InputError: no host, or a user and password, which belong in the environment.
    """
    parts = urlsplit(url)
    if "@" in parts.netloc:
        raise InputError(
            "A store URL holds no user and no password",
            where="--store",
            field="store",
            value=f"{parts.scheme}://…@{parts.netloc.rpartition('@')[2]}{parts.path}",
            expected="neo4j://HOST:PORT",
            hint=f"Put them into the environment: {USER} and {PASSWORD}.",
        )
    database = parts.path.strip("/")
    if not parts.hostname or parts.query or parts.fragment or "/" in database:
        raise InputError(
            f"{url!r} names no server",
            where="--store",
            field="store",
            value=url,
            expected="neo4j://HOST:PORT or neo4j://HOST:PORT/DATABASE",
            hint="Write neo4j://127.0.0.1:7687 for a server on this machine.",
        )
    return f"{parts.scheme}://{parts.netloc}", database or os.environ.get(DATABASE) or "neo4j"


def _password(url: str) -> str:
    password = os.environ.get(PASSWORD)
    if not password:
        raise StoreUnavailable(
            "The password of the server is not set", engine=ENGINE, operation="open", where=url, hint=LOGIN
        )
    return password
