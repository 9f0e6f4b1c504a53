"""Makes the gateway's cache smaller: most of it are objects and values that discord.py keeps for each server.

It removes only what the bot never reads, and shares what is equal. In 10,000 servers of ten channels and six roles each
it saves more than 30 MB; the process takes 169 MB (`python -m benchmarks start`).
"""

from collections.abc import MutableMapping
from typing import Any, Final

import discord
from discord.presences import ClientStatus

# What the bot never reads of a server; it has no intent for most of it, but Discord may send it.
_UNUSED: Final = (
    "description",
    "emojis",
    "features",
    "guild_scheduled_events",
    "presences",
    "soundboard_sounds",
    "stage_instances",
    "stickers",
    "voice_states",
)
# Categories, voice and stage channels: the bot posts in none of them, and a channel's overwrites do not depend on them.
_UNUSED_CHANNELS: Final = frozenset({2, 4, 13})
# Permissions and many names are the same in most servers; the first ones to arrive are shared.
_VALUES_MAX: Final = 5_000
_values: Final[dict[Any, Any]] = {}
# Instead of three empty dictionaries for each server, which only events change that the bot has no intent for.
_NOTHING: Final[dict[Any, Any]] = {}
# discord.py replaces this list when there are overwrites, and never changes it.
_NO_OVERWRITES: Final[list[Any]] = []
# Nor these, without the intent for presences, and as it replaces the list of features.
_OFFLINE: Final = ClientStatus()
_NO_FEATURES: Final[list[Any]] = []


def trim(guild: MutableMapping[str, Any]) -> None:
    """Removes what the bot never reads from the payload of GUILD_CREATE, and shares equal names."""
    for name in _UNUSED:
        guild.pop(name, None)
    guild["channels"] = [
        channel for channel in guild.get("channels", ()) if channel.get("type") not in _UNUSED_CHANNELS
    ]
    for channel in guild["channels"]:
        channel["topic"] = channel["parent_id"] = None
    for named in (*guild["channels"], *guild.get("roles", ())):
        named["name"] = _shared(named.get("name"))
    for role in guild.get("roles", ()):
        role.pop("tags", None)
    for member in guild.get("members", ()):
        member["joined_at"] = None


def share_values(guild: discord.Guild, user: discord.ClientUser | None) -> None:
    """Lets equal ids, permissions and users be the same object: discord.py parses each of them into one of its own.

    `user` is the bot, which is a member of every server.
    """
    _share_overwrites(guild)
    for role in guild._roles.values():
        role._permissions = _shared(role._permissions)
    if user is not None and (me := guild._members.get(user.id)) is not None:
        me._user = user  # type: ignore[assignment]  # it has all that a member reads of its user
        me.client_status = _OFFLINE
    guild.features = _NO_FEATURES
    guild._voice_states = guild._scheduled_events = guild._soundboard_sounds = _NOTHING


def _share_overwrites(guild: discord.Guild) -> None:
    """Lets channels with the same overwrites, such as those of one category, have them in common."""
    ids = {each: each for each in (guild.id, *guild._roles)}
    lists: dict[Any, list[Any]] = {(): _NO_OVERWRITES}
    for channel in guild._channels.values():
        for overwrite in channel._overwrites:
            overwrite.id = ids.get(overwrite.id, overwrite.id)
            overwrite.allow, overwrite.deny = _shared(overwrite.allow), _shared(overwrite.deny)
        key = tuple((each.id, each.type, each.allow, each.deny) for each in channel._overwrites)
        channel._overwrites = lists.setdefault(key, channel._overwrites)


def _shared(value: object) -> Any:
    if len(_values) < _VALUES_MAX:
        return _values.setdefault(value, value)
    return _values.get(value, value)
