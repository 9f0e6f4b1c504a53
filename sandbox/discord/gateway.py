"""The gateway: the WebSocket over which the bot receives events.

Source: discord.com/developers/docs/events/gateway. It sends HELLO, READY, guilds, events and heartbeat ACKs, and
resumes sessions. It never changes the world.
"""

import asyncio
import json
import secrets
import time
from enum import IntEnum
from typing import Final

from aiohttp import WSCloseCode, WSMessage, WSMsgType, web

from sandbox.discord.events import ChangeSignal
from sandbox.discord.payloads import user_payload
from sandbox.discord.primitives import Payload, as_int, as_list, as_mapping, as_text
from sandbox.discord.sessions import PRIVILEGED, Op, SendQueue, Session, frame
from sandbox.discord.world import World

PATH = "/gateway"
_SENDS_PER_MINUTE: Final = 120
_RESUMABLE_S: Final = 180.0
_HEARTBEAT_INTERVAL_MS: Final = 41_250
# A stopped bot does not respond to a close frame, so waiting for it is pointless.
_CLOSE_TIMEOUT_S: Final = 1.0
_SANDBOX_PREFIX = "SANDBOX_"

_ACK_AFTER_S: Final = 0.05


class CloseCode(IntEnum):
    """Close codes of the gateway (topics/opcodes-and-status-codes)."""

    UNKNOWN_OPCODE = 4001
    DECODE_ERROR = 4002
    NOT_AUTHENTICATED = 4003
    AUTHENTICATION_FAILED = 4004
    ALREADY_AUTHENTICATED = 4005
    RATE_LIMITED = 4008
    DISALLOWED_INTENTS = 4014


class CloseConnection(Exception):
    """The gateway must close the connection with this code."""

    def __init__(self, code: CloseCode) -> None:
        super().__init__(code.name)
        self.code = code


class GatewayConnection:
    """One WebSocket connection and its session."""

    def __init__(self, socket: web.WebSocketResponse, request: web.Request) -> None:
        self.socket = socket
        self.send_queue: SendQueue = asyncio.Queue()
        self.session: Session | None = None
        self.resume_url = f"ws://{request.host}{PATH}"
        self.closed_by_server = False
        self._request = request
        self._frame_times: list[float] = []

    def count_frame(self) -> None:
        """Enforces the rate limit of received frames: 120 per 60 s."""
        now_s = time.monotonic()
        self._frame_times = [*(moment for moment in self._frame_times if now_s - moment < 60), now_s]
        if len(self._frame_times) > _SENDS_PER_MINUTE:
            raise CloseConnection(CloseCode.RATE_LIMITED)

    async def write(self) -> None:
        """Sends the frames in the send queue, in order, until its end."""
        while (text := await self.send_queue.get()) is not None:
            if self.socket.closed:
                return
            await self.socket.send_str(text)

    async def close(self, code: int) -> None:
        """Closes the connection from the server's side."""
        self.closed_by_server = True
        await self.socket.close(code=code)

    def drop(self) -> None:
        """Drops the connection without a close frame."""
        if self._request.transport is not None:
            self._request.transport.abort()


class Gateway:
    """The bot's connections and sessions."""

    def __init__(self, world: World, token: str, changes: ChangeSignal) -> None:
        self.open = True  # False simulates an outage: new connections are rejected
        self.identify_count = 0
        self._world = world
        self._token = token
        self._changes = changes
        self._sessions: dict[str, Session] = {}
        self._connections: set[GatewayConnection] = set()
        world.subscribe(self._on_event)

    def attach(self, app: web.Application) -> None:
        """Serves the gateway, and closes its connections when the server stops."""
        app.router.add_get(PATH, self._serve)
        app.on_shutdown.append(self._on_shutdown)

    @property
    def has_ready_session(self) -> bool:
        """Whether a bot is connected and has received READY or RESUMED."""
        return any(session.send_queue is not None for session in self._sessions.values())

    def dispatch(self, name: str, payload: Payload, guild_id: int | None) -> None:
        """Sends an event to every session that wants it; a disconnected session receives it when it resumes."""
        # Updates of the bot's own member are sent whatever the intents (events/gateway#gateway-intents).
        about_itself = name == "GUILD_MEMBER_UPDATE" and self._is_bot(as_mapping(payload.get("user")))
        for session in self._sessions.values():
            if session.wants("GUILD_UPDATE" if about_itself else name, guild_id):
                session.dispatch(name, payload)

    def _is_bot(self, user: Payload) -> bool:
        return user.get("id") == str(self._world.bot_id)

    async def close(self, code: int | None, *, resumable: bool) -> None:
        """Closes the connections with a code, or drops them if it is None; unless `resumable`, deletes the sessions."""
        if not resumable:
            self._sessions.clear()
        for connection in tuple(self._connections):
            if code is None:
                connection.drop()
            else:
                await connection.close(code)

    def request_reconnect(self) -> None:
        """Tells the bot to reconnect and resume, as Discord does every few hours."""
        for connection in self._connections:
            connection.send_queue.put_nowait(frame(Op.RECONNECT))

    def invalidate_sessions(self) -> None:
        """Tells the bot that its session is invalid, so that it identifies again."""
        self._sessions.clear()
        for connection in self._connections:
            connection.send_queue.put_nowait(frame(Op.INVALID_SESSION, content=False))

    def _on_event(self, name: str, payload: Payload, guild_id: int | None, channel_id: int | None) -> None:
        self._changes.notify()
        if name.startswith(_SANDBOX_PREFIX) or not self._is_visible_to_bot(name, guild_id, channel_id):
            return
        self.dispatch(name, payload, guild_id)

    def _is_visible_to_bot(self, name: str, guild_id: int | None, channel_id: int | None) -> bool:
        if guild_id is None or name == "GUILD_DELETE":
            return True
        if not self._world.bot_in_guild(guild_id):
            return False
        # Discord reveals all channels, but not the messages and threads of those that the bot cannot view.
        hidden_with_channel = name.startswith(("MESSAGE_", "THREAD_"))
        if not hidden_with_channel or channel_id not in self._world.channels:
            return True
        return self._world.can_view(self._world.bot_id, channel_id)

    async def _on_shutdown(self, _: web.Application) -> None:
        await self.close(WSCloseCode.GOING_AWAY, resumable=False)

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        if not self.open:
            return web.Response(status=503)
        socket = web.WebSocketResponse(timeout=_CLOSE_TIMEOUT_S)
        await socket.prepare(request)
        connection = GatewayConnection(socket, request)
        self._connections.add(connection)
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(connection.write())
                await self._receive(connection)
                connection.send_queue.put_nowait(None)
        except* ConnectionError:
            pass  # the bot disconnected during a write; its session can still be resumed
        finally:
            self._end(connection)
        return socket

    async def _receive(self, connection: GatewayConnection) -> None:
        connection.send_queue.put_nowait(frame(Op.HELLO, {"heartbeat_interval": _HEARTBEAT_INTERVAL_MS}))
        try:
            async for message in connection.socket:
                connection.count_frame()
                self._handle(connection, _decode(message))
        except CloseConnection as close:
            await connection.close(close.code)

    def _end(self, connection: GatewayConnection) -> None:
        self._connections.discard(connection)
        session = connection.session
        if session is None or session.send_queue is not connection.send_queue:
            return
        session.send_queue, session.lost_at_s = None, time.monotonic()
        # A bot that closes with 1000 or 1001 will not resume.
        if connection.socket.close_code in {1000, 1001} and not connection.closed_by_server:
            self._sessions.pop(session.id, None)
        self._changes.notify()

    def _handle(self, connection: GatewayConnection, received: Payload) -> None:
        match received.get("op"):
            case Op.HEARTBEAT:
                # discord.py stores the time of a heartbeat after sending it. It would log an earlier ACK as a long
                # delay.
                asyncio.get_running_loop().call_later(
                    _ACK_AFTER_S, connection.send_queue.put_nowait, frame(Op.HEARTBEAT_ACK)
                )
            case Op.IDENTIFY:
                self._identify(connection, as_mapping(received.get("d")))
            case Op.RESUME:
                self._resume(connection, as_mapping(received.get("d")))
            case Op.PRESENCE_UPDATE | Op.VOICE_STATE_UPDATE | Op.REQUEST_GUILD_MEMBERS:
                if connection.session is None:
                    raise CloseConnection(CloseCode.NOT_AUTHENTICATED)
            case _:
                raise CloseConnection(CloseCode.UNKNOWN_OPCODE)

    def _identify(self, connection: GatewayConnection, data: Payload) -> None:
        if connection.session is not None:
            raise CloseConnection(CloseCode.ALREADY_AUTHENTICATED)
        self._check_token(data)
        intents = as_int(data.get("intents"))
        if intents & PRIVILEGED:
            raise CloseConnection(CloseCode.DISALLOWED_INTENTS)
        self.identify_count += 1
        self._forget_lost_sessions()
        shard_id, shard_count = [as_int(part) for part in as_list(data.get("shard"))] or [0, 1]
        session = Session(secrets.token_hex(16), intents, shard_id, shard_count, connection.send_queue)
        connection.session = self._sessions[session.id] = session
        self._send_ready(session, connection.resume_url)
        self._changes.notify()

    def _send_ready(self, session: Session, resume_url: str) -> None:
        guild_ids = [
            guild_id
            for guild_id in self._world.guilds
            if self._world.bot_in_guild(guild_id) and session.wants("GUILD_CREATE", guild_id)
        ]
        ready: Payload = {
            "v": 10,
            "user": user_payload(self._world.users[self._world.bot_id]),
            "guilds": [{"id": str(guild_id), "unavailable": True} for guild_id in guild_ids],
            "session_id": session.id,
            "resume_gateway_url": resume_url,
            "shard": [session.shard_id, session.shard_count],
            "application": {"id": str(self._world.application_id), "flags": 0},
        }
        session.dispatch("READY", ready)
        for guild_id in guild_ids:
            session.dispatch("GUILD_CREATE", self._world.guild_create(guild_id))

    def _resume(self, connection: GatewayConnection, data: Payload) -> None:
        self._check_token(data)
        session = self._sessions.get(as_text(data.get("session_id")))
        after = as_int(data.get("seq"))
        if session is None or not session.can_resume(after):
            connection.send_queue.put_nowait(frame(Op.INVALID_SESSION, content=False))
            return
        connection.session = session
        session.replay(after, connection.send_queue)
        self._changes.notify()

    def _check_token(self, data: Payload) -> None:
        # The token may have the prefix "Bot " here too.
        if as_text(data.get("token")).removeprefix("Bot ") != self._token:
            raise CloseConnection(CloseCode.AUTHENTICATION_FAILED)

    def _forget_lost_sessions(self) -> None:
        now_s = time.monotonic()
        for session in tuple(self._sessions.values()):
            if session.lost_at_s is not None and now_s - session.lost_at_s > _RESUMABLE_S:
                del self._sessions[session.id]


def _decode(message: WSMessage) -> Payload:
    if message.type is not WSMsgType.TEXT:
        raise CloseConnection(CloseCode.DECODE_ERROR)
    try:
        return as_mapping(json.loads(message.data))
    except ValueError as error:
        raise CloseConnection(CloseCode.DECODE_ERROR) from error
