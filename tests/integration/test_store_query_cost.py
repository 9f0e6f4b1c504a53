"""Queries that run for each message or channel cost the same however much is stored: SQLite's steps are counted."""

from collections.abc import Awaitable

from bot.store.edits import Edits
from bot.store.found_messages import FoundMessages
from tests.support.store import CHANNEL, NOW, OTHER_CHANNEL, Store

ROWS = 1000
# A query that looks at each row takes more steps than there are rows.
STEPS_MAX = 300


async def steps(store: Store, query: Awaitable[object]) -> int:
    """Returns how many steps of SQLite's virtual machine a query takes."""
    count = 0

    def count_step() -> int:
        nonlocal count
        count += 1
        return 0

    for connecting in (store.database.reading(), store.database.transaction()):
        async with connecting as connection:
            await (await connection.driver()).set_progress_handler(count_step, 1)
    count = 0
    await query
    return count


async def add_posts(store: Store, channel_id: int) -> None:
    """Adds posts, each with a paper that was found in it."""
    async with store.database.transaction() as connection:
        await connection.execute("INSERT INTO channels (channel_id) VALUES (?)", (channel_id,))
        await connection.executemany(
            """INSERT INTO posts (key, channel_id, nonce, layout, first_attempt, last_attempt, message_id, settled_at)
               VALUES (?1, ?2, ?1 || ' nonce', 'cards', '2026', '2026', ?3, '2026')""",
            [(f"key{n}", channel_id, n) for n in range(ROWS)],
        )
        await connection.executemany(
            "INSERT INTO found_papers (channel_id, arxiv_id, post_key) VALUES (?, ?, ?)",
            [(channel_id, f"2611.{n:05}", f"key{n}") for n in range(ROWS)],
        )


async def add_queued_papers(store: Store) -> None:
    async with store.database.transaction() as connection:
        await connection.execute("INSERT INTO channels (channel_id) VALUES (?)", (CHANNEL,))
        for n in range(ROWS):
            arxiv_id = f"2611.{n:05}"
            await connection.execute(
                """INSERT INTO papers (arxiv_id, version, title, abstract, authors, primary_category, categories,
                   published, updated) VALUES (?, 1, '', '', '[]', 'cs.CL', '[]', '2026', '2026')""",
                (arxiv_id,),
            )
            await connection.execute(
                "INSERT INTO outbox (channel_id, arxiv_id, arrived_at, due_at) VALUES (?, ?, '2026', '2026')",
                (CHANNEL, arxiv_id),
            )


async def test_last_known_message_is_found_without_reading_all_posts(store: Store) -> None:
    await add_posts(store, OTHER_CHANNEL)
    found_messages = FoundMessages(store.database)
    assert await found_messages.read_until(OTHER_CHANNEL) == ROWS - 1
    for channel_id in (CHANNEL, OTHER_CHANNEL):
        assert await steps(store, found_messages.read_until(channel_id)) < STEPS_MAX


async def test_unsettled_message_is_found_without_reading_all_posts(store: Store) -> None:
    await add_posts(store, CHANNEL)
    assert await steps(store, store.outbox.unsettled_post(CHANNEL)) < STEPS_MAX


async def test_posts_and_found_papers_are_not_all_read_for_edits(store: Store) -> None:
    await add_posts(store, CHANNEL)
    assert await steps(store, Edits(store.database).due(NOW)) < STEPS_MAX


async def test_queued_papers_are_not_all_read_before_each_message(store: Store) -> None:
    await add_queued_papers(store)
    assert await steps(store, store.channels.correct_due_times(NOW, all_papers=False)) < STEPS_MAX
