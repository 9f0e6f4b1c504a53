"""Loopback connections: a server with scripted responses, free ports, and clients with a short timeout."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from random import SystemRandom
from typing import Final

from bot.runtime.http import HttpClient

# Below the range from which Linux assigns ports by itself (net.ipv4.ip_local_port_range): no other connection takes the
# port between this check and the start of the server.
_PORTS: Final = range(20_000, 32_768)
_RANDOM: Final = SystemRandom()  # tests seed the global generator, with the same seed in all workers
_SHORT_TIMEOUT_S: Final = 0.3


class ScriptedServer:
    """Sends the next response on each connection and closes it; an empty response drops the connection."""

    def __init__(self, responses: list[bytes]) -> None:
        self._responses = responses
        self.requests: list[bytes] = []
        self.url = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Reads one request, head and body, and sends the next response."""
        try:
            self.requests.append(await _request(reader))
            writer.write(self._responses.pop(0))
            await writer.drain()
        except ConnectionError:  # the client closed the connection
            pass
        finally:
            writer.close()


async def _request(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    length = next((line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), b":0")
    return head + await reader.readexactly(int(length.split(b":")[1]))


def http(status: int, body: bytes = b"", **headers: str) -> bytes:
    """Returns a whole HTTP response; `content_encoding="gzip"` is a header."""
    lines = [f"HTTP/1.1 {status} Whatever", f"Content-Length: {len(body)}", "Connection: close"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


@asynccontextmanager
async def scripted(*responses: bytes) -> AsyncIterator[ScriptedServer]:
    """Serves these responses, one per connection, at `url`."""
    scripted_server = ScriptedServer(list(responses))
    server = await asyncio.start_server(scripted_server.serve, "127.0.0.1", 0)
    async with server:
        scripted_server.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/api/query"
        yield scripted_server


def free_port() -> int:
    """Returns a port of this machine on which nothing listens."""
    while True:
        port = _RANDOM.choice(_PORTS)
        try:
            with socket.create_server(("127.0.0.1", port)):
                return port
        except OSError:
            continue


@contextmanager
def short_timeout(client: HttpClient) -> Iterator[None]:
    """Shortens the client's timeout until the block ends, for a server that is slow on purpose."""
    timeout_s = client.timeout_s
    client.timeout_s = _SHORT_TIMEOUT_S
    try:
        yield
    finally:
        client.timeout_s = timeout_s
