"""Many connections to one port at the same time, as an attacker opens them: idle, half-sent, or slow."""

import asyncio
import contextlib
import errno
import resource
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Final

# Descriptors for everything except the flood.
_OTHER_DESCRIPTORS: Final = 512
# How many connections are opened before the event loop runs anything else.
_BATCH: Final = 20


@dataclass
class ConnectionFlood:
    """Opens connections to a port, sends the same bytes on each, and never reads."""

    port: int
    sent: bytes = b""
    host: str = "127.0.0.1"
    opened: int = 0
    sockets: list[socket.socket] = field(default_factory=list)

    async def open(self, connections: int) -> None:
        """Opens more connections; one that the server refuses counts as opened."""
        for number in range(connections):
            connection = socket.socket()
            self.sockets.append(connection)
            connection.setblocking(False)
            with contextlib.suppress(OSError):
                await asyncio.get_running_loop().sock_connect(connection, (self.host, self.port))
                if self.sent:
                    connection.send(self.sent)
            self.opened += 1
            if number % _BATCH == 0:
                await asyncio.sleep(0)

    def closed_by_server(self) -> int:
        """Returns how many of the connections the server has closed."""
        return sum(map(_is_closed, self.sockets))

    def close(self) -> None:
        """Closes all connections."""
        for connection in self.sockets:
            connection.close()
        self.sockets.clear()


def _is_closed(connection: socket.socket) -> bool:
    try:
        while connection.recv(65536):
            pass
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True


@contextlib.asynccontextmanager
async def flooding(port: int, sent: bytes = b"", connections: int = 0) -> AsyncIterator[ConnectionFlood]:
    """Opens connections until the block ends; raises this process's limit of descriptors for it."""
    if allowed_connections(connections) < connections:
        raise OSError(errno.EMFILE, "the system allows too few descriptors for this flood")
    flood = ConnectionFlood(port, sent)
    try:
        await flood.open(connections)
        yield flood
    finally:
        flood.close()


def allowed_connections(wanted: int) -> int:
    """Raises this process's own limit of descriptors as needed and possible; returns how many connections it allows."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = wanted + _OTHER_DESCRIPTORS
    if soft == resource.RLIM_INFINITY or soft >= needed:
        return wanted
    soft = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return soft - _OTHER_DESCRIPTORS
