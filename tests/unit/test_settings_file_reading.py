"""Settings files: what is written is read again, and every mistake is named."""

import json
from collections.abc import Mapping
from dataclasses import fields, replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.channel_schedule import DailySchedule, Immediate
from bot.domain.channel_settings import ChannelSettings, Style, ThreadMode, TrendingSettings
from bot.domain.expressions.keywords import parse_keyword
from bot.domain.keyword import Keyword
from bot.domain.posting_limit import PER_POSTING_MAX
from bot.domain.server_settings.changes import changes_of
from bot.domain.server_settings.fields import FIELDS, NOT_IN_FILES, encoded, exact, from_exact
from bot.domain.server_settings.model import ChannelState, ServerState, SettingsFile, StoredKeyword
from bot.domain.server_settings.reading import FILE_CHANNELS_MAX, read_settings_file
from bot.domain.server_settings.writing import file_text, settings_document
from bot.runtime.errors import InvalidSettingsFile

NOW = datetime(2026, 11, 18, 12, 0, tzinfo=UTC)
CHANNEL = 10**17
ROLE = 2 * 10**17
KEYWORDS = (
    "reward model",
    "graphs [cs.LG]",
    '"reward model" OR RLHF',
    'name:"Mine" au:"Hinton, G" ANDNOT survey',
    "name:Short RLHF",
)


def stored(keyword: Keyword, *, by_file: bool = False, role: int | None = None) -> StoredKeyword:
    return StoredKeyword(keyword.canonical, keyword.text, by_file, not by_file, 71, NOW, role)


def state_of(*keywords: StoredKeyword, settings: ChannelSettings | None = None) -> ServerState:
    channel = ChannelState(settings or ChannelSettings(), {each.canonical: each for each in keywords})
    return ServerState({CHANNEL: channel})


def written(state: ServerState) -> bytes:
    names = dict.fromkeys(state.channels, "papers")
    return file_text(settings_document(state, names, server_id=1, exported_at=NOW)).encode()


def read(content: object, keywords_max: int = 100) -> SettingsFile:
    text = content if isinstance(content, bytes) else json.dumps(content).encode()
    return read_settings_file(text, NOW, keywords_max)


def one_channel(**more: Any) -> dict[str, Any]:
    return {"format": 1, "channels": [{"id": str(CHANNEL), **more}]}


def scheduled(**more: object) -> dict[str, object]:
    return one_channel(settings={"schedule": {"time": "08:30", "zone": "UTC", **more}})


def message(content: object) -> str:
    with pytest.raises(InvalidSettingsFile) as raised:
        read(content)
    return str(raised.value)


settings = st.builds(
    ChannelSettings,
    style=st.sampled_from(Style),
    schedule=st.just(Immediate())
    | st.builds(
        DailySchedule,
        st.integers(0, 23),
        st.integers(0, 59),
        st.sampled_from(["UTC", "Asia/Kolkata"]),
        st.frozensets(st.integers(0, 6), min_size=1),
    ),
    mention_role=st.none() | st.just(ROLE),
    publish=st.booleans(),
    papers_per_posting=st.none() | st.integers(1, PER_POSTING_MAX),
    threads=st.sampled_from(ThreadMode),
    paused_since=st.none() | st.just(NOW),
    trending=st.none() | st.builds(TrendingSettings, st.integers(0, 10**9), st.just(NOW)),
)


@given(
    settings,
    st.lists(
        st.tuples(st.sampled_from(KEYWORDS), st.booleans(), st.none() | st.just(ROLE)), unique_by=lambda each: each[0]
    ),
)
def test_exported_settings_are_read_again_without_a_change(
    chosen: ChannelSettings, keywords: list[tuple[str, bool, int | None]]
) -> None:
    state = state_of(
        *(stored(parse_keyword(text), by_file=flag, role=role) for text, flag, role in keywords), settings=chosen
    )
    file = read(written(state))
    assert file.channel_ids == (CHANNEL,)
    assert changes_of(file, state, NOW, removes=True) == ()
    (change,) = changes_of(file, ServerState({}), NOW, removes=False) or (None,)
    added = {keyword.canonical for keyword in change.added} if change else set()
    assert added == {parse_keyword(text).canonical for text, is_file, _ in keywords if not is_file}
    roles = {each.canonical: each.after for each in change.roles} if change else {}
    assert roles == {
        parse_keyword(text).canonical: role for text, is_file, role in keywords if not is_file and role is not None
    }
    assert encoded(change.after if change else ChannelSettings()) == encoded(chosen)


@given(settings)
def test_settings_are_restored_exactly(chosen: ChannelSettings) -> None:
    assert from_exact(json.loads(json.dumps(exact(chosen)))) == chosen


def test_phrase_that_reads_like_an_expression_stays_a_phrase() -> None:
    phrase = Keyword.parse("reward OR RLHF")
    assert parse_keyword("reward OR RLHF").canonical != phrase.canonical
    state = state_of(stored(phrase))
    assert json.loads(written(state))["channels"][0]["keywords"] == [{"keyword": "reward OR RLHF", "phrase": True}]
    assert changes_of(read(written(state)), state, NOW, removes=True) == ()


def test_every_setting_of_a_channel_is_in_files_or_explained() -> None:
    in_files = {attribute for field in FIELDS for attribute in field.attributes}
    assert in_files | set(NOT_IN_FILES) == {field.name for field in fields(ChannelSettings)}
    assert in_files.isdisjoint(NOT_IN_FILES)


def test_change_of_any_setting_in_files_changes_the_fingerprint() -> None:
    state = state_of(stored(parse_keyword("graph")))
    changed: Mapping[str, Any] = {
        "style": Style.CARDS,
        "schedule": DailySchedule(8, 30, "UTC"),
        "mention_role": ROLE,
        "publish": True,
        "paused_since": NOW,
        "trending": TrendingSettings(0, NOW),
        "papers_per_posting": 1,
        "threads": ThreadMode.PER_BATCH,
    }
    others = [
        state_of(stored(parse_keyword("graph")), settings=replace(ChannelSettings(), **{name: value}))
        for name, value in changed.items()
    ]
    others += [
        state_of(),
        state_of(stored(parse_keyword("Graph"))),
        state_of(stored(parse_keyword("graph"), by_file=True)),
        state_of(stored(parse_keyword("graph"), role=ROLE)),
        state_of(stored(parse_keyword("graph"), role=ROLE + 1)),
    ]
    prints = {each.fingerprint([CHANNEL]) for each in (state, *others)}
    assert len(prints) == 1 + len(others)
    assert {name for field in FIELDS for name in field.attributes} == set(changed)
    assert state.fingerprint([]) == ServerState({}).fingerprint([])


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"{", "The file is not JSON: line 1, column 2."),
        (b"\xff", "The file is not JSON: it is no text in UTF-8."),
        (b"[" * 100_000, "The file is not JSON that can be read."),
        (b'{"format": NaN}', "The file is not JSON that can be read."),
        (b'{"format": ' + b"1" * 5000 + b"}", "The file is not JSON that can be read."),
        ([], "This is not a settings file: it is no JSON object."),
        ({}, "This is not a settings file: it has no `format`."),
        ({"format": True}, "The file has format `true`; this bot reads format 1."),
        ({"format": "`" * 100}, "The file has format `\"'''"),
        ({"format": 1, "channels": {}}, "it has no list of `channels`"),
        ({"format": 1, "channels": [1]}, "it has no list of `channels`"),
        ({"format": 1, "channels": [{}] * (FILE_CHANNELS_MAX + 1)}, "The file has 1,501 channels; a settings file can"),
        ({"format": 1, "channels": [{"id": "12"}]}, "Channel 1 of the file has no valid `id`"),
        ({"format": 1, "channels": [{"id": str(2**64)}]}, "Channel 1 of the file has no valid `id`"),
        ({"format": 1, "channels": [{"id": str(CHANNEL)}] * 2}, f"The file names <#{CHANNEL}> more than once."),
        (one_channel(colour=1), f"In <#{CHANNEL}>, `colour` is unknown; allowed: `id`, `name`, `settings`"),
        (one_channel(settings=[]), "`settings` is no JSON object."),
        (one_channel(keywords={}), "`keywords` is no list."),
        (one_channel(keywords=["graph", ""]), f"In <#{CHANNEL}>, keyword 2 `` is not valid. "),
        (one_channel(keywords=[[]]), "keyword 1 is no text"),
        (one_channel(keywords=[{"keyword": 3}]), "keyword 1 is no text"),
        (one_channel(keywords=[{"keyword": "graph", "phrase": 1}]), "keyword 1 is not valid; besides `keyword`"),
        (one_channel(keywords=[{"keyword": "graph", "source": "me"}]), "keyword 1 is not valid; besides `keyword`"),
        (one_channel(keywords=[{"keyword": "graph", "more": 1}]), "keyword 1 is not valid; besides `keyword`"),
        (
            one_channel(keywords=["tree", {"keyword": "graph", "mention_role": 5}]),
            f"In <#{CHANNEL}>, keyword 2: `mention_role` is not valid; allowed: null, or the id of a role in quotation",
        ),
        (one_channel(keywords=["graph AND (tree"]), "keyword 1 `graph AND (tree` is not valid, at character "),
        (one_channel(keywords=["graph"] * 101), "The file has 101 keywords; this server can have up to 100."),
        (one_channel(settings={"style": 1}), "`style` is not valid; allowed: `auto`, `cards` or `compact`."),
        (one_channel(settings={"style": "huge"}), "`style` is not valid; allowed: `auto`, `cards` or `compact`."),
        (one_channel(settings={"schedule": "08:30"}), "`schedule` is not valid; allowed: null, or an object such as"),
        (one_channel(settings={"schedule": {"time": "8", "zone": "UTC"}}), "`schedule` is not valid; allowed: null"),
        (one_channel(settings={"schedule": {"time": "08:30", "zone": "Mars"}}), "the time zone is unknown"),
        (scheduled(more=1), "`schedule` is not valid; allowed: null, or an object such as"),
        (scheduled(days=1), "`schedule` is not valid; in `days`: `1` is no day of the week: use names such as"),
        (scheduled(days="Mon", weekdays_only=True), "`schedule` is not valid; allowed: null, or an object such as"),
        (one_channel(settings={"mention_role": 5}), "`mention_role` is not valid; allowed: null, or the id of a role"),
        (one_channel(settings={"mention_role": "12"}), "`mention_role` is not valid; allowed: null, or the id"),
        (one_channel(settings={"publish": 1}), "`publish` is not valid; allowed: true or false."),
        (one_channel(settings={"paused": None}), "`paused` is not valid; allowed: true or false."),
        (one_channel(settings={"trending_min_votes": True}), "a whole number from 0 to 1,000,000,000."),
        (one_channel(settings={"papers_per_posting": 0}), "`papers_per_posting` is not valid; allowed: null, or"),
        (one_channel(settings={"papers_per_posting": True}), "a whole number from 1 to 1,000."),
        (one_channel(settings={"threads": True}), "allowed: `off`, `on click`, `per batch` or `per paper`."),
        (one_channel(settings={"threads": "on"}), "`threads` is not valid; allowed: `off`, `on click`"),
        (one_channel(settings={"trending_min_votes": -1}), "`trending_min_votes` is not valid; allowed: null, or"),
        (one_channel(settings={"a`\n\ud800\u202e" + "b" * 10_000: 1}), "`a' bbb"),
        (one_channel(**{"\ud800`" + "x" * 10_000: 1}), "`'xxx"),
        (one_channel(keywords=['"a\ud800\n`']), "keyword 1 `\"a '` is not valid"),
        (one_channel(settings={"colour": 1}), "`colour` is no setting of a channel; allowed: `style`, `schedule`,"),
    ],
)  # fmt: skip
def test_mistake_is_answered_with_one_sentence_that_names_it(content: object, expected: str) -> None:
    text = message(content)
    assert expected in text
    assert "\n" not in text
    assert len(text) < 400


def test_keywords_of_the_settings_file_do_not_count() -> None:
    marked = [{"keyword": f"topic {number}", "source": "config.json"} for number in range(200)]
    file = read(one_channel(keywords=[*marked, "graph"]))
    assert [keyword.shown for keyword in file.channels[0].keywords or ()] == ["graph"]
    assert len(file.channels[0].listed) == 201


def test_first_of_equal_keywords_counts_and_missing_parts_are_optional() -> None:
    file = read(b"\xef\xbb\xbf" + json.dumps(one_channel(keywords=["Graph", "graphs", "tree"])).encode())
    assert [keyword.shown for keyword in file.channels[0].keywords or ()] == ["Graph", "tree"]
    (bare,) = read(one_channel(name="papers")).channels
    assert (bare.keywords, bare.values) == (None, {})


def test_keyword_of_a_file_keeps_its_role_unless_the_file_names_one() -> None:
    keywords = [
        {"keyword": "graph", "mention_role": str(ROLE)},
        {"keyword": "Graphs", "mention_role": str(ROLE + 1)},  # of equal keywords, the first one counts
        {"keyword": "tree", "mention_role": None},
        {"keyword": "forest", "source": "config.json", "mention_role": str(ROLE)},
        {"keyword": "lake"},
        "sea",
    ]
    (channel,) = read(one_channel(keywords=keywords)).channels
    expected = {"graph": ROLE, "tree": None, "forest": ROLE}
    assert channel.roles == {parse_keyword(text).canonical: role for text, role in expected.items()}
