"""Accepts the connections of the web server, and keeps accepting when the process has no file descriptor left.

asyncio's own server tries a hundred times per second then, and logs each failure. It never reads from a connection.
"""

import asyncio
import contextlib
import errno
import logging
import os
import socket
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Final

from bot.web.connections import Connections, HttpConnection

log = logging.getLogger(__name__)

# Connections that wait to be accepted; Linux allows at most net.core.somaxconn.
BACKLOG: Final = 1024
# How many connections are accepted before the event loop runs anything else.
BATCH: Final = 16
# How long nothing is accepted after the system had no resources for a connection.
RETRY_INTERVAL_S: Final = 1.0
_OUT_OF_RESOURCES: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})


@contextlib.asynccontextmanager
async def accepting(
    host: str, port: int, connections: Connections, make: Callable[[], HttpConnection]
) -> AsyncIterator[None]:
    """Accepts connections at all addresses of `host` until the block ends; raises OSError if one cannot be used."""
    with contextlib.ExitStack() as closing:
        listeners = await _listeners(host, port, closing)
        tasks = [asyncio.create_task(_accept_forever(each, connections, make), name="accepting") for each in listeners]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            for result in await asyncio.gather(*tasks, return_exceptions=True):
                if isinstance(result, Exception):
                    raise result


async def _listeners(host: str, port: int, closing: contextlib.ExitStack) -> list[socket.socket]:
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    listeners = []
    for family, address in dict.fromkeys((family, address[:2]) for family, _, _, _, address in found):
        listener = closing.enter_context(socket.create_server(address, family=family, backlog=BACKLOG))
        listener.setblocking(False)
        listeners.append(listener)
    return listeners


async def _accept_forever(
    listener: socket.socket, connections: Connections, make: Callable[[], HttpConnection]
) -> None:
    while True:
        try:
            accepted = [await _first(listener), *_others(listener)]
        except OSError as error:
            if error.errno in _OUT_OF_RESOURCES:
                log.warning("connection not accepted", extra={"reason": os.strerror(error.errno).lower()})
                connections.close_oldest()  # this frees a descriptor
                await asyncio.sleep(RETRY_INTERVAL_S)
            # Any other error is about one connection that is already gone (accept(2), error handling).
            continue
        await _serve_all(accepted, make)


async def _first(listener: socket.socket) -> socket.socket:
    """Waits for a connection; lets the event loop run first, because a connection that already waits does not."""
    await asyncio.sleep(0)
    connection, _ = await asyncio.get_running_loop().sock_accept(listener)
    return connection


def _others(listener: socket.socket) -> list[socket.socket]:
    """Returns more connections that already wait."""
    accepted: list[socket.socket] = []
    with contextlib.suppress(OSError):  # none waits; any other error returns with the next call
        while len(accepted) < BATCH - 1:
            connection, _ = listener.accept()
            connection.setblocking(False)
            accepted.append(connection)
    return accepted


async def _serve_all(accepted: Sequence[socket.socket], make: Callable[[], HttpConnection]) -> None:
    """Starts to serve the connections; even if the caller is cancelled, so that each socket has an owner."""
    serving = asyncio.gather(*(_serve(each, make) for each in accepted))
    try:
        await asyncio.shield(serving)
    except asyncio.CancelledError:
        await serving
        raise


async def _serve(connection: socket.socket, make: Callable[[], HttpConnection]) -> None:
    try:
        await asyncio.get_running_loop().connect_accepted_socket(make, connection)
    except OSError:  # the client has already closed it
        connection.close()
