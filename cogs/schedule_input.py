"""Reads the options of `/channel schedule`, and returns the schedule that follows the current one; changes nothing."""

from collections.abc import Callable
from datetime import datetime
from typing import Final

from bot.domain.channel_schedule import ChannelSchedule, DailySchedule, Immediate, parse_time, split_zone
from bot.domain.weekdays import EVERY_DAY, MONDAY_TO_FRIDAY, Weekdays, parse_weekdays
from bot.domain.zones import parse_zone
from cogs.permissions import CommandRejected

AS_THEY_COME: Final = "as they come"


def chosen_days(days: str | None, weekdays: bool | None) -> Weekdays | None:  # Discord's option
    """The days that the options name; None if none of them is used."""
    if days is not None and weekdays is not None:
        raise CommandRejected("Use either `days` or `weekdays`; `days:weekdays` also skips Saturdays and Sundays.")
    if days is not None:
        return parse_weekdays(days)
    return None if weekdays is None else MONDAY_TO_FRIDAY if weekdays else EVERY_DAY


def parse_schedule(
    typed: str, zone: str | None, days: Weekdays | None, now: datetime
) -> Callable[[ChannelSchedule], ChannelSchedule]:
    """The typed schedule, given the current one: without a zone or days, those of the current one are kept."""
    if typed.strip().casefold() == AS_THEY_COME:
        if zone is not None or days not in (None, EVERY_DAY):
            raise CommandRejected(
                f"`zone`, `days` and `weekdays` need a time of day. Leave them out for `{AS_THEY_COME}`."
            )
        return lambda _: Immediate()
    if zone is None:
        typed, zone = split_zone(typed)
    hour, minute = parse_time(typed)
    parsed_zone = None if zone is None else parse_zone(zone, now)

    def next_schedule(current: ChannelSchedule) -> ChannelSchedule:
        daily = current if isinstance(current, DailySchedule) else None
        new_zone = daily.zone if daily is not None and parsed_zone is None else parsed_zone
        if new_zone is None:
            raise CommandRejected("Please also set `zone`, e.g. Europe/Berlin.")
        kept_days = EVERY_DAY if daily is None else daily.days
        return DailySchedule(hour, minute, new_zone, kept_days if days is None else days)

    return next_schedule
