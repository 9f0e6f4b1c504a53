"""Lays out papers as a compact list within Discord's limits for any text: a title and a line of details per paper.

Every paper of a message is listed with its links: badges are dropped, keywords counted and long titles cut until all
papers fit. It never sends anything, and never decides which papers are posted where.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import accumulate
from typing import Final

from bot.domain.layout.badges import Badge, badges
from bot.domain.layout.card import papers_that_fit
from bot.domain.layout.fitting import fit, upgrade_lines
from bot.domain.layout.followed import NO_MATCHED_AUTHORS, MatchedAuthors, brief_authors, followed_names
from bot.domain.layout.parts import badge_line, joined, names_of, reading_links, title_of, whole_or_counted
from bot.domain.paper import ArxivId, Paper
from bot.domain.text import cut, defuse_mentions, escape_label, escape_markdown, utf16_length
from bot.domain.trending.entry import NO_TRENDING_ENTRIES, TrendingEntry
from bot.runtime import limits


@dataclass(frozen=True, slots=True)
class PaperList:
    """The papers of one message: each of `descriptions` is the Markdown of one embed, with two lines per paper."""

    descriptions: tuple[str, ...]

    @property
    def length(self) -> int:
        """The length that Discord counts towards the limit of a message."""
        return sum(map(utf16_length, self.descriptions))


@dataclass(frozen=True, slots=True)
class _ItemBudget:
    """How long the parts of a paper's two lines may be; the title gets the space that is left."""

    author: int
    badges: int
    keywords: int


# From generous to tight. With the last one, 20 papers leave each title 81 characters, and 25 papers 21: a title's link,
# the other links and the separators have at most 134 characters (with an id of 10 characters; an older one has no HTML
# page), the other parts 20 + 18 + 24 + 14 and their separators 9; that is 219 of 6,000 / 20 or 6,000 / 25 characters.
_SIZE_BUDGETS: Final = (
    _ItemBudget(author=60, badges=240, keywords=120),
    _ItemBudget(author=40, badges=160, keywords=60),
    _ItemBudget(author=36, badges=90, keywords=30),
    _ItemBudget(author=28, badges=30, keywords=20),
    _ItemBudget(author=20, badges=24, keywords=0),
)
_READABLE: Final = 100
_CATEGORY_MAX: Final = 18
_SPACING: Final = "\n\n"
# Of how many papers the texts are kept: a poll with more of them, for thousands of channels, would render each paper
# again for every channel. A paper and its texts have a few kilobytes.
_TEXTS_KEPT: Final = 1024


@dataclass(frozen=True, slots=True)
class _ItemDraft:
    """A paper's texts, converted and escaped once, not yet cut; `keywords` is empty if all papers have the same."""

    paper: Paper
    title: str
    author: str
    last_name: str
    followed: Mapping[str, bool]
    category: str
    badges: tuple[Badge, ...]
    keywords: tuple[str, ...]

    @property
    def wanted(self) -> int:
        return min(utf16_length(self.title), limits.EMBED_TITLE_MAX)

    @property
    def readable(self) -> int:
        return min(self.wanted, _READABLE)

    def render(self, budget: _ItemBudget, title_max: int, /) -> str:
        """Returns the title, and below it the details as subtext, which Discord shows small and dim."""
        keywords = whole_or_counted(self.keywords, budget.keywords - len("for "), "keyword")
        authors = self._authors(budget)
        badges_max = budget.badges - max(0, utf16_length(authors) - budget.author)
        details = joined(
            authors,
            self.category,
            badge_line(self.badges, badges_max, brief=True),
            f"for {keywords}" if keywords else "",
            reading_links(self.paper.arxiv_id),
        )
        return f"**[{cut(self.title, title_max)}]({self.paper.arxiv_id.abs_url})**\n-# {details}"

    def _authors(self, budget: _ItemBudget) -> str:
        """Returns `Emmy Noether et al.`, or `Noether et al.` if the full name is too long.

        Followed authors are named too, and may take the space of the badges.
        """
        if self.followed:
            forms = (self.author, self.last_name)
            return brief_authors(forms, len(self.paper.authors), self.followed, budget.author + budget.badges)
        others = " et al." if len(self.paper.authors) > 1 else ""
        limit = budget.author - len(others)
        fits = utf16_length(self.author) <= limit or not 2 < utf16_length(self.last_name) <= limit
        name = self.author if fits else self.last_name
        return cut(name, limit) + others if name else ""


def lay_out_list(
    papers: Sequence[tuple[Paper, Sequence[str]]],
    trending_entries: Mapping[ArxivId, TrendingEntry] = NO_TRENDING_ENTRIES,
    matched_authors: MatchedAuthors = NO_MATCHED_AUTHORS,
) -> PaperList:
    """Returns the list of one message, of at most 25 papers; each paper comes with the keywords that it matches.

    The matched authors of each paper are named, wherever in its list of authors they are.

    Raises ValueError if there are no papers, more than that, or one of them twice.
    """
    if not papers or papers_that_fit([paper for paper, _ in papers], limits.SELECT_OPTIONS_MAX) != len(papers):
        raise ValueError(f"{len(papers)} papers do not fit in one message")
    same_keywords = len({frozenset(keywords) for _, keywords in papers}) == 1
    drafts = [
        replace(
            _draft(paper, () if same_keywords else keywords, trending_entries.get(paper.arxiv_id)),
            followed=followed_names(paper, matched_authors.get(paper.arxiv_id, ())),
        )
        for paper, keywords in papers
    ]
    # `fit` adds one line break to each item.
    fitted = fit(drafts, _SIZE_BUDGETS, limits.EMBED_TOTAL_MAX, lambda item: utf16_length(item) + 1)
    more_generous = reversed(_SIZE_BUDGETS[: _SIZE_BUDGETS.index(fitted.budget)])
    alternatives = (replace(fitted, budget=budget).render(drafts) for budget in more_generous)
    return PaperList(_descriptions(upgrade_lines(fitted.render(drafts), alternatives, _items_fit)))


def _items_fit(items: Sequence[str]) -> bool:
    return utf16_length(_SPACING.join(items)) <= limits.EMBED_TOTAL_MAX


def _descriptions(items: Sequence[str]) -> tuple[str, ...]:
    """Returns one embed's text, or two of similar length if one cannot hold all items.

    Two always suffice: no item is longer than 900 characters, so that each half has at most 3,450 of 6,000.
    """
    whole = _SPACING.join(items)
    if utf16_length(whole) <= limits.EMBED_DESCRIPTION_MAX:
        return (whole,)
    ends = list(accumulate(utf16_length(item + _SPACING) for item in items))
    middle = min(range(1, len(items)), key=lambda count: abs(2 * ends[count - 1] - ends[-1]))
    return _SPACING.join(items[:middle]), _SPACING.join(items[middle:])


def _draft(paper: Paper, keywords: Sequence[str], trending_entry: TrendingEntry | None) -> _ItemDraft:
    return replace(
        _texts(paper, trending_entry),
        keywords=tuple(dict.fromkeys(escape_markdown(defuse_mentions(keyword)) for keyword in keywords)),
    )


@lru_cache(_TEXTS_KEPT)
def _texts(paper: Paper, trending_entry: TrendingEntry | None) -> _ItemDraft:
    """Returns the draft of an item without its keywords: most papers are posted in several channels."""
    author = "".join(names_of(paper, 1))
    return _ItemDraft(
        paper=paper,
        title=escape_label(title_of(paper)),
        author=escape_markdown(author),
        last_name=escape_markdown(author.rpartition(" ")[2]),
        followed={},
        category=cut(escape_markdown(defuse_mentions(paper.primary_category)), _CATEGORY_MAX),
        badges=badges(paper, trending_entry),
        keywords=(),
    )
