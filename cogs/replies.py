"""Parts of replies that every command uses: times, channel links, escaped text, long replies, lasting components.

It decides nothing about papers or permissions.
"""

import asyncio
import re
from abc import abstractmethod
from collections.abc import Coroutine, Iterable, Iterator, Sequence
from datetime import datetime
from typing import Final, Self, TypeVar, cast

import discord
from discord.ext import commands

from bot.discord_api.client import AnyClient, SlashCommands, client_of
from bot.discord_api.private_replies import answer_failure, reply
from bot.domain.text import cut, escape_markdown, plural
from bot.runtime.limits import CONTENT_MAX

# Reasons come from other systems and can be long: how many characters of one are shown.
REASON_MAX: Final = 300
# How many characters of an expression are shown.
CODE_MAX: Final = 300
# Reversed prime, which looks alike and ends no code.
_NO_BACKTICK: Final = "\u2035"
# How many messages a reply has at most: after that, people would have to scroll past it.
REPLY_MESSAGES_MAX: Final = 3
# How long a command that is usually quick may take before its reply becomes "is thinking…"; Discord waits for 3 s.
DEFER_AFTER_S: Final = 1.5
# A keyword of this many words occurs in few papers, because its words must follow each other.
_LONG_PHRASE_WORDS: Final = 3


def relative_time(moment: datetime) -> str:
    """A moment that Discord shows relative to now, as "in 5 minutes"."""
    return discord.utils.format_dt(moment, "R")


def clock_time(moment: datetime) -> str:
    """A moment that Discord shows as "20:31" in the reader's time zone, for public replies: these outlast a delay."""
    return discord.utils.format_dt(moment, "t")


def local_time(moment: datetime) -> str:
    """A moment that Discord shows with its date in the reader's time zone, "28 November 2026 08:30"."""
    return discord.utils.format_dt(moment, "f")


def channel_link(guild: discord.Guild | None, channel_id: int) -> str:
    """A link to a channel; a channel that the server no longer lists is also named by its id."""
    if guild is not None and guild.get_channel_or_thread(channel_id) is not None:
        return f"<#{channel_id}>"
    return f"<#{channel_id}> (deleted or archived, id `{channel_id}`)"


def bold(text: str) -> str:
    """A keyword or other text from a user in bold, with its Markdown and mentions escaped."""
    return f"**{escape_markdown(text)}**"


def code(text: str, limit: int = CODE_MAX) -> str:
    """Text to type, such as an expression, cut to `limit` characters; nothing within is Markdown or a mention."""
    return f"`{cut(text.replace('`', _NO_BACKTICK), limit)}`"


def code_block(text: str) -> str:
    """Several lines in a font of fixed width."""
    return f"```\n{text.replace('`', _NO_BACKTICK)}\n```"


def shown_reason(reason: str) -> str:
    """The reason of a failure, cut to `REASON_MAX` and escaped."""
    return escape_markdown(cut(reason, REASON_MAX))


def split_messages(lines: Iterable[str], limit: int = CONTENT_MAX) -> Iterator[str]:
    """Joins lines into messages of at most `limit` characters; a longer line is cut."""
    message = ""
    for whole in lines:
        line = cut(whole, limit)
        if message and len(message) + 1 + len(line) > limit:
            yield message
            message = ""
        message = f"{message}\n{line}" if message else line
    if message:
        yield message


def fit_lines(lines: Iterable[str], messages_max: int = 1) -> tuple[str, ...]:
    """Joins lines into at most `messages_max` messages; the last line says how many lines do not fit."""
    kept = [line for line in lines if line]
    messages = tuple(split_messages(kept))
    if len(messages) <= messages_max:
        return messages
    # One after the other, as a message holds an unknown number of lines; there are few.
    shown = sum(message.count("\n") + 1 for message in messages[:messages_max])
    while len(messages) > messages_max:
        shown -= 1
        messages = tuple(split_messages([*kept[:shown], f"-# … and {plural(len(kept) - shown, 'more line')}."]))
    return messages


async def edit_reply(
    interaction: discord.Interaction[AnyClient],
    lines: Iterable[str],
    *,
    embeds: Sequence[discord.Embed] = (),
    view: discord.ui.View | None = None,
    messages_max: int = REPLY_MESSAGES_MAX,
) -> None:
    """Fills the reply with the lines; sends what does not fit as follow-ups only the caller sees.

    The last of `messages_max` messages says how much is left out.
    """
    first, *others = fit_lines(lines, messages_max)
    await interaction.edit_original_response(content=first, embeds=embeds, view=view)
    for message in others:
        await interaction.followup.send(message, ephemeral=True)


async def answer(interaction: discord.Interaction[AnyClient], text: str) -> None:
    """Fills the reply, which was deferred; it mentions nobody."""
    await interaction.edit_original_response(content=text, allowed_mentions=discord.AllowedMentions.none())


async def defer_update(interaction: discord.Interaction[AnyClient]) -> None:
    """Defers the answer of a button below a private reply, which replaces that reply.

    If everyone sees the message, such as a post, it stays, and the answer is a reply that only the caller sees.
    """
    if interaction.message is not None and interaction.message.flags.ephemeral:
        await interaction.response.defer()
    else:
        await interaction.response.defer(ephemeral=True, thinking=True)


async def send_reply(
    interaction: discord.Interaction[AnyClient], lines: Iterable[str], view: discord.ui.View = discord.utils.MISSING
) -> None:
    """Replies with one message that only the caller sees, whether the reply was deferred or not."""
    (message,) = fit_lines(lines)
    if interaction.response.is_done():
        await interaction.edit_original_response(content=message, view=None if view is discord.utils.MISSING else view)
    else:
        await interaction.response.send_message(message, view=view, ephemeral=True)


_ResultT = TypeVar("_ResultT")


async def defer_if_slow(interaction: discord.Interaction[AnyClient], work: Coroutine[None, None, _ResultT]) -> _ResultT:
    """Returns the result of `work`; defers the reply, for the caller only, if that takes long.

    A reply that is deferred stays at "is thinking…" if the bot is killed, so that commands avoid it.
    """
    task = asyncio.ensure_future(work)
    try:
        await asyncio.wait({task}, timeout=DEFER_AFTER_S)
        if not task.done():
            await interaction.response.defer(ephemeral=True)
        return await task
    finally:
        task.add_done_callback(_ignore_failure)  # if the reply could not be deferred
        task.cancel()


_CogT = TypeVar("_CogT", bound=commands.Cog)


def cog_of(interaction: discord.Interaction[AnyClient], kind: type[_CogT]) -> _CogT:
    """Returns the cog that has the services of a button or menu that discord.py created."""
    cog = client_of(interaction).get_cog(kind.__name__)
    if not isinstance(cog, kind):
        raise TypeError("the command of this component is not loaded")
    return cog


def _ignore_failure(task: asyncio.Task[_ResultT]) -> None:
    if not task.cancelled():
        task.exception()


# Discord prevents that people use components that a message does not have; the bot does not rely on it.
UNUSABLE: Final = "This button or menu no longer works. Commands show new ones; see `/help`."

_ItemT = TypeVar("_ItemT", bound=discord.ui.Item[discord.ui.View])


class UnusableItem(discord.ui.DynamicItem[discord.ui.Item[discord.ui.View]], template=r"[\s\S]*"):
    """A component with a custom id that the bot cannot have created; never registered for its own template."""

    async def callback(self, interaction: discord.Interaction[AnyClient]) -> None:
        await reply(interaction, UNUSABLE)


async def count_click(interaction: discord.Interaction[AnyClient]) -> bool:
    """Counts the use of a component or form; beyond the limit, replies with the time to wait and returns False.

    What the current task does after it ends with the program.
    """
    tree = client_of(interaction).tree
    if isinstance(tree, SlashCommands):
        tree.track_current_task()
    try:
        client_of(interaction).clicks.check(interaction)
    except discord.app_commands.CommandOnCooldown as error:
        await answer_failure(interaction, error)
        return False
    return True


class PersistentItem(discord.ui.DynamicItem[_ItemT], template=r"(?!)"):
    """A button or menu that is created again from its custom id when it is used, so that it works after a restart.

    A subclass gives its own template. A component of another kind, or with values that cannot be, is unusable.
    """

    @classmethod
    async def from_custom_id(
        cls,
        _interaction: discord.Interaction[discord.Client],
        item: discord.ui.Item[discord.ui.View],
        match: re.Match[str],
        /,
    ) -> Self:
        try:
            created = cls.from_match(match)
        except ValueError:
            created = None
        if created is None or created.item.type is not item.type:
            # discord.py has no other way to reject a component than to create one, and it accepts any.
            return cast("Self", UnusableItem(item))
        return created

    async def interaction_check(self, interaction: discord.Interaction[AnyClient], /) -> bool:
        """Counts the click; beyond the limit, replies with the time to wait."""
        return await count_click(interaction)

    @classmethod
    @abstractmethod
    def from_match(cls, match: re.Match[str]) -> Self:
        """Returns the component with this custom id, a match of the template; raises ValueError for wrong values."""


def spelling_hint(shown: str) -> str:
    """What to check if nothing is found for a keyword."""
    words = shown.partition("[")[0].split()
    return "Check the spelling, or use fewer words." if len(words) >= _LONG_PHRASE_WORDS else "Check the spelling."
