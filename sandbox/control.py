"""The page's API: reads what a user can see, acts as that user, announces papers and injects arXiv faults.

Responds with JSON, and with {"error": one sentence} and status 400 to an invalid action. It never contacts the bot
or Discord's API directly: every action goes through `LocalDiscord`, as in tests.
"""

from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Final

from aiohttp import web

from sandbox.arxiv import ArxivFault, ArxivFaultKind, LocalArxiv
from sandbox.arxiv.faults import FAULT_LABELS
from sandbox.bot_supervisor import BotState
from sandbox.clock import SandboxClock
from sandbox.discord import InvalidAction, Invocation, LocalDiscord, NotAcknowledged, Permission
from sandbox.discord.attachments import UPLOAD_MAX_BYTES, UPLOAD_TOO_LARGE
from sandbox.discord.model import MESSAGEABLE
from sandbox.discord.primitives import Payload
from sandbox.live_updates import LiveUpdates
from sandbox.page_data import PageData
from sandbox.request_fields import RequestFields

_PAGE: Final = Path(__file__).parent / "page"
_SERVED: Final = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
_MESSAGES_A_PAGE: Final = 100
_TITLES_KEPT: Final = 10
_CONTENT_MAX: Final = 2000
_ANNOUNCED_MAX: Final = 2000

ControlHandler = Callable[[RequestFields], Awaitable[object]]


class ControlApi:
    """Serves the page and the API that it calls."""

    def __init__(
        self, discord: LocalDiscord, arxiv: LocalArxiv, clock: SandboxClock, *, live_arxiv: bool = False
    ) -> None:
        self._clock = clock
        self._restart_bot: Callable[[], None] | None = None
        self._discord = discord
        self._arxiv = arxiv
        self._live_arxiv = live_arxiv
        self._page_data = PageData(discord)
        self._live_updates = LiveUpdates(discord, self._page_data)
        self._bot = BotState.OFF
        self._announced: deque[Payload] = deque(maxlen=_TITLES_KEPT)

    def attach(self, app: web.Application) -> None:
        """Serves the page under / and its API under /control."""
        app.router.add_get("/", self._index)
        app.router.add_get("/static/{name}", self._static)
        app.router.add_get("/control/events", self._events)
        gets: Mapping[str, ControlHandler] = {
            "accounts": self._accounts,
            "state": self._state,
            "commands": self._commands,
            "messages": self._messages,
        }
        posts: Mapping[str, ControlHandler] = {
            "send": self._send,
            "command": self._command,
            "message-command": self._message_command,
            "autocomplete": self._autocomplete,
            "press": self._press,
            "choose": self._choose,
            "submit": self._submit,
            "announce": self._announce,
            "end-day": self._end_day,
            "add-fault": self._add_fault,
            "clear-faults": self._clear_faults,
        }
        for name, handler in gets.items():
            app.router.add_get(f"/control/{name}", _json_handler(handler))
        app.router.add_post("/control/upload", self._upload)
        for name, handler in posts.items():
            app.router.add_post(f"/control/{name}", _json_handler(handler))
        app.cleanup_ctx.append(self._live_updates.watch_bot)
        app.on_shutdown.append(self._live_updates.close)

    def set_bot_state(self, state: BotState) -> None:
        """Shows the state of the bot process on the page."""
        self._bot = state
        self._live_updates.state_changed()

    def set_restart(self, restart_bot: Callable[[], None]) -> None:
        """Sets what restarts the bot with the sandbox's time; before, the day cannot be ended."""
        self._restart_bot = restart_bot

    async def _index(self, request: web.Request) -> web.StreamResponse:  # noqa: ARG002  aiohttp's signature
        return web.FileResponse(_PAGE / "index.html")

    async def _static(self, request: web.Request) -> web.StreamResponse:
        name = Path(request.match_info["name"])
        path = _PAGE / name.name  # only the file name, so that no file outside the folder can be requested
        if name.suffix not in _SERVED or not path.is_file():
            raise web.HTTPNotFound
        return web.Response(text=path.read_text(encoding="utf-8"), content_type=_SERVED[name.suffix])

    async def _events(self, request: web.Request) -> web.StreamResponse:
        fields = await RequestFields.read(request)
        return await self._live_updates.serve(request, self._user(fields))

    async def _accounts(self, fields: RequestFields) -> object:  # noqa: ARG002  it needs no fields
        return {"accounts": self._page_data.accounts()}

    async def _state(self, fields: RequestFields) -> object:
        user_id = self._user(fields)
        return {
            "me": str(user_id),
            "accounts": self._page_data.accounts(),
            "users": self._page_data.users(),
            "guilds": self._page_data.guilds(user_id),
            "dm": self._page_data.direct_messages(user_id),
            "bot": {
                "id": str(self._discord.world.bot_id),
                "name": self._discord.world.users[self._discord.world.bot_id].shown_name,
                "process": self._bot,
                "ready": self._discord.bot_is_ready,
            },
            "clock": {"now": self._clock.now().isoformat(), "ahead_s": self._clock.ahead.total_seconds()},
            "arxiv": {
                "live": self._live_arxiv,
                "queued": self._arxiv.queued,
                "announced": list(self._announced),
                "fault_kinds": [{"kind": kind, "label": label} for kind, label in FAULT_LABELS.items()],
                "pending_faults": [
                    {"label": FAULT_LABELS[fault.kind], "times": fault.times} for fault in self._arxiv.faults.pending
                ],
            },
        }

    async def _commands(self, fields: RequestFields) -> object:
        user_id, channel_id = self._user_and_channel(fields)
        return {"commands": [] if channel_id is None else self._discord.commands_for(user_id, channel_id)}

    async def _messages(self, fields: RequestFields) -> object:
        user_id, channel_id = self._user_and_channel(fields)
        if channel_id is None:
            return {"messages": [], "has_older": False}
        before = fields.snowflake("before") if fields.has("before") else None
        messages, has_older = self._page_data.page(user_id, channel_id, before=before, limit=_MESSAGES_A_PAGE)
        return {"messages": messages, "has_older": has_older}

    async def _send(self, fields: RequestFields) -> object:
        user_id, channel_id = self._user(fields), self._channel(fields)
        content = fields.text("content").strip()
        if not 0 < len(content) <= _CONTENT_MAX:
            raise InvalidAction(f"A message must have 1 to {_CONTENT_MAX:,} characters.")
        channel = self._discord.world.channels[channel_id]
        if channel.kind not in MESSAGEABLE:
            raise InvalidAction("A forum has only posts. Open one of them, or another channel.")
        sending = Permission.SEND_MESSAGES_IN_THREADS if channel.is_thread else Permission.SEND_MESSAGES
        if sending not in self._discord.world.permissions(user_id, channel_id):
            raise InvalidAction("You do not have permission to send messages in this channel.")
        return {"id": str(self._discord.world.messages.post(channel_id, user_id, content).id)}

    async def _command(self, fields: RequestFields) -> object:
        user_id, channel_id, name = self._user(fields), self._channel(fields), fields.text("name")
        options = fields.options(self._discord.commands_for(user_id, channel_id))
        invocation = await self._discord.run_command(name, options, user_id=user_id, channel_id=channel_id)
        self._page_data.remember(invocation, name)
        return await _acknowledged(invocation)

    async def _message_command(self, fields: RequestFields) -> object:
        message_id, name = fields.snowflake("message"), fields.text("name")
        invocation = await self._discord.run_message_command(name, message_id, user_id=self._user(fields))
        self._page_data.remember(invocation, name)
        return await _acknowledged(invocation)

    async def _autocomplete(self, fields: RequestFields) -> object:
        user_id, channel_id = self._user(fields), self._channel(fields)
        options = fields.options(self._discord.commands_for(user_id, channel_id))
        try:
            choices = await self._discord.autocomplete(
                fields.text("name"), options, fields.text("focused"), user_id=user_id, channel_id=channel_id
            )
        except NotAcknowledged:
            return {"acknowledged": False, "choices": []}
        return {
            "acknowledged": True,
            "choices": [{"name": choice.name, "value": choice.value} for choice in choices],
        }

    async def _upload(self, request: web.Request) -> web.StreamResponse:
        """Stores a file for an attachment option: the body is its content, the query has the user and its name."""
        fields, origin = RequestFields(dict(request.query)), str(request.url.origin())
        try:
            content, user_id = await _read_upload(request), self._user(fields)
            upload_id = self._discord.upload(fields.text("filename"), content, user_id=user_id, origin=origin)
        except InvalidAction as error:
            return web.json_response({"error": str(error)}, status=400)
        return web.json_response({"id": str(upload_id)})

    async def _press(self, fields: RequestFields) -> object:
        message_id, custom_id = fields.snowflake("message"), fields.text("custom_id")
        return await _acknowledged(await self._discord.press(message_id, custom_id, user_id=self._user(fields)))

    async def _choose(self, fields: RequestFields) -> object:
        message_id, custom_id, values = fields.snowflake("message"), fields.text("custom_id"), fields.texts("values")
        return await _acknowledged(
            await self._discord.choose(message_id, custom_id, values, user_id=self._user(fields))
        )

    async def _submit(self, fields: RequestFields) -> object:
        interaction_id, values = fields.snowflake("interaction"), fields.text_by_name("values")
        return await _acknowledged(await self._discord.submit_modal(interaction_id, values, user_id=self._user(fields)))

    async def _announce(self, fields: RequestFields) -> object:
        papers = self._arxiv.announce_requested(fields.integer("count", 1, _ANNOUNCED_MAX))
        self._announced.extendleft({"id": paper.versioned_id, "title": paper.title} for paper in papers)
        self._live_updates.state_changed()
        return {"announced": len(papers)}

    async def _end_day(self, fields: RequestFields) -> object:  # noqa: ARG002  it needs no fields
        if self._restart_bot is None:
            raise InvalidAction("The day can't be ended: the bot was not started by the sandbox.")
        self._clock.end_day()
        self._restart_bot()
        self._live_updates.state_changed()
        return {}

    async def _add_fault(self, fields: RequestFields) -> object:
        try:
            kind = ArxivFaultKind(fields.text("kind"))
        except ValueError:
            raise InvalidAction(f"Unknown fault. Use one of: {', '.join(ArxivFaultKind)}.") from None
        self._arxiv.faults.add(ArxivFault(kind, times=fields.integer("times", 1, 1000)))
        self._live_updates.state_changed()
        return {}

    async def _clear_faults(self, fields: RequestFields) -> object:  # noqa: ARG002  it needs no fields
        self._arxiv.faults.clear()
        self._live_updates.state_changed()
        return {}

    def _user(self, fields: RequestFields) -> int:
        user = self._discord.world.users.get(fields.snowflake("as"))
        if user is None or user.bot:
            raise InvalidAction("There is no such user.")
        return user.id

    def _user_and_channel(self, fields: RequestFields) -> tuple[int, int | None]:
        """Returns the user and the channel; None for a channel that was deleted before the page was notified."""
        user_id, channel_id = self._user(fields), fields.snowflake("channel")
        world = self._discord.world
        can_view = channel_id in world.channels and world.can_view(user_id, channel_id)
        return user_id, channel_id if can_view else None

    def _channel(self, fields: RequestFields) -> int:
        _, channel_id = self._user_and_channel(fields)
        if channel_id is None:
            raise InvalidAction("You can't see that channel.")
        return channel_id


async def _read_upload(request: web.Request) -> bytes:
    # A form on another site cannot send this content type without a CORS preflight request.
    if request.content_type != "application/octet-stream":
        raise InvalidAction("The content type must be application/octet-stream.")
    if (request.content_length or 0) > UPLOAD_MAX_BYTES:  # aiohttp would accept more than Discord
        raise InvalidAction(UPLOAD_TOO_LARGE)
    return await request.read()


async def _acknowledged(invocation: Invocation) -> object:
    try:
        await invocation.wait_until_acknowledged()
    except NotAcknowledged:
        return {"acknowledged": False}
    if invocation.modal is not None:
        return {"acknowledged": True, "modal": invocation.modal | {"interaction": str(invocation.id)}}
    return {"acknowledged": True}


def _json_handler(handler: ControlHandler) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def handle(request: web.Request) -> web.StreamResponse:
        try:
            return web.json_response(await handler(await RequestFields.read(request)))
        except InvalidAction as error:
            return web.json_response({"error": str(error)}, status=400)

    return handle
