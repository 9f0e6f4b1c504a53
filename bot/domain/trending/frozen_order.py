"""The order of a trending list while a reply shows it page by page.

Votes change between two clicks. So that no paper is skipped or shown twice, the reply itself holds the order, in the
fragment of the URL in its title: nothing is stored, and the buttons keep it after a restart. Votes are not frozen.
"""

import re
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Final

from bot.domain.paper import ArxivId
from bot.domain.trending.entry import TrendingEntry
from bot.runtime.limits import EMBED_URL_MAX

# Ends the order of a list with more papers than a URL has space for; the others follow by votes.
_MORE: Final = "more"


def freeze(url: str, papers: Iterable[TrendingEntry]) -> str:
    """Returns the URL with the order of the papers in its fragment."""
    separator = "#"
    for paper in papers:
        part = f"{separator}{paper.arxiv_id}"
        if len(url) + len(part) + len(_MORE) + 1 > EMBED_URL_MAX:
            return f"{url}{separator}{_MORE}"
        url, separator = url + part, ","
    return url


def in_frozen_order(url: str | None, papers: Sequence[TrendingEntry]) -> tuple[TrendingEntry, ...]:
    """Returns the papers in the order of the URL; all of them in their own order if the URL has none.

    Papers that are new to the list are left out, as they would move the others.
    """
    ids = re.split("[#,]", url or "")[1:]
    if not ids:
        return tuple(papers)
    by_id = {paper.arxiv_id: paper for paper in papers}
    frozen = [by_id.pop(arxiv_id) for arxiv_id in dict.fromkeys(_valid(ids)) if arxiv_id in by_id]
    return (*frozen, *by_id.values()) if ids[-1] == _MORE else tuple(frozen)


def _valid(ids: Iterable[str]) -> Iterable[ArxivId]:
    for text in ids:
        with suppress(ValueError):
            yield ArxivId(text)
