"""The replies to commands that failed."""

import discord
import pytest
from discord import app_commands

from bot.discord_api.private_replies import failure_text
from bot.runtime.errors import CommitUnanswered, InvalidKeyword, StoreUnavailable


@app_commands.command(name="subscribe", description="-")
async def subscribe(_: discord.Interaction) -> None:
    """A command without effect."""


@pytest.mark.parametrize(
    ("cause", "text"),
    [
        (
            StoreUnavailable("the database is full"),
            "Nothing was changed: the database is full. Please try again later; the bot's log has the details.",
        ),
        (
            CommitUnanswered("no answer"),
            "The database did not answer: the change may be stored or not. Check it in a minute, and try again.",
        ),
        (InvalidKeyword("Too long."), "Too long."),
        (TimeoutError(), "Discord did not answer the bot. Please try again in a few minutes."),
        (ZeroDivisionError(), None),
    ],
)
def test_error_of_a_command_is_explained_unless_it_is_unexpected(cause: Exception, text: str | None) -> None:
    assert failure_text(app_commands.CommandInvokeError(subscribe, cause)) == text


def test_rate_limit_names_the_seconds_to_wait() -> None:
    error = app_commands.CommandOnCooldown(app_commands.Cooldown(1, 60.0), 2.4)
    assert failure_text(error) == "Rate limit: try again in 3 s."
