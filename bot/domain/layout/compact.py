"""Many papers in one embed: a list with a line a paper, within Discord's limits whatever arXiv or a person wrote.

Papers, the keywords that each matched and what Hugging Face says of them enter; the embed's description leaves. Every
paper of a message gets its line: long titles and what is least needed give way. It never sends, and never decides which
papers go to whom.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from bot.domain.layout.badges import Badge, badges
from bot.domain.layout.card import how_many
from bot.domain.layout.fitting import fit, upgrade_lines
from bot.domain.layout.parts import badge_line, joined, listed, names_of, reading_links, title_of
from bot.domain.paper import ArxivId, Paper
from bot.domain.text import cut, escape_label, escape_markdown, harmless, units
from bot.domain.trending.entry import NO_TRENDING_ENTRIES, TrendingEntry
from bot.runtime import limits


@dataclass(frozen=True, slots=True)
class PaperList:
    """The papers of one message as one embed says them: `description` is Markdown, a line a paper."""

    description: str

    @property
    def length(self) -> int:
        """What Discord counts of this list in the total of a message."""
        return units(self.description)


@dataclass(frozen=True, slots=True)
class _SizeBudget:
    """How long the parts of a line may be; the title gets the space that is left."""

    author: int
    badges: int
    keywords: int
    links: bool


# From generous to tight. With the last one, 25 lines leave each title at least 40 characters, 57 with today's ids:
# 25 × (57 for a link to an id of 27 characters + 23 + 21 + 21 + 1) is 40 per line less than 4,096.
_SIZE_BUDGETS: Final = (
    _SizeBudget(author=60, badges=200, keywords=100, links=True),
    _SizeBudget(author=40, badges=150, keywords=60, links=False),
    _SizeBudget(author=36, badges=80, keywords=30, links=False),
    _SizeBudget(author=28, badges=30, keywords=0, links=False),
    _SizeBudget(author=20, badges=18, keywords=0, links=False),
)
_READABLE: Final = 100
_CATEGORY_MAX: Final = 18


@dataclass(frozen=True, slots=True)
class _Draft:
    """A paper's texts, converted and escaped once, not yet cut; `keywords` only where they tell papers apart."""

    paper: Paper
    title: str
    author: str
    category: str
    badges: tuple[Badge, ...]
    keywords: tuple[str, ...]

    @property
    def wanted(self) -> int:
        return min(units(self.title), limits.EMBED_TITLE_MAX)

    @property
    def readable(self) -> int:
        return min(self.wanted, _READABLE)

    def render(self, budget: _SizeBudget, title_max: int, /) -> str:
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
        name = self.author if units(self.author) <= limit or not 2 < units(last_name) <= limit else last_name
        return cut(name, limit) + others if name else ""


def lay_out_list(
    papers: Sequence[tuple[Paper, Sequence[str]]],
    trending_entries: Mapping[ArxivId, TrendingEntry] = NO_TRENDING_ENTRIES,
) -> PaperList:
    """The list of one message, for papers with the keywords that each matched, and what is listed of them: 25 fit.

    Raises ValueError when the papers are none, more than that, or one of them twice.
    """
    if not papers or how_many([paper for paper, _ in papers], limits.SELECT_OPTIONS_MAX) != len(papers):
        raise ValueError(f"{len(papers)} papers are not the papers of one message")
    of_one_kind = len({frozenset(keywords) for _, keywords in papers}) == 1
    drafts = [
        _draft(paper, () if of_one_kind else keywords, trending_entries.get(paper.arxiv_id))
        for paper, keywords in papers
    ]
    fitted = fit(drafts, _SIZE_BUDGETS, limits.EMBED_DESCRIPTION_MAX, units)
    budget = fitted.budget
    more_generous = (
        # Keywords and links are on all lines or on none.
        replace(fitted, budget=replace(each, keywords=budget.keywords, links=budget.links))
        for each in reversed(_SIZE_BUDGETS[: _SIZE_BUDGETS.index(budget)])
    )
    lines = upgrade_lines(fitted.render(drafts), (each.render(drafts) for each in more_generous), _lines_fit)
    return PaperList("\n".join(lines))


def _lines_fit(lines: Sequence[str]) -> bool:
    return units("\n".join(lines)) <= limits.EMBED_DESCRIPTION_MAX


def _draft(paper: Paper, keywords: Sequence[str], trending_entry: TrendingEntry | None) -> _Draft:
    return _Draft(
        paper=paper,
        title=escape_label(title_of(paper)),
        author=escape_markdown("".join(names_of(paper, 1))),
        category=cut(escape_markdown(harmless(paper.primary_category)), _CATEGORY_MAX),
        badges=badges(paper, trending_entry),
        keywords=tuple(dict.fromkeys(escape_markdown(harmless(keyword)) for keyword in keywords)),
    )
