"""A wire between driver and server that can be cut at a commit."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable
from typing import Literal

COMMIT = b"\x00\x02\xb0\x12\x00\x00"
"""The Bolt message COMMIT: a chunk of two bytes (an empty structure with tag 0x12) and the end mark."""

Fate = Literal["stored", "lost"]


class Wire:
    """Listens on a free port of 127.0.0.1 and passes everything on to the server's port.

    `cut(fate)` breaks the connection of the next commit: after the server has answered it ("stored"), or before it
    hears of it ("lost"). With `dead` no later connection comes about. `called` makes the server call itself
    otherwise: (what it says, what is passed on instead), of the same length.
    """

    def __init__(self, port: int, *, called: tuple[bytes, bytes] = (b"", b"")) -> None:
        self._server = port
        self._called = called
        self._fate: Fate | None = None
        self._dead = False
        self._after: bool = False
        self._then: Callable[[], None] | None = None
        self.cuts = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(0.2)
        self.port: int = self._listener.getsockname()[1]
        self._open = True
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def cut(self, fate: Fate, *, dead: bool = False, then: Callable[[], None] | None = None) -> None:
        """Break the connection of the next commit, and do something to the server at that moment."""
        self._after, self._then, self._fate = dead, then, fate

    def close(self) -> None:
        """Stop listening."""
        self._open = False
        self._listener.close()
        for thread in self._threads:
            thread.join(timeout=5)

    def _accept(self) -> None:
        while self._open:
            try:
                client, _ = self._listener.accept()
            except TimeoutError:
                continue
            except OSError:
                return
            if self._dead:
                client.close()
                continue
            try:
                server = socket.create_connection(("127.0.0.1", self._server))
            except OSError:
                client.close()
                continue
            pair = (client, server)
            for ends in ((client, server, True), (server, client, False)):
                thread = threading.Thread(target=self._pass, args=(*ends, pair), daemon=True)
                self._threads.append(thread)
                thread.start()

    def _pass(
        self, source: socket.socket, target: socket.socket, asking: bool, pair: tuple[socket.socket, socket.socket]
    ) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                if asking and self._fate and COMMIT in data:
                    self._break(data, target, pair)
                    return
                target.sendall(data if asking or not self._called[0] else data.replace(*self._called))
        for each in pair:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def _break(self, data: bytes, server: socket.socket, pair: tuple[socket.socket, socket.socket]) -> None:
        fate, self._fate = self._fate, None
        self.cuts += 1
        self._dead = self._after
        client = pair[0]
        client.shutdown(socket.SHUT_RDWR)
        if fate == "stored":
            server.sendall(data)
            if self._then:
                self._then()
            # The other direction reads the answer, fails to pass it on, and closes both.
            return
        if self._then:
            self._then()
        for each in pair:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()
