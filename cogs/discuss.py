"""**Discuss**: starts a thread for a paper of a post, or links the one that there is.

Everyone who can view the channel may do so: its admins chose it with `/channel threads`. Only the person who clicks
sees the reply.
"""

import re
from typing import Final, Self, assert_never

import discord
from discord.ext import commands

from bot.discord_api.client import AnyClient
from bot.discord_api.cooldown import Cooldown
from bot.discord_api.discuss_ids import DiscussButtonId, DiscussMenuId
from bot.discord_api.messages import discuss_menu_view
from bot.discord_api.private_replies import answer_failure, reply
from bot.domain.discussion import MessageDeleted, ThreadOutcome, ThreadRequest, ThreadStarted
from bot.domain.outgoing import Blocked, OutcomeUnknown, Rejected, RetryLater
from bot.domain.paper import ArxivId
from bot.runtime.errors import StoreUnavailable
from bot.services.discussions import (
    DiscussionService,
    ExistingThread,
    MessageUnsettled,
    NotDiscussable,
    SeveralPapers,
    ThreadsOff,
)
from cogs.replies import UNUSABLE, PersistentItem, cog_of, relative_time, shown_reason

# How many threads a person may start, and how many all people may start in one channel: 40 in five minutes. Discord
# documents no limit; the sandbox has 50.
THREADS_PER_MINUTE: Final = 5
THREADS_PER_CHANNEL_MINUTE: Final = 8

_OFF: Final = "Threads are switched off in this channel. `/channel threads` switches them on."
_BEING_SENT: Final = "This post was just sent. Please try again in a minute."
_DELETED: Final = "The thread for this paper was deleted."


class DiscussCog(commands.Cog):
    """Starts threads, with limits per person and per channel."""

    def __init__(self, service: DiscussionService) -> None:
        self._service = service
        self._cooldown = Cooldown(THREADS_PER_MINUTE, per_channel=THREADS_PER_CHANNEL_MINUTE)

    async def discuss(
        self, interaction: discord.Interaction[AnyClient], key: str, arxiv_id: ArxivId | None = None
    ) -> None:
        """Replies with the thread for a paper, or with a menu of the message's papers."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        wanted = None if arxiv_id is None else arxiv_id.value
        found = await self._service.find(interaction.channel_id or 0, key, wanted)
        match found:
            case NotDiscussable():
                await reply(interaction, UNUSABLE)
            case MessageUnsettled():
                await reply(interaction, _BEING_SENT)
            case ThreadsOff():
                await reply(interaction, _OFF)
            case SeveralPapers(message):
                await reply(interaction, "Which paper?", view=discuss_menu_view(message.papers, key))
            case ExistingThread(thread_id, is_deleted):
                await reply(interaction, _DELETED if is_deleted else f"This paper is discussed in <#{thread_id}>.")
            case ThreadRequest():
                self._cooldown.check(interaction)
                await reply(interaction, _outcome_text(await self._service.start(found)))
            case _:
                assert_never(found)


def _outcome_text(outcome: ThreadOutcome) -> str:
    match outcome:
        case ThreadStarted(thread_id, is_new):
            return f"{'Discuss this paper' if is_new else 'This paper is discussed'} in <#{thread_id}>."
        case MessageDeleted():
            return "The thread can't be started, because the post was deleted."
        case Blocked(reason) | Rejected(reason):
            return f"The thread can't be started. {shown_reason(reason)}"
        case RetryLater(not_before, reason):
            why = shown_reason(reason).rstrip(".")
            return f"The thread can't be started now ({why}). Try again {relative_time(not_before)}."
        case OutcomeUnknown():
            return "Discord did not answer, so the thread may have been started or not. Please try again in a minute."
    assert_never(outcome)


class DiscussButton(PersistentItem[discord.ui.Button[discord.ui.View]], template=DiscussButtonId.TEMPLATE):
    """Starts or links the discussion of a message; the custom id names the message, so it works after a restart."""

    def __init__(self, custom_id: DiscussButtonId) -> None:
        super().__init__(discord.ui.Button(label="Discuss", custom_id=custom_id.encode()))
        self._key = custom_id.key

    @classmethod
    def from_match(cls, match: re.Match[str]) -> Self:
        return cls(DiscussButtonId.from_match(match))

    async def callback(self, interaction: discord.Interaction[AnyClient]) -> None:
        await _discuss(interaction, self._key, None)


class DiscussMenu(PersistentItem[discord.ui.Select[discord.ui.View]], template=DiscussMenuId.TEMPLATE):
    """Starts or links the discussion of the chosen paper; the options' values are arXiv ids."""

    def __init__(self, custom_id: DiscussMenuId) -> None:
        super().__init__(discord.ui.Select(custom_id=custom_id.encode()))
        self._key = custom_id.key

    @classmethod
    def from_match(cls, match: re.Match[str]) -> Self:
        return cls(DiscussMenuId.from_match(match))

    async def callback(self, interaction: discord.Interaction[AnyClient]) -> None:
        try:
            arxiv_id = ArxivId(self.item.values[0])
        except (LookupError, ValueError):
            await reply(interaction, UNUSABLE)
            return
        await _discuss(interaction, self._key, arxiv_id)


async def _discuss(interaction: discord.Interaction[AnyClient], key: str, arxiv_id: ArxivId | None) -> None:
    try:
        await cog_of(interaction, DiscussCog).discuss(interaction, key, arxiv_id)
    except discord.app_commands.CommandOnCooldown as error:
        await answer_failure(interaction, error)
    except StoreUnavailable as error:
        await reply(interaction, str(error))
