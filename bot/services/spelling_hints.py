"""Suggests "did you mean" for a keyword that a channel lacks or that has no papers.

Comparing spellings takes up to a second of CPU, and one command can contain many unknown keywords. So one
comparison runs at a time, and a hint that would have to wait is left out.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from bot.domain.categories import CATEGORIES
from bot.domain.common_terms import COMMON_TERMS
from bot.domain.expressions.keywords import required_phrases
from bot.domain.keyword import Keyword, keyword_key
from bot.domain.similar_terms import nearest_terms, similar_keywords
from bot.store.papers import Papers
from bot.store.subscriptions import Subscriptions

# How long a hint waits for the other comparisons.
HINT_WAIT_S: Final = 1.0
# In how many titles terms are searched for that resemble a keyword without papers.
TITLES_SEARCHED: Final = 3000
# In how many phrases of an expression a mistake is looked for.
PHRASES_COMPARED: Final = 3
# With how many of a channel's keywords an unknown one is compared.
COMPARED_KEYWORDS: Final = 500


class SpellingHints:
    """Finds terms and keywords that are spelled similarly; a hint waits up to `wait_s` for the others."""

    def __init__(self, subscriptions: Subscriptions, papers: Papers, *, wait_s: float = HINT_WAIT_S) -> None:
        self._subscriptions = subscriptions
        self._papers = papers
        self._wait_s = wait_s
        self._comparing = asyncio.Lock()

    async def terms(self, keyword: Keyword) -> tuple[str, ...]:
        """Terms of known papers, or common ones, that are spelled like the keyword but are another one.

        For an expression, they are like one of its phrases, the first one that is no such term itself.
        """
        return await self._in_turn(lambda: self._terms(keyword))

    async def keywords(self, keyword: Keyword, channel_id: int) -> tuple[str, ...]:
        """Keywords of the channel that resemble this one, of the first `COMPARED_KEYWORDS`."""
        return await self._in_turn(lambda: self._keywords(keyword, channel_id))

    async def _in_turn(self, compare: Callable[[], Awaitable[tuple[str, ...]]]) -> tuple[str, ...]:
        """The result of `compare`; nothing if the other comparisons take too long."""
        try:
            async with asyncio.timeout(self._wait_s):
                await self._comparing.acquire()
        except TimeoutError:
            return ()
        try:
            return await compare()
        finally:
            self._comparing.release()

    async def _terms(self, keyword: Keyword) -> tuple[str, ...]:
        titles = (*await self._papers.titles(TITLES_SEARCHED), *CATEGORIES.values(), *COMMON_TERMS)
        suffix = f" [{keyword.category}]" if keyword.category else ""
        for phrase in required_phrases(keyword)[:PHRASES_COMPARED]:
            # In a thread, because 3,000 titles take 0.2 s.
            terms = await asyncio.to_thread(nearest_terms, phrase, titles)
            key = keyword_key(phrase + suffix)
            others = tuple(term + suffix for term in terms if keyword_key(term + suffix) not in (None, key))
            if others and (keyword.expression is None or len(others) == len(terms)):
                return others
        return ()

    async def _keywords(self, keyword: Keyword, channel_id: int) -> tuple[str, ...]:
        subscriptions = await self._subscriptions.in_channel(channel_id, COMPARED_KEYWORDS)
        labels = [subscription.keyword.label for subscription in subscriptions]
        # In a thread, because 500 keywords take up to a second.
        return await asyncio.to_thread(similar_keywords, keyword.label, labels)
