"""The limit of papers per posting: how many papers a channel's next message may contain, and what that leaves.

A posting is a batch. It takes the first papers of the queue; the rest is withheld, and shown on request.
"""

from dataclasses import dataclass
from typing import Final

from bot.domain.channel_settings import ChannelSettings

PER_POSTING_MAX: Final = 1000


@dataclass(frozen=True, slots=True)
class PostingShare:
    """What a message takes of the limit of its batch, stored when it is bound.

    `papers_left` is how many papers may follow it, None without a limit; `is_last` means that none does, so that the
    message says how many papers were withheld.
    """

    papers_left: int | None
    is_last: bool


def papers_allowed(settings: ChannelSettings, *, begins: bool) -> int | None:
    """Returns how many more papers the batch may contain; None without a limit. `begins`: nothing of it is sent."""
    limit = settings.papers_per_posting
    if limit is None or begins or settings.papers_left is None:
        return limit
    return min(limit, settings.papers_left)


def share_of(settings: ChannelSettings, allowed: int | None, papers: int, *, is_last: bool) -> PostingShare | None:
    """Returns the share of a message with `papers` papers; None in a channel that has no limit and had none before."""
    if allowed is not None:
        return PostingShare(allowed - papers, is_last)
    return None if settings.papers_left is None else PostingShare(None, is_last)
