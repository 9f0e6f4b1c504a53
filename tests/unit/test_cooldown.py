"""Rate limits: per person, and for all people of a server or in a channel together."""

from types import SimpleNamespace
from typing import Any

import pytest
from discord import app_commands

from bot.discord_api.cooldown import Cooldown


def click(user_id: int, *, guild_id: int | None = 1, channel_id: int | None = 11) -> Any:
    return SimpleNamespace(user=SimpleNamespace(id=user_id), guild_id=guild_id, channel_id=channel_id)


def is_allowed(cooldown: Cooldown, interaction: Any) -> bool:
    try:
        cooldown.check(interaction)
    except app_commands.CommandOnCooldown:
        return False
    return True


@pytest.mark.parametrize("limit", ["per_server", "per_channel"])
def test_people_share_the_limit_of_their_server_or_channel(limit: str) -> None:
    cooldown = Cooldown(2, **{limit: 3})
    assert [is_allowed(cooldown, click(person)) for person in (1, 1, 1, 2, 3)] == [True, True, False, True, False]
    assert is_allowed(cooldown, click(4, guild_id=2, channel_id=12))


def test_other_channels_of_a_server_have_limits_of_their_own() -> None:
    cooldown = Cooldown(9, per_channel=1)
    assert [is_allowed(cooldown, click(1, channel_id=channel)) for channel in (11, 11, 12)] == [True, False, True]
    assert [is_allowed(cooldown, click(person, guild_id=None, channel_id=None)) for person in (2, 3)] == [True, True]
