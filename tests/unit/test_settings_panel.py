"""The panel of `/channel settings`: its texts, its controls within Discord's limits, what is read from a form."""

from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, Final

import discord
import pytest

from bot.discord_api.panel_ids import NOTHING_OPEN, PanelControlId
from bot.domain.channel_schedule import DailySchedule
from bot.domain.channel_settings import ChannelSettings, Style, TrendingSettings
from bot.domain.exclusions import ChannelExclusion
from bot.domain.expressions.keywords import parse_keyword
from bot.domain.weekdays import EVERY_DAY, MONDAY_TO_FRIDAY
from bot.runtime.limits import (
    BUTTON_LABEL_MAX,
    BUTTONS_PER_ROW,
    CUSTOM_ID_MAX,
    FORM_HINT_MAX,
    FORM_LABEL_MAX,
    FORM_TITLE_MAX,
    SELECT_OPTION_MAX,
    SELECT_OPTIONS_MAX,
    TEXT_INPUT_MAX,
)
from bot.services.exclusions import EXCLUSIONS_PER_CHANNEL, HeldBack
from cogs.channel_reports import ChannelReport
from cogs.panel_controls import PanelForm, PanelState, Setting, Use, choice_setting, read_number
from cogs.panel_forms import submitted_form, typed_texts
from cogs.panel_settings import GENERAL_BUTTONS, SETTINGS, SETTINGS_BY_NAME
from cogs.panel_view import Notice, blank_item, control_of, panel_content, panel_embeds, panel_items
from cogs.permissions import CommandRejected, TargetChannel

NOW: Final = datetime(2026, 11, 18, tzinfo=UTC)
TARGET: Final = TargetChannel(11, is_thread=False, permissions=discord.Permissions())
DAILY: Final = DailySchedule(8, 5, "Europe/Berlin")
ID_MAX: Final = 2**63 - 1
CHANGED: Final = ChannelSettings(
    style=Style.COMPACT,
    schedule=DAILY,
    mention_role=7,
    publish=True,
    paused_since=NOW,
    trending=TrendingSettings(20, NOW),
    papers_per_posting=1000,
)
ANYTHING: Any = SimpleNamespace()


def exclusions(count: int, text: str = "w") -> tuple[ChannelExclusion, ...]:
    return tuple(
        ChannelExclusion(10**17 + number, 11, parse_keyword(f"{text}{number}"), 71, NOW) for number in range(count)
    )


def state(settings: ChannelSettings | None = None, *, excluded: tuple[ChannelExclusion, ...] = ()) -> PanelState:
    """The state of a channel that publishes and gets trending lists."""
    report = ChannelReport(
        TARGET, settings or ChannelSettings(), 3, ("⚠️ A problem",), excluded, HeldBack(), (), None, True, NOW
    )
    return PanelState(report, is_announcement=True)


def test_panel_lists_every_setting_of_a_channel() -> None:
    assert panel_content(state(CHANGED, excluded=exclusions(2))).splitlines() == [
        "**Settings of <#11>**",
        "- Schedule: daily at 08:05 (Europe/Berlin)",
        "- Style: compact: as a compact list",
        "- Pings: <@&7>",
        "- Threads: off: no threads",
        "- Limit: 1,000 papers per posting; 0 more in 30 days were not posted",
        "- Exclusions: 2; 0 papers in 30 days excluded",
        "- Publishing: to followers",
        "- Trending lists: each day's list, papers with at least 20 votes",
        "- Queued: 3 papers",
        "- ⚠️ A problem",
    ]


def test_settings_that_a_channel_cannot_have_are_left_out() -> None:
    without = replace(state(), is_announcement=False, may_have_threads=False)
    without = replace(without, report=replace(without.report, is_trending_enabled=False))
    assert [setting.name for setting in SETTINGS if setting.is_offered(without)] == [
        *("schedule", "style", "pings", "limit", "exclusions")
    ]


@pytest.mark.parametrize("settings", [ChannelSettings(), CHANGED])
@pytest.mark.parametrize("opened", [NOTHING_OPEN, *SETTINGS_BY_NAME])
def test_every_setting_is_shown_within_discords_limits(opened: str, settings: ChannelSettings) -> None:
    shown = state(settings, excluded=exclusions(EXCLUSIONS_PER_CHANNEL, "x" * 150))
    items = list(panel_items(shown, PanelControlId(ID_MAX, ID_MAX, opened, "")))
    ids = [control_id.encode() for control_id, _ in items]
    assert len(set(ids)) == len(ids)
    assert max(map(len, ids)) <= CUSTOM_ID_MAX
    rows: dict[int | None, int] = {}
    for control_id, item in items:
        rows[item.row] = rows.get(item.row, 0) + item.width
        assert type(blank_item(control_id)) is type(item)
        if isinstance(item, discord.ui.Button):
            assert len(item.label or "") <= BUTTON_LABEL_MAX
        if isinstance(item, discord.ui.Select):
            assert 0 < len(item.options) <= SELECT_OPTIONS_MAX
            texts = [text for each in item.options for text in (each.label, each.value, each.description or "")]
            assert max(map(len, texts)) <= SELECT_OPTION_MAX
    assert max(rows.values()) <= BUTTONS_PER_ROW
    embeds = panel_embeds(shown, opened, Notice("x" * 9000, is_error=True))
    assert sum(map(len, embeds)) <= 6000


def forms() -> list[PanelForm]:
    return [button.action for each in SETTINGS for button in each.buttons if isinstance(button.action, PanelForm)]


@pytest.mark.parametrize("form", forms(), ids=lambda form: form.title)
def test_forms_keep_discords_limits(form: PanelForm) -> None:
    assert 0 < len(form.title) <= FORM_TITLE_MAX
    for field in form.fields:
        assert 0 < len(field.label) <= FORM_LABEL_MAX
        assert max(len(field.hint), len(field.placeholder)) <= FORM_HINT_MAX
        assert field.max_length <= TEXT_INPUT_MAX
        for settings in (ChannelSettings(), CHANGED):
            assert len(field.value(settings)) <= field.max_length


def test_names_of_controls_are_unique_within_a_panel() -> None:
    general = ["settings", *(button.name for button in GENERAL_BUTTONS)]
    for setting in SETTINGS:
        names = [*general, "menu", *(button.name for button in setting.buttons)]
        assert len(set(names)) == len(names), setting.name
    assert len(SETTINGS_BY_NAME) == len(SETTINGS)
    assert NOTHING_OPEN not in SETTINGS_BY_NAME


@pytest.mark.parametrize(
    ("settings", "highlighted"),
    [
        (ChannelSettings(), "As they come"),
        (ChannelSettings(schedule=DAILY), "Daily…"),
        (ChannelSettings(schedule=replace(DAILY, days=MONDAY_TO_FRIDAY)), "Weekdays…"),
        (ChannelSettings(schedule=replace(DAILY, days=EVERY_DAY - {6})), "Some days…"),
    ],
)
def test_button_of_the_current_schedule_is_highlighted(settings: ChannelSettings, highlighted: str) -> None:
    buttons = SETTINGS_BY_NAME["schedule"].buttons
    assert [button.label for button in buttons if button.is_current(settings)] == [highlighted]


def test_unknown_control_does_not_exist() -> None:
    for opened, control in (("style", "none"), ("schedule", "menu"), ("none", "menu"), ("x", "set"), ("style", "set")):
        control_id = PanelControlId(71, 11, opened, control)
        assert control_of(control_id) is None
        with pytest.raises(ValueError, match="no control"):
            blank_item(control_id)


def test_long_details_say_how_many_lines_are_missing() -> None:
    shown = state(excluded=exclusions(EXCLUSIONS_PER_CHANNEL, "x" * 190))
    (embed,) = panel_embeds(shown, "exclusions", None)
    assert embed.description is not None
    assert embed.description.splitlines()[-1].startswith("-# … and ")


async def test_setting_with_choices_accepts_only_these() -> None:
    async def change(_use: Use, value: str) -> str:
        return f"now {value}"

    setting: Setting = choice_setting("x", "X", "x", {"a": "A"}, lambda _: "a", change)
    assert setting.shown(state()) == "a: A"
    assert setting.menu is not None
    use = Use(ANYTHING, TARGET, ANYTHING, ["a"])
    assert await setting.menu.choose(use) == "now a"
    for chosen in ([], ["b"], [ANYTHING]):
        with pytest.raises(CommandRejected):
            await setting.menu.choose(replace(use, chosen=chosen))
    with pytest.raises(CommandRejected):
        use.role()


@pytest.mark.parametrize(("typed", "number"), [("1", 1), ("1,000", 1000), ("0050", 50)])
def test_number_is_read_with_or_without_commas(typed: str, number: int) -> None:
    assert read_number(typed, 1, 1000) == number


@pytest.mark.parametrize("typed", ["", "0", "1001", "-1", "1.5", "ten", "\u0663", "9" * 5000, ","])
def test_number_out_of_range_is_rejected_with_the_range(typed: str) -> None:
    with pytest.raises(CommandRejected, match="Type a whole number from 1 to 1,000"):
        read_number(typed, 1, 1000)


def interaction(data: object, kind: discord.InteractionType = discord.InteractionType.modal_submit) -> Any:
    return SimpleNamespace(type=kind, data=data)


def test_texts_of_a_form_are_read_by_name() -> None:
    label = {"type": 18, "component": {"type": 4, "custom_id": "time", "value": " 08:30 "}}
    row = {"type": 1, "components": [{"type": 4, "custom_id": "zone", "value": ""}]}
    typed = typed_texts(interaction({"custom_id": "x", "components": [label, row]}))
    assert typed == {"time": " 08:30 ", "zone": ""}
    use = Use(ANYTHING, TARGET, ANYTHING, typed=typed)
    assert (use.text("time"), use.text("zone"), use.text("days")) == ("08:30", "", "")


@pytest.mark.parametrize("components", [None, [], [None], {}, "x", [{"component": 7}], [{"custom_id": 1, "value": 2}]])
def test_form_with_hostile_components_has_no_texts(components: object) -> None:
    assert typed_texts(interaction({"components": components})) == {}


def test_other_interactions_submit_no_form_of_a_panel() -> None:
    assert submitted_form(interaction({"custom_id": "panel-form:71:11:limit:set"})) is not None
    assert submitted_form(interaction({"custom_id": 7})) is None
    assert submitted_form(interaction(None)) is None
    other = discord.InteractionType.component
    assert submitted_form(interaction({"custom_id": "panel-form:71:11:limit:set"}, other)) is None
