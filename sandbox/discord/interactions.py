"""Creates interactions from the actions of users, and keeps them while the bot may respond.

Builds the complete INTERACTION_CREATE payload, and an `Invocation` that waits for the response. It never responds for
the bot.
"""

import asyncio
import secrets
from typing import Final

from sandbox.discord.events import ChangeSignal
from sandbox.discord.invocations import InteractionKind, Invocation
from sandbox.discord.model import Channel, ChannelKind, Message
from sandbox.discord.payloads import member_payload, user_payload
from sandbox.discord.primitives import Payload
from sandbox.discord.world import World

_KEPT: Final = 10_000
_ATTACHMENT_SIZE_LIMIT: Final = 10 * 1024 * 1024
_LOCALE: Final = "en-US"
IN_GUILD, IN_BOT_DM, IN_PRIVATE_CHANNEL = 0, 1, 2


class Interactions:
    """The interactions that the bot may still respond to."""

    def __init__(self, world: World, changes: ChangeSignal, first_response_s: float) -> None:
        self._world = world
        self._changes = changes
        self._first_response_s = first_response_s
        self._by_token: dict[str, Invocation] = {}

    def by_token(self, token: str) -> Invocation | None:
        """Returns the interaction with that token."""
        return self._by_token.get(token)

    def find(self, interaction_id: int) -> Invocation | None:
        """Returns the interaction with that id."""
        return next((each for each in self._by_token.values() if each.id == interaction_id), None)

    def context_of(self, channel: Channel) -> int:
        """Returns Discord's context type of an interaction in a channel."""
        if channel.guild_id is not None:
            return IN_GUILD
        return IN_BOT_DM if channel.kind is ChannelKind.DM else IN_PRIVATE_CHANNEL

    def begin(
        self,
        kind: InteractionKind,
        content: Payload,
        *,
        user_id: int,
        channel: Channel,
        source: Message | None = None,
        opened_by: Invocation | None = None,
    ) -> tuple[Invocation, Payload]:
        """Creates an interaction: the invocation that the user waits for, and the payload for the bot.

        `opened_by` is the interaction whose response was the modal that this one submits.
        """
        owners = self._owners(user_id, channel)
        invocation = self._invocation(kind, user_id, channel, source, owners)
        if opened_by is not None:
            invocation.metadata["triggering_interaction_metadata"] = opened_by.metadata
        payload: Payload = {
            "id": str(invocation.id),
            "application_id": str(self._world.application_id),
            "type": int(kind),
            "token": invocation.token,
            "version": 1,
            "data": content,
            "locale": _LOCALE,
            "context": self.context_of(channel),
            "authorizing_integration_owners": owners,
            "entitlements": [],
            "attachment_size_limit": _ATTACHMENT_SIZE_LIMIT,
        }
        if source is not None:
            payload["message"] = self._world.messages.payload(source)
        return invocation, payload | self._location(user_id, channel)

    def _invocation(
        self, kind: InteractionKind, user_id: int, channel: Channel, source: Message | None, owners: Payload
    ) -> Invocation:
        interaction_id = self._world.new_id()
        metadata: Payload = {
            "id": str(interaction_id),
            "type": int(kind),
            "user": user_payload(self._world.users[user_id]),
            "authorizing_integration_owners": owners,
        }
        if source is not None and kind is InteractionKind.COMPONENT:
            metadata["interacted_message_id"] = str(source.id)
        started_at_s = asyncio.get_running_loop().time()
        token = secrets.token_urlsafe(48)
        invocation = Invocation(
            interaction_id,
            token,
            kind,
            channel.id,
            user_id,
            source,
            metadata,
            started_at_s,
            self._changes,
            self._first_response_s,
        )
        self._by_token[token] = invocation
        while len(self._by_token) > _KEPT:
            del self._by_token[next(iter(self._by_token))]
        return invocation

    def _location(self, user_id: int, channel: Channel) -> Payload:
        permissions = str(int(self._world.permissions(user_id, channel.id)))
        place: Payload = {
            "channel_id": str(channel.id),
            "channel": self._world.channel_payload(channel) | {"permissions": permissions},
            "app_permissions": str(int(self._world.permissions(self._world.bot_id, channel.id))),
        }
        user = self._world.users[user_id]
        if channel.guild_id is None:
            return place | {"user": user_payload(user)}
        member = self._world.guilds[channel.guild_id].members[user_id]
        return place | {
            "guild_id": str(channel.guild_id),
            "guild": {"id": str(channel.guild_id), "locale": _LOCALE, "features": []},
            "guild_locale": _LOCALE,
            "member": member_payload(member, user) | {"permissions": permissions},
        }

    def _owners(self, user_id: int, channel: Channel) -> Payload:
        owners: Payload = {}
        if channel.guild_id is None:
            owners["0"] = "0"
        elif self._world.bot_in_guild(channel.guild_id):
            owners["0"] = str(channel.guild_id)
        if user_id in self._world.user_installs:
            owners["1"] = str(user_id)
        return owners
