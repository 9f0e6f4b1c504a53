"""Decides whom a message pings. Embeds never ping; content does if allowed_mentions permits it.

Source: discord.com/developers/docs/resources/message#allowed-mentions-object.
"""

import re
from dataclasses import dataclass
from typing import Final

from sandbox.discord.primitives import Payload, as_int, as_list, as_mapping

_USER: Final = re.compile(r"<@!?(\d{1,20})>")
_ROLE: Final = re.compile(r"<@&(\d{1,20})>")
_EVERYONE: Final = re.compile(r"@(everyone|here)\b")


@dataclass(frozen=True, slots=True)
class Pings:
    """The users and roles that a message pings."""

    everyone: bool = False
    user_ids: tuple[int, ...] = ()
    role_ids: tuple[int, ...] = ()

    def __bool__(self) -> bool:
        return self.everyone or bool(self.user_ids) or bool(self.role_ids)


NO_PINGS: Final = Pings()


def resolve_pings(content: str, body: Payload, *, may_mention_everyone: bool) -> Pings:
    """Returns the pings of a message's content; without allowed_mentions in the body, every mention pings."""
    allowed = as_mapping(body.get("allowed_mentions"))
    parse: list[object] = ["everyone", "users", "roles"]
    if body.get("allowed_mentions") is not None:
        parse = as_list(allowed.get("parse"))
    users = [int(found) for found in _USER.findall(content)]
    roles = [int(found) for found in _ROLE.findall(content)]
    return Pings(
        "everyone" in parse and may_mention_everyone and _EVERYONE.search(content) is not None,
        _permitted(users, allowed, parse, "users"),
        _permitted(roles, allowed, parse, "roles"),
    )


def _permitted(named: list[int], allowed: Payload, parse: list[object], key: str) -> tuple[int, ...]:
    listed = {as_int(given) for given in as_list(allowed.get(key))}
    return tuple(dict.fromkeys(found for found in named if key in parse or found in listed))
