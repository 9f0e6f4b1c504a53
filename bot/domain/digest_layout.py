"""A day's list for a channel laid out for reading: a line a paper, as many as one embed holds, whatever was sent.

Ranked papers enter; the embed's Markdown leaves, and how many papers it shows. It chooses and sends nothing.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from bot import limits
from bot.domain.badges import Badge, BadgeKind, badges
from bot.domain.digest import Ranked
from bot.domain.parts import badge_line, joined, listed, title_of
from bot.domain.text import cut, escape_label, escape_markdown, harmless, units
from bot.domain.trending import as_paper


@dataclass(frozen=True, slots=True)
class DigestList:
    """What the embed says, and how many of the first papers it shows."""

    description: str
    shown: int


@dataclass(frozen=True, slots=True)
class _Room:
    """How long the parts of a line may be."""

    title: int
    badges: int
    keywords: int
    organization: int


# From generous to narrow; in the last one a line has 200 characters at most (with an id of today): 20 always fit.
_ROOMS: Final = (
    _Room(title=limits.EMBED_TITLE_MAX, badges=200, keywords=120, organization=60),
    _Room(title=110, badges=100, keywords=60, organization=30),
    _Room(title=80, badges=20, keywords=40, organization=0),
)


def lay_out_digest(papers: Sequence[Ranked], day: date) -> DigestList:
    """The list of the first papers that fit, and a line that says how many more there are; at least one paper."""
    first = papers[: limits.SELECT_OPTIONS_MAX]
    lines: list[str] = []
    for room in _ROOMS:
        lines = [_line(each, room) for each in first]
        if _fits(lines, len(papers), day):
            break
    while not _fits(lines, len(papers), day):
        lines.pop()
    return DigestList("\n".join(_with_rest(lines, len(papers), day)), len(lines))


def _fits(lines: Sequence[str], papers: int, day: date) -> bool:
    return units("\n".join(_with_rest(lines, papers, day))) <= limits.EMBED_DESCRIPTION_MAX


def _with_rest(lines: Sequence[str], papers: int, day: date) -> list[str]:
    more = papers - len(lines)
    return [*lines, f"… and {more:,} more: `/trending date:{day.isoformat()}`"] if more else list(lines)


def _line(ranked: Ranked, room: _Room) -> str:
    """`**[Title](…)** — ▲ 41 · code ★ 1.2k · **for reward model** · Some University`."""
    listing = ranked.listing
    title = cut(escape_label(title_of(as_paper(listing))), room.title)
    keywords = tuple(dict.fromkeys(escape_markdown(harmless(keyword)) for keyword in ranked.keywords))
    why = listed(keywords, len(keywords), room.keywords)
    details = joined(
        f"for {why}" if why else "",
        badge_line(tuple(_badges(ranked)), room.badges),
        cut(escape_markdown(harmless(listing.organization or "")), room.organization) if room.organization else "",
    )
    link = f"**[{title}]({listing.arxiv_id.abs_url})**"
    return f"{link} — {details}" if details else link


def _badges(ranked: Ranked) -> Iterator[Badge]:
    wanted = (BadgeKind.VOTES, BadgeKind.CODE, BadgeKind.REPOSITORY)
    return (badge for badge in badges(as_paper(ranked.listing), ranked.listing) if badge.kind in wanted)
