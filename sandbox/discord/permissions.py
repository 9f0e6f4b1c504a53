"""Permission bits, and how roles and overwrites combine to a member's permissions in a channel.

Source: discord.com/developers/docs/topics/permissions. Pure functions, which never access the world.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from enum import IntFlag
from typing import Literal


class Permission(IntFlag):
    """The permission bits that the local Discord checks or grants; others are preserved as plain numbers."""

    KICK_MEMBERS = 1 << 1
    BAN_MEMBERS = 1 << 2
    ADMINISTRATOR = 1 << 3
    MANAGE_CHANNELS = 1 << 4
    MANAGE_GUILD = 1 << 5
    ADD_REACTIONS = 1 << 6
    VIEW_CHANNEL = 1 << 10
    SEND_MESSAGES = 1 << 11
    SEND_TTS_MESSAGES = 1 << 12
    MANAGE_MESSAGES = 1 << 13
    EMBED_LINKS = 1 << 14
    ATTACH_FILES = 1 << 15
    READ_MESSAGE_HISTORY = 1 << 16
    MENTION_EVERYONE = 1 << 17
    USE_EXTERNAL_EMOJIS = 1 << 18
    MANAGE_ROLES = 1 << 28
    MANAGE_WEBHOOKS = 1 << 29
    USE_APPLICATION_COMMANDS = 1 << 31
    MANAGE_THREADS = 1 << 34
    CREATE_PUBLIC_THREADS = 1 << 35
    CREATE_PRIVATE_THREADS = 1 << 36
    SEND_MESSAGES_IN_THREADS = 1 << 38


NONE = Permission(0)
EVERYTHING = Permission((1 << 51) - 1)
# The relevant permissions of @everyone in a new guild.
EVERYONE_DEFAULT = (
    Permission.VIEW_CHANNEL
    | Permission.SEND_MESSAGES
    | Permission.SEND_MESSAGES_IN_THREADS
    | Permission.EMBED_LINKS
    | Permission.ATTACH_FILES
    | Permission.READ_MESSAGE_HISTORY
    | Permission.ADD_REACTIONS
    | Permission.CREATE_PUBLIC_THREADS
    | Permission.USE_APPLICATION_COMMANDS
)
# The permissions that the bot's invitation requests.
BOT_PERMISSIONS = (
    Permission.VIEW_CHANNEL
    | Permission.SEND_MESSAGES
    | Permission.SEND_MESSAGES_IN_THREADS
    | Permission.EMBED_LINKS
    | Permission.READ_MESSAGE_HISTORY
)
# The fixed permissions of both sides in direct messages.
DIRECT_MESSAGE = (
    Permission.VIEW_CHANNEL
    | Permission.SEND_MESSAGES
    | Permission.EMBED_LINKS
    | Permission.ATTACH_FILES
    | Permission.READ_MESSAGE_HISTORY
    | Permission.ADD_REACTIONS
    | Permission.USE_EXTERNAL_EMOJIS
    | Permission.USE_APPLICATION_COMMANDS
)
# Denied implicitly without the permission to send messages ("implicit permissions").
_NEEDS_SENDING = (
    Permission.MENTION_EVERYONE | Permission.SEND_TTS_MESSAGES | Permission.ATTACH_FILES | Permission.EMBED_LINKS
)


@dataclass(frozen=True, slots=True)
class Overwrite:
    """The permissions that a channel allows or denies to a role or member."""

    target_id: int
    target: Literal["role", "member"]
    allow: Permission = NONE
    deny: Permission = NONE


def base_permissions(roles: Iterable[Permission]) -> Permission:
    """Returns a member's permissions in the guild; `roles` includes @everyone."""
    total = NONE
    for role in roles:
        total |= role
    return EVERYTHING if Permission.ADMINISTRATOR in total else total


def channel_permissions(
    base: Permission,
    overwrites: Collection[Overwrite],
    *,
    everyone_id: int,
    role_ids: Collection[int],
    user_id: int,
) -> Permission:
    """Returns a member's permissions in a channel; overwrites apply to @everyone, then roles, then the member."""
    if Permission.ADMINISTRATOR in base:
        return EVERYTHING
    layers = (
        [overwrite for overwrite in overwrites if overwrite.target_id == everyone_id],
        [overwrite for overwrite in overwrites if overwrite.target == "role" and overwrite.target_id in role_ids],
        [overwrite for overwrite in overwrites if overwrite.target == "member" and overwrite.target_id == user_id],
    )
    for layer in layers:
        base = _apply(base, layer)
    return base


def _apply(permissions: Permission, overwrites: Collection[Overwrite]) -> Permission:
    allow, deny = NONE, NONE
    for overwrite in overwrites:
        allow |= overwrite.allow
        deny |= overwrite.deny
    return (permissions & ~deny) | allow


def with_implied_denials(permissions: Permission, *, in_thread: bool) -> Permission:
    """Removes permissions that require viewing the channel or sending in it."""
    if Permission.VIEW_CHANNEL not in permissions:
        return NONE
    sending = Permission.SEND_MESSAGES_IN_THREADS if in_thread else Permission.SEND_MESSAGES
    return permissions if sending in permissions else permissions & ~_NEEDS_SENDING
