"""Lays out papers as a compact list, one line per paper in one embed, within Discord's limits for any text.

Every paper of a message gets its line: details are dropped and long titles cut until all lines fit. It never sends
anything, and never decides which papers are posted where.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from bot.domain.layout.badges import Badge, badges
from bot.domain.layout.card import papers_that_fit
from bot.domain.layout.fitting import fit, upgrade_lines
from bot.domain.layout.parts import badge_line, joined, listed, names_of, reading_links, title_of
from bot.domain.paper import ArxivId, Paper
from bot.domain.text import cut, defuse_mentions, escape_label, escape_markdown, utf16_length
from bot.domain.trending.entry import NO_TRENDING_ENTRIES, TrendingEntry
from bot.runtime import limits


@dataclass(frozen=True, slots=True)
class PaperList:
    """The papers of one message in one embed: `description` is Markdown, one line per paper."""

    description: str

    @property
    def length(self) -> int:
        """The length that Discord counts towards the limit of a message."""
        return utf16_length(self.description)


@dataclass(frozen=True, slots=True)
class _LineBudget:
    """How long the parts of a line may be; the title gets the space that is left."""

    author: int
    badges: int
    keywords: int
    links: bool


# From generous to tight. With the last one, 25 lines leave each title at least 40 characters, 57 with today's ids:
# 25 × (57 for a link to an id of 27 characters + 23 + 21 + 21 + 1) is 40 per line less than 4,096.
_SIZE_BUDGETS: Final = (
    _LineBudget(author=60, badges=200, keywords=100, links=True),
    _LineBudget(author=40, badges=150, keywords=60, links=False),
    _LineBudget(author=36, badges=80, keywords=30, links=False),
    _LineBudget(author=28, badges=30, keywords=0, links=False),
    _LineBudget(author=20, badges=18, keywords=0, links=False),
)
_READABLE: Final = 100
_CATEGORY_MAX: Final = 18


@dataclass(frozen=True, slots=True)
class _LineDraft:
    """A paper's texts, converted and escaped once, not yet cut; `keywords` is empty if all papers have the same."""

    paper: Paper
    title: str
    author: str
    category: str
    badges: tuple[Badge, ...]
    keywords: tuple[str, ...]

    @property
    def wanted(self) -> int:
        return min(utf16_length(self.title), limits.EMBED_TITLE_MAX)

    @property
    def readable(self) -> int:
        return min(self.wanted, _READABLE)

    def render(self, budget: _LineBudget, title_max: int, /) -> str:
        title = f"**[{cut(self.title, title_max)}]({self.paper.arxiv_id.abs_url})**"
        keywords = listed(self.keywords, len(self.keywords), budget.keywords - len("for ")) if budget.keywords else ""
        details = joined(
            self._authors(budget.author),
            self.category,
            badge_line(self.badges, budget.badges),
            f"for {keywords}" if keywords else "",
            reading_links(self.paper.arxiv_id) if budget.links else "",
        )
        return f"{title} — {details}" if details else title

    def _authors(self, limit: int) -> str:
        """Returns `Emmy Noether et al.`, or `Noether et al.` if the full name is too long."""
        others = " et al." if len(self.paper.authors) > 1 else ""
        limit -= len(others)
        last_name = self.author.rpartition(" ")[2]
        name = (
            self.author if utf16_length(self.author) <= limit or not 2 < utf16_length(last_name) <= limit else last_name
        )
        return cut(name, limit) + others if name else ""


def lay_out_list(
    papers: Sequence[tuple[Paper, Sequence[str]]],
    trending_entries: Mapping[ArxivId, TrendingEntry] = NO_TRENDING_ENTRIES,
) -> PaperList:
    """Returns the list of one message, of at most 25 papers; each paper comes with the keywords that it matches.

    Raises ValueError if there are no papers, more than that, or one of them twice.
    """
    if not papers or papers_that_fit([paper for paper, _ in papers], limits.SELECT_OPTIONS_MAX) != len(papers):
        raise ValueError(f"{len(papers)} papers do not fit in one message")
    same_keywords = len({frozenset(keywords) for _, keywords in papers}) == 1
    drafts = [
        _draft(paper, () if same_keywords else keywords, trending_entries.get(paper.arxiv_id))
        for paper, keywords in papers
    ]
    fitted = fit(drafts, _SIZE_BUDGETS, limits.EMBED_DESCRIPTION_MAX, utf16_length)
    budget = fitted.budget
    more_generous = (
        # Keywords and links are on all lines or on none.
        replace(fitted, budget=replace(each, keywords=budget.keywords, links=budget.links))
        for each in reversed(_SIZE_BUDGETS[: _SIZE_BUDGETS.index(budget)])
    )
    lines = upgrade_lines(fitted.render(drafts), (each.render(drafts) for each in more_generous), _lines_fit)
    return PaperList("\n".join(lines))


def _lines_fit(lines: Sequence[str]) -> bool:
    return utf16_length("\n".join(lines)) <= limits.EMBED_DESCRIPTION_MAX


def _draft(paper: Paper, keywords: Sequence[str], trending_entry: TrendingEntry | None) -> _LineDraft:
    return _LineDraft(
        paper=paper,
        title=escape_label(title_of(paper)),
        author=escape_markdown("".join(names_of(paper, 1))),
        category=cut(escape_markdown(defuse_mentions(paper.primary_category)), _CATEGORY_MAX),
        badges=badges(paper, trending_entry),
        keywords=tuple(dict.fromkeys(escape_markdown(defuse_mentions(keyword)) for keyword in keywords)),
    )
