"""Imports of server settings files in the database: quotas of rows, expiry, concurrent changes, and an exact undo."""

import asyncio
import json
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.config import LimitsSettings
from bot.domain.channel_schedule import DailySchedule
from bot.domain.channel_settings import ChannelSettings, Style, TrendingSettings
from bot.domain.keyword import Keyword
from bot.domain.server_settings.changes import changes_of
from bot.domain.server_settings.reading import read_settings_file
from bot.domain.server_settings.writing import file_text, settings_document
from bot.domain.subscription import UNLIMITED, QuotaExceeded, Quotas
from bot.services.server_settings import EXPIRY_INTERVAL_S, ServerSettingsService
from bot.store.import_rows import StoredImport
from bot.store.server_settings import (
    PREVIEW_KEPT,
    PREVIEWS_PER_SERVER,
    UNDO_KEPT,
    UNDOS_PER_SERVER,
    ImportApplied,
    ImportGone,
    ImportUndone,
    ServerSettingsStore,
    SettingsDiffer,
)
from tests.support.builders import paper
from tests.support.clock import FakeClock
from tests.support.loops import DEADLINE_S
from tests.support.store import ADA, GUILD, NOW, Store

HERE, THERE = 10**17, 10**17 + 1
GRACE = 72


@pytest.fixture
def imports(store: Store) -> ServerSettingsStore:
    return ServerSettingsStore(store.database, store.subscriptions.note_change)


async def add_preview(
    imports: ServerSettingsStore, content: str, *, name: str = "1", user: int = ADA, guild: int = GUILD
) -> StoredImport:
    file = read_settings_file(content.encode(), NOW, 1000)
    seen = (await imports.read(guild, file.channel_ids)).fingerprint(file.channel_ids)
    preview = StoredImport(
        id=name,
        guild_id=guild,
        user_id=user,
        created_at=NOW,
        expires_at=NOW + PREVIEW_KEPT,
        is_applied=False,
        removes=True,
        seen=seen,
        content=content,
    )
    await imports.add_preview(preview, NOW)
    return preview


async def apply(imports: ServerSettingsStore, preview: StoredImport, quotas: Quotas = UNLIMITED) -> object:
    file = read_settings_file(preview.content.encode(), NOW, 1000)
    state = await imports.read(preview.guild_id, file.channel_ids)
    changes = changes_of(file, state, NOW, removes=preview.removes)
    return await imports.apply(preview.id, changes, file.channel_ids, quotas, NOW)


def file(*keywords: object, channel_id: int = HERE, **settings: object) -> str:
    channel = {"id": str(channel_id), "keywords": keywords, "settings": settings}
    return json.dumps({"format": 1, "channels": [channel]})


async def everything(store: Store) -> tuple[object, ...]:
    subscriptions = [await store.subscriptions.in_channel(channel_id) for channel_id in (HERE, THERE)]
    settings = [await store.channel_settings.get(channel_id) for channel_id in (HERE, THERE)]
    return tuple(subscriptions), tuple(settings)


async def test_undo_restores_exactly_what_an_import_changed(store: Store, imports: ServerSettingsStore) -> None:
    await store.watch("graph", "tree", channel_id=HERE)
    await store.subscribe("forest", HERE, added_by=GRACE)
    await store.subscriptions.apply_config({HERE: []}, NOW)
    settings = ChannelSettings(
        style=Style.CARDS,
        schedule=DailySchedule(8, 30, "UTC"),
        paused_since=NOW - timedelta(days=3),
        trending=TrendingSettings(4, NOW - timedelta(days=5)),
    )
    await store.set_channel(HERE, settings)
    await store.poll(paper("2611.00001", title="A tree"), paper("2611.00002", title="A graph"))
    before, version = await everything(store), store.subscriptions.version
    preview = await add_preview(
        imports, file("Graph", "new topic", schedule=None, paused=False, trending_min_votes=None, style="compact")
    )
    assert await apply(imports, preview) == ImportApplied(NOW + UNDO_KEPT)
    assert store.subscriptions.version > version
    assert [each.keyword.shown for each in await store.subscriptions.in_channel(HERE)] == ["Graph", "new topic"]
    after = await store.channel_settings.get(HERE)
    assert after == ChannelSettings(style=Style.COMPACT, backlog_pending=True)
    # The paper of a removed keyword left the queue; the other one is due.
    assert await store.due_ids(HERE) == ["2611.00002"]
    assert isinstance(await apply(imports, preview), ImportGone)
    assert isinstance(await imports.undo("1", NOW), ImportUndone)
    assert (await everything(store))[0] == before[0]
    restored = await store.channel_settings.get(HERE)
    assert replace(restored, backlog_pending=False) == settings
    assert isinstance(await imports.undo("1", NOW), ImportGone)


async def test_import_sets_roles_of_keywords_and_undo_restores_them(store: Store, imports: ServerSettingsStore) -> None:
    await store.watch("graph", "tree", "forest", "lake", channel_id=HERE)
    await store.subscriptions.apply_config({HERE: [Keyword.parse("from file")]}, NOW)
    for number, name in enumerate(("graph", "tree", "lake"), 1):
        await store.subscriptions.set_role(Keyword.parse(name), HERE, HERE + number)
    before = await everything(store)
    preview = await add_preview(
        imports,
        file(
            {"keyword": "Graph", "mention_role": None},
            {"keyword": "forest", "mention_role": str(HERE + 8)},
            {"keyword": "new topic", "mention_role": str(HERE + 9)},
            {"keyword": "from file", "source": "config.json", "mention_role": str(HERE + 10)},
            "lake",
        ),
    )
    await apply(imports, preview)
    subscriptions = await store.subscriptions.in_channel(HERE)
    assert {each.keyword.shown: each.mention_role for each in subscriptions} == {
        "Graph": None,
        "forest": HERE + 8,
        "from file": HERE + 10,
        "lake": None,  # the preview removes what the file leaves out
        "new topic": HERE + 9,
    }
    assert isinstance(await imports.undo("1", NOW), ImportUndone)
    assert await everything(store) == before


async def labels(store: Store) -> list[tuple[str, str]]:
    """What the channels spell, and what people see."""
    return [(each.shown, each.label) for each in await store.subscriptions.spellings(GUILD)]


async def test_names_and_labels_of_keywords_survive_an_export_an_import_and_its_undo(
    store: Store, imports: ServerSettingsStore
) -> None:
    long = " OR ".join(f'"reward model {number}"' for number in range(20))
    for text in ("name:Mine agents OR tools", "name:Phrase graph", long, "tree"):
        await store.subscribe(text, HERE)
    await store.sync()
    before = await labels(store)
    state = await imports.read(GUILD, [HERE])
    document = settings_document(state, {HERE: "papers"}, server_id=GUILD, exported_at=NOW)
    exported = read_settings_file(file_text(document).encode(), NOW, 1000)
    assert changes_of(exported, state, NOW, removes=True) == ()
    await apply(imports, await add_preview(imports, file("name:Yours agents OR tools", "name:Oak tree")))
    assert await labels(store) == [('name:"Oak" tree', "Oak"), ('name:"Yours" agents OR tools', "Yours")]
    assert isinstance(await imports.undo("1", NOW), ImportUndone)
    assert await labels(store) == before


async def test_role_that_changed_since_a_preview_or_an_import_prevents_it(
    store: Store, imports: ServerSettingsStore
) -> None:
    await store.watch("graph", channel_id=HERE)
    preview = await add_preview(imports, file({"keyword": "graph", "mention_role": str(HERE)}))
    await store.subscriptions.set_role(Keyword.parse("graph"), HERE, HERE + 1)
    assert isinstance(await apply(imports, preview), SettingsDiffer)
    await apply(imports, await add_preview(imports, preview.content))
    await store.subscriptions.set_role(Keyword.parse("graph"), HERE, None)
    assert isinstance(await imports.undo("1", NOW), SettingsDiffer)


async def test_undo_of_an_import_that_only_adds_removes_what_it_added(
    store: Store, imports: ServerSettingsStore
) -> None:
    await apply(imports, await add_preview(imports, file("graph")))
    assert [each.keyword.shown for each in await store.subscriptions.in_channel(HERE)] == ["graph"]
    assert await imports.undo("1", NOW) == ImportUndone(1)
    assert not await store.subscriptions.in_channel(HERE)


async def test_import_or_undo_after_another_change_changes_nothing(store: Store, imports: ServerSettingsStore) -> None:
    preview = await add_preview(imports, file("graph", style="cards"))
    await store.subscribe("tree", HERE)
    before = await everything(store)
    assert isinstance(await apply(imports, preview), SettingsDiffer)
    assert await everything(store) == before
    await apply(imports, await add_preview(imports, file("graph")))
    await store.set_channel(HERE, ChannelSettings(style=Style.CARDS))
    before = await everything(store)
    assert isinstance(await imports.undo("1", NOW), SettingsDiffer)
    assert await everything(store) == before
    # Settings of other channels do not matter.
    await store.set_channel(HERE, ChannelSettings())
    await store.set_channel(THERE, ChannelSettings(style=Style.CARDS))
    assert await imports.undo("1", NOW) == ImportUndone(1)


async def test_quotas_are_checked_when_an_import_is_applied(store: Store, imports: ServerSettingsStore) -> None:
    await store.subscribe("elsewhere", THERE)
    preview = await add_preview(imports, file("graph", "tree"))
    for quotas in (Quotas(1, 10), Quotas(10, 2)):
        outcome = await apply(imports, preview, quotas)
        assert isinstance(outcome, QuotaExceeded)
        assert await store.subscriptions.in_channel(HERE) == ()
    assert isinstance(await apply(imports, preview, Quotas(2, 3)), ImportApplied)


async def test_concurrent_imports_are_applied_once(store: Store, imports: ServerSettingsStore) -> None:
    previews = [await add_preview(imports, file(f"topic {user}"), name=str(user), user=user) for user in range(4)]
    outcomes = await asyncio.gather(*(apply(imports, preview) for preview in previews), apply(imports, previews[0]))
    assert sum(isinstance(each, ImportApplied) for each in outcomes) == 1
    assert len(await store.subscriptions.in_channel(HERE)) == 1


async def test_server_keeps_a_limited_number_of_previews_and_undos(imports: ServerSettingsStore) -> None:
    users = range(PREVIEWS_PER_SERVER + 2)
    for user in users:
        await add_preview(imports, file("graph"), name=f"old {user}", user=user)
        await add_preview(imports, file("graph"), name=f"new {user}", user=user)
    await add_preview(imports, file("graph"), name="other", guild=GUILD + 1)
    kept = [user for user in users if await imports.find(f"new {user}", NOW) is not None]
    assert len(kept) == PREVIEWS_PER_SERVER
    assert [user for user in users if await imports.find(f"old {user}", NOW) is not None] == []
    assert await imports.find("other", NOW) is not None
    undos = [f"undo {number}" for number in range(UNDOS_PER_SERVER + 2)]
    for number, name in enumerate(undos):
        await apply(imports, await add_preview(imports, file(f"topic {number}"), name=name))
    assert len([name for name in undos if await imports.find(name, NOW) is not None]) == UNDOS_PER_SERVER


async def test_imports_expire_even_if_nobody_imports_again(store: Store, imports: ServerSettingsStore) -> None:
    clock = FakeClock(NOW)
    service = ServerSettingsService(imports, clock, LimitsSettings(), lambda: None)
    await add_preview(imports, file("graph"), name="preview")
    await apply(imports, await add_preview(imports, file("graph"), name="undo", user=GRACE))
    assert await imports.find("preview", NOW + PREVIEW_KEPT) is None
    assert await imports.find("undo", NOW + PREVIEW_KEPT) is not None
    assert isinstance(await imports.undo("undo", NOW + UNDO_KEPT), ImportGone)
    await imports.delete_expired(NOW)
    assert await imports.find("undo", NOW) is not None
    loop = asyncio.create_task(service.run())
    for expired in ("preview", "undo"):
        clock.jump(UNDO_KEPT if expired == "undo" else PREVIEW_KEPT)
        async with asyncio.timeout(DEADLINE_S):
            while await imports.find(expired, NOW) is not None:  # at an earlier time, it had not expired
                await clock.advance(EXPIRY_INTERVAL_S)
        assert (await imports.find("undo", NOW) is None) == (expired == "undo")
    loop.cancel()


async def test_import_of_a_clock_that_was_ahead_is_dropped(imports: ServerSettingsStore) -> None:
    await add_preview(imports, file("graph"))
    await imports.delete_expired(NOW - UNDO_KEPT)
    assert await imports.find("1", NOW) is None
