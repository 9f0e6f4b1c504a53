"""What an import changes: additions, removals, spellings and settings, and the quotas for them."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from bot.domain.channel_schedule import DailySchedule
from bot.domain.channel_settings import ChannelSettings, Style, TrendingSettings
from bot.domain.expressions.keywords import parse_keyword
from bot.domain.server_settings.changes import (
    ChannelChange,
    RoleChange,
    SettingChange,
    changes_of,
    exceeded_quota,
)
from bot.domain.server_settings.fields import JsonValue
from bot.domain.server_settings.model import ChannelState, FileChannel, ServerState, SettingsFile, StoredKeyword
from bot.domain.server_settings.undoing import read_undo, undo_text
from bot.domain.subscription import Quotas, QuotaScope

NOW = datetime(2026, 11, 18, 12, 0, tzinfo=UTC)
EARLIER = NOW - timedelta(days=9)
HERE, THERE = 10**17, 10**17 + 1


def stored(text: str, *, by_file: bool = False, role: int | None = None) -> StoredKeyword:
    return StoredKeyword(parse_keyword(text).canonical, text, by_file, not by_file, 71, NOW, role)


def channel_state(*keywords: StoredKeyword, settings: ChannelSettings | None = None) -> ChannelState:
    return ChannelState(settings or ChannelSettings(), {each.canonical: each for each in keywords})


def file_of(*keywords: str, channel_id: int = HERE, **values: JsonValue) -> SettingsFile:
    parsed = tuple(map(parse_keyword, keywords))
    listed = frozenset(each.canonical for each in parsed)
    return SettingsFile((FileChannel(channel_id, parsed, listed, values),))


def only_change(file: SettingsFile, state: ChannelState, *, removes: bool = False) -> ChannelChange:
    (change,) = changes_of(file, ServerState({HERE: state}), NOW, removes=removes)
    return change


def test_keywords_are_removed_only_on_request_and_those_of_config_json_never() -> None:
    state = channel_state(stored("graph"), stored("tree"), stored("forest", by_file=True))
    file = file_of("Graphs", "new topic")
    change = only_change(file, state)
    assert [each.shown for each in change.added] == ["new topic"]
    assert change.removed == ()
    assert [(old.shown, new.shown) for old, new in change.respelled] == [("graph", "Graphs")]
    assert [each.shown for each in only_change(file, state, removes=True).removed] == ["tree"]
    without_list = SettingsFile((FileChannel(HERE, None, frozenset(), {"style": "cards"}),))
    assert only_change(without_list, state, removes=True).removed == ()


def test_settings_that_the_file_leaves_out_stay() -> None:
    settings = ChannelSettings(style=Style.CARDS, paused_since=EARLIER, trending=TrendingSettings(3, EARLIER))
    change = only_change(file_of(paused=True, trending_min_votes=9), channel_state(settings=settings))
    assert change.after == ChannelSettings(
        style=Style.CARDS, paused_since=EARLIER, trending=TrendingSettings(9, EARLIER)
    )
    assert change.settings == (SettingChange("trending_min_votes", "daily, from 3 votes", "daily, from 9 votes"),)
    limited = only_change(file_of(papers_per_posting=1), channel_state())
    assert limited.settings == (SettingChange("papers_per_posting", "none", "1 paper"),)
    assert (
        only_change(file_of(papers_per_posting=None), channel_state(settings=limited.after)).after == ChannelSettings()
    )
    begun = only_change(file_of(paused=True, trending_min_votes=0, mention_role=str(HERE)), channel_state())
    assert begun.after.paused_since == NOW
    assert begun.after.trending == TrendingSettings(0, NOW)
    assert [(each.before, each.after) for each in begun.settings] == [
        ("none", f"<@&{HERE}>"),
        ("no", "yes"),
        ("off", "daily"),
    ]


@pytest.mark.parametrize("days", ["Mon, Thu", "Thursday and Monday", ["Mon", "Thu"]])
def test_days_of_a_schedule_are_a_text_or_a_list(days: JsonValue) -> None:
    change = only_change(file_of(schedule={"time": "08:30", "zone": "UTC", "days": days}), channel_state())
    assert change.after.schedule == DailySchedule(8, 30, "UTC", frozenset({0, 3}))
    assert [each.after for each in change.settings] == ["on Mondays and Thursdays at 08:30 (UTC)"]


def test_file_without_changes_changes_nothing() -> None:
    state = ServerState({HERE: channel_state(stored("graph"))})
    assert changes_of(file_of("graph", style="auto"), state, NOW, removes=True) == ()
    assert changes_of(file_of("graph").without([HERE]), state, NOW, removes=True) == ()


def test_quotas_apply_to_what_an_import_adds() -> None:
    state = ServerState(
        {HERE: channel_state(stored("graph"), stored("forest", by_file=True)), THERE: channel_state(stored("graph"))}
    )
    changes = changes_of(file_of("graph", "tree"), state, NOW, removes=False)
    assert exceeded_quota(changes, state, Quotas(2, 3)) is None
    for quotas, scope, used in ((Quotas(1, 3), QuotaScope.CHANNEL, 2), (Quotas(2, 2), QuotaScope.SERVER, 3)):
        found = exceeded_quota(changes, state, quotas)
        assert found is not None
        change, exceeded = found
        assert (change.channel_id, exceeded.scope, exceeded.used) == (HERE, scope, used)
    removed = changes_of(file_of("tree"), state, NOW, removes=True)
    assert exceeded_quota(removed, state, Quotas(1, 2)) is None
    assert exceeded_quota(changes_of(file_of(style="cards"), state, NOW, removes=False), state, Quotas(0, 0)) is None


def roles_file(**roles: int | None) -> SettingsFile:
    """A file with these keywords and "plain", which it gives no role; "config" is marked as one of config.json."""
    parsed = {name: parse_keyword(name) for name in (*roles, "plain")}
    return SettingsFile(
        (
            FileChannel(
                HERE,
                tuple(each for name, each in parsed.items() if name != "config"),
                frozenset(each.canonical for each in parsed.values()),
                {},
                {parsed[name].canonical: role for name, role in roles.items()},
            ),
        )
    )


def test_roles_of_keywords_change_as_the_file_says() -> None:
    state = channel_state(
        stored("graph", role=1), stored("tree", role=2), stored("plain", role=3), stored("config", by_file=True)
    )
    file = roles_file(graph=None, tree=2, config=5, new=6)
    expected = [
        RoleChange(parse_keyword(name).canonical, name, before, after)
        for name, before, after in (("config", None, 5), ("graph", 1, None), ("new", None, 6))
    ]
    change = only_change(file, state)
    assert list(change.roles) == expected
    assert not change.is_empty
    # What the file leaves out is removed on request only.
    removed = RoleChange(parse_keyword("plain").canonical, "plain", 3, None)
    assert list(only_change(file, state, removes=True).roles) == [*expected, removed]
    without_list = SettingsFile((FileChannel(HERE, None, frozenset(), {}),))
    assert changes_of(without_list, ServerState({HERE: state}), NOW, removes=True) == ()


def test_role_of_a_keyword_of_config_json_that_the_channel_lacks_changes_nothing() -> None:
    state = ServerState({HERE: channel_state(stored("plain"))})
    assert changes_of(roles_file(config=5), state, NOW, removes=False) == ()


def test_undo_restores_roles_also_of_keywords_that_it_adds_again() -> None:
    state = channel_state(stored("graph", role=1), stored("gone", role=2), stored("plain"))
    change = only_change(roles_file(graph=5, new=6), state, removes=True)
    (undo,) = read_undo(undo_text([change]))
    assert undo.roles == {
        parse_keyword("graph").canonical: 1,
        parse_keyword("gone").canonical: 2,
        parse_keyword("new").canonical: None,
    }


def test_undo_of_the_previous_release_has_no_roles() -> None:
    text = undo_text([only_change(file_of("graph"), channel_state())])
    (each,) = json.loads(text)
    del each["roles"]
    (undo,) = read_undo(json.dumps([each]))
    assert undo.roles == {}
    assert undo.added == (parse_keyword("graph").canonical,)


def test_undo_has_everything_that_it_restores_but_no_person() -> None:
    settings = ChannelSettings(paused_since=EARLIER, trending=TrendingSettings(3, EARLIER))
    state = channel_state(stored("graph"), stored("tree"), settings=settings)
    change = only_change(file_of("Graphs", "new topic", paused=False), state, removes=True)
    text = undo_text([change])
    (undo,) = read_undo(text)
    assert (undo.channel_id, undo.settings) == (HERE, settings)
    assert undo.added == (parse_keyword("new topic").canonical,)
    assert undo.respelled == {parse_keyword("graph").canonical: "graph"}
    assert "71" not in text
