"""The gateway: the WebSocket over which the bot receives events.

Source: discord.com/developers/docs/events/gateway. It sends HELLO, READY, guilds, events and heartbeat ACKs, and
resumes sessions. It never changes the world.
"""

import asyncio
import json
import secrets
import time
from typing import Final

from aiohttp import WSCloseCode, WSMessage, WSMsgType, web

from sandbox.discord.connections import GATEWAY_PATH, CloseCode, CloseConnection, GatewayConnection
from sandbox.discord.events import ChangeSignal
from sandbox.discord.identifies import Identifies, IdentifyLimits, IdentifyResult
from sandbox.discord.payloads import user_payload
from sandbox.discord.primitives import Payload, as_int, as_list, as_mapping, as_text
from sandbox.discord.sessions import PRIVILEGED, Op, Session, frame
from sandbox.discord.world import World

_RESUMABLE_S: Final = 180.0
_HEARTBEAT_INTERVAL_MS: Final = 41_250
# A stopped bot does not respond to a close frame, so waiting for it is pointless.
_CLOSE_TIMEOUT_S: Final = 1.0
_SANDBOX_PREFIX = "SANDBOX_"

_ACK_AFTER_S: Final = 0.05


class Gateway:
    """The bot's connections and sessions."""

    def __init__(self, world: World, token: str, changes: ChangeSignal, limits: IdentifyLimits) -> None:
        self.open = True  # False simulates an outage: new connections are rejected
        self.unreachable_shards: set[int] = set()  # connections for these are dropped at IDENTIFY and RESUME
        self.identifies = Identifies(limits)
        self._world = world
        self._token = token
        self._changes = changes
        self._sessions: dict[str, Session] = {}
        self._connections: set[GatewayConnection] = set()
        world.subscribe(self._on_event)

    def attach(self, app: web.Application) -> None:
        """Serves the gateway, and closes its connections when the server stops."""
        app.router.add_get(GATEWAY_PATH, self._serve)
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

    async def close(self, code: int | None, *, resumable: bool, shard_id: int | None = None) -> None:
        """Closes the connections with a code, or drops them if it is None; unless `resumable`, deletes the sessions.

        With `shard_id`, only those of this shard.
        """
        connections = self._connections_of(shard_id)
        if not resumable:
            self._delete_sessions(shard_id)
        for connection in connections:
            if code is None:
                connection.drop()
            else:
                await connection.close(code)

    def request_reconnect(self, shard_id: int | None = None) -> None:
        """Tells the bot, or one shard, to reconnect and resume, as Discord does every few hours."""
        for connection in self._connections_of(shard_id):
            connection.send_queue.put_nowait(frame(Op.RECONNECT))

    def invalidate_sessions(self, shard_id: int | None = None) -> None:
        """Tells the bot that its sessions, or one shard's, are invalid, so that it identifies again."""
        connections = self._connections_of(shard_id)
        self._delete_sessions(shard_id)
        for connection in connections:
            connection.send_queue.put_nowait(frame(Op.INVALID_SESSION, content=False))

    def _connections_of(self, shard_id: int | None) -> tuple[GatewayConnection, ...]:
        return tuple(
            connection
            for connection in self._connections
            if shard_id is None or (connection.session is not None and connection.session.shard_id == shard_id)
        )

    def _delete_sessions(self, shard_id: int | None) -> None:
        kept = {} if shard_id is None else {i: each for i, each in self._sessions.items() if each.shard_id != shard_id}
        self._sessions = kept

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
        shard_id, shard_count = self._shard(data)
        if self._is_unreachable(connection, shard_id):
            return
        match self.identifies.add(shard_id, shard_count):
            case IdentifyResult.TOO_MANY:
                self._reset_token()
            case IdentifyResult.TOO_SOON:
                connection.send_queue.put_nowait(frame(Op.INVALID_SESSION, content=False))
            case IdentifyResult.ACCEPTED:
                self._start_session(connection, intents, shard_id, shard_count)

    def _start_session(self, connection: GatewayConnection, intents: int, shard_id: int, shard_count: int) -> None:
        self._forget_lost_sessions()
        session = Session(secrets.token_hex(16), intents, shard_id, shard_count, connection.send_queue)
        guild_ids = self._guild_ids(session)
        if len(guild_ids) > self.identifies.limits.guilds_per_shard_max:
            raise CloseConnection(CloseCode.SHARDING_REQUIRED)
        connection.session = self._sessions[session.id] = session
        self._send_ready(session, guild_ids, connection.resume_url)
        self._changes.notify()

    def _shard(self, data: Payload) -> tuple[int, int]:
        """Returns the shard and the number of shards of an IDENTIFY; without them, the bot has one shard."""
        shard = [as_int(part, -1) for part in as_list(data.get("shard", [0, 1]))]
        if len(shard) != 2 or not 0 <= shard[0] < shard[1]:
            raise CloseConnection(CloseCode.INVALID_SHARD)
        return shard[0], shard[1]

    def _is_unreachable(self, connection: GatewayConnection, shard_id: int) -> bool:
        if shard_id in self.unreachable_shards:
            connection.drop()
        return shard_id in self.unreachable_shards

    def _reset_token(self) -> None:
        """Ends every session, as Discord does when a bot starts more sessions than allowed."""
        self._token = secrets.token_hex(16)
        self._sessions.clear()
        for connection in self._connections:
            asyncio.get_running_loop().create_task(connection.close(CloseCode.AUTHENTICATION_FAILED))

    def _guild_ids(self, session: Session) -> list[int]:
        return [
            guild_id
            for guild_id in self._world.guilds
            if self._world.bot_in_guild(guild_id) and session.wants("GUILD_CREATE", guild_id)
        ]

    def _send_ready(self, session: Session, guild_ids: list[int], resume_url: str) -> None:
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
        if self._is_unreachable(connection, session.shard_id):
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
