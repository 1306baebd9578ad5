"""When the next request to a host may leave: one pace for a user and machine, whatever the store or the process.

The turn of each request is reserved in a small locked file in the cache folder. The lock is the system's own, so it
dies with its holder; a killed process wastes the one turn that it had reserved. Times in the file are monotonic
(system-wide since Python 3.5), so a wall clock that is set moves nothing; a file from before a restart is recognised
by a time further ahead than anything could be, and ignored.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import socket
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from kg.errors import InputError

CACHE_VARIABLE = "TOKENATLAS_CACHE"
QUEUE = 100
"""No more callers than this wait for turns at one host; a turn further ahead is an old file's."""

HOLD_S = 3600.0
"""A service that asks for a longer pause is asked again after this one."""

if sys.platform == "win32":
    import msvcrt

    def _lock(descriptor: int, *, wait: bool) -> bool:
        os.lseek(descriptor, 0, os.SEEK_SET)
        try:
            msvcrt.locking(descriptor, msvcrt.LK_LOCK if wait else msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:
    import fcntl

    def _lock(descriptor: int, *, wait: bool) -> bool:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            return False
        return True


class Clock(Protocol):
    """Time, an argument so that tests can own it."""

    def now(self) -> float:
        """Seconds since 1970, UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds that never jump, the same in every process of the machine."""
        ...

    def sleep(self, seconds: float) -> None:
        """Let the time pass."""
        ...


class SystemClock:
    """The machine's own clock."""

    def now(self) -> float:
        return time.time()

    def monotonic(self) -> float:
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


def cache_folder(environ: Mapping[str, str]) -> Path:
    """Where this user's caches are: TOKENATLAS_CACHE, else the platform's folder for them."""
    if stated := environ.get(CACHE_VARIABLE, "").strip():
        return Path(stated)
    from platformdirs import user_cache_path

    return Path(user_cache_path("tokenatlas", appauthor=False))


@dataclass(frozen=True, slots=True)
class Held:
    """What the file of a host says: the next free turn, and until when the host wants to be left alone."""

    turn: float
    until: float


class Bucket:
    """The turns at one host, shared by every process of the user on this machine.

    Args:
        folder: the cache folder; a folder `pace` is made in it.
        name: service and host; what is not a letter, digit, point or hyphen is replaced in the file's name.
        pace_s: seconds from one turn to the next.
        clock: the time.

    Raises:
        InputError: the folder cannot be made or written.
    """

    def __init__(self, folder: Path, name: str, pace_s: float, clock: Clock) -> None:
        self.pace_s = pace_s
        self._clock = clock
        self._folder = folder / "pace"
        # A cache folder on a network drive serves several machines, whose monotonic clocks have nothing in common.
        machine = hashlib.sha256(socket.gethostname().encode()).hexdigest()[:8]
        stem = re.sub(r"[^A-Za-z0-9.-]", "_", name)
        self.path = self._folder / f"{stem}.{machine}.json"
        with self._writable():
            self._folder.mkdir(parents=True, exist_ok=True)
            os.close(self._open(self.path))

    def reserve(self) -> float:
        """Take the next turn; returns the seconds until it comes, 0 when it is there already."""
        with self._held() as (descriptor, state):
            now = self._clock.monotonic()
            turn = max(now, state.turn)
            self._write(descriptor, Held(turn + self.pace_s, state.until))
            return turn - now

    def hold(self, seconds: float) -> None:
        """Let nobody ask this host for so long (at most HOLD_S); a longer hold that is there already stays."""
        with self._held() as (descriptor, state):
            until = self._clock.monotonic() + min(max(seconds, 0.0), HOLD_S)
            self._write(descriptor, Held(state.turn, max(until, state.until)))

    def held(self) -> float:
        """Seconds for which the host still wants to be left alone, 0 when it does not."""
        with self._held() as (_, state):
            return max(0.0, state.until - self._clock.monotonic())

    def connection(self) -> int | None:
        """The host's one connection: a descriptor to close after the exchange, None while another run has it."""
        with self._writable():
            descriptor = self._open(self.path.with_suffix(".connection"))
        if _lock(descriptor, wait=False):
            return descriptor
        os.close(descriptor)
        return None

    @contextlib.contextmanager
    def _held(self) -> Iterator[tuple[int, Held]]:
        with self._writable():
            descriptor = self._open(self.path)
        try:
            _lock(descriptor, wait=True)
            yield descriptor, self._read(descriptor)
        finally:
            # Closing gives the lock back, and so does being killed.
            os.close(descriptor)

    def _read(self, descriptor: int) -> Held:
        now = self._clock.monotonic()
        os.lseek(descriptor, 0, os.SEEK_SET)
        text = os.read(descriptor, 4096)
        if not text:
            return Held(now, now)
        try:
            stated = json.loads(text)
            state = Held(float(stated["turn"]), float(stated["until"]))
        except (ValueError, KeyError, TypeError):
            # Half a write of a process that was killed: a request may just have left.
            return Held(now + self.pace_s, now)
        return Held(
            state.turn if state.turn <= now + QUEUE * self.pace_s else now,
            state.until if state.until <= now + HOLD_S else now,
        )

    def _write(self, descriptor: int, state: Held) -> None:
        text = json.dumps({"turn": state.turn, "until": state.until}).encode()
        os.lseek(descriptor, 0, os.SEEK_SET)
        os.ftruncate(descriptor, 0)
        os.write(descriptor, text)

    def _open(self, path: Path) -> int:
        return os.open(path, os.O_RDWR | os.O_CREAT, 0o600)

    @contextlib.contextmanager
    def _writable(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise InputError(
                f"The pace of requests cannot be kept: {error.strerror or error}",
                where=str(self._folder),
                field=CACHE_VARIABLE,
                hint=f"Make the folder writable, or name another in {CACHE_VARIABLE}.",
            ) from None
