"""Parsing arXiv's recorded responses."""

from collections import Counter
from xml.dom import minidom

import pytest

from bot.domain.feed import FeedPage, parse_feed
from bot.domain.paper import ArxivId, Paper
from bot.runtime.errors import ArxivError, InvalidFeed, QueryRejected
from tests.support.recordings import recorded_answers


def recorded_pages() -> dict[str, FeedPage]:
    pages = {}
    for name, answer in recorded_answers().items():
        try:
            pages[name] = parse_feed(answer)
        except ArxivError:
            continue
    return pages


@pytest.mark.slow
@pytest.mark.recordings
def test_three_recorded_responses_are_not_feeds() -> None:
    answers = recorded_answers()
    assert len(answers) == 44
    assert len(recorded_pages()) == 41
    with pytest.raises(QueryRejected, match="incorrect id format for abc"):
        parse_feed(answers["arxivpy_id_abc_s0_m100.http400.xml"])
    with pytest.raises(InvalidFeed, match="more than one document"):
        parse_feed(answers["malformed_two_documents_concatenated.xml"])
    with pytest.raises(InvalidFeed, match="empty"):
        parse_feed(answers["zero_byte_body.xml"])


@pytest.mark.slow
@pytest.mark.recordings
def test_every_recorded_entry_is_a_valid_paper() -> None:
    papers: dict[ArxivId, Paper] = {}
    first, end, second = recorded_answers()["malformed_two_documents_concatenated.xml"].partition(b"</feed>")
    halves = [parse_feed(half.strip()) for half in (first + end, second)]
    for page in [*recorded_pages().values(), *halves]:
        assert page.rejected == ()
        papers |= {paper.arxiv_id: paper for paper in page.papers}
    assert len(papers) == 290  # the 291st recorded entry is an error feed
    facts = Counter(
        fact
        for paper in papers.values()
        for fact, holds in {
            "no comment": paper.comment is None,
            "DOI": paper.doi is not None,
            "revised": paper.version > 1,
            "literal <": "<" in paper.title + paper.abstract,
        }.items()
        if holds
    )
    assert facts == {"no comment": 64, "DOI": 46, "revised": 51, "literal <": 9}


def element_text(entry_element: minidom.Element, name: str) -> str:
    """Returns an element's text; like feedparser, it repairs UTF-8 that was encoded twice (Î³ for γ)."""
    nodes = entry_element.getElementsByTagName(name)[0].childNodes
    text = " ".join("".join(node.data for node in nodes if isinstance(node, minidom.Text)).split())
    try:
        return text.encode("latin-1").decode()
    except UnicodeError:
        return text


@pytest.mark.slow
@pytest.mark.recordings
def test_recorded_texts_are_parsed_exactly() -> None:
    answers = recorded_answers()
    for name, page in recorded_pages().items():
        # Compares with a second parser.
        entries = minidom.parseString(answers[name]).getElementsByTagName("entry")  # noqa: S318  # trusted files
        texts = [(element_text(found, "title"), element_text(found, "summary")) for found in entries]
        assert [(paper.title, paper.abstract) for paper in page.papers] == texts
