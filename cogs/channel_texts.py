"""Texts of `/channel show`, `settings` and `resume`. It reads nothing: its callers pass what they say."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from bot.domain.channel_schedule import ChannelSchedule, DailySchedule, describe_schedule, next_daily_time
from bot.domain.channel_settings import ChannelSettings, Style, ThreadMode, TrendingSettings
from bot.domain.subscription import Subscription
from bot.domain.text import cut, plural
from bot.domain.zones import place_of_fixed_offset
from cogs.permissions import TargetChannel
from cogs.replies import bold, relative_time

# How many keywords with a role are named, and how many characters of each.
KEYWORDS_SHOWN: Final = 5
_KEYWORD_MAX: Final = 40

STYLE_TEXTS: Final = {
    Style.AUTO: "as cards, or as a compact list if there are more than five",
    Style.CARDS: "as cards",
    Style.COMPACT: "as a compact list",
}


def settings_lines(
    target: TargetChannel, settings: ChannelSettings, pings: str, queued: int, problems: Sequence[str], now: datetime
) -> list[str]:
    """A channel's settings, one per line, and everything that prevents posts."""
    lines = [
        f"**{target.mention}**",
        f"- Schedule: {schedule_text(settings.schedule, now, is_posting=not problems)}",
        f"- Style: {settings.style.value}",
        f"- Pings: {pings}",
        f"- Queued: {plural(queued, 'paper')}",
    ]
    if settings.publish:
        lines.append("- New papers are published to followers")
    if settings.threads is not ThreadMode.OFF:
        lines.append(f"- Threads: {settings.threads.value}")
    return lines + [f"- {problem}" for problem in problems]


def schedule_text(schedule: ChannelSchedule, now: datetime, *, is_posting: bool) -> str:
    """When papers are posted, and when next unless something prevents it."""
    next_time = ""
    if isinstance(schedule, DailySchedule) and is_posting:
        next_time = f"; next {relative_time(next_daily_time(schedule, now))}"
    return f"{describe_schedule(schedule)}{next_time}{_zone_warning(schedule)}"


def pings_text(mention_role: int | None, with_roles: Sequence[Subscription]) -> str:
    """Which roles are pinged: the channel's, and those of keywords, of which the first `KEYWORDS_SHOWN` are named."""
    every = "nobody" if mention_role is None else f"<@&{mention_role}>"
    if not with_roles:
        return every
    named = [f"{bold(cut(each.keyword.label, _KEYWORD_MAX))} <@&{each.mention_role}>" for each in with_roles]
    more = "; more in `/keywords`" if len(named) > KEYWORDS_SHOWN else ""
    return f"{every}; for keywords: {', '.join(named[:KEYWORDS_SHOWN])}{more}"


def _zone_warning(schedule: ChannelSchedule) -> str:
    place = place_of_fixed_offset(schedule.zone) if isinstance(schedule, DailySchedule) else None
    if place is None:
        return ""
    return f"; ⚠️ this zone has no daylight saving time: choose {place} with `/channel schedule`"


def trending_line(settings: TrendingSettings, *, is_enabled: bool) -> str:
    """Which trending lists the channel gets, for `/channel show`."""
    return f"- Trending: {trending_text(settings, is_enabled=is_enabled)}"


def trending_text(settings: TrendingSettings, *, is_enabled: bool) -> str:
    """Which trending lists the channel gets."""
    which = f", papers with at least {plural(settings.min_votes, 'vote')}" if settings.min_votes else ""
    return f"each day's list{which}" + ("" if is_enabled else "; trending papers are switched off here")


def backlog_text(queued: int, schedule: ChannelSchedule, problem: str | None, limit: int | None = None) -> str:
    """What happens with the papers that were queued during a pause."""
    if not queued:
        return "No papers were held."
    if problem is not None:
        return f"{plural(queued, 'held paper')} can't be posted yet.\n⚠️ {problem}"
    text = f"Posting {plural(queued, 'held paper')}."
    if limit is not None and queued > limit:
        text = f"Posting {limit:,} of {plural(queued, 'held paper')}; **Show the rest** will list the others."
    if isinstance(schedule, DailySchedule):
        text += f" Papers that aren't due yet will be posted {describe_schedule(schedule)}."
    return text
