"""Parses the bodies of arXiv's responses off the event loop: large ones in a child process, small ones in a thread.

feedparser creates 200 objects per entry, and computes with the global interpreter lock held: in a thread of the bot, a
large page would delay the event loop and take memory that the process keeps (docs/adr/0014).
"""

import asyncio
from collections.abc import Collection, Sequence
from typing import Final

from bot.arxiv.feed_codec import decode, encode_request
from bot.domain.feed import FeedPage, parse_feed
from bot.runtime.child_process import python_module, run_child

# 130 entries of the usual size. Parsing them takes as much CPU time as starting the process, 0.07 s.
THREAD_MAX_BYTES: Final = 320 * 1024
# A page of 2,000 entries takes 2 s; much longer on a small or busy machine.
PARSE_TIMEOUT_S: Final = 60.0

_NAME: Final = "parsing process"
_COMMAND: Final = python_module("bot.arxiv.feed_process")


class FeedParser:
    """Parses bodies, each large one in a process of its own."""

    def __init__(self, command: Sequence[str] = _COMMAND, *, timeout_s: float = PARSE_TIMEOUT_S) -> None:
        self._command = command
        self._timeout_s = timeout_s

    async def parse(self, body: bytes, known: Collection[int] = ()) -> FeedPage:
        """Returns the papers of one response, as `parse_feed` does.

        Raises:
            ChildFailed: the process took too long or failed; a smaller page may succeed.
        """
        if len(body) <= THREAD_MAX_BYTES:
            return await asyncio.to_thread(parse_feed, body, known)
        output = await run_child(_NAME, self._command, encode_request(body, known), timeout_s=self._timeout_s)
        return await asyncio.to_thread(decode, output)
