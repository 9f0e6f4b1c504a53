"""The result of a user's action, such as a command, a button or a menu: the bot's responses, and waiting for them.

`rest_interactions.py` stores the responses here. This module never sends anything.
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
# Default timeout of tests, for busy machines.
_TIMEOUT_S: Final = 40.0


class InteractionKind(IntEnum):
    """Discord's interaction types."""

    COMMAND = 2
    COMPONENT = 3
    AUTOCOMPLETE = 4
    MODAL_SUBMIT = 5


class ResponseKind(IntEnum):
    """Discord's interaction callback types."""

    MESSAGE = 4
    DEFERRED_MESSAGE = 5
    DEFERRED_UPDATE = 6
    UPDATE = 7
    AUTOCOMPLETE = 8
    MODAL = 9


class NotAcknowledged(Exception):
    """The bot did not respond in time; Discord shows "The application did not respond"."""


@dataclass(frozen=True, slots=True)
class AutocompleteChoice:
    """A choice that the bot suggests for an option."""

    name: str
    value: str | int | float


@dataclass(eq=False)
class Invocation:
    """An interaction, from the user's side."""

    id: int
    token: str
    kind: InteractionKind
    channel_id: int
    user_id: int
    source: Message | None  # the message whose component was used
    metadata: Payload
    started_at_s: float
    changes: ChangeSignal
    first_response_s: float = FIRST_RESPONSE_S
    response: ResponseKind | None = None
    answered_at_s: float | None = None  # when the bot's first response arrived, even if it was too late
    message: Message | None = None  # the first response; for an update, the message that was updated
    followups: list[Message] = field(default_factory=list)
    choices: list[AutocompleteChoice] = field(default_factory=list)
    modal: Payload | None = None  # what the bot opened as its response
    expired: bool = False
    is_menu_command: bool = False  # of the menu of a message

    @property
    def acknowledged(self) -> bool:
        return self.response is not None

    @property
    def reply(self) -> Message | None:
        """The visible reply: the response unless it is still "thinking", otherwise the first follow-up, if any."""
        if self.message is not None and not self.message.is_loading and not self.message.deleted:
            return self.message
        return self.followups[0] if self.followups else None

    def is_late(self, now_s: float) -> bool:
        """Whether the time for a first response has expired without one."""
        return self.expired or (not self.acknowledged and now_s - self.started_at_s > self.first_response_s)

    def token_is_valid(self, now_s: float) -> bool:
        """Whether the token still allows follow-ups and edits."""
        return not self.expired and now_s - self.started_at_s < TOKEN_LIFETIME_S

    def expire(self) -> None:
        """Expires the token, as if 15 minutes had passed."""
        self.expired = True

    async def wait_until_acknowledged(self) -> None:
        """Returns once the bot has responded in any way; raises NotAcknowledged once the time for that has expired."""
        left_s = self.started_at_s + self.first_response_s - asyncio.get_running_loop().time()
        try:
            await self.changes.wait_until(lambda: self.acknowledged, max(0.0, left_s))
        except TimeoutError as error:
            raise NotAcknowledged("The application did not respond") from error

    async def wait_for_modal(self, timeout_s: float = _TIMEOUT_S) -> Payload:
        """Waits for the modal that the bot opens."""
        await self.changes.wait_until(lambda: self.modal is not None, timeout_s)
        assert self.modal is not None  # noqa: S101 -- the condition above
        return self.modal

    async def wait_for_reply(self, timeout_s: float = _TIMEOUT_S) -> Message:
        """Waits for the visible reply, which may be an edited "thinking" response."""
        await self.wait_until_acknowledged()
        await self.changes.wait_until(lambda: self.reply is not None, timeout_s)
        assert self.reply is not None  # noqa: S101 -- the condition above
        return self.reply

    async def wait_for(self, predicate: Callable[["Invocation"], bool], timeout_s: float = _TIMEOUT_S) -> None:
        """Returns once the predicate is true for this invocation; raises TimeoutError after `timeout_s`."""
        await self.changes.wait_until(lambda: predicate(self), timeout_s)

    async def wait_for_edit(self, predicate: Callable[[Message], bool], timeout_s: float = _TIMEOUT_S) -> Message:
        """Waits until the predicate is true for the reply, for replies that are edited."""
        await self.wait_for_reply(timeout_s)
        await self.changes.wait_until(lambda: self.reply is not None and predicate(self.reply), timeout_s)
        assert self.reply is not None  # noqa: S101 -- the condition above
        return self.reply
