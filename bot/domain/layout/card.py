"""Lays out papers as cards, one embed per paper, within Discord's limits for any text.

Converts, escapes and cuts every text of a card, and shares the limit of a message among its cards. It knows nothing of
discord.py, never sends anything, and never decides which papers are posted where.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from bot.domain.layout.badges import Badge, BadgeKind, badges
from bot.domain.layout.fitting import fit
from bot.domain.layout.parts import badge_line, joined, listed, names_of, reading_links, title_of
from bot.domain.paper import ArxivId, Paper
from bot.domain.tex.convert import tex_to_text
from bot.domain.text import cut, defuse_mentions, escape_keeping_links, escape_markdown, utf16_length
from bot.domain.trending.entry import NO_TRENDING_ENTRIES, TrendingEntry, as_paper
from bot.runtime import limits


@dataclass(frozen=True, slots=True)
class Card:
    """The contents of one paper's embed: `title` and `description` are Markdown, `authors` and `footer` plain text."""

    arxiv_id: ArxivId
    url: str
    title: str
    authors: str
    description: str
    footer: str
    timestamp: datetime

    @property
    def length(self) -> int:
        """The length that Discord counts towards the limit of a message."""
        return (
            utf16_length(self.title)
            + utf16_length(self.authors)
            + utf16_length(self.description)
            + utf16_length(self.footer)
        )


@dataclass(frozen=True, slots=True)
class _CardBudget:
    """How long the parts of a card may be; the abstract gets the space that is left."""

    title: int
    authors: int
    footer: int
    badges: int
    comment: int


# From generous to tight. With the last one, ten cards leave each abstract at least `_READABLE`: 10 × (130 + 80 + 100
# + 83 for the links (an id with two links has 10 characters) + 3 + 50 + 1 + `_READABLE`) is below 6,000.
_SIZE_BUDGETS: Final = (
    _CardBudget(title=limits.EMBED_TITLE_MAX, authors=200, footer=400, badges=300, comment=150),
    _CardBudget(title=limits.EMBED_TITLE_MAX, authors=120, footer=200, badges=200, comment=100),
    _CardBudget(title=200, authors=100, footer=130, badges=130, comment=60),
    _CardBudget(title=130, authors=80, footer=100, badges=50, comment=0),
)
_READABLE: Final = 150
_ABSTRACT_MAX: Final = 600  # the full abstract is one click away
_AUTHORS_SHOWN: Final = 3
_CATEGORIES_SHOWN: Final = 4

# These badges summarize the comment, which is then left out; it is one click away.
_FROM_COMMENT: Final = frozenset({BadgeKind.VENUE, BadgeKind.PAGES, BadgeKind.CODE})
_COMMENT_LINK: Final = re.compile(r"<(https?://[^>]+)>")

_FROM_HUGGING_FACE: Final = frozenset({BadgeKind.VOTES, BadgeKind.REPOSITORY})
_FULL_BADGES_MAX: Final = 300
_FULL_COMMENT_MAX: Final = 1000
_FULL_AUTHORS_SHOWN: Final = 25
_FULL_FOOTER_MAX: Final = 300


@dataclass(frozen=True, slots=True)
class _CardDraft:
    """A paper's texts, converted and escaped once, not yet cut."""

    paper: Paper
    title: str
    authors: tuple[str, ...]
    abstract: str
    comment: str
    badges: tuple[Badge, ...]
    keywords: tuple[str, ...]

    @property
    def wanted(self) -> int:
        return min(utf16_length(self.abstract), _ABSTRACT_MAX)

    @property
    def readable(self) -> int:
        return _READABLE

    def render(self, budget: _CardBudget, abstract_max: int, /) -> Card:
        lines = (cut(self.abstract, abstract_max), self._last_line(budget))
        return Card(
            arxiv_id=self.paper.arxiv_id,
            url=self.paper.arxiv_id.abs_url,
            title=cut(self.title, budget.title),
            authors=listed(self.authors[:_AUTHORS_SHOWN], len(self.paper.authors), budget.authors),
            description="\n".join(line for line in lines if line),
            footer=_footer(self.paper, self.keywords, budget.footer),
            timestamp=self.paper.published,
        )

    def _last_line(self, budget: _CardBudget) -> str:
        comment = "" if self._badges_cover_comment() else cut(self.comment, budget.comment)
        return joined(reading_links(self.paper.arxiv_id), badge_line(self.badges, budget.badges), comment)

    def _badges_cover_comment(self) -> bool:
        """Whether the badges contain what is worth reading in the comment, including every link."""
        urls = tuple(badge.url for badge in self.badges if badge.url)
        links = _COMMENT_LINK.findall(self.comment)
        return all(link.startswith(urls) for link in links) and any(
            badge.kind in _FROM_COMMENT for badge in self.badges
        )


def lay_out_cards(
    papers: Sequence[tuple[Paper, Sequence[str]]],
    trending_entries: Mapping[ArxivId, TrendingEntry] = NO_TRENDING_ENTRIES,
) -> tuple[Card, ...]:
    """Returns the cards of one message; each paper comes with the keywords that it matches.

    Raises ValueError if there are no papers or more than `papers_that_fit` returns.
    """
    if not papers or papers_that_fit([paper for paper, _ in papers]) != len(papers):
        raise ValueError(f"{len(papers)} papers do not fit in one message")
    drafts = [_draft(paper, keywords, trending_entries.get(paper.arxiv_id)) for paper, keywords in papers]
    return tuple(fit(drafts, _SIZE_BUDGETS, limits.EMBED_TOTAL_MAX, lambda card: card.length).render(drafts))


def papers_that_fit(papers: Sequence[Paper], at_most: int = limits.EMBEDS_PER_MESSAGE) -> int:
    """Returns how many of the first papers fit in one message: ten cards, and no paper twice.

    Discord shows only the first of two embeds with the same URL, and rejects two options with the same value.
    """
    ids: set[ArxivId] = set()
    for paper in papers[:at_most]:
        if paper.arxiv_id in ids:
            break
        ids.add(paper.arxiv_id)
    return len(ids)


def full_abstract(paper: Paper, trending_entry: TrendingEntry | None = None) -> Card:
    """Returns a card with the full abstract and comment."""
    draft = _draft(paper, (), trending_entry)
    extra_badges = badge_line([badge for badge in draft.badges if badge.kind in _FROM_HUGGING_FACE], _FULL_BADGES_MAX)
    last_line = joined(reading_links(paper.arxiv_id), extra_badges, cut(draft.comment, _FULL_COMMENT_MAX))
    abstract = cut(draft.abstract, limits.EMBED_DESCRIPTION_MAX - utf16_length(last_line) - len("\n\n"))
    return Card(
        arxiv_id=paper.arxiv_id,
        url=paper.arxiv_id.abs_url,
        title=cut(draft.title, limits.EMBED_TITLE_MAX),
        authors=listed(draft.authors, len(paper.authors), limits.EMBED_AUTHOR_MAX),
        description="\n\n".join(part for part in (abstract, last_line) if part),
        footer=_footer(paper, (defuse_mentions(tex_to_text(paper.journal_ref or "")),), _FULL_FOOTER_MAX),
        timestamp=paper.published,
    )


def trending_abstract(trending_entry: TrendingEntry) -> Card:
    """Returns the full abstract of a paper that is known only from the trending list."""
    return replace(full_abstract(as_paper(trending_entry), trending_entry), footer="From Hugging Face's daily papers")


def option_label(paper: Paper) -> str:
    """Returns the title as plain text, cut to the length of a menu option."""
    return cut(title_of(paper), limits.SELECT_OPTION_MAX)


def option_description(paper: Paper) -> str:
    """Returns authors and primary category, for the second line of a menu option."""
    category = cut(defuse_mentions(paper.primary_category), 30)
    authors_max = limits.SELECT_OPTION_MAX - utf16_length(category) - len(" · ")
    return joined(listed(names_of(paper, _AUTHORS_SHOWN), len(paper.authors), authors_max), category)


def _draft(paper: Paper, keywords: Sequence[str], trending_entry: TrendingEntry | None) -> _CardDraft:
    return _CardDraft(
        paper=paper,
        title=escape_markdown(title_of(paper)),
        authors=names_of(paper, _FULL_AUTHORS_SHOWN),
        abstract=escape_markdown(tex_to_text(paper.abstract)),
        comment=escape_keeping_links(tex_to_text(paper.comment or "")),
        badges=badges(paper, trending_entry),
        keywords=tuple(dict.fromkeys(defuse_mentions(keyword) for keyword in keywords)),
    )


def _footer(paper: Paper, notes: Sequence[str], limit: int) -> str:
    """Returns `cs.CL, cs.LG · reward model, RLHF`, with the primary category first."""
    codes = dict.fromkeys(map(defuse_mentions, (paper.primary_category, *paper.categories)))
    categories = listed(list(codes)[:_CATEGORIES_SHOWN], len(codes), limit // 2)
    return joined(categories, listed(notes, len(notes), limit - utf16_length(categories) - len(" · ")))
