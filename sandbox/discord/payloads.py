"""Converts the model to Discord's JSON, for REST responses and gateway events. It never looks anything up."""

from collections.abc import Iterable, Mapping

from sandbox.discord.model import Channel, ChannelKind, Guild, Member, Message, Role, User
from sandbox.discord.permissions import Overwrite
from sandbox.discord.primitives import Payload, snowflake_time

# Any hash: the local CDN generates avatars from the user's id.
_AVATAR_HASH = "5a0d8b0c0ffee0000000000000000000"


def user_payload(user: User) -> Payload:
    """Returns a user object (resources/user)."""
    return {
        "id": str(user.id),
        "username": user.username,
        "discriminator": "0000" if user.bot else "0",
        "global_name": user.global_name,
        "avatar": _AVATAR_HASH,
        "bot": user.bot,
        "public_flags": 0,
        "flags": 0,
    }


def role_payload(role: Role, *, bot_id: int | None = None) -> Payload:
    """Returns a role object (topics/permissions); `bot_id` is for a role that Discord manages for a bot."""
    payload: Payload = {
        "id": str(role.id),
        "name": role.name,
        "permissions": str(int(role.permissions)),
        "position": role.position,
        "color": role.colour,
        "colors": {"primary_color": role.colour, "secondary_color": None, "tertiary_color": None},
        "hoist": False,
        "icon": None,
        "unicode_emoji": None,
        "managed": role.managed,
        "mentionable": role.mentionable,
        "flags": 0,
    }
    if role.managed and bot_id is not None:
        payload["tags"] = {"bot_id": str(bot_id)}
    return payload


def member_payload(member: Member, user: User) -> Payload:
    """Returns a guild member object (resources/guild)."""
    return {
        "user": user_payload(user),
        "nick": member.nick,
        "avatar": None,
        "roles": [str(role_id) for role_id in member.role_ids],
        "joined_at": snowflake_time(member.user_id).isoformat(),
        "premium_since": None,
        "deaf": False,
        "mute": False,
        "flags": 0,
        "pending": False,
        "communication_disabled_until": None,
    }


def overwrite_payload(overwrite: Overwrite) -> Payload:
    """Returns a permission overwrite (resources/channel)."""
    return {
        "id": str(overwrite.target_id),
        "type": 0 if overwrite.target == "role" else 1,
        "allow": str(int(overwrite.allow)),
        "deny": str(int(overwrite.deny)),
    }


def channel_payload(channel: Channel, users: Mapping[int, User]) -> Payload:
    """Returns a channel object (resources/channel) of any kind."""
    if channel.kind is ChannelKind.DM:
        return _dm_payload(channel, users)
    payload: Payload = {
        "id": str(channel.id),
        "type": int(channel.kind),
        "guild_id": str(channel.guild_id),
        "name": channel.name,
        "parent_id": _text(channel.parent_id),
        "last_message_id": _text(channel.last_message_id),
        "rate_limit_per_user": 0,
        "flags": 0,
    }
    return payload | (_thread_part(channel) if channel.is_thread else _guild_channel_part(channel))


def _dm_payload(channel: Channel, users: Mapping[int, User]) -> Payload:
    return {
        "id": str(channel.id),
        "type": int(channel.kind),
        "last_message_id": _text(channel.last_message_id),
        "flags": 0,
        "recipients": [user_payload(users[user_id]) for user_id in channel.recipient_ids],
    }


def _thread_part(channel: Channel) -> Payload:
    created = snowflake_time(channel.id).isoformat()
    return {
        "owner_id": str(channel.owner_id),
        "message_count": channel.message_count,
        "member_count": 1,
        "total_message_sent": channel.message_count,
        "applied_tags": [str(tag_id) for tag_id in channel.applied_tags],
        "thread_metadata": {
            "archived": channel.archived,
            "auto_archive_duration": 1440,
            "archive_timestamp": created,
            "locked": channel.locked,
            "create_timestamp": created,
        },
    }


def _guild_channel_part(channel: Channel) -> Payload:
    part: Payload = {
        "position": channel.position,
        "topic": channel.topic,
        "nsfw": False,
        "permission_overwrites": [overwrite_payload(overwrite) for overwrite in channel.overwrites.values()],
    }
    if channel.kind is ChannelKind.FORUM:
        part["flags"] = 1 << 4 if channel.requires_tag else 0
        part["available_tags"] = [
            {"id": str(tag.id), "name": tag.name, "moderated": False, "emoji_id": None, "emoji_name": None}
            for tag in channel.available_tags
        ]
    return part


def guild_payload(guild: Guild, *, bot_id: int) -> Payload:
    """Returns a guild object (resources/guild) without its channels."""
    return {
        "id": str(guild.id),
        "name": guild.name,
        "icon": None,
        "splash": None,
        "discovery_splash": None,
        "description": None,
        "owner_id": str(guild.owner_id),
        "afk_channel_id": None,
        "afk_timeout": 300,
        "verification_level": 0,
        "default_message_notifications": 1,
        "explicit_content_filter": 0,
        "mfa_level": 0,
        "nsfw_level": 0,
        "premium_tier": 0,
        "preferred_locale": "en-US",
        "system_channel_id": _text(guild.system_channel_id),
        "system_channel_flags": 0,
        "rules_channel_id": None,
        "public_updates_channel_id": _text(guild.public_updates_channel_id),
        "application_id": None,
        "vanity_url_code": None,
        "banner": None,
        "features": [],
        "emojis": [],
        "stickers": [],
        "roles": [role_payload(role, bot_id=bot_id) for role in guild.roles.values()],
    }


def guild_create_payload(
    guild: Guild,
    channels: Iterable[Channel],
    threads: Iterable[Channel],
    users: Mapping[int, User],
    *,
    bot_id: int,
) -> Payload:
    """Returns the payload of GUILD_CREATE: the guild, its channels, the threads that the bot can view, and the bot."""
    return guild_payload(guild, bot_id=bot_id) | {
        "unavailable": False,
        "large": False,
        "member_count": len(guild.members),
        "joined_at": snowflake_time(guild.id).isoformat(),
        "channels": [channel_payload(channel, users) for channel in channels],
        "threads": [channel_payload(thread, users) for thread in threads],
        "members": [member_payload(guild.members[bot_id], users[bot_id])],
        "voice_states": [],
        "presences": [],
        "stage_instances": [],
        "guild_scheduled_events": [],
        "soundboard_sounds": [],
    }


def message_payload(message: Message, users: Mapping[int, User], thread: Channel | None = None) -> Payload:
    """Returns a message object (resources/message) as in REST responses: without guild_id and member.

    `thread` is the one that was started on the message.
    """
    pinged = [users[user_id] for user_id in message.pings.user_ids if user_id in users]
    payload: Payload = {
        "id": str(message.id),
        "channel_id": str(message.channel_id),
        "type": message.kind,
        "author": user_payload(users[message.author_id]),
        "content": message.content,
        "timestamp": message.created_at.isoformat(),
        "edited_timestamp": message.edited_at.isoformat() if message.edited_at else None,
        "tts": False,
        "mention_everyone": message.pings.everyone,
        "mentions": [user_payload(user) for user in pinged],
        "mention_roles": [str(role_id) for role_id in message.pings.role_ids],
        "attachments": message.attachments,
        "embeds": message.embeds,
        "components": message.components,
        "pinned": False,
        "flags": int(message.flags),
    }
    if message.webhook_id is not None:
        payload |= {"webhook_id": str(message.webhook_id), "application_id": str(message.webhook_id)}
    if message.interaction is not None:
        payload["interaction_metadata"] = message.interaction
    if message.reference is not None:
        payload["message_reference"] = message.reference
    if thread is not None:
        payload["thread"] = channel_payload(thread, users)
    return payload


def _text(snowflake: int | None) -> str | None:
    return None if snowflake is None else str(snowflake)
