"""A day's list for a channel laid out for reading: a line a paper, as many as one embed holds, whatever was sent.

Ranked papers enter; the embed's Markdown leaves, and how many papers it shows. It chooses and sends nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from bot.domain.layout.badges import Badge, BadgeKind, badges
from bot.domain.layout.parts import badge_line, joined, listed, title_of
from bot.domain.text import cut, escape_label, escape_markdown, harmless, units
from bot.domain.trending.entry import TrendingEntry, abbreviated, as_paper
from bot.domain.trending.post import RankedEntry
from bot.runtime import limits


@dataclass(frozen=True, slots=True)
class TrendingPostLayout:
    """What the embed says, and how many of the first papers it shows."""

    description: str
    shown: int


@dataclass(frozen=True, slots=True)
class _Room:
    """How long the parts of a line may be."""

    title: int
    keywords: int
    code: int
    organization: int


@dataclass(frozen=True, slots=True)
class _Draft:
    """A paper's texts, converted and escaped once, not yet cut."""

    trending_entry: TrendingEntry
    title: str
    keywords: tuple[str, ...]
    code: tuple[Badge, ...]
    organization: str

    def in_room(self, room: _Room) -> str:
        """`▲ 41 · **[Title](…)** · for reward model · code ★ 1.2k · Some University`."""
        why = listed(self.keywords, len(self.keywords), room.keywords)
        return joined(
            f"▲ {abbreviated(self.trending_entry.votes)}",
            f"**[{cut(self.title, room.title)}]({self.trending_entry.arxiv_id.abs_url})**",
            f"for {why}" if why else "",
            badge_line(self.code, room.code),
            cut(self.organization, room.organization) if room.organization else "",
        )


# From generous to narrow; in the last one a line has 200 characters at most (with an id of today): 20 always fit.
_ROOMS: Final = (
    _Room(title=limits.EMBED_TITLE_MAX, code=200, keywords=120, organization=60),
    _Room(title=160, code=100, keywords=60, organization=30),
    _Room(title=110, code=80, keywords=60, organization=0),
    _Room(title=80, code=0, keywords=40, organization=0),
)


def lay_out_trending_post(papers: Sequence[RankedEntry], day: date) -> TrendingPostLayout:
    """The list of the first papers that fit, and a line that says how many more there are; at least one paper."""
    drafts = [_draft(each) for each in papers[: limits.SELECT_OPTIONS_MAX]]
    lines = [draft.in_room(_ROOMS[-1]) for draft in drafts]
    while not _fits(lines, papers, day):
        lines.pop()
    for room in reversed(_ROOMS[:-1]):
        for at, draft in enumerate(drafts[: len(lines)]):
            longer = [*lines[:at], draft.in_room(room), *lines[at + 1 :]]
            lines = longer if _fits(longer, papers, day) else lines
    return TrendingPostLayout(_whole(lines, papers, day), len(lines))


def _fits(lines: Sequence[str], papers: Sequence[RankedEntry], day: date) -> bool:
    return units(_whole(lines, papers, day)) <= limits.EMBED_DESCRIPTION_MAX


def _whole(lines: Sequence[str], papers: Sequence[RankedEntry], day: date) -> str:
    """What is for the channel's keywords, the others, and how many more, set apart."""
    matching = sum(bool(each.keywords) for each in papers[: len(lines)])
    more = len(papers) - len(lines)
    rest = f"… and {more:,} more: `/trending date:{day.isoformat()}`" if more else ""
    return "\n\n".join(filter(None, ("\n".join(lines[:matching]), "\n".join(lines[matching:]), rest)))


def _draft(ranked: RankedEntry) -> _Draft:
    trending_entry, paper = ranked.trending_entry, as_paper(ranked.trending_entry)
    return _Draft(
        trending_entry=trending_entry,
        title=escape_label(title_of(paper)),
        keywords=tuple(dict.fromkeys(escape_markdown(harmless(keyword)) for keyword in ranked.keywords)),
        code=tuple(
            badge for badge in badges(paper, trending_entry) if badge.kind in (BadgeKind.CODE, BadgeKind.REPOSITORY)
        ),
        organization=escape_markdown(harmless(trending_entry.organization or "")),
    )
