"""A command of the terminal door as a process of its own: it outlives the page, the browser and the app.

What it says goes to a file beside a lock that the process holds for as long as it lives, so whoever opens the app next
can see whether it still works, read what it said, and stop it. One such command works on a store at a time.
"""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from kg.errors import AtlasError, InputError

if sys.platform == "win32":
    import msvcrt

    def _locked(descriptor: int) -> bool:
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return True
        msvcrt.locking(descriptor, msvcrt.LK_UNLCK, 1)
        return False

else:
    import fcntl

    def _locked(descriptor: int) -> bool:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        return False


CLI = Path(__file__).resolve().parents[1] / "cli.py"
HOLD = "TOKENATLAS_HOLD"
"""Names the lock that the command takes and keeps until it ends."""

TAIL_BYTES = 4_000


@dataclass(frozen=True, slots=True)
class Work:
    """A command at work on a store, or the last one that was."""

    command: str
    pid: int
    started: str
    running: bool
    said: tuple[str, ...]
    """The last lines of what it said."""


def start(store: str, arguments: Sequence[str], *, time: str) -> Work:
    """Start `tokenatlas ARGUMENTS` on a store.

    Raises:
        InputError: a command works on this store already.
        AtlasError: the folder of the platform for such files cannot be written.
    """
    before = last(store)
    if before is not None and before.running:
        raise InputError(
            f"`{before.command}` works on this store already", where=store, hint="Wait for it, or stop it."
        )
    place = _place(store)
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        place.with_suffix(".json").unlink(missing_ok=True)
        with place.with_suffix(".log").open("wb") as log:
            process = subprocess.Popen(  # noqa: S603 - our own interpreter and file, arguments from our pages
                [sys.executable, str(CLI), *arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=os.environ | {"TOKENATLAS_STORE": store, HOLD: str(place.with_suffix(".lock"))},
                start_new_session=True,
            )
        note = {"command": " ".join(arguments), "pid": process.pid, "started": time}
        place.with_suffix(".json").write_text(json.dumps(note), encoding="utf-8")
    except OSError as error:
        raise AtlasError(
            f"The command cannot be started: {error.strerror or error}",
            where=str(place.parent),
            hint=f"Run it in a terminal: tokenatlas {' '.join(arguments)}",
        ) from error
    _started[process.pid] = process
    return Work(note["command"], process.pid, time, running=True, said=())


def last(store: str) -> Work | None:
    """The command at work on a store, or the last one; `None` when the app never started one."""
    place = _place(store)
    try:
        note = json.loads(place.with_suffix(".json").read_text(encoding="utf-8"))
        said = _tail(place.with_suffix(".log"))
    except (OSError, ValueError):
        return None
    return Work(note["command"], note["pid"], note["started"], _alive(place, note["pid"]), said)


def stop(store: str) -> bool:
    """Ask the command at work to end after what is in flight; false when none is."""
    work = last(store)
    if work is None or not work.running:
        return False
    os.kill(work.pid, signal.SIGTERM)
    return True


def ask(store: str, arguments: Sequence[str], *, patience_s: float = 120.0) -> dict[str, object]:
    """What a command that only tells something prints as JSON.

    Raises:
        AtlasError: it failed, in its own words, or took too long.
    """
    try:
        done = subprocess.run(  # noqa: S603 - our own interpreter and file, arguments from our pages
            [sys.executable, str(CLI), *arguments, "--json"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            env=os.environ | {"TOKENATLAS_STORE": store},
            timeout=patience_s,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise AtlasError(
            f"No answer within {patience_s:.0f} seconds", hint=f"Ask in a terminal: tokenatlas {' '.join(arguments)}"
        ) from error
    try:
        document: dict[str, object] = json.loads(done.stdout if done.returncode == 0 else _last_line(done.stderr))
    except ValueError as error:
        raise AtlasError(
            "The command gave no answer", hint=f"Ask in a terminal: tokenatlas {' '.join(arguments)}"
        ) from error
    if done.returncode != 0:
        raise AtlasError(str(document.get("message")), where=str(document.get("where")), hint=str(document.get("hint")))
    return document


def hold() -> None:
    """Take the lock that `start` named and keep it until this process ends; the command calls it first."""
    named = os.environ.pop(HOLD, None)
    if named:
        descriptor = os.open(named, os.O_RDWR | os.O_CREAT, 0o600)
        if sys.platform == "win32":
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        else:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


_started: dict[int, subprocess.Popen[bytes]] = {}
"""Processes that this app started; asking them keeps ended ones from lingering."""


def _alive(place: Path, pid: int) -> bool:
    process = _started.get(pid)
    if process is not None:
        if process.poll() is None:
            return True
        del _started[pid]
    try:
        descriptor = os.open(place.with_suffix(".lock"), os.O_RDWR)
    except OSError:
        return False
    try:
        return _locked(descriptor)
    finally:
        os.close(descriptor)


def _place(store: str) -> Path:
    from platformdirs import user_state_path

    name = hashlib.sha256(store.encode()).hexdigest()[:16]
    return Path(user_state_path("tokenatlas", appauthor=False)) / "work" / name


def _tail(path: Path) -> tuple[str, ...]:
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - TAIL_BYTES))
        lines = file.read().decode("utf-8", errors="replace").splitlines()
    return tuple(lines if size <= TAIL_BYTES else lines[1:])


def _last_line(text: bytes) -> str:
    lines = [line for line in text.decode("utf-8", errors="replace").splitlines() if line.strip()]
    return lines[-1] if lines else ""
