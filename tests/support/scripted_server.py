"""A loopback server that answers as it is told, byte for byte, and counts who came."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class ScriptedServer:
    """Each connection gets the next answer and is closed; an empty answer is a connection that drops."""

    def __init__(self, answers: list[bytes]) -> None:
        self._answers = answers
        self.requests: list[bytes] = []
        self.url = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take one request, head and body, and give it its answer."""
        try:
            self.requests.append(await _request(reader))
            writer.write(self._answers.pop(0))
            await writer.drain()
        except ConnectionError:  # the client had enough
            pass
        finally:
            writer.close()


async def _request(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    length = next((line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), b":0")
    return head + await reader.readexactly(int(length.split(b":")[1]))


def http(status: int, body: bytes = b"", **headers: str) -> bytes:
    """One whole HTTP answer; `content_encoding="gzip"` is a header."""
    lines = [f"HTTP/1.1 {status} Whatever", f"Content-Length: {len(body)}", "Connection: close"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


@asynccontextmanager
async def scripted(*answers: bytes) -> AsyncIterator[ScriptedServer]:
    """Serve these answers, one a connection, at `url`."""
    scripted_server = ScriptedServer(list(answers))
    server = await asyncio.start_server(scripted_server.serve, "127.0.0.1", 0)
    async with server:
        scripted_server.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/api/query"
        yield scripted_server
