"""The page's own API: see what a person sees, do what a person does, and let arXiv announce or misbehave.

Enters: small JSON requests of the page. Leaves: JSON; {"error": one sentence} for what is not possible. It speaks
neither to the bot nor to Discord's API: people go through `LocalDiscord`, as they do in tests.
"""

from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Final

from aiohttp import web

from sandbox.arxiv import Fault, FaultKind, LocalArxiv
from sandbox.asked import Asked
from sandbox.child import BotState
from sandbox.discord import Invocation, LocalDiscord, NotAcknowledged, NotPossible, Permission
from sandbox.discord.shapes import Payload
from sandbox.live import Live
from sandbox.misdeeds import MISDEEDS
from sandbox.views import Views

_PAGE: Final = Path(__file__).parent / "page"
_SERVED: Final = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
_MESSAGES_A_PAGE: Final = 100
_TITLES_KEPT: Final = 10
_CONTENT_MAX: Final = 2000
_ANNOUNCED_MAX: Final = 2000

Answering = Callable[[Asked], Awaitable[object]]


class Control:
    """The page and what stands behind it."""

    def __init__(self, discord: LocalDiscord, arxiv: LocalArxiv, *, live_arxiv: bool = False) -> None:
        self._discord = discord
        self._arxiv = arxiv
        self._live_arxiv = live_arxiv
        self._views = Views(discord)
        self._live = Live(discord, self._views)
        self._bot = BotState.OFF
        self._announced: deque[Payload] = deque(maxlen=_TITLES_KEPT)

    def attach(self, app: web.Application) -> None:
        """Serve the page under / and its API under /control."""
        app.router.add_get("/", self._index)
        app.router.add_get("/static/{name}", self._static)
        app.router.add_get("/control/events", self._events)
        gets: Mapping[str, Answering] = {
            "people": self._people,
            "state": self._state,
            "commands": self._commands,
            "messages": self._messages,
        }
        posts: Mapping[str, Answering] = {
            "say": self._say,
            "command": self._command,
            "autocomplete": self._autocomplete,
            "press": self._press,
            "choose": self._choose,
            "announce": self._announce,
            "misbehave": self._misbehave,
            "behave": self._behave,
        }
        for name, answering in gets.items():
            app.router.add_get(f"/control/{name}", _answer(answering))
        for name, answering in posts.items():
            app.router.add_post(f"/control/{name}", _answer(answering))
        app.cleanup_ctx.append(self._live.watch_bot)
        app.on_shutdown.append(self._live.close)

    def bot_changed(self, state: BotState) -> None:
        """Show on the page whether the bot process is there."""
        self._bot = state
        self._live.state_changed()

    async def _index(self, request: web.Request) -> web.StreamResponse:  # noqa: ARG002  aiohttp's signature
        return web.FileResponse(_PAGE / "index.html")

    async def _static(self, request: web.Request) -> web.StreamResponse:
        name = Path(request.match_info["name"])
        path = _PAGE / name.name  # the name alone: nothing outside the folder can be asked for
        if name.suffix not in _SERVED or not path.is_file():
            raise web.HTTPNotFound
        return web.Response(text=path.read_text(encoding="utf-8"), content_type=_SERVED[name.suffix])

    async def _events(self, request: web.Request) -> web.StreamResponse:
        asked = await Asked.of(request)
        return await self._live.serve(request, self._person(asked))

    async def _people(self, asked: Asked) -> object:  # noqa: ARG002  asked by nobody yet
        return {"people": self._views.people()}

    async def _state(self, asked: Asked) -> object:
        user_id = self._person(asked)
        return {
            "me": str(user_id),
            "people": self._views.people(),
            "users": self._views.users(),
            "guilds": self._views.guilds(user_id),
            "dm": self._views.direct_messages(user_id),
            "bot": {
                "id": str(self._discord.world.bot_id),
                "name": self._discord.world.users[self._discord.world.bot_id].shown_name,
                "process": self._bot,
                "ready": self._discord.bot_is_ready,
            },
            "arxiv": {
                "live": self._live_arxiv,
                "waiting": self._arxiv.waiting,
                "announced": list(self._announced),
                "misdeeds": [{"kind": kind, "label": label} for kind, label in MISDEEDS.items()],
                "pending": [
                    {"label": MISDEEDS[fault.kind], "times": fault.times} for fault in self._arxiv.faults.pending
                ],
            },
        }

    async def _commands(self, asked: Asked) -> object:
        user_id, channel_id = self._looking(asked)
        return {"commands": [] if channel_id is None else self._discord.commands_for(user_id, channel_id)}

    async def _messages(self, asked: Asked) -> object:
        user_id, channel_id = self._looking(asked)
        if channel_id is None:
            return {"messages": [], "has_older": False}
        before = asked.snowflake("before") if asked.has("before") else None
        messages, has_older = self._views.page(user_id, channel_id, before=before, limit=_MESSAGES_A_PAGE)
        return {"messages": messages, "has_older": has_older}

    async def _say(self, asked: Asked) -> object:
        user_id, channel_id = self._person(asked), self._channel(asked)
        content = asked.text("content").strip()
        if not 0 < len(content) <= _CONTENT_MAX:
            raise NotPossible(f"A message has 1 to {_CONTENT_MAX:,} characters.")
        channel = self._discord.world.channels[channel_id]
        sending = Permission.SEND_MESSAGES_IN_THREADS if channel.is_thread else Permission.SEND_MESSAGES
        if sending not in self._discord.world.permissions(user_id, channel_id):
            raise NotPossible("You do not have permission to send messages in this channel.")
        return {"id": str(self._discord.world.messages.post(channel_id, user_id, content).id)}

    async def _command(self, asked: Asked) -> object:
        user_id, channel_id, name = self._person(asked), self._channel(asked), asked.text("name")
        options = asked.options(self._discord.commands_for(user_id, channel_id))
        invocation = await self._discord.run_command(name, options, user_id=user_id, channel_id=channel_id)
        self._views.remember(invocation, name)
        return await _acknowledged(invocation)

    async def _autocomplete(self, asked: Asked) -> object:
        user_id, channel_id = self._person(asked), self._channel(asked)
        options = asked.options(self._discord.commands_for(user_id, channel_id))
        try:
            choices = await self._discord.autocomplete(
                asked.text("name"), options, asked.text("focused"), user_id=user_id, channel_id=channel_id
            )
        except NotAcknowledged:
            return {"acknowledged": False, "choices": []}
        return {
            "acknowledged": True,
            "choices": [{"name": choice.name, "value": choice.value} for choice in choices],
        }

    async def _press(self, asked: Asked) -> object:
        message_id, custom_id = asked.snowflake("message"), asked.text("custom_id")
        return await _acknowledged(await self._discord.press(message_id, custom_id, user_id=self._person(asked)))

    async def _choose(self, asked: Asked) -> object:
        message_id, custom_id, values = asked.snowflake("message"), asked.text("custom_id"), asked.texts("values")
        return await _acknowledged(
            await self._discord.choose(message_id, custom_id, values, user_id=self._person(asked))
        )

    async def _announce(self, asked: Asked) -> object:
        papers = self._arxiv.announce(asked.number("count", 1, _ANNOUNCED_MAX))
        self._announced.extendleft({"id": paper.versioned_id, "title": paper.title} for paper in papers)
        self._live.state_changed()
        return {"announced": len(papers)}

    async def _misbehave(self, asked: Asked) -> object:
        try:
            kind = FaultKind(asked.text("kind"))
        except ValueError:
            raise NotPossible(f"arXiv has no such misbehaviour; it has {', '.join(FaultKind)}.") from None
        self._arxiv.faults.add(Fault(kind, times=asked.number("times", 1, 1000)))
        self._live.state_changed()
        return {}

    async def _behave(self, asked: Asked) -> object:  # noqa: ARG002  nothing is asked but this
        self._arxiv.faults.clear()
        self._live.state_changed()
        return {}

    def _person(self, asked: Asked) -> int:
        user = self._discord.world.users.get(asked.snowflake("as"))
        if user is None or user.bot:
            raise NotPossible("There is no such person.")
        return user.id

    def _looking(self, asked: Asked) -> tuple[int, int | None]:
        """Who looks, and at which channel: None is one that vanished before the page heard of it, an empty place."""
        user_id, channel_id = self._person(asked), asked.snowflake("channel")
        world = self._discord.world
        can_view = channel_id in world.channels and world.can_view(user_id, channel_id)
        return user_id, channel_id if can_view else None

    def _channel(self, asked: Asked) -> int:
        _, channel_id = self._looking(asked)
        if channel_id is None:
            raise NotPossible("You cannot see that channel.")
        return channel_id


async def _acknowledged(invocation: Invocation) -> object:
    try:
        await invocation.until_acknowledged()
    except NotAcknowledged:
        return {"acknowledged": False}
    return {"acknowledged": True}


def _answer(answering: Answering) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def answer(request: web.Request) -> web.StreamResponse:
        try:
            return web.json_response(await answering(await Asked.of(request)))
        except NotPossible as refusal:
            return web.json_response({"error": str(refusal)}, status=400)

    return answer
