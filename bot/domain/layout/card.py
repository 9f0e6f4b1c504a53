"""Lays out papers as cards, one embed per paper, within Discord's limits for any text.

Converts, escapes and cuts every text of a card, and shares the limit of a message among its cards. It knows nothing of
discord.py, never sends anything, and never decides which papers are posted where.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final

from bot.domain.layout.badges import Badge, BadgeKind, badges
from bot.domain.layout.colours import colour_of
from bot.domain.layout.fitting import fit
from bot.domain.layout.followed import NO_MATCHED_AUTHORS, MatchedAuthors, author_list, followed_names
from bot.domain.layout.parts import (
    TEXTS_KEPT,
    badge_line,
    joined,
    listed,
    names_of,
    reading_links,
    title_of,
    whole_or_counted,
)
from bot.domain.months import MONTH_NAMES
from bot.domain.paper import ArxivId, Paper
from bot.domain.tex.convert import tex_to_text
from bot.domain.text import cut, defuse_mentions, escape_keeping_links, escape_markdown, utf16_length
from bot.domain.trending.entry import NO_TRENDING_ENTRIES, TrendingEntry, as_paper
from bot.runtime import limits


@dataclass(frozen=True, slots=True)
class Card:
    """The contents of one paper's embed: `title` and `description` are Markdown, `footer` is plain text.

    `description` begins with the authors; `colour` is 0xRRGGBB.
    """

    arxiv_id: ArxivId
    url: str
    title: str
    description: str
    footer: str
    colour: int
    thumbnail_url: str | None = None

    @property
    def length(self) -> int:
        """The length that Discord counts towards the limit of a message."""
        return utf16_length(self.title) + utf16_length(self.description) + utf16_length(self.footer)


@dataclass(frozen=True, slots=True)
class _CardBudget:
    """How long the parts of a card may be; the abstract gets the space that is left."""

    title: int
    authors: int
    summary: int
    footer: int
    badges: int
    comment: int


# From generous to tight. With the last one, ten cards leave each abstract at least `_READABLE`: 10 × (120 + 64 for the
# line of authors + 120 + 86 for the links (an id with two links has 10 characters) + 50 + 2 + `_READABLE`) is below
# 6,000.
_SIZE_BUDGETS: Final = (
    _CardBudget(title=limits.EMBED_TITLE_MAX, authors=200, summary=500, footer=400, badges=320, comment=150),
    _CardBudget(title=limits.EMBED_TITLE_MAX, authors=120, summary=300, footer=220, badges=220, comment=100),
    _CardBudget(title=200, authors=100, summary=200, footer=160, badges=130, comment=60),
    _CardBudget(title=120, authors=60, summary=0, footer=120, badges=50, comment=0),
)
_READABLE: Final = 150
_ABSTRACT_MAX: Final = 600  # the full abstract is one click away
_ABSTRACT_WITH_SUMMARY_MAX: Final = 300
_AUTHORS_SHOWN: Final = 3
_CATEGORIES_SHOWN: Final = 4

# These badges summarize the comment, which is then left out; it is one click away.
_FROM_COMMENT: Final = frozenset({BadgeKind.VENUE, BadgeKind.PAGES, BadgeKind.CODE})
_COMMENT_LINK: Final = re.compile(r"<(https?://[^<>]+)>")

_FROM_HUGGING_FACE: Final = frozenset({BadgeKind.VOTES, BadgeKind.REPOSITORY})
_FULL_BADGES_MAX: Final = 300
_FULL_COMMENT_MAX: Final = 1000
_FULL_AUTHORS_SHOWN: Final = 25
_FULL_AUTHORS_MAX: Final = 256
_FULL_FOOTER_MAX: Final = 300
_SUMMARY_CREDIT: Final = "**AI summary from Hugging Face:** "


@dataclass(frozen=True, slots=True)
class _CardDraft:
    """A paper's texts, converted and escaped once, not yet cut; `links` are empty below which there are buttons."""

    paper: Paper
    title: str
    authors: tuple[str, ...]
    followed: Mapping[str, bool]
    summary: str
    abstract: str
    comment: str
    badges: tuple[Badge, ...]
    keywords: tuple[str, ...]
    links: str
    thumbnail_url: str | None

    @property
    def wanted(self) -> int:
        return min(utf16_length(self.abstract), _ABSTRACT_WITH_SUMMARY_MAX if self.summary else _ABSTRACT_MAX)

    @property
    def readable(self) -> int:
        return _READABLE

    def render(self, budget: _CardBudget, abstract_max: int, /) -> Card:
        lines = (
            _author_line(self.authors[:_AUTHORS_SHOWN], len(self.paper.authors), self.followed, budget.authors),
            f"> {_SUMMARY_CREDIT}{cut(self.summary, budget.summary)}" if self.summary and budget.summary else "",
            cut(self.abstract, abstract_max),
            self._last_line(budget),
        )
        return Card(
            arxiv_id=self.paper.arxiv_id,
            url=self.paper.arxiv_id.abs_url,
            title=cut(self.title, budget.title),
            description="\n".join(line for line in lines if line),
            footer=_footer(self.paper, budget.footer, self._keywords),
            colour=colour_of(self.paper),
            thumbnail_url=self.thumbnail_url,
        )

    def _keywords(self, limit: int) -> str:
        return whole_or_counted(self.keywords, limit, "keyword")

    def _last_line(self, budget: _CardBudget) -> str:
        comment = "" if self._badges_cover_comment() else cut(self.comment, budget.comment)
        return joined(self.links, badge_line(self.badges, budget.badges), comment)

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
    matched_authors: MatchedAuthors = NO_MATCHED_AUTHORS,
) -> tuple[Card, ...]:
    """Returns the cards of one message; each paper comes with the keywords that it matches.

    Each card names the matched authors of its paper, wherever in the list of authors they are.

    The card of a single paper has no links to PDF and HTML, because its message has buttons for them.

    Raises ValueError if there are no papers or more than `papers_that_fit` returns.
    """
    if not papers or papers_that_fit([paper for paper, _ in papers]) != len(papers):
        raise ValueError(f"{len(papers)} papers do not fit in one message")
    drafts = [
        replace(
            _draft(paper, keywords, trending_entries.get(paper.arxiv_id), has_links=len(papers) > 1),
            followed=followed_names(paper, matched_authors.get(paper.arxiv_id, ())),
        )
        for paper, keywords in papers
    ]
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
    """Returns a card with the full abstract and comment; without an abstract, it links arXiv's."""
    draft = _draft(paper, (), trending_entry, has_links=True)
    extra_badges = badge_line([badge for badge in draft.badges if badge.kind in _FROM_HUGGING_FACE], _FULL_BADGES_MAX)
    authors = _author_line(draft.authors, len(paper.authors), draft.followed, _FULL_AUTHORS_MAX)
    last_line = joined(draft.links, extra_badges, cut(draft.comment, _FULL_COMMENT_MAX))
    space = limits.EMBED_DESCRIPTION_MAX - utf16_length(authors + last_line) - len("\n\n\n")
    abstract = (
        cut(draft.abstract, space) or f"The abstract is not stored here: [read it on arXiv]({paper.arxiv_id.abs_url})."
    )
    body = "\n\n".join(part for part in (abstract, last_line) if part)
    journal = defuse_mentions(tex_to_text(paper.journal_ref or ""))
    return Card(
        arxiv_id=paper.arxiv_id,
        url=paper.arxiv_id.abs_url,
        title=cut(draft.title, limits.EMBED_TITLE_MAX),
        description="\n".join(part for part in (authors, body) if part),
        footer=_footer(paper, _FULL_FOOTER_MAX, lambda limit: cut(journal, limit)),
        colour=colour_of(paper),
    )


def trending_abstract(trending_entry: TrendingEntry) -> Card:
    """Returns the full abstract of a paper that is known only from the trending list."""
    return replace(full_abstract(as_paper(trending_entry), trending_entry), footer="From Hugging Face's daily papers")


@lru_cache(TEXTS_KEPT)
def option_label(paper: Paper) -> str:
    """Returns the title as plain text, cut to the length of a menu option."""
    return cut(title_of(paper), limits.SELECT_OPTION_MAX)


@lru_cache(TEXTS_KEPT)
def option_description(paper: Paper) -> str:
    """Returns authors and primary category, for the second line of a menu option."""
    category = cut(defuse_mentions(paper.primary_category), 30)
    authors_max = limits.SELECT_OPTION_MAX - utf16_length(category) - len(" · ")
    return joined(listed(names_of(paper, _AUTHORS_SHOWN), len(paper.authors), authors_max), category)


def _draft(
    paper: Paper, keywords: Sequence[str], trending_entry: TrendingEntry | None, *, has_links: bool
) -> _CardDraft:
    return replace(
        _texts(paper, trending_entry),
        keywords=tuple(dict.fromkeys(defuse_mentions(keyword) for keyword in keywords)),
        links=reading_links(paper.arxiv_id) if has_links else "",
    )


@lru_cache(TEXTS_KEPT)
def _texts(paper: Paper, trending_entry: TrendingEntry | None) -> _CardDraft:
    """Returns the draft of a card without what differs between channels: most papers are posted in several."""
    summary = (trending_entry.ai_summary if trending_entry else None) or ""
    return _CardDraft(
        paper=paper,
        title=escape_markdown(title_of(paper)),
        authors=tuple(map(escape_markdown, names_of(paper, _FULL_AUTHORS_SHOWN))),
        followed={},
        summary=escape_markdown(tex_to_text(summary)),
        abstract=escape_markdown(tex_to_text(paper.abstract)),
        comment=escape_keeping_links(tex_to_text(paper.comment or "")),
        badges=badges(paper, trending_entry),
        keywords=(),
        links="",
        thumbnail_url=trending_entry.thumbnail_url if trending_entry else None,
    )


def _author_line(authors: Sequence[str], total: int, followed: Mapping[str, bool], limit: int) -> str:
    """Returns the authors as subtext, which Discord shows small and dim below the title."""
    names = author_list(authors, total, followed, limit) if followed else listed(authors, total, limit)
    return f"-# {names}" if names else ""


def _footer(paper: Paper, limit: int, note: Callable[[int], str]) -> str:
    """Returns `cs.CL, cs.LG · reward model, RLHF · Published 17 Apr 2026`, with the primary category first.

    `note` returns the middle part within a length.
    """
    codes = dict.fromkeys(map(defuse_mentions, (paper.primary_category, *paper.categories)))
    categories = listed(list(codes)[:_CATEGORIES_SHOWN], len(codes), limit * 2 // 5)
    dates = _dates(paper)
    return joined(categories, note(limit - utf16_length(joined(categories, dates)) - len(" · ")), dates)


def _dates(paper: Paper) -> str:
    """Returns `Published 17 Apr 2026`, and the day of a later version in UTC."""
    published, updated = _day(paper.published), _day(paper.updated)
    changed = f", updated {updated}" if paper.version > 1 and updated != published else ""
    return f"Published {published}{changed}"


def _day(time: datetime) -> str:
    day = time.astimezone(UTC)
    return f"{day.day} {MONTH_NAMES[day.month - 1]} {day.year}"
