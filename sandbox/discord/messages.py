"""Stores the messages of all channels: posting, editing, deleting, paging, and nonces that prevent duplicates.

Notifies listeners of changes. It never checks permissions: `rest_messages.py` does.
"""

from bisect import bisect_left, insort
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from sandbox.discord.events import EPHEMERAL_CREATE, EPHEMERAL_DELETE, EPHEMERAL_UPDATE, EventBus
from sandbox.discord.model import Channel, Message, User
from sandbox.discord.payloads import message_payload
from sandbox.discord.primitives import Payload, SnowflakeGenerator

# "checked for uniqueness in the past few minutes" (resources/message#create-message)
NONCE_REMEMBERED_S = 300.0


class Messages:
    """The messages of all channels; histories exclude ephemeral ones."""

    def __init__(
        self,
        users: Mapping[int, User],
        channels: Mapping[int, Channel],
        events: EventBus,
        new_id: SnowflakeGenerator,
        now: Callable[[], float],
    ) -> None:
        self._users = users
        self._channels = channels
        self._events = events
        self._new_id = new_id
        self._now = now
        self._by_channel: dict[int, list[Message]] = {}
        self._by_id: dict[int, Message] = {}
        self._nonces: dict[tuple[int, str], tuple[Message, float]] = {}

    def post(self, channel_id: int, author_id: int, content: str = "", *, message_id: int | None = None) -> Message:
        """Posts a plain message, as a user does."""
        return self.add(Message(message_id or self._new_id(), channel_id, author_id, content))

    def add(self, message: Message) -> Message:
        """Adds a message."""
        self._by_id[message.id] = message
        insort(self._by_channel.setdefault(message.channel_id, []), message, key=lambda other: other.id)
        if not message.is_ephemeral:
            channel = self._channels[message.channel_id]
            channel.last_message_id = message.id
            channel.message_count += 1
        self._emit("MESSAGE_CREATE", EPHEMERAL_CREATE, message, self.payload(message))
        return message

    def mark_edited(self, message: Message) -> None:
        """Records that the author edited a message."""
        message.edited_at = datetime.fromtimestamp(self._now(), UTC)
        self.notify_changed(message)

    def notify_changed(self, message: Message) -> None:
        """Notifies listeners of a change that is not an edit."""
        self._emit("MESSAGE_UPDATE", EPHEMERAL_UPDATE, message, self.payload(message))

    def delete(self, message: Message) -> None:
        """Deletes a message."""
        message.deleted = True
        del self._by_id[message.id]
        self._by_channel[message.channel_id].remove(message)
        gone: Payload = {"id": str(message.id), "channel_id": str(message.channel_id)}
        self._emit("MESSAGE_DELETE", EPHEMERAL_DELETE, message, gone)

    def remove_channel(self, channel_id: int) -> None:
        """Removes the messages of a deleted channel."""
        for message in self._by_channel.pop(channel_id, []):
            message.deleted = True
            del self._by_id[message.id]

    def get(self, message_id: int) -> Message | None:
        """Returns a message by its id; it may be ephemeral."""
        return self._by_id.get(message_id)

    def find(self, channel_id: int, message_id: int) -> Message | None:
        """Returns a message in a channel's history."""
        message = self._by_id.get(message_id)
        return message if message and message.channel_id == channel_id and not message.is_ephemeral else None

    def history(
        self,
        channel_id: int,
        *,
        limit: int = 50,
        before: int | None = None,
        after: int | None = None,
        around: int | None = None,
    ) -> list[Message]:
        """Returns a page of a channel's history, newest first, as Discord does."""
        kept = self.in_channel(channel_id)
        ids = [message.id for message in kept]
        if around is not None:
            start = max(0, bisect_left(ids, around) - limit // 2)
            page = kept[start : start + limit]
        elif after is not None:
            page = kept[bisect_left(ids, after + 1) :][:limit]
        else:
            page = kept[: bisect_left(ids, before)] if before is not None else kept
            page = page[-limit:]
        return page[::-1]

    def in_channel(self, channel_id: int) -> list[Message]:
        """Returns a channel's whole history, oldest first."""
        return [message for message in self._by_channel.get(channel_id, []) if not message.is_ephemeral]

    def visible_to(self, user_id: int, channel_id: int) -> list[Message]:
        """Returns what a user sees in a channel, oldest first: the history and the user's ephemeral replies."""
        return [
            message
            for message in self._by_channel.get(channel_id, [])
            if message.visible_to is None or message.visible_to == user_id
        ]

    def with_nonce(self, author_id: int, nonce: str) -> Message | None:
        """Returns the author's message with that nonce of the past few minutes, in any channel; it may be deleted."""
        message, sent_at = self._nonces.get((author_id, nonce), (None, 0.0))
        return message if self._now() - sent_at < NONCE_REMEMBERED_S else None

    def remember_nonce(self, author_id: int, nonce: str, message: Message) -> None:
        """Remembers the nonce of a message."""
        self._nonces[author_id, nonce] = (message, self._now())

    def forget_nonces(self) -> None:
        """Forgets all nonces, as if a few minutes had passed."""
        self._nonces.clear()

    def payload(self, message: Message) -> Payload:
        """Returns a message as Discord's JSON."""
        # A forum post has the id of its first message, too, but contains it.
        thread = self._channels.get(message.id) if message.id != message.channel_id else None
        return message_payload(message, self._users, thread)

    def _emit(self, name: str, ephemeral_name: str, message: Message, payload: Payload) -> None:
        channel = self._channels[message.channel_id]
        if channel.guild_id is not None:
            payload = payload | {"guild_id": str(channel.guild_id)}
        if message.is_ephemeral:
            name, payload = ephemeral_name, payload | {"visible_to": str(message.visible_to)}
        self._events.emit(name, payload, guild_id=channel.guild_id, channel_id=channel.id)
