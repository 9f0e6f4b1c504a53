"""An upgrade from the previous release's matcher: what only the present one finds among older papers is not posted."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import pytest

from tests.support import previous_release as previous
from tests.support.databases import rows
from tests.support.ingest import Ingest, ingest_over
from tests.support.store import opened

pytestmark = pytest.mark.slow

NOW: Final = datetime(2026, 11, 19, 12, 0, tzinfo=UTC)
# The previous release's last poll was an hour ago, and its channels `single`, `menu`, … watch `reward model`.
INSTALLATION: Final = previous.Installation(
    now=NOW, guild=1, user=71, single=11, menu=12, absent=13, paused=14, blocked=15, trending=16, gone=17, message=77
)
HIDDEN_BY_TEX: Final = r"On \emph{reward} \textbf{model} training"
HALF_AN_HOUR: Final = 1 / 48  # days


@pytest.fixture
async def ingest(path: Path) -> AsyncIterator[Ingest]:
    """Ingest over the database of the previous release."""
    previous.write_database(path, INSTALLATION)
    async with opened(path) as store, ingest_over(store, now=NOW) as ingest:
        yield ingest


async def queued(ingest: Ingest) -> set[str]:
    """Returns the papers that are queued for the channel, other than those of the previous release."""
    return {arxiv_id for arxiv_id in await ingest.due(INSTALLATION.single) if arxiv_id > "2611"}


def seen(ingest: Ingest) -> set[object]:
    """Returns the papers that have a match, other than those of the previous release."""
    return {row[2] for row in rows(ingest.store.path)["matches"] if str(row[2]) > "2611"}


async def test_older_papers_that_only_the_new_matcher_finds_are_seen_but_not_posted(ingest: Ingest) -> None:
    hidden = {ingest.add_paper(HIDDEN_BY_TEX, days_ago=days) for days in (0.2, 1, 3, 6)}
    await ingest.poll()
    assert await queued(ingest) == set()
    assert seen(ingest) == hidden


async def test_older_paper_that_the_previous_matcher_finds_too_is_posted(ingest: Ingest) -> None:
    announced_late = ingest.add_paper("A reward model", days_ago=2)
    await ingest.poll()
    assert await queued(ingest) == {announced_late}


async def test_paper_published_after_the_last_poll_of_the_previous_release_is_posted(ingest: Ingest) -> None:
    new = ingest.add_paper(HIDDEN_BY_TEX, days_ago=HALF_AN_HOUR)
    await ingest.poll()
    assert await queued(ingest) == {new}


async def test_paper_of_a_later_day_is_posted_while_older_ones_stay_seen(ingest: Ingest) -> None:
    ingest.add_paper(HIDDEN_BY_TEX, days_ago=1)
    await ingest.poll()
    await ingest.clock.advance(timedelta(days=1).total_seconds())
    new = ingest.add_paper(HIDDEN_BY_TEX)
    await ingest.poll()
    assert await queued(ingest) == {new}


async def test_keyword_synced_after_the_upgrade_posts_a_paper_that_is_announced_late(ingest: Ingest) -> None:
    await ingest.watch("CO2", channel_id=INSTALLATION.single)
    late = ingest.add_paper("Capture of CO$_2$ in cells", days_ago=10)
    for _ in range(8):  # older papers are read over seven days
        await ingest.poll()
        await ingest.clock.advance(timedelta(days=1).total_seconds())
    assert late in await queued(ingest)


async def test_sent_message_gets_no_keyword_that_only_the_new_matcher_finds(ingest: Ingest) -> None:
    before = rows(ingest.store.path)["outbox_keywords"]
    title = r"Reward model \emph{graph} \textbf{networks}"
    ingest.add_paper(title, days_ago=1, arxiv_id=previous.IN_HISTORY)
    await ingest.poll()
    assert rows(ingest.store.path)["outbox_keywords"] == before
