"""Shows links with their addresses, and removes what a citation leaves: its keys mean nothing outside the paper."""

import re
from typing import Final

from bot.domain.tex.typesetting import CITE_MARK
from bot.domain.tex.typography import RANGE_MARK

# Citations leave a mark, which disappears with the space and the brackets around it.
_CITES: Final = re.compile(r"\x06(?:[ ,;–-]*\x06)+")
_CITE_IN_BRACKETS: Final = re.compile(r"[(\[] ?(?:(?:see|e\.g\.|cf\.|i\.e\.),? ?)?(?:also )?\x06 ?[)\]]", re.IGNORECASE)
_CITE_FIRST_IN_BRACKETS: Final = re.compile(r"(?<=[(\[])\x06[ ,;]*")
_CITE_BEFORE_END: Final = re.compile(r"(?<![ \x06])[ \x06]*\x06(?=[\s.,;:!?)\]'\x22\u2019\u201d-]|\Z)")
_ESCAPE: Final = re.compile(r"\\(?:([%#_&~{}$^])(?:\{\})?|textasciitilde(?:\{\})?)")
# Addresses that a reader can follow; a link to a script or into the same document shows only its text.
_ADDRESS: Final = re.compile(r"(?:https?|ftp)://|[\w.+-]+@|[\w-]+(?:\.[\w-]+)+(?:[/:?#]|\Z)", re.IGNORECASE)
_AROUND_ADDRESS: Final = re.compile(r"\A(?:(?:https?|ftp)://)?(?:www\.)?|/\Z", re.IGNORECASE)
_PLACEHOLDER: Final = re.compile(r"this (?:https?|ftp) url", re.IGNORECASE)  # arXiv's own text for a link


def without_citations(line: str) -> str:
    """Returns the line without the marks of citations, and the space and empty brackets around them."""
    if CITE_MARK not in line:
        return line
    line = _CITES.sub(CITE_MARK, " ".join(line.split()))
    line = _CITE_FIRST_IN_BRACKETS.sub("", _CITE_IN_BRACKETS.sub(CITE_MARK, line))
    return _CITE_BEFORE_END.sub("", line).replace(CITE_MARK, " ")


def url_in_tex(raw: str) -> str:
    """Returns a URL as it is written in TeX without TeX's escapes."""
    return _ESCAPE.sub(lambda found: found[1] or "~", "".join(raw.split())).replace(RANGE_MARK, "~")


def link(raw_url: str, text: str) -> str:
    """Returns the text of a link with its address; only the address if the text repeats it or is a placeholder."""
    url, text = url_in_tex(raw_url).removeprefix("mailto:"), text.strip()
    if not _ADDRESS.match(url) or url in text:
        return text or url
    shown, address = (_AROUND_ADDRESS.sub("", part).casefold() for part in (text, url))
    if not shown or f"/{address}".endswith(f"/{shown}") or _PLACEHOLDER.fullmatch(text):
        return url
    return f"{text} ({url})"
