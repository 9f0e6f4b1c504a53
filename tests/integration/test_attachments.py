"""Loading the file of an attachment option: only from allowed servers, within limits of size and time."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from bot.discord_api.attachments import AttachmentLoader, AttachmentUnavailable
from bot.runtime.clock import SystemClock

MAX_BYTES = 4096
DISCORD = "https://discord.com/api/v10"


@dataclass(frozen=True)
class File:
    """What an interaction says about a file."""

    url: str
    size: int = 10


@pytest.fixture
async def server() -> AsyncIterator[TestServer]:
    """A CDN that misbehaves."""

    async def large(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for _ in range(1000):
            await response.write(b"x" * 65536)
        return response

    async def silent(_: web.Request) -> web.StreamResponse:
        await asyncio.Event().wait()
        raise web.HTTPOk

    async def elsewhere(_: web.Request) -> web.StreamResponse:
        raise web.HTTPFound("/file")

    async def file(_: web.Request) -> web.StreamResponse:
        return web.Response(body=b"content")

    app = web.Application()
    app.add_routes(
        [web.get("/file", file), web.get("/large", large), web.get("/silent", silent), web.get("/redirect", elsewhere)]
    )
    server = TestServer(app, host="127.0.0.1")
    await server.start_server()
    yield server
    await server.close()


def loader(server: TestServer, timeout_s: float = 20.0) -> AttachmentLoader:
    """A loader for a local Discord on this server."""
    return AttachmentLoader(SystemClock(), str(server.make_url("/api/v10")), "tests", timeout_s=timeout_s)


async def failure(attachments: AttachmentLoader, file: File) -> str:
    with pytest.raises(AttachmentUnavailable) as raised:
        await attachments.load(file, MAX_BYTES)
    return str(raised.value)


async def test_file_of_the_local_discord_is_loaded(server: TestServer) -> None:
    assert await loader(server).load(File(str(server.make_url("/file?ex=1&hm=ab"))), MAX_BYTES) == b"content"


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("/large", "The file has 5 kB; a file can have up to 4 kB."),
        ("/silent", "The file can't be loaded: Discord's file server is unreachable (timed out). Please try again."),
        ("/redirect", "Discord no longer has the file. Attach it again."),
        ("/missing", "Discord no longer has the file. Attach it again."),
    ],
)
async def test_file_that_cannot_be_loaded_is_explained(server: TestServer, path: str, reason: str) -> None:
    timeout_s = 0.05 if path == "/silent" else 20.0
    assert await failure(loader(server, timeout_s), File(str(server.make_url(path)))) == reason


async def test_file_whose_stated_size_is_too_large_is_not_requested(server: TestServer) -> None:
    attachments, url = loader(server), str(server.make_url("/file"))
    await server.close()
    assert await failure(attachments, File(url, MAX_BYTES + 1)) == "The file has 5 kB; a file can have up to 4 kB."
    assert "unreachable (no connection)" in await failure(attachments, File(url))


@pytest.mark.parametrize(
    "url",
    [
        "http://cdn.discordapp.com/file",
        "https://cdn.discordapp.com.example.org/file",
        "https://user@cdn.discordapp.com/file",
        "https://cdn.discordapp.com:8443/file",
        "https://example.org/cdn.discordapp.com",
        "https://169.254.169.254/latest/meta-data",
        "http://127.0.0.1:1/cdn/file",
        "http://[::1/file",
        "https://cdn.discordapp.com:99999/file",
        "file:///etc/passwd",
        "",
    ],
)
async def test_file_on_another_server_is_never_requested(server: TestServer, url: str) -> None:
    reason = "The file is not on Discord's servers. Attach it again."
    assert await failure(loader(server), File(url)) == reason
    # A local server is allowed only if Discord's API is on it.
    remote = AttachmentLoader(SystemClock(), DISCORD, "tests")
    assert await failure(remote, File(str(server.make_url("/file")))) == reason
