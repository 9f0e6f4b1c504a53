"""Short texts about a paper that several layouts use: title, author names, links, badges.

Each function says whether it returns plain text or Markdown. Which parts appear where is up to the layouts; `text`
has the escaping and cutting for any text, and `fitting` decides how long each part may be.
"""

from collections.abc import Sequence
from typing import Final

from bot.domain.layout.badges import Badge, BadgeKind
from bot.domain.paper import ArxivId, Paper
from bot.domain.tex.convert import tex_to_text
from bot.domain.text import cut, defuse_mentions, escape_label, escape_markdown, plural, utf16_length

# Of how many papers the converted and escaped texts are kept; a paper and its texts have a few kilobytes.
TEXTS_KEPT: Final = 256

_SEPARATOR: Final = " · "


def title_of(paper: Paper) -> str:
    """Returns the title as plain text, or the id if the title has no visible character."""
    title = defuse_mentions(tex_to_text(paper.title))
    return title if any(char.isprintable() and char != " " for char in title) else f"arXiv:{paper.arxiv_id}"


def names_of(paper: Paper, at_most: int) -> tuple[str, ...]:
    """Returns the first authors as plain text; a collaboration has thousands."""
    return tuple(defuse_mentions(tex_to_text(name)) for name in paper.authors[:at_most])


def listed(names: Sequence[str], total: int, limit: int) -> str:
    """Returns `First, Second and 5 more`: as many names as fit in `limit`, and how many of `total` are left."""
    for count in range(len(names), 0, -1):
        more = f" and {total - count} more" if total > count else ""
        shown = ", ".join(names[:count])
        if utf16_length(shown) <= limit - len(more) or count == 1:
            return cut(shown, limit - len(more)) + more
    return ""


def whole_or_counted(names: Sequence[str], limit: int, noun: str) -> str:
    """Returns `First, Second and 5 more` if at least the first name fits whole, otherwise `7 keywords`."""
    if not names:
        return ""
    for count in range(len(names), 0, -1):
        more = f" and {len(names) - count} more" if count < len(names) else ""
        if utf16_length(shown := ", ".join(names[:count]) + more) <= limit:
            return shown
    return plural(len(names), noun)


def joined(*parts: str) -> str:
    """Returns the parts that are not empty, separated by a middle dot."""
    return _SEPARATOR.join(part for part in parts if part)


def reading_links(arxiv_id: ArxivId) -> str:
    """Returns Markdown links to arXiv's PDF and HTML: `[PDF](…) · [HTML](…)`."""
    html = f"[HTML]({arxiv_id.html_url})" if arxiv_id.html_url else ""
    return joined(f"[PDF]({arxiv_id.pdf_url})", html)


def badge_line(badges: Sequence[Badge], limit: int, *, brief: bool = False) -> str:
    """Returns the badges that fit in `limit` as Markdown, in their order.

    Badges are never cut, because a cut link leads elsewhere. Votes may lose words and their link to
    fit; if `brief`, they never name Hugging Face, to which they link.
    """
    line = ""
    for badge in badges:
        forms = _votes(badge, brief=brief) if badge.kind is BadgeKind.VOTES else (_badge(badge),)
        line = next((longer for form in forms if utf16_length(longer := joined(line, form)) <= limit), line)
    return line


def votes_text(badge: Badge, *, brief: bool = False) -> str:
    """Returns `▲ 41 votes on Hugging Face` for a badge of votes, as plain text; `▲ 41 votes` if `brief`."""
    votes = f"{badge.text} {'vote' if badge.text == '▲ 1' else 'votes'}"
    return votes if brief else f"{votes} on Hugging Face"


def _votes(badge: Badge, *, brief: bool) -> tuple[str, ...]:
    """Returns `[▲ 41 votes on Hugging Face](…)` and its shorter forms, from long to short."""
    votes = votes_text(badge, brief=True)
    texts = (votes,) if brief else (votes_text(badge), votes)
    return (*(f"[{text}]({badge.url})" for text in texts), votes)


def _badge(badge: Badge) -> str:
    if badge.url is not None:
        return f"[{escape_label(badge.text)}]({badge.url})"
    text = escape_markdown(badge.text)
    return f"**{text}**" if badge.kind is BadgeKind.WITHDRAWN else text
