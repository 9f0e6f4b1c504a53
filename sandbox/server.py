"""One loopback port with everything on it: the local Discord, arXiv and Hugging Face, and the page.

Enters: the local services, or nothing (then it makes them). Leaves: addresses to point a bot at.
It never listens beyond 127.0.0.1 and never starts a bot: `python -m sandbox` does that, and tests bring their own.
"""

from types import TracebackType
from typing import Final, Self

from aiohttp import web

from sandbox.arxiv import LocalArxiv
from sandbox.control import ControlApi
from sandbox.discord import LocalDiscord
from sandbox.huggingface import LocalHuggingFace
from sandbox.security import install_security

HOST: Final = "127.0.0.1"
# Open gateway and page connections are closed by the services; nothing else is worth waiting for.
_SHUTDOWN_S: Final = 1.0


class Sandbox:
    """`async with Sandbox() as sandbox:` serves until the block ends; port 0 takes a free one."""

    def __init__(
        self,
        *,
        port: int = 0,
        discord: LocalDiscord | None = None,
        arxiv: LocalArxiv | None = None,
        page: bool = True,
        live_arxiv: bool = False,
    ) -> None:
        self.discord = discord or LocalDiscord()
        self.arxiv = arxiv or LocalArxiv()
        self.huggingface = LocalHuggingFace(self.arxiv)
        self.control = ControlApi(self.discord, self.arxiv, live_arxiv=live_arxiv)
        self._port = port
        self._runner = web.AppRunner(self._app(page=page), access_log=None, shutdown_timeout=_SHUTDOWN_S)

    def _app(self, *, page: bool) -> web.Application:
        # Uploads come through the bot's messages; Discord takes 25 MiB.
        app = web.Application(client_max_size=26 * 1024 * 1024)
        install_security(app)
        self.discord.attach(app)
        self.arxiv.attach(app)
        self.huggingface.attach(app)
        if page:
            self.control.attach(app)
        return app

    async def start(self) -> None:
        """Begin to serve; OSError when the port cannot be had."""
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, HOST, self._port).start()
        except OSError:
            await self._runner.cleanup()
            raise
        self._port = int(self._runner.addresses[0][1])

    async def stop(self) -> None:
        """Close every connection and end."""
        await self._runner.cleanup()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    @property
    def url(self) -> str:
        """The page's address, without a slash at its end."""
        return f"http://{HOST}:{self._port}"

    @property
    def discord_api_url(self) -> str:
        """What a bot takes for https://discord.com/api/v10."""
        return f"{self.url}/api/v10"

    @property
    def gateway_url(self) -> str:
        """What a bot takes for wss://gateway.discord.gg."""
        return f"ws://{HOST}:{self._port}/gateway"

    @property
    def arxiv_api_url(self) -> str:
        """What a bot takes for arXiv's query endpoint."""
        return f"{self.url}/arxiv/api/query"

    @property
    def huggingface_api_url(self) -> str:
        """What a bot takes for https://huggingface.co/api."""
        return f"{self.url}/huggingface/api"
