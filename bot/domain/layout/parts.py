"""The parts of a paper that cards and lists are made of: its title, names, badges and links, cut to their room.

A paper enters; short texts leave, plain or Markdown as each says. Which of them stand where, `card` and `compact` say.
"""

from collections.abc import Sequence
from typing import Final

from bot.domain.layout.badges import Badge, BadgeKind
from bot.domain.paper import ArxivId, Paper
from bot.domain.tex.convert import tex_to_text
from bot.domain.text import cut, escape_markdown, harmless, units

_BETWEEN: Final = " · "


def title_of(paper: Paper) -> str:
    """The title in plain words; the id where it shows nothing."""
    title = harmless(tex_to_text(paper.title))
    return title if any(sign.isprintable() and sign != " " for sign in title) else f"arXiv:{paper.arxiv_id}"


def names_of(paper: Paper, at_most: int) -> tuple[str, ...]:
    """The first authors in plain words: a collaboration has thousands."""
    return tuple(harmless(tex_to_text(name)) for name in paper.authors[:at_most])


def listed(names: Sequence[str], total: int, limit: int) -> str:
    """`First, Second, Third and 5 more`: of `total` these names, or as many of them as fit into `limit`."""
    for count in range(len(names), 0, -1):
        more = f" and {total - count} more" if total > count else ""
        shown = ", ".join(names[:count])
        if units(shown) <= limit - len(more) or count == 1:
            return cut(shown, limit - len(more)) + more
    return ""


def joined(*parts: str) -> str:
    """What there is of the parts, side by side."""
    return _BETWEEN.join(part for part in parts if part)


def reading_links(arxiv_id: ArxivId) -> str:
    """Markdown links to what arXiv itself offers to read: `[PDF](…) · [HTML](…)`."""
    html = f"[HTML]({arxiv_id.html_url})" if arxiv_id.html_url else ""
    return joined(f"[PDF]({arxiv_id.pdf_url})", html)


def badge_line(badges: Sequence[Badge], limit: int) -> str:
    """The badges as Markdown, in their order, those that fit whole into `limit`: a link that is cut leads elsewhere.

    Votes count without their link too.
    """
    line = ""
    for badge in badges:
        ways = (_badge(badge), badge.text) if badge.kind is BadgeKind.VOTES else (_badge(badge),)
        line = next((longer for way in ways if units(longer := joined(line, way)) <= limit), line)
    return line


def _badge(badge: Badge) -> str:
    text = escape_markdown(badge.text)
    if badge.url is not None:
        return f"[{text}]({badge.url})"
    return f"**{text}**" if badge.kind is BadgeKind.WITHDRAWN else text
