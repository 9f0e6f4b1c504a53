"""A local Discord: REST and gateway on loopback, close enough to the real one for an unmodified discord.py client.

    users (the page, tests) → user_actions.py → interactions.py → gateway.py → the bot
    the bot → api.py → rest_*.py → checks/, access.py → world.py, messages.py → events.py → gateway.py, the page

`LocalDiscord` is the whole service, `World` its state, and `DiscordFaults` injects failures. The package never imports
the bot or discord.py.
"""

from sandbox.discord.api import RecordedRequest
from sandbox.discord.checks.components import ComponentKind
from sandbox.discord.cloudflare import CloudflareBlock
from sandbox.discord.default_world import DefaultIds, DefaultWorld
from sandbox.discord.faults import (
    DiscordFault,
    DiscordFaults,
    DropAfter,
    DropBefore,
    ExtraHeaders,
    RateLimited,
    Slow,
    Status,
    StatusAfter,
)
from sandbox.discord.identifies import Identify, IdentifyLimits
from sandbox.discord.invocations import AutocompleteChoice, Invocation, NotAcknowledged, ResponseKind
from sandbox.discord.local import LocalDiscord
from sandbox.discord.model import Channel, ChannelKind, Guild, Message, MessageFlag, Role, User
from sandbox.discord.option_resolver import InvalidAction
from sandbox.discord.permissions import BOT_PERMISSIONS, Overwrite, Permission
from sandbox.discord.ratelimits import Limit, RateLimits
from sandbox.discord.world import World

__all__ = [
    "BOT_PERMISSIONS",
    "AutocompleteChoice",
    "Channel",
    "ChannelKind",
    "CloudflareBlock",
    "ComponentKind",
    "DefaultIds",
    "DefaultWorld",
    "DiscordFault",
    "DiscordFaults",
    "DropAfter",
    "DropBefore",
    "ExtraHeaders",
    "Guild",
    "Identify",
    "IdentifyLimits",
    "InvalidAction",
    "Invocation",
    "Limit",
    "LocalDiscord",
    "Message",
    "MessageFlag",
    "NotAcknowledged",
    "Overwrite",
    "Permission",
    "RateLimited",
    "RateLimits",
    "RecordedRequest",
    "ResponseKind",
    "Role",
    "Slow",
    "Status",
    "StatusAfter",
    "User",
    "World",
]
