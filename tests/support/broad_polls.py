"""An arXiv of realistic size, and keywords that many of its papers mention: for counting what a poll costs.

A poll over 5, 40 or 4,000 of the keywords reads 2,502, 6,037 or 8,998 entries.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import product
from typing import Final

from bot.domain.keyword import Keyword
from bot.domain.queries import Window, older_window, poll_window
from sandbox.arxiv import SandboxPaper
from sandbox.arxiv.generator import generate_paper
from tests.support.store import ADA, CHANNEL, GUILD, Store

# The papers that arXiv returns for the two windows of a poll, all of them.
RECENT: Final = 5_000
OLDER: Final = 3_998
# The keywords of the three sizes, and how many of 1,000 papers mention one of the first 5, of the first 40 and of all.
KEYWORDS: Final = (5, 40, 4_000)
_OF_1000: Final = (278, 671, 1000)
# The highest number of requests that a poll may send for each size.
REQUESTS_MAX: Final = {5: 3, 40: 5, 4_000: 7}
SINCE_LAST_POLL: Final = timedelta(hours=12)

_SEED: Final = 12
_CONSONANTS: Final = "bdfgkmpvz"


def broad_keywords(count: int) -> list[str]:
    """Returns the first keywords: words that no other text contains and that no stemming changes."""
    words = ("o".join(letters) + "ok" for letters in product(_CONSONANTS, repeat=4))
    return [word for word, _ in zip(words, range(count), strict=False)]


def broad_papers(now: datetime, *, scale: int = 1) -> Iterator[SandboxPaper]:
    """Yields the papers of both windows of a poll at `now`, each of which mentions one keyword.

    With a `scale` of 100, there is a hundredth of the papers.
    """
    recent, older = poll_window(now - SINCE_LAST_POLL, now), older_window(now)
    keywords = broad_keywords(KEYWORDS[-1])
    dates = (
        *_dates(RECENT // scale, Window(max(recent.start, older.end) + timedelta(hours=1), recent.end)),
        *_dates(OLDER // scale, Window(older.start, min(recent.start, older.end) - timedelta(hours=1))),
    )
    for number, published in enumerate(dates):
        paper = generate_paper(_SEED, number)
        abstract = f"{paper.abstract} We study {keywords[_keyword_of(number)]}."
        arxiv_id = f"{published:%y%m}.{number + 1:05}"
        yield replace(paper, abstract=abstract, arxiv_id=arxiv_id, published=published, updated=published)


def _keyword_of(number: int) -> int:
    """Returns which keyword a paper mentions: those of each size take turns."""
    first = 0
    for keywords, share in zip(KEYWORDS, _OF_1000, strict=True):
        if number * 617 % 1000 < share:
            return first + number % (keywords - first)
        first = keywords
    raise AssertionError


def _dates(count: int, window: Window) -> Iterator[datetime]:
    """Yields evenly distributed times in a window."""
    step = (window.end - window.start) / (count + 1)
    return ((window.start + step * number).replace(microsecond=0) for number in range(1, count + 1))


async def subscribe_to_broad_keywords(store: Store, count: int, now: datetime) -> None:
    """Subscribes a channel to keywords that were synced until the last poll, `SINCE_LAST_POLL` before `now`."""
    keywords = [Keyword.parse(text) for text in broad_keywords(count)]
    await store.subscriptions.add_all(keywords, CHANNEL, GUILD, added_by=ADA, now=now)
    await store.sync(new_since=now - timedelta(days=30), synced_until=now - SINCE_LAST_POLL)
