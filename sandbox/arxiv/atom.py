"""Writes papers as an Atom feed, in the layout of arXiv's API since November 2025.

The order of the elements, the mixed http and https URLs and the positions of optional elements are taken from recorded
responses. It never chooses or sorts papers.
"""

import base64
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote_plus
from xml.sax.saxutils import escape, quoteattr

from sandbox.arxiv.papers import SandboxPaper

_HEAD = """\
<?xml version='1.0' encoding='UTF-8'?>
<feed xmlns:opensearch="http://a9.com/-/spec/opensearch/1.1/" xmlns:arxiv="http://arxiv.org/schemas/atom" \
xmlns="http://www.w3.org/2005/Atom">
"""
_SCHEME = "http://arxiv.org/schemas/atom"
_UNQUOTED = ":()'*,/"  # characters that arXiv does not percent-encode in the URL of a query


@dataclass(frozen=True, slots=True)
class FeedHeader:
    """The metadata of a feed; `query_title` is the query as in its title, `query_link` as in its link."""

    query_title: str
    query_link: str
    id_list: str
    start: int
    max_results: int
    total: int
    updated: datetime


def feed(header: FeedHeader, papers: Iterable[SandboxPaper]) -> bytes:
    """Returns one page of results."""
    page = f"start={header.start}&max_results={header.max_results}"
    query = f"search_query={header.query_title}&id_list={header.id_list}&{page}"
    address = (
        f"https://arxiv.org/api/query?search_query={quote_plus(header.query_link, safe=_UNQUOTED)}"
        f"&{page}&id_list={quote_plus(header.id_list, safe=_UNQUOTED)}"
    )
    key = base64.b64encode(hashlib.sha1(query.encode(), usedforsecurity=False).digest()).decode().rstrip("=")
    return "".join(
        (
            _HEAD,
            f"  <id>https://arxiv.org/api/{key}</id>\n",
            f"  <title>arXiv Query: {escape(query)}</title>\n",
            f"  <updated>{_time(header.updated)}</updated>\n",
            f'  <link href={quoteattr(address)} type="application/atom+xml"/>\n',
            _opensearch(header.max_results, header.total, header.start),
            *(entry(paper) for paper in papers),
            "</feed>\n",
        )
    ).encode()


def error_feed(reason: str, now: datetime) -> bytes:
    """Returns arXiv's response to a rejected request: a feed whose only entry has the title "Error"."""
    address = f"https://arxiv.org/api/errors#{'_'.join(reason.split())}"
    return (
        f"{_HEAD}"
        "  <id>https://arxiv.org/</id>\n"
        "  <title>arXiv Search Results</title>\n"
        f"  <updated>{_time(now)}</updated>\n"
        f"{_opensearch(1, 1, 0)}"
        "  <entry>\n"
        f"    <id>{escape(address)}</id>\n"
        "    <title>Error</title>\n"
        f"    <updated>{_time(now)}</updated>\n"
        f'    <link href={quoteattr(address)} rel="alternate" type="text/html"/>\n'
        f"    <summary>{escape(reason)}</summary>\n"
        "    <author>\n      <name>arXiv api core</name>\n    </author>\n"
        "  </entry>\n"
        "</feed>\n"
    ).encode()


def entry(paper: SandboxPaper) -> str:
    """Returns a paper as arXiv writes it; in its text, only `&`, `<` and `>` are escaped."""
    versioned = escape(paper.versioned_id)
    lines = [
        f"<id>http://arxiv.org/abs/{versioned}</id>",
        f"<title>{escape(paper.title)}</title>",
        f"<updated>{_time(paper.updated)}</updated>",
        f'<link href="https://arxiv.org/abs/{versioned}" rel="alternate" type="text/html"/>',
        f'<link href="https://arxiv.org/pdf/{versioned}" rel="related" type="application/pdf" title="pdf"/>',
        f"<summary>{escape(paper.abstract)}</summary>",
        *(f'<category term={quoteattr(name)} scheme="{_SCHEME}"/>' for name in paper.categories),
        f"<published>{_time(paper.published)}</published>",
    ]
    if paper.comment is not None:
        lines.append(f"<arxiv:comment>{escape(paper.comment)}</arxiv:comment>")
    lines.append(f"<arxiv:primary_category term={quoteattr(paper.categories[0])}/>")
    if paper.journal_ref is not None:
        lines.append(f"<arxiv:journal_ref>{escape(paper.journal_ref)}</arxiv:journal_ref>")
    lines += _authors(paper)
    if paper.doi is not None:
        lines.append(f"<arxiv:doi>{escape(paper.doi)}</arxiv:doi>")
        lines.append(f'<link rel="related" href={quoteattr(f"https://doi.org/{paper.doi}")} title="doi"/>')
    return "  <entry>\n" + "".join(f"    {line}\n" for line in lines) + "  </entry>\n"


def _authors(paper: SandboxPaper) -> Iterable[str]:
    for place, name in enumerate(paper.authors):
        yield "<author>"
        yield f"  <name>{escape(name)}</name>"
        if place == 0 and paper.affiliation is not None:
            yield f"  <arxiv:affiliation>{escape(paper.affiliation)}</arxiv:affiliation>"
        yield "</author>"


def _opensearch(per_page: int, total: int, start: int) -> str:
    return (
        f"  <opensearch:itemsPerPage>{per_page}</opensearch:itemsPerPage>\n"
        f"  <opensearch:totalResults>{total}</opensearch:totalResults>\n"
        f"  <opensearch:startIndex>{start}</opensearch:startIndex>\n"
    )


def _time(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
