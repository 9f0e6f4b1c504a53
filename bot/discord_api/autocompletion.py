"""Limits how often people and servers get suggestions: Discord requests them for each keystroke.

Beyond the limits, the suggestions are empty; what people type is accepted without them.
"""

import time
from collections import Counter
from collections.abc import Callable
from typing import Final

import aiohttp
import discord

# A fast typist sends three requests per second; a request takes about 2 ms, most of it in discord.py.
WINDOW_S: Final = 10.0
SUGGESTIONS_PER_PERSON: Final = 40
SUGGESTIONS_PER_SERVER: Final = 1000


class AutocompletionLimit:
    """Counts the requests of the current ten seconds."""

    def __init__(self, monotonic_s: Callable[[], float] = time.monotonic) -> None:
        self._monotonic_s = monotonic_s
        self._ends_at_s = 0.0
        self._by_person: Counter[int] = Counter()
        self._by_server: Counter[int] = Counter()

    def allows(self, user_id: int, guild_id: int | None) -> bool:
        """Counts a request; returns whether it is within both limits. Outside servers, there is only the person's."""
        now_s = self._monotonic_s()
        if now_s >= self._ends_at_s:
            self._ends_at_s = now_s + WINDOW_S
            self._by_person.clear()
            self._by_server.clear()
        self._by_person[user_id] += 1
        if self._by_person[user_id] > SUGGESTIONS_PER_PERSON:  # does not count for the server
            return False
        if guild_id is None:
            return True
        self._by_server[guild_id] += 1
        return self._by_server[guild_id] <= SUGGESTIONS_PER_SERVER


async def answer_without_suggestions(interaction: discord.Interaction) -> None:
    """Answers a request for suggestions with none."""
    try:
        await interaction.response.autocomplete([])
    except (discord.DiscordException, aiohttp.ClientError, OSError):
        return  # Discord does not answer, or no longer waits for this answer: the person has typed on
