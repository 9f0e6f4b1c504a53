"""What became of something that a person did: a command typed, a button pressed, an entry chosen.

Enters: the bot's responses, through `rest_interactions.py`. Leaves: what the person sees, to whoever waits for it.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Final

from sandbox.discord.events import ChangeSignal
from sandbox.discord.model import Message
from sandbox.discord.primitives import Payload

# interactions/receiving-and-responding: 3 s for the first response, 15 minutes for the token.
FIRST_RESPONSE_S: Final = 3.0
TOKEN_LIFETIME_S: Final = 15 * 60.0
# How long a test waits for what has to come, on a machine that is busy with others.
_TIMEOUT_S: Final = 40.0


class InteractionKind(IntEnum):
    """Interaction types by Discord's numbers."""

    COMMAND = 2
    COMPONENT = 3
    AUTOCOMPLETE = 4


class ResponseKind(IntEnum):
    """Callback types by Discord's numbers."""

    MESSAGE = 4
    DEFERRED_MESSAGE = 5
    DEFERRED_UPDATE = 6
    UPDATE = 7
    AUTOCOMPLETE = 8


class NotAcknowledged(Exception):
    """The bot did not respond within three seconds; the person reads "The application did not respond"."""


@dataclass(frozen=True, slots=True)
class AutocompleteChoice:
    """One suggestion of an autocompletion."""

    name: str
    value: str | int | float


@dataclass(eq=False)
class Invocation:
    """One interaction, from the person's side."""

    id: int
    token: str
    kind: InteractionKind
    channel_id: int
    user_id: int
    source: Message | None  # the message whose component was used
    metadata: Payload
    began_s: float
    changes: ChangeSignal
    response: ResponseKind | None = None
    message: Message | None = None  # the first response; for an update, the message that was updated
    followups: list[Message] = field(default_factory=list)
    choices: list[AutocompleteChoice] = field(default_factory=list)
    expired: bool = False

    @property
    def acknowledged(self) -> bool:
        return self.response is not None

    @property
    def reply(self) -> Message | None:
        """What the person can read by now: the first response that is not "thinking", else the first follow-up."""
        if self.message is not None and not self.message.is_loading:
            return self.message
        return self.followups[0] if self.followups else None

    def is_late(self, now_s: float) -> bool:
        """Whether the time for a first response has passed without one."""
        return self.expired or (not self.acknowledged and now_s - self.began_s > FIRST_RESPONSE_S)

    def token_is_good(self, now_s: float) -> bool:
        """Whether follow-ups and edits are still possible."""
        return not self.expired and now_s - self.began_s < TOKEN_LIFETIME_S

    def expire(self) -> None:
        """As if 15 minutes had passed."""
        self.expired = True

    async def wait_until_acknowledged(self) -> None:
        """Return once the bot has responded in any way; NotAcknowledged after three seconds."""
        left_s = self.began_s + FIRST_RESPONSE_S - asyncio.get_running_loop().time()
        try:
            await self.changes.wait_until(lambda: self.acknowledged, max(0.0, left_s))
        except TimeoutError as error:
            raise NotAcknowledged("The application did not respond") from error

    async def wait_for_reply(self, timeout_s: float = _TIMEOUT_S) -> Message:
        """The first reply that can be read, an edited "thinking" included."""
        await self.wait_until_acknowledged()
        await self.changes.wait_until(lambda: self.reply is not None, timeout_s)
        assert self.reply is not None  # noqa: S101 -- that was waited for
        return self.reply

    async def wait_for(self, predicate: Callable[["Invocation"], bool], timeout_s: float = _TIMEOUT_S) -> None:
        """Return once the predicate holds of this invocation; TimeoutError after `timeout_s`."""
        await self.changes.wait_until(lambda: predicate(self), timeout_s)

    async def wait_for_edit(self, predicate: Callable[[Message], bool], timeout_s: float = _TIMEOUT_S) -> Message:
        """The reply, once the predicate holds of it; for replies that change while they are read."""
        await self.wait_for_reply(timeout_s)
        await self.changes.wait_until(lambda: self.reply is not None and predicate(self.reply), timeout_s)
        assert self.reply is not None  # noqa: S101 -- that was waited for
        return self.reply
