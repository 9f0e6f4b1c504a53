"""Searches a server's keywords for autocompletion without blocking the event loop, and names the choices.

The value of a choice is the keyword's id: an expression can be longer than a value.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from typing import Final

from bot.domain.keyword_index import KeywordIndex
from bot.domain.subscription import Spelling
from bot.domain.text import cut, utf16_length
from bot.runtime.limits import SELECT_OPTION_MAX

# Checking the permissions for one channel takes up to 20 µs; a server has up to 500 channels and 1,000 threads.
_CHANNELS_PER_TURN: Final = 50
# No keyword that someone types is like this: `id:` is a field that keywords cannot have.
_CHOSEN: Final = re.compile(r"id:(\d{1,18})")


def choice_name(label: str, limit: int = SELECT_OPTION_MAX) -> str:
    """Returns the label without its middle if it is too long: long keywords often begin alike."""
    return label if utf16_length(label) <= limit else f"{cut(label, limit // 2)} {label[-(limit // 2 - 1) :]}"


def choice_value(keyword_id: int) -> str:
    """Returns the value of the choice for a keyword."""
    return f"id:{keyword_id}"


def chosen_id(value: str) -> int | None:
    """Returns the id of the keyword that was chosen; None if the value was typed."""
    found = _CHOSEN.fullmatch(value)
    return None if found is None else int(found[1])


async def suggested(index: KeywordIndex, typed: str, may_show: Callable[[int], bool]) -> AsyncIterator[Spelling]:
    """Yields the keywords that contain what was typed, by channel; `may_show` is called for channels that have some.

    Other callbacks run in between.
    """
    for number, (channel_id, keywords) in enumerate(index.channels.items(), 1):
        if number % _CHANNELS_PER_TURN == 0:
            await asyncio.sleep(0)
        found = keywords.containing(typed)
        first = next(found, None)
        if first is None or not may_show(channel_id):
            continue
        yield first
        for spelling in found:
            yield spelling


async def visible(channel_ids: list[int], may_view: Callable[[int], bool]) -> list[int]:
    """Returns those of many channels for which `may_view` is true; other callbacks run in between."""
    allowed = []
    for number, channel_id in enumerate(channel_ids, 1):
        if number % _CHANNELS_PER_TURN == 0:
            await asyncio.sleep(0)
        if may_view(channel_id):
            allowed.append(channel_id)
    return allowed
