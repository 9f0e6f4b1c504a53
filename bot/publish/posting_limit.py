"""Applies a channel's limit of papers per posting: withholds what exceeds it before a message is bound.

The decision is stored before anything of the batch is sent, so that a restart does not change it. It sends nothing.
"""

import logging
from collections.abc import Callable, Sequence

from bot.domain.post import OutboxEntry
from bot.domain.posting_limit import PostingShare, papers_allowed, share_of
from bot.runtime.clock import Clock
from bot.store.channel_queues import ChannelQueue
from bot.store.outbox import Outbox

log = logging.getLogger(__name__)


class PostingLimit:
    """The limits of all channels; `on_edit` wakes the loop that edits messages."""

    def __init__(self, outbox: Outbox, clock: Clock, on_edit: Callable[[], None]) -> None:
        self._outbox = outbox
        self._clock = clock
        self._on_edit = on_edit

    async def withhold_rest(self, queue: ChannelQueue) -> bool:
        """Withholds what the batch may not contain; returns whether anything was, so that the queue has changed."""
        allowed = _allowed(queue)
        due = len(queue.entries) if queue.start is None else queue.start.due.papers
        if allowed is None or not queue.entries or due <= allowed:
            return False
        rest = await self._outbox.withhold_rest(queue.channel_id, allowed, self._clock.now())
        if rest.requests_edit:
            self._on_edit()
        if rest.papers:
            fields = {"channel_id": queue.channel_id, "papers": rest.papers, "reason": "limit per posting"}
            log.info("papers withheld", extra=fields)
        return rest.papers > 0

    def share(self, queue: ChannelQueue, entries: Sequence[OutboxEntry]) -> PostingShare | None:
        """Returns what a message with these first entries of the queue takes of the limit."""
        is_last = len(entries) == len(queue.entries)
        return share_of(queue.settings, _allowed(queue), len(entries), is_last=is_last)


def _allowed(queue: ChannelQueue) -> int | None:
    begins = queue.start is not None and queue.start.earlier_header is None
    return papers_allowed(queue.settings, begins=begins)
