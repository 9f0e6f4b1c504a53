"""Lays out a trending post, a title and a dim line of details per paper, with as many papers as fit in one embed.

It neither selects nor orders the papers, and never sends anything.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from bot.domain.layout.badges import Badge, BadgeKind, badges
from bot.domain.layout.fitting import upgrade_lines
from bot.domain.layout.parts import badge_line, joined, title_of, whole_or_counted
from bot.domain.text import cut, defuse_mentions, escape_label, escape_markdown, noun_for, utf16_length
from bot.domain.trending.entry import TrendingEntry, abbreviate_count, as_paper
from bot.domain.trending.post import RankedEntry
from bot.runtime import limits


@dataclass(frozen=True, slots=True)
class TrendingPostLayout:
    """The embed's Markdown, and how many of the first papers it shows."""

    description: str
    shown: int


@dataclass(frozen=True, slots=True)
class _TrendingLineBudget:
    """How long the parts of a paper's two lines may be."""

    title: int
    keywords: int
    code: int
    organization: int


@dataclass(frozen=True, slots=True)
class _TrendingLineDraft:
    """An entry's texts, converted and escaped once, not yet cut."""

    trending_entry: TrendingEntry
    title: str
    keywords: tuple[str, ...]
    code: tuple[Badge, ...]
    organization: str

    def render(self, budget: _TrendingLineBudget) -> str:
        """Returns the linked title, and below it `▲ 41 votes · for reward model · code ★ 1.2k · Some University`."""
        keywords = whole_or_counted(self.keywords, budget.keywords, "keyword")
        votes = self.trending_entry.votes
        details = joined(
            f"▲ {abbreviate_count(votes)} {noun_for(votes, 'vote')}",
            f"for {keywords}" if keywords else "",
            badge_line(self.code, budget.code),
            cut(self.organization, budget.organization) if budget.organization else "",
        )
        return f"**[{cut(self.title, budget.title)}]({self.trending_entry.arxiv_id.abs_url})**\n-# {details}"


# From generous to tight. With the last one, a paper has at most 195 characters (with today's ids): 20 always fit.
_SIZE_BUDGETS: Final = (
    _TrendingLineBudget(title=limits.EMBED_TITLE_MAX, code=200, keywords=120, organization=60),
    _TrendingLineBudget(title=160, code=100, keywords=60, organization=30),
    _TrendingLineBudget(title=110, code=80, keywords=60, organization=0),
    _TrendingLineBudget(title=72, code=0, keywords=40, organization=0),
)


def lay_out_trending_post(papers: Sequence[RankedEntry], day: date) -> TrendingPostLayout:
    """Returns the first papers that fit, and a line with the number of the others; at least one paper is required."""
    drafts = [_draft(each) for each in papers[: limits.SELECT_OPTIONS_MAX]]
    lines = [draft.render(_SIZE_BUDGETS[-1]) for draft in drafts]

    def fits(lines: Sequence[str]) -> bool:
        return utf16_length(_description(lines, papers, day)) <= limits.EMBED_DESCRIPTION_MAX

    while not fits(lines):
        lines.pop()
    shown = drafts[: len(lines)]
    more_generous = ([draft.render(budget) for draft in shown] for budget in reversed(_SIZE_BUDGETS[:-1]))
    return TrendingPostLayout(_description(upgrade_lines(lines, more_generous, fits), papers, day), len(lines))


def _description(lines: Sequence[str], papers: Sequence[RankedEntry], day: date) -> str:
    """Returns the papers that match the channel's keywords, the other papers, and how many more there are."""
    matching = sum(bool(each.keywords) for each in papers[: len(lines)])
    more = len(papers) - len(lines)
    rest = f"… and {more:,} more: `/trending date:{day.isoformat()}`" if more else ""
    return "\n\n".join(filter(None, ("\n".join(lines[:matching]), "\n".join(lines[matching:]), rest)))


def _draft(ranked: RankedEntry) -> _TrendingLineDraft:
    trending_entry, paper = ranked.trending_entry, as_paper(ranked.trending_entry)
    return _TrendingLineDraft(
        trending_entry=trending_entry,
        title=escape_label(title_of(paper)),
        keywords=tuple(dict.fromkeys(escape_markdown(defuse_mentions(keyword)) for keyword in ranked.keywords)),
        code=tuple(
            badge for badge in badges(paper, trending_entry) if badge.kind in (BadgeKind.CODE, BadgeKind.REPOSITORY)
        ),
        organization=escape_markdown(defuse_mentions(trending_entry.organization or "")),
    )
