"""The schedule in the panel of `/channel settings`: its buttons and forms, which call what the command calls."""

from typing import Final

from bot.domain.channel_schedule import DailySchedule, Immediate
from bot.domain.channel_settings import ChannelSettings
from bot.domain.weekdays import EVERY_DAY, MONDAY_TO_FRIDAY, Weekdays, parse_weekdays, short_weekdays
from cogs.channel_texts import schedule_text
from cogs.panel_controls import FormField, PanelButton, PanelForm, Setting, Use
from cogs.schedule_input import AS_THEY_COME

_TIME_MAX: Final = 60
_ZONE_MAX: Final = 100
_DAYS_MAX: Final = 200


def _daily(settings: ChannelSettings) -> DailySchedule | None:
    return settings.schedule if isinstance(settings.schedule, DailySchedule) else None


def _time(settings: ChannelSettings) -> str:
    daily = _daily(settings)
    return "" if daily is None else f"{daily.hour:02}:{daily.minute:02}"


def _zone(settings: ChannelSettings) -> str:
    daily = _daily(settings)
    return "" if daily is None else daily.zone


def _days(settings: ChannelSettings) -> str:
    daily = _daily(settings)
    return "" if daily is None else short_weekdays(daily.days)


async def _as_they_come(use: Use) -> str:
    return await use.changes.schedule(use.interaction, use.target, AS_THEY_COME, None, None)


def _schedule_form(title: str, days: Weekdays | None) -> PanelForm:
    """The form for the time and the zone; without `days`, also for the days."""

    async def submit(use: Use) -> str:
        chosen = parse_weekdays(use.text("days")) if days is None else days
        return await use.changes.schedule(
            use.interaction, use.target, use.text("time"), use.text("zone") or None, chosen
        )

    fields = [
        FormField("time", "Time", "A time of day, such as 08:30 or 6 pm", "08:30", _time, _TIME_MAX),
        FormField("zone", "Time zone", "A city, a country, or a zone", "Europe/Berlin", _zone, _ZONE_MAX),
    ]
    if days is None:
        fields.append(
            FormField(
                "days",
                "Days",
                "Names of days, such as Mon, Thu, or a range, such as Fri-Mon",
                "Mon, Thu",
                _days,
                _DAYS_MAX,
            )
        )
    return PanelForm(title, tuple(fields), submit)


def _is_on(days: Weekdays, settings: ChannelSettings) -> bool:
    daily = _daily(settings)
    return daily is not None and daily.days == days


def _is_on_some_days(settings: ChannelSettings) -> bool:
    daily = _daily(settings)
    return daily is not None and daily.days not in (EVERY_DAY, MONDAY_TO_FRIDAY)


SCHEDULE: Final = Setting(
    "schedule",
    "Schedule",
    "When new papers are posted: as they come, or together at a time of day.",
    lambda state: schedule_text(state.settings.schedule, state.report.read_at, is_posting=not state.report.problems),
    buttons=(
        PanelButton(
            "as-they-come", "As they come", _as_they_come, lambda settings: isinstance(settings.schedule, Immediate)
        ),
        PanelButton(
            "daily", "Daily…", _schedule_form("Post papers daily", EVERY_DAY), lambda each: _is_on(EVERY_DAY, each)
        ),
        PanelButton(
            "weekdays",
            "Weekdays…",
            _schedule_form("Post papers from Monday to Friday", MONDAY_TO_FRIDAY),
            lambda each: _is_on(MONDAY_TO_FRIDAY, each),
        ),
        PanelButton("days", "Some days…", _schedule_form("Post papers on some days", None), _is_on_some_days),
    ),
)
