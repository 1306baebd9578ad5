"""The real Neo4j server for tests: jars fetched once from Maven Central, one server for a whole test run.

Neo4j Community is GPLv3. It is downloaded for tests and never shipped: nothing of it enters this repository or the
installed package, which talks to a server over the network through the Apache-2.0 driver.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

HERE = Path(__file__).resolve().parent
FETCH_S = 600
READY_S = 120
JARS = 150
"""A complete folder has more; one with fewer was left by an interrupted download."""


class Unavailable(Exception):
    """The server cannot be had here: the reason, then the fix."""


@dataclass(frozen=True)
class Server:
    """A running server, and how it is reached and stopped."""

    url: str
    user: str
    password: str
    log: Path
    process: subprocess.Popen[bytes]
    certificate: Path
    """What a client must trust who comes encrypted, as PEM."""

    def output(self) -> str:
        """The last of what the server wrote."""
        return self.log.read_text(encoding="utf-8", errors="replace")[-4000:]

    @contextlib.contextmanager
    def read_only(self) -> Iterator[None]:
        """Let nobody write for a while, by the server's own setting."""
        self._tell(b"r", b"read-only")
        try:
            yield
        finally:
            self._tell(b"w", b"writable")

    def _tell(self, byte: bytes, answer: bytes) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(byte)
        self.process.stdin.flush()
        deadline = time.monotonic() + READY_S
        while not self.log.read_bytes().rstrip().endswith(answer):
            assert self.process.poll() is None, self.output()
            assert time.monotonic() < deadline, self.output()
            time.sleep(0.02)

    def kill(self) -> None:
        """End it at once, as a power cut would."""
        self.process.kill()
        self.process.wait()
        if self.process.stdin is not None:
            with contextlib.suppress(OSError):
                self.process.stdin.close()


def version() -> str:
    """The version that pom.xml names."""
    found = re.search(r"<artifactId>neo4j</artifactId>\s*<version>([^<]+)</version>", (HERE / "pom.xml").read_text())
    assert found is not None
    return found[1]


def jars() -> Path:
    """The folder of jars, filled when needed. Raises Unavailable."""
    from platformdirs import user_cache_path

    folder = user_cache_path("tokenatlas", appauthor=False) / f"neo4j-{version()}"
    if _complete(folder):
        return folder
    maven = shutil.which("mvn")
    if maven is None:
        raise Unavailable("Maven is not installed; on Debian and Ubuntu: apt install maven openjdk-17-jre-headless")
    folder.parent.mkdir(parents=True, exist_ok=True)
    # Under another name until complete, so that an interrupted download is never taken for a whole one.
    partial = folder.with_name(f"{folder.name}.{os.getpid()}.partial")
    command = [
        maven, "-q", "-B", "-f", str(HERE / "pom.xml"), "dependency:copy-dependencies", "-DincludeScope=runtime",
        f"-DoutputDirectory={partial}",
    ]  # fmt: skip
    try:
        done = subprocess.run(command, capture_output=True, timeout=FETCH_S, check=False)
        if done.returncode or not _complete(partial):
            said = (done.stdout + done.stderr).decode("utf-8", "replace").strip()[-600:]
            raise Unavailable(f"Maven could not fetch the server ({said}); check the network and run again")
        with contextlib.suppress(OSError):
            partial.rename(folder)
    except subprocess.TimeoutExpired:
        raise Unavailable("Maven did not finish; check the network and run again") from None
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    if not _complete(folder):
        raise Unavailable(f"The jars could not be kept in {folder}; check its permissions")
    return folder


def _complete(folder: Path) -> bool:
    return folder.is_dir() and sum(1 for _ in folder.glob("*.jar")) >= JARS


def launch(home: Path, port: int, *, brief: bool = False) -> Server:
    """Start a server over the data in `home` and wait until it answers; a `brief` life is not worth much compiling.

    Raises Unavailable without Java or jars.
    """
    java = shutil.which("java")
    if java is None:
        raise Unavailable("Java 17 is not installed; on Debian and Ubuntu: apt install openjdk-17-jre-headless")
    classes = jars()
    home.mkdir(parents=True, exist_ok=True)
    log = home / "launcher.log"
    keys = _keys(home / "keys.p12")
    with log.open("wb") as out:
        process = subprocess.Popen(
            [
                java, "-Xms256m", "-Xmx1g", "-XX:+UseSerialGC", f"-XX:TieredStopAtLevel={1 if brief else 4}",
                "-cp", f"{classes}/*", str(HERE / "Launcher.java"), str(home), str(port), str(keys),
            ],
            stdin=subprocess.PIPE,
            stdout=out,
            stderr=subprocess.STDOUT,
        )  # fmt: skip
    server = Server(f"neo4j://127.0.0.1:{port}", "neo4j", "", log, process, home / "certificate" / "public.crt")
    deadline = time.monotonic() + READY_S
    while not log.read_bytes().rstrip().endswith(b"ready"):
        if process.poll() is not None or time.monotonic() > deadline:
            server.kill()
            raise Unavailable(f"The server did not start:\n{server.output()}")
        time.sleep(0.1)
    return server


def _keys(file: Path) -> Path:
    """A certificate for this machine, made once for a folder; keytool is part of every Java."""
    if not file.exists():
        keytool = shutil.which("keytool")
        if keytool is None:
            raise Unavailable(
                "keytool, a part of Java, is not on PATH; on Debian and Ubuntu: apt install openjdk-17-jre-headless"
            )
        command = [
            keytool, "-genkeypair", "-alias", "server", "-keyalg", "EC", "-groupname", "secp256r1", "-validity", "30",
            "-dname", "CN=localhost", "-ext", "san=ip:127.0.0.1,dns:localhost", "-ext", "bc:critical=ca:true",
            "-storetype", "PKCS12", "-storepass", "changeit", "-keystore", str(file),
        ]  # fmt: skip
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        if done.returncode:
            raise Unavailable(f"keytool made no certificate: {(done.stdout + done.stderr).strip()[-300:]}")
    return file


def free_port() -> int:
    """A port of this machine that nothing listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def first_login(server: Server) -> Server:
    """Change the password that a new server demands to be changed; the new one is random."""
    from neo4j import GraphDatabase

    password = secrets.token_hex(12)
    with (
        GraphDatabase.driver(server.url, auth=(server.user, "neo4j")) as driver,
        driver.session(database="system") as session,
    ):
        session.run("ALTER CURRENT USER SET PASSWORD FROM 'neo4j' TO $new", new=password).consume()
    return replace(server, password=password)


@contextlib.contextmanager
def running(home: Path) -> Iterator[Server]:
    """A new server with its own data, ready to use, ended at the end; its data is scratch, so at once."""
    server = first_login(launch(home, free_port()))
    try:
        yield server
    finally:
        server.kill()


def empty(server: Server) -> None:
    """Take everything out of the database; keys and indexes stay."""
    from neo4j import GraphDatabase

    with (
        GraphDatabase.driver(server.url, auth=(server.user, server.password)) as driver,
        driver.session(database="neo4j") as session,
    ):
        session.run("MATCH (n) CALL (n) { DETACH DELETE n } IN TRANSACTIONS OF 5000 ROWS").consume()
