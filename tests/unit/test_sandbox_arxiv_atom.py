"""The local arXiv's Atom feeds, compared with recorded responses of arXiv's API."""

import re
from datetime import UTC, datetime
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from sandbox.arxiv import SandboxPaper
from sandbox.arxiv.atom import FeedHeader, entry, error_feed, feed
from sandbox.arxiv.query import normalized, parse, right_grouped
from sandbox.arxiv.recorded import read_feed
from tests.support.recordings import ARXIV_ANSWERS

pytestmark = pytest.mark.slow

NEW_FORM = sorted(
    path
    for path in (*ARXIV_ANSWERS.glob("new*.xml"), *ARXIV_ANSWERS.glob("arxivpy*.http200.xml"))
    if b"<arxiv:affiliation>" not in path.read_bytes()
)

_TITLE = re.compile(r"search_query=(.*)&id_list=(.*)&start=(\d+)&max_results=(\d+)")
_FEED_ID = re.compile(rb"<id>https://arxiv.org/api/[^<]*</id>")


@pytest.mark.recordings
@pytest.mark.parametrize("path", NEW_FORM, ids=lambda path: path.stem)
def test_feed_is_byte_for_byte_what_arxiv_sent(path: Path) -> None:
    recorded = path.read_bytes()
    root = ET.fromstring(recorded)  # noqa: S314 - a trusted recorded file
    title = _TITLE.search(root.findtext("{http://www.w3.org/2005/Atom}title", ""))
    assert title is not None
    query = parse(title[1]) if title[1] else None
    head = FeedHeader(
        query_title=normalized(query) if query else "",
        query_link=right_grouped(query) if query else "",
        id_list=title[2],
        start=int(title[3]),
        max_results=int(title[4]),
        total=int(root.findtext("{http://a9.com/-/spec/opensearch/1.1/}totalResults", "")),
        updated=datetime.fromisoformat(root.findtext("{http://www.w3.org/2005/Atom}updated", "")),
    )

    ours = feed(head, read_feed(recorded))

    assert _FEED_ID.sub(b"", ours).strip() == _FEED_ID.sub(b"", recorded).strip()


@pytest.mark.recordings
def test_error_feed_is_byte_for_byte_what_arxiv_sent() -> None:
    recorded = (ARXIV_ANSWERS / "arxivpy_id_abc_s0_m100.http400.xml").read_bytes()

    ours = error_feed("incorrect id format for abc", datetime(2026, 4, 12, 22, 59, 6, tzinfo=UTC))

    assert ours.strip() == recorded.strip()


def test_entry_escapes_markup_and_omits_missing_fields() -> None:
    paper = SandboxPaper(
        arxiv_id="hep-th/9901001",
        version=2,
        title="A < B & C > D",
        authors=("Ada", "Kurt"),
        affiliation="CERN & friends",
        published=datetime(1999, 1, 1, 8, 0, tzinfo=UTC),
    )

    text = entry(paper)

    assert "<id>http://arxiv.org/abs/hep-th/9901001v2</id>" in text
    assert "<title>A &lt; B &amp; C &gt; D</title>" in text
    assert "<name>Ada</name>\n      <arxiv:affiliation>CERN &amp; friends</arxiv:affiliation>" in text
    assert text.count("<arxiv:affiliation>") == 1
    assert "comment" not in text
    assert "doi" not in text
    assert "journal_ref" not in text
