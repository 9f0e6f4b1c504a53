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
from bot.domain.layout.parts import badge_line, joined, listed, names_of, reading_links, shares, title_of
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
class _Room:
    """How long the parts of a line may be, but for the title, which gets what is left."""

    author: int
    badges: int
    keywords: int
    links: bool


# From generous to narrow. 25 lines in the last one leave each title 40 characters at least, 57 with an id of today:
# 25 × (57 for its link to an id of 27 characters + 23 + 21 + 21 + 1) is below 4,096 by 40 a line.
_ROOMS: Final = (
    _Room(author=60, badges=200, keywords=100, links=True),
    _Room(author=40, badges=150, keywords=60, links=False),
    _Room(author=36, badges=80, keywords=30, links=False),
    _Room(author=28, badges=30, keywords=0, links=False),
    _Room(author=20, badges=18, keywords=0, links=False),
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

    def in_room(self, room: _Room, title_max: int) -> str:
        title = f"**[{cut(self.title, title_max)}]({self.paper.arxiv_id.abs_url})**"
        keywords = listed(self.keywords, len(self.keywords), room.keywords - len("for ")) if room.keywords else ""
        details = joined(
            self._by(room.author),
            self.category,
            badge_line(self.badges, room.badges),
            f"for {keywords}" if keywords else "",
            reading_links(self.paper.arxiv_id) if room.links else "",
        )
        return f"{title} — {details}" if details else title

    def _by(self, room: int) -> str:
        """`Emmy Noether et al.`; where that is too long, the last of the names: `Noether et al.`."""
        others = " et al." if len(self.paper.authors) > 1 else ""
        room -= len(others)
        last = self.author.rpartition(" ")[2]
        short = self.author if units(self.author) <= room or not 2 < units(last) <= room else last
        return cut(short, room) + others if short else ""


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
    wants = [min(units(draft.title), limits.EMBED_TITLE_MAX) for draft in drafts]
    enough = sum(min(want, _READABLE) for want in wants)
    room = next((room for room in _ROOMS[:-1] if _left_in(room, drafts) >= enough), _ROOMS[-1])
    given = shares(wants, _left_in(room, drafts))
    lines = [draft.in_room(room, share) for draft, share in zip(drafts, given, strict=True)]
    for better in reversed(_ROOMS[: _ROOMS.index(room)]):
        roomier = replace(better, keywords=room.keywords, links=room.links)  # on all lines or on none
        _fill(lines, [draft.in_room(roomier, share) for draft, share in zip(drafts, given, strict=True)])
    return PaperList("\n".join(lines))


def _fill(lines: list[str], longer: Sequence[str]) -> None:
    """Let the longer lines take the place of the others, from the first on, as far as there is room."""
    left = limits.EMBED_DESCRIPTION_MAX - units("\n".join(lines))
    for at, line in enumerate(longer):
        more = units(line) - units(lines[at])
        if more <= left:
            lines[at] = line
            left -= more


def _left_in(room: _Room, drafts: Sequence[_Draft]) -> int:
    return limits.EMBED_DESCRIPTION_MAX - sum(units(draft.in_room(room, 0)) + len("\n") for draft in drafts)


def _draft(paper: Paper, keywords: Sequence[str], trending_entry: TrendingEntry | None) -> _Draft:
    return _Draft(
        paper=paper,
        title=escape_label(title_of(paper)),
        author=escape_markdown("".join(names_of(paper, 1))),
        category=cut(escape_markdown(harmless(paper.primary_category)), _CATEGORY_MAX),
        badges=badges(paper, trending_entry),
        keywords=tuple(dict.fromkeys(escape_markdown(harmless(keyword)) for keyword in keywords)),
    )
