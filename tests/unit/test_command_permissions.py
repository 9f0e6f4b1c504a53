"""Who may run a command where, in cases that Discord's own checks normally exclude."""

from types import SimpleNamespace
from typing import Any

import discord
import pytest

from bot.discord_api.client import client_of
from cogs.permissions import (
    CommandRejected,
    TargetChannel,
    can_manage_by_id,
    can_view,
    check_bot_may_post,
    check_may_manage,
    may_show_publicly,
    target_channel,
)

ANYTHING: Any = SimpleNamespace(guild=None, user=None, channel=None, channel_id=None, client=object())


def permissions(**granted: bool) -> discord.Permissions:
    return discord.Permissions(**granted)


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        (TargetChannel(7, is_thread=False, permissions=permissions()), "You can't view that channel."),
        (
            TargetChannel(7, is_thread=True, permissions=permissions(view_channel=True)),
            "You need **Manage Threads** in <#7> to do that.",
        ),
        (
            TargetChannel(7, is_thread=False, permissions=permissions(view_channel=True)),
            "You need **Manage Channels** in <#7> to do that.",
        ),
    ],
)
def test_caller_without_a_permission_is_rejected(target: TargetChannel, reason: str) -> None:
    with pytest.raises(CommandRejected) as rejected:
        check_may_manage(target)
    assert str(rejected.value) == reason


def test_command_without_a_channel_asks_for_one() -> None:
    with pytest.raises(CommandRejected, match="choose a channel"):
        target_channel(ANYTHING, None)


async def test_direct_messages_take_no_subscriptions() -> None:
    with pytest.raises(CommandRejected, match="Direct messages can't have subscriptions"):
        await check_bot_may_post(ANYTHING, TargetChannel(7, is_thread=False, permissions=permissions()))


def test_outside_a_server_no_channel_can_be_viewed_or_managed() -> None:
    assert not can_view(ANYTHING, 7)
    assert not may_show_publicly(ANYTHING, 7)
    assert not can_manage_by_id(ANYTHING, 7)


def test_interaction_of_another_client_is_an_error() -> None:
    with pytest.raises(TypeError, match="another client"):
        client_of(ANYTHING)
