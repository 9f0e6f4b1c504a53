"""How replies are worded: channel and time mentions, lists that fit a message."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Final

import discord

from bot.domain.text import cut, escape_markdown
from bot.runtime.limits import CONTENT_MAX

# How much of what arXiv or a loop says of a failure is shown.
REASON_MAX: Final = 300


def when(moment: datetime) -> str:
    """A moment in the reader's own zone, as "in 5 minutes"."""
    return discord.utils.format_dt(moment, "R")


def mention(guild: discord.Guild | None, channel_id: int) -> str:
    """A channel as a link; where that would lead nowhere, its id says which one it was."""
    if guild is not None and guild.get_channel_or_thread(channel_id) is not None:
        return f"<#{channel_id}>"
    return f"<#{channel_id}> (deleted or archived, id `{channel_id}`)"


def bold(text: str) -> str:
    """A keyword or another text of somebody's, harmless and in bold."""
    return f"**{escape_markdown(text)}**"


def reason(words: str) -> str:
    """What a failure says of itself, harmless and not too long."""
    return escape_markdown(cut(words, REASON_MAX))


def pages(lines: Iterable[str], limit: int = CONTENT_MAX) -> Iterator[str]:
    """Lines joined into messages that Discord takes; a line longer than a message is cut."""
    page = ""
    for whole in lines:
        line = cut(whole, limit)
        if page and len(page) + 1 + len(line) > limit:
            yield page
            page = ""
        page = f"{page}\n{line}" if page else line
    if page:
        yield page
