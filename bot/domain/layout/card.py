"""Papers laid out for reading, free of discord.py: what an embed says, and how long it may be.

A paper, the keywords that it matched and what Hugging Face says of it enter; a `Card` whose every part is ready to be
shown leaves, and the cards of one message stay together within Discord's limits, whatever arXiv or a person wrote.
It never sends, and never decides which papers go to whom.
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
from bot.domain.text import cut, escape_keeping_links, escape_markdown, harmless, units
from bot.domain.trending.entry import NO_TRENDING_ENTRIES, TrendingEntry, as_paper
from bot.runtime import limits


@dataclass(frozen=True, slots=True)
class Card:
    """One paper as an embed says it: `title` and `description` are Markdown, `authors` and `footer` plain."""

    arxiv_id: ArxivId
    url: str
    title: str
    authors: str
    description: str
    footer: str
    timestamp: datetime

    @property
    def length(self) -> int:
        """What Discord counts of this card in the total of a message."""
        return units(self.title) + units(self.authors) + units(self.description) + units(self.footer)


@dataclass(frozen=True, slots=True)
class _SizeBudget:
    """How long the parts of a card may be; the abstract gets the space that is left."""

    title: int
    authors: int
    footer: int
    badges: int
    comment: int


# From generous to tight. With the last one, ten cards leave each abstract at least `_READABLE`: 10 × (130 + 80 + 100
# + 83 for the links (an id with two links has 10 characters) + 3 + 50 + 1 + `_READABLE`) is below 6,000.
_SIZE_BUDGETS: Final = (
    _SizeBudget(title=limits.EMBED_TITLE_MAX, authors=200, footer=400, badges=300, comment=150),
    _SizeBudget(title=limits.EMBED_TITLE_MAX, authors=120, footer=200, badges=200, comment=100),
    _SizeBudget(title=200, authors=100, footer=130, badges=130, comment=60),
    _SizeBudget(title=130, authors=80, footer=100, badges=50, comment=0),
)
_READABLE: Final = 150
_ABSTRACT_MAX: Final = 600  # the whole of it is one click away
_AUTHORS_SHOWN: Final = 3
_CATEGORIES_SHOWN: Final = 4

# Badges that say what the comment says: the comment itself is one click away.
_FROM_COMMENT: Final = frozenset({BadgeKind.VENUE, BadgeKind.PAGES, BadgeKind.CODE})
_LINK_SHOWN: Final = re.compile(r"<(https?://[^>]+)>")

_FROM_OTHERS: Final = frozenset({BadgeKind.VOTES, BadgeKind.REPOSITORY})
_FULL_BADGES_MAX: Final = 300
_FULL_COMMENT_MAX: Final = 1000
_FULL_AUTHORS_SHOWN: Final = 25
_FULL_FOOTER_MAX: Final = 300


@dataclass(frozen=True, slots=True)
class _Draft:
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
        return min(units(self.abstract), _ABSTRACT_MAX)

    @property
    def readable(self) -> int:
        return _READABLE

    def render(self, budget: _SizeBudget, abstract_max: int, /) -> Card:
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

    def _last_line(self, budget: _SizeBudget) -> str:
        comment = "" if self._badges_cover_comment() else cut(self.comment, budget.comment)
        return joined(reading_links(self.paper.arxiv_id), badge_line(self.badges, budget.badges), comment)

    def _badges_cover_comment(self) -> bool:
        """Whether the badges contain what is worth reading in the comment, including every link."""
        urls = tuple(badge.url for badge in self.badges if badge.url)
        links = _LINK_SHOWN.findall(self.comment)
        return all(link.startswith(urls) for link in links) and any(
            badge.kind in _FROM_COMMENT for badge in self.badges
        )


def lay_out(
    papers: Sequence[tuple[Paper, Sequence[str]]],
    trending_entries: Mapping[ArxivId, TrendingEntry] = NO_TRENDING_ENTRIES,
) -> tuple[Card, ...]:
    """The cards of one message, for papers with the keywords that each matched, and what is listed of them.

    Raises ValueError when the papers are none or more than `how_many` says.
    """
    if not papers or how_many([paper for paper, _ in papers]) != len(papers):
        raise ValueError(f"{len(papers)} papers are not the papers of one message")
    drafts = [_draft(paper, keywords, trending_entries.get(paper.arxiv_id)) for paper, keywords in papers]
    return tuple(fit(drafts, _SIZE_BUDGETS, limits.EMBED_TOTAL_MAX, lambda card: card.length).render(drafts))


def how_many(papers: Sequence[Paper], at_most: int = limits.EMBEDS_PER_MESSAGE) -> int:
    """How many of the first papers go into one message: ten cards fit, but no paper stands in it twice.

    Discord shows only the first of two embeds with the same url, and refuses two options with the same value.
    """
    ids: set[ArxivId] = set()
    for paper in papers[:at_most]:
        if paper.arxiv_id in ids:
            break
        ids.add(paper.arxiv_id)
    return len(ids)


def full_abstract(paper: Paper, trending_entry: TrendingEntry | None = None) -> Card:
    """The paper with its whole abstract, for one who asked to read it."""
    draft = _draft(paper, (), trending_entry)
    others = badge_line([badge for badge in draft.badges if badge.kind in _FROM_OTHERS], _FULL_BADGES_MAX)
    last_line = joined(reading_links(paper.arxiv_id), others, cut(draft.comment, _FULL_COMMENT_MAX))
    abstract = cut(draft.abstract, limits.EMBED_DESCRIPTION_MAX - units(last_line) - len("\n\n"))
    return Card(
        arxiv_id=paper.arxiv_id,
        url=paper.arxiv_id.abs_url,
        title=cut(draft.title, limits.EMBED_TITLE_MAX),
        authors=listed(draft.authors, len(paper.authors), limits.EMBED_AUTHOR_MAX),
        description="\n\n".join(part for part in (abstract, last_line) if part),
        footer=_footer(paper, (harmless(tex_to_text(paper.journal_ref or "")),), _FULL_FOOTER_MAX),
        timestamp=paper.published,
    )


def trending_abstract(trending_entry: TrendingEntry) -> Card:
    """The same of a paper of which nothing but its listing is known."""
    return replace(full_abstract(as_paper(trending_entry), trending_entry), footer="From Hugging Face's daily papers")


def option_label(paper: Paper) -> str:
    """The title, as short as an option of a menu must be, without Markdown."""
    return cut(title_of(paper), limits.SELECT_OPTION_MAX)


def option_description(paper: Paper) -> str:
    """Who wrote it and where it is filed, for the second line of an option of a menu."""
    category = cut(harmless(paper.primary_category), 30)
    room = limits.SELECT_OPTION_MAX - units(category) - len(" · ")
    return joined(listed(names_of(paper, _AUTHORS_SHOWN), len(paper.authors), room), category)


def _draft(paper: Paper, keywords: Sequence[str], trending_entry: TrendingEntry | None) -> _Draft:
    return _Draft(
        paper=paper,
        title=escape_markdown(title_of(paper)),
        authors=names_of(paper, _FULL_AUTHORS_SHOWN),
        abstract=escape_markdown(tex_to_text(paper.abstract)),
        comment=escape_keeping_links(tex_to_text(paper.comment or "")),
        badges=badges(paper, trending_entry),
        keywords=tuple(dict.fromkeys(harmless(keyword) for keyword in keywords)),
    )


def _footer(paper: Paper, notes: Sequence[str], limit: int) -> str:
    """`cs.CL, cs.LG · reward model, RLHF`, the primary category first."""
    filed = dict.fromkeys(harmless(category) for category in (paper.primary_category, *paper.categories))
    categories = listed(list(filed)[:_CATEGORIES_SHOWN], len(filed), limit // 2)
    return joined(categories, listed(notes, len(notes), limit - units(categories) - len(" · ")))
