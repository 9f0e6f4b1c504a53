"""A local Discord: REST and gateway on loopback, near enough that an unmodified discord.py client cannot tell.

    people (the page, tests) → people.py → interactions.py → gateway.py → the bot
    the bot → api.py → rest_*.py → checks/, access.py → world.py, messages.py → events → gateway.py, the page

`LocalDiscord` is the whole of it, `World` what it shows, `Faults` what goes wrong on demand. It imports nothing of
the bot, and nothing of discord.py.
"""

from sandbox.discord.default_world import DefaultPlaces, DefaultWorld
from sandbox.discord.faults import DropAfter, DropBefore, FaultKind, Faults, RateLimited, Slow, Status, StatusAfter
from sandbox.discord.invocations import Choice, Invocation, NotAcknowledged, ResponseKind
from sandbox.discord.local import LocalDiscord
from sandbox.discord.model import Channel, ChannelKind, Guild, Message, MessageFlag, Role, User
from sandbox.discord.permissions import BOT_PERMISSIONS, Overwrite, Permission
from sandbox.discord.ratelimits import Limit, RateLimits
from sandbox.discord.recording import RecordedRequest
from sandbox.discord.typed import NotPossible
from sandbox.discord.world import World

__all__ = [
    "BOT_PERMISSIONS",
    "Channel",
    "ChannelKind",
    "Choice",
    "DefaultPlaces",
    "DefaultWorld",
    "DropAfter",
    "DropBefore",
    "FaultKind",
    "Faults",
    "Guild",
    "Invocation",
    "Limit",
    "LocalDiscord",
    "Message",
    "MessageFlag",
    "NotAcknowledged",
    "NotPossible",
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
