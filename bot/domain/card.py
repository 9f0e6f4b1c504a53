"""Papers laid out for reading, free of discord.py: what an embed says, and how long it may be.

A paper and the keywords that it matched enter; a `Card` whose every part is ready to be shown leaves,
and the cards of one message stay together within Discord's limits, whatever arXiv or a person wrote.
It never sends, and never decides which papers go to whom.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from bot import limits
from bot.domain.paper import ArxivId, Paper
from bot.domain.tex import tex_to_text
from bot.domain.text import cut, escape_keeping_links, escape_markdown, harmless, units


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
class _Room:
    """How long the parts of a card may be, but for the abstract, which gets what is left."""

    title: int
    authors: int
    footer: int
    comment: int


# From generous to narrow. Ten cards in the last one leave each abstract more than `_READABLE`:
# 10 × (150 + 80 + 100 + 70 for the PDF's link, whose id has 28 characters at most, + 1 + `_READABLE`) is below 6,000.
_ROOMS: Final = (
    _Room(title=limits.EMBED_TITLE_MAX, authors=200, footer=400, comment=150),
    _Room(title=limits.EMBED_TITLE_MAX, authors=120, footer=200, comment=100),
    _Room(title=200, authors=100, footer=130, comment=60),
    _Room(title=150, authors=80, footer=100, comment=0),
)
_READABLE: Final = 150
_ABSTRACT_MAX: Final = 600  # the whole of it is one click away
_AUTHORS_SHOWN: Final = 3
_CATEGORIES_SHOWN: Final = 4

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
    keywords: tuple[str, ...]

    def last_line(self, comment_max: int) -> str:
        pdf = f"[PDF]({self.paper.arxiv_id.pdf_url})"
        parts = (pdf, cut(self.comment, comment_max))
        return " · ".join(part for part in parts if part)

    def in_room(self, room: _Room, abstract_max: int) -> Card:
        lines = (cut(self.abstract, abstract_max), self.last_line(room.comment))
        return Card(
            arxiv_id=self.paper.arxiv_id,
            url=self.paper.arxiv_id.abs_url,
            title=cut(self.title, room.title),
            authors=_listed(self.authors[:_AUTHORS_SHOWN], len(self.paper.authors), room.authors),
            description="\n".join(line for line in lines if line),
            footer=_footer(self.paper, self.keywords, room.footer),
            timestamp=self.paper.published,
        )


def lay_out(papers: Sequence[tuple[Paper, Sequence[str]]]) -> tuple[Card, ...]:
    """The cards of one message, for papers with the keywords that each matched.

    Raises ValueError when the papers are none or more than `how_many` says.
    """
    if not papers or how_many([paper for paper, _ in papers]) != len(papers):
        raise ValueError(f"{len(papers)} papers are not the papers of one message")
    drafts = [_draft(paper, keywords) for paper, keywords in papers]
    room, left = _room_for(drafts)
    wants = [min(units(draft.abstract), _ABSTRACT_MAX) for draft in drafts]
    return tuple(draft.in_room(room, share) for draft, share in zip(drafts, _shares(wants, left), strict=True))


def how_many(papers: Sequence[Paper]) -> int:
    """How many of the first papers go into one message: ten fit, but no paper stands in it twice.

    Discord shows only the first of two embeds with the same url.
    """
    ids: set[ArxivId] = set()
    for paper in papers[: limits.EMBEDS_PER_MESSAGE]:
        if paper.arxiv_id in ids:
            break
        ids.add(paper.arxiv_id)
    return len(ids)


def full_abstract(paper: Paper) -> Card:
    """The paper with its whole abstract, for one who asked to read it."""
    draft = _draft(paper, ())
    last_line = draft.last_line(_FULL_COMMENT_MAX)
    abstract = cut(draft.abstract, limits.EMBED_DESCRIPTION_MAX - units(last_line) - len("\n\n"))
    return Card(
        arxiv_id=paper.arxiv_id,
        url=paper.arxiv_id.abs_url,
        title=cut(draft.title, limits.EMBED_TITLE_MAX),
        authors=_listed(draft.authors, len(paper.authors), limits.EMBED_AUTHOR_MAX),
        description="\n\n".join(part for part in (abstract, last_line) if part),
        footer=_footer(paper, (harmless(tex_to_text(paper.journal_ref or "")),), _FULL_FOOTER_MAX),
        timestamp=paper.published,
    )


def option_label(paper: Paper) -> str:
    """The title, as short as an option of a menu must be, without Markdown."""
    return cut(_title(paper), limits.SELECT_OPTION_MAX)


def option_description(paper: Paper) -> str:
    """Who wrote it and where it is filed, for the second line of an option of a menu."""
    category = cut(harmless(paper.primary_category), 30)
    room = limits.SELECT_OPTION_MAX - units(category) - len(" · ")
    authors = _listed(_names(paper)[:_AUTHORS_SHOWN], len(paper.authors), room)
    return " · ".join(part for part in (authors, category) if part)


def _draft(paper: Paper, keywords: Sequence[str]) -> _Draft:
    return _Draft(
        paper=paper,
        title=escape_markdown(_title(paper)),
        authors=_names(paper),
        abstract=escape_markdown(tex_to_text(paper.abstract)),
        comment=escape_keeping_links(tex_to_text(paper.comment or "")),
        keywords=tuple(dict.fromkeys(harmless(keyword) for keyword in keywords)),
    )


def _title(paper: Paper) -> str:
    title = harmless(tex_to_text(paper.title))
    return title if any(sign.isprintable() and sign != " " for sign in title) else f"arXiv:{paper.arxiv_id}"


def _names(paper: Paper) -> tuple[str, ...]:
    """The authors who may be named; the others are only counted, and a collaboration has thousands."""
    return tuple(harmless(tex_to_text(name)) for name in paper.authors[:_FULL_AUTHORS_SHOWN])


def _room_for(drafts: Sequence[_Draft]) -> tuple[_Room, int]:
    """The most generous room in which every abstract stays readable, and what it leaves to them all."""
    enough = _READABLE * len(drafts)
    room = next((room for room in _ROOMS[:-1] if _left_in(room, drafts) >= enough), _ROOMS[-1])
    return room, _left_in(room, drafts)


def _left_in(room: _Room, drafts: Sequence[_Draft]) -> int:
    return limits.EMBED_TOTAL_MAX - sum(draft.in_room(room, 0).length + len("\n") for draft in drafts)


def _shares(wants: Sequence[int], left: int) -> list[int]:
    """What is left, shared so that nobody gets less than another but who wants less."""
    shares = [0] * len(wants)
    for served, at in enumerate(sorted(range(len(wants)), key=wants.__getitem__)):
        shares[at] = min(wants[at], left // (len(wants) - served))
        left -= shares[at]
    return shares


def _footer(paper: Paper, notes: Sequence[str], limit: int) -> str:
    """`cs.CL, cs.LG · reward model, RLHF`, the primary category first."""
    filed = dict.fromkeys(harmless(category) for category in (paper.primary_category, *paper.categories))
    categories = _listed(list(filed)[:_CATEGORIES_SHOWN], len(filed), limit // 2)
    listed = _listed(notes, len(notes), limit - units(categories) - len(" · "))
    return " · ".join(part for part in (categories, listed) if part)


def _listed(names: Sequence[str], total: int, limit: int) -> str:
    """`First, Second, Third and 5 more`: of `total` these names, or as many of them as fit into `limit`."""
    for count in range(len(names), 0, -1):
        more = f" and {total - count} more" if total > count else ""
        listed = ", ".join(names[:count])
        if units(listed) <= limit - len(more) or count == 1:
            return cut(listed, limit - len(more)) + more
    return ""
