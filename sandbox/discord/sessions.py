"""The state of a bot's gateway session: its intents, its shard, and the events that it was sent.

A session outlives its socket, so that it can be resumed. It numbers events, and never sends one that the session's
intents exclude.
"""

import asyncio
import json
from collections import deque
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Final, TypeAlias

from sandbox.discord.primitives import Payload

# Frames to be sent to the bot; None ends the queue.
SendQueue: TypeAlias = asyncio.Queue[str | None]

GUILDS: Final = 1 << 0
MEMBERS: Final = 1 << 1
PRESENCES: Final = 1 << 8
MESSAGES: Final = 1 << 9
DIRECT_MESSAGES: Final = 1 << 12
MESSAGE_CONTENT: Final = 1 << 15
# Privileged intents must be enabled for an application; here they are disabled.
PRIVILEGED: Final = MEMBERS | PRESENCES | MESSAGE_CONTENT
_INTENT_BY_PREFIX: Final = (
    ("GUILD_MEMBER_", MEMBERS),
    ("GUILD_", GUILDS),
    ("CHANNEL_", GUILDS),
    ("THREAD_", GUILDS),
)
_REPLAY_KEPT: Final = 2_000


class Op(IntEnum):
    """Gateway opcodes (topics/opcodes-and-status-codes)."""

    DISPATCH = 0
    HEARTBEAT = 1
    IDENTIFY = 2
    PRESENCE_UPDATE = 3
    VOICE_STATE_UPDATE = 4
    RESUME = 6
    RECONNECT = 7
    REQUEST_GUILD_MEMBERS = 8
    INVALID_SESSION = 9
    HELLO = 10
    HEARTBEAT_ACK = 11


def frame(op: Op, content: object = None) -> str:
    """Returns a frame that is not a dispatch."""
    return json.dumps({"op": op, "d": content, "s": None, "t": None})


@dataclass(slots=True)
class Session:
    """A session, which starts with IDENTIFY; `send_queue` is None while it has no socket."""

    id: str
    intents: int
    shard_id: int
    shard_count: int
    send_queue: SendQueue | None = None
    lost_at_s: float | None = None
    _sequence: int = 0
    _sent: deque[tuple[int, str]] = field(default_factory=lambda: deque(maxlen=_REPLAY_KEPT))

    def wants(self, name: str, guild_id: int | None) -> bool:
        """Whether the session's intents and shard include an event."""
        if (0 if guild_id is None else (guild_id >> 22) % self.shard_count) != self.shard_id:
            return False
        if name.startswith("MESSAGE_"):
            return bool(self.intents & (DIRECT_MESSAGES if guild_id is None else MESSAGES))
        needed = next((intent for prefix, intent in _INTENT_BY_PREFIX if name.startswith(prefix)), 0)
        return not needed or bool(self.intents & needed)

    def dispatch(self, name: str, payload: Payload) -> None:
        """Numbers an event, stores it for replay, and sends it if there is a socket."""
        self._sequence += 1
        text = json.dumps({"op": Op.DISPATCH, "d": payload, "s": self._sequence, "t": name})
        self._sent.append((self._sequence, text))
        if self.send_queue is not None:
            self.send_queue.put_nowait(text)

    def replay(self, after: int, send_queue: SendQueue) -> None:
        """Continues on a new socket: sends the missed events, then RESUMED."""
        for sequence, text in self._sent:
            if sequence > after:
                send_queue.put_nowait(text)
        self.send_queue, self.lost_at_s = send_queue, None
        self.dispatch("RESUMED", {})

    def can_resume(self, after: int) -> bool:
        """Whether every event after that number is still stored."""
        return after <= self._sequence and (not self._sent or after >= self._sent[0][0] - 1)
