"""Serves the local Discord, arXiv and Hugging Face and the web page on one loopback port.

Provides the addresses that a bot is configured with. It never listens on anything but 127.0.0.1, and never starts a
bot: `python -m sandbox` does that, and tests start their own.
"""

from email.utils import format_datetime
from types import TracebackType
from typing import Final, Self

from aiohttp import web

from sandbox.arxiv import LocalArxiv
from sandbox.clock import SandboxClock
from sandbox.control import ControlApi
from sandbox.discord import DefaultWorld, LocalDiscord
from sandbox.huggingface import LocalHuggingFace
from sandbox.security import install_security

HOST: Final = "127.0.0.1"
# The services close their own gateway and page connections; no other connection needs more time.
_SHUTDOWN_S: Final = 1.0


class Sandbox:
    """Serves until the `async with Sandbox()` block ends; port 0 selects a free port."""

    def __init__(
        self,
        *,
        port: int = 0,
        discord: LocalDiscord | None = None,
        arxiv: LocalArxiv | None = None,
        page: bool = True,
        live_arxiv: bool = False,
        clock: SandboxClock | None = None,
    ) -> None:
        self.clock = clock or SandboxClock()
        self.discord = discord or LocalDiscord(world=DefaultWorld(now=self.clock.unix_s))
        self.arxiv = arxiv or LocalArxiv(now=self.clock.now)
        self.huggingface = LocalHuggingFace(self.arxiv, now=self.clock.now)
        self.control = ControlApi(self.discord, self.arxiv, self.clock, live_arxiv=live_arxiv)
        self._port = port
        self._runner = web.AppRunner(self._app(page=page), access_log=None, shutdown_timeout=_SHUTDOWN_S)

    def _app(self, *, page: bool) -> web.Application:
        # The bot's messages contain uploads; Discord accepts up to 25 MiB.
        app = web.Application(client_max_size=26 * 1024 * 1024)
        install_security(app)
        app.on_response_prepare.append(self._set_date)
        self.discord.attach(app)
        self.arxiv.attach(app)
        self.huggingface.attach(app)
        if page:
            self.control.attach(app)
        return app

    async def _set_date(self, _request: web.Request, response: web.StreamResponse) -> None:
        """Sends the sandbox's time: the bot corrects its clock by this header."""
        response.headers["Date"] = format_datetime(self.clock.now(), usegmt=True)

    async def start(self) -> None:
        """Starts serving; raises OSError if the port is not available."""
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, HOST, self._port).start()
        except OSError:
            await self._runner.cleanup()
            raise
        self._port = int(self._runner.addresses[0][1])

    async def stop(self) -> None:
        """Closes every connection and stops serving."""
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
        """The address of the page, without a trailing slash."""
        return f"http://{HOST}:{self._port}"

    @property
    def discord_api_url(self) -> str:
        """The address that replaces https://discord.com/api/v10."""
        return f"{self.url}/api/v10"

    @property
    def gateway_url(self) -> str:
        """The address that replaces wss://gateway.discord.gg."""
        return f"ws://{HOST}:{self._port}/gateway"

    @property
    def arxiv_api_url(self) -> str:
        """The address that replaces arXiv's query endpoint."""
        return f"{self.url}/arxiv/api/query"

    @property
    def huggingface_api_url(self) -> str:
        """The address that replaces https://huggingface.co/api."""
        return f"{self.url}/huggingface/api"
