"""How many statements a change of many rows takes: as many as one of few."""

from collections.abc import Awaitable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from bot.domain.channel_schedule import DailySchedule
from bot.domain.channel_settings import ChannelSettings
from bot.domain.keyword import Keyword
from bot.store.known_guilds import KnownGuilds
from tests.support.builders import paper
from tests.support.databases import rows
from tests.support.store import ADA, CHANNEL, GUILD, NOW, Store

# 18:00 in Berlin.
DIGEST = datetime(2026, 11, 18, 17, 0, tzinfo=UTC)
DAILY = ChannelSettings(schedule=DailySchedule(18, 0, "Europe/Berlin"))


@contextmanager
def recorded() -> Iterator[list[str]]:
    """Yields the statements that run until the block ends."""
    statements: list[str] = []

    def record(*event: object) -> None:
        statements.append(str(event[2]))

    sa.event.listen(sa.Engine, "before_cursor_execute", record)
    try:
        yield statements
    finally:
        sa.event.remove(sa.Engine, "before_cursor_execute", record)


async def count(change: Awaitable[object]) -> int:
    """Returns how many statements a change takes."""
    with recorded() as statements:
        await change
    return len(statements)


def keywords(number: int) -> list[Keyword]:
    return [Keyword.parse(f"phrase {n}") for n in range(number)]


async def test_statements_of_the_settings_do_not_depend_on_their_size(store: Store) -> None:
    few = {channel_id: keywords(1) for channel_id in range(2)}
    many = {channel_id: keywords(20) for channel_id in range(100, 120)}
    assert await count(store.subscriptions.apply_config(few, NOW)) < 12
    assert await count(store.subscriptions.apply_config(few | many, NOW)) < 12
    assert len(await store.watched()) == 20
    assert {len(await store.subscriptions.in_channel(channel_id)) for channel_id in many} == {20}


async def test_settings_that_did_not_change_write_nothing(store: Store) -> None:
    wanted = {channel_id: keywords(3) for channel_id in range(3)}
    await store.subscriptions.apply_config(wanted, NOW)
    before = rows(store.path)
    with recorded() as statements:
        await store.subscriptions.apply_config(wanted, NOW + timedelta(days=1))
    assert rows(store.path) == before
    written = [statement for statement in statements if statement.startswith(("INSERT", "UPDATE", "DELETE"))]
    assert [statement.split()[2] for statement in written] == ["channels"]


async def test_statements_of_a_command_do_not_depend_on_its_keywords(store: Store) -> None:
    def added(number: int, channel_id: int) -> Awaitable[object]:
        return store.subscriptions.add_all(keywords(number), channel_id, GUILD, added_by=ADA, now=NOW)

    assert await count(added(30, CHANNEL)) == await count(added(1, CHANNEL + 1))
    assert len(await store.subscriptions.in_channel(CHANNEL)) == 30


async def test_statements_of_a_poll_do_not_depend_on_its_channels(store: Store) -> None:
    await store.watch("graph")
    few = await count(store.poll(paper("2611.00001", title="Graph")))
    for channel_id in range(100, 130):
        await store.subscribe("graph", channel_id)
        await store.set_channel(channel_id, DAILY)
    assert await count(store.poll(paper("2611.00002", title="Graph"))) <= few + 1  # the due times
    for channel_id in range(100, 130):
        assert await store.due(channel_id) == ()
        assert len(await store.due(channel_id, now=DIGEST)) == 1


async def test_new_paper_does_not_change_due_times_of_earlier_ones(store: Store) -> None:
    await store.watch("graph")
    await store.set_channel(CHANNEL, ChannelSettings(paused_since=NOW))
    await store.poll(paper("2611.00001", title="Graph"))
    later = NOW + timedelta(hours=1)
    await store.channel_settings.resume(CHANNEL, later)
    await store.poll(paper("2611.00002", title="Graph"), now=later + timedelta(hours=1))
    assert await store.due(now=NOW) == ()
    assert len(await store.due(now=later)) == 1


async def test_server_without_moved_channels_starts_no_transaction(store: Store) -> None:
    await store.subscribe("graph")
    with recorded() as statements:
        await store.channels.set_guild(GUILD, [CHANNEL, 999])
        assert not await store.channels.unblock(CHANNEL)
    assert not any(statement.startswith("BEGIN") for statement in statements)


async def test_statements_of_a_start_do_not_depend_on_its_servers(store: Store) -> None:
    known_guilds = KnownGuilds(store.database)
    few = await count(known_guilds.replace([1], NOW))
    assert await count(known_guilds.replace(range(500), NOW)) == few
