"""What is left out of a feed before it is parsed."""

import io
from collections.abc import Mapping, Sequence

import feedparser
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.feed_document import FeedDocument, check_document
from bot.runtime.errors import ArxivError
from tests.support.recordings import recorded_answers

_FEED = '<feed xmlns="http://www.w3.org/2005/Atom" xmlns:arxiv="http://arxiv.org/schemas/atom">{}</feed>'
# Where each fragment is a child of an entry, or the text before one.
_FRAGMENTS = (
    " ",
    "\n\t  ",
    "text",
    "a > b ",
    "<!-- a > comment --> ",
    "<![CDATA[ text ]]> ",
    "<?pi?> ",
    "<id>http://arxiv.org/abs/2403.01234v1</id>",
    "<title> <b> title </b> </title>",
    "<summary type='xhtml'> <div xmlns='http://www.w3.org/1999/xhtml'> <p> text </p> <link/> </div> </summary>",
    "<summary>a &lt; b</summary>",
    "<link href='https://arxiv.org/a?b>c' rel='alternate'/>",
    "<link> <name>no author</name> </link>",
    "<link href='' xmlns='http://example.org/'/>",
    "<author>\n <name>Ada Lovelace</name>\n</author>",
    "<author> Ada <name>Lovelace</name> Byron </author>",
    "<author><name>Ada</name> <arxiv:affiliation>London</arxiv:affiliation></author>",
    "<author> <name><![CDATA[ Ada ]]></name> </author>",
    "<author/>",
    "<author>Ada</author>",
    "<category term='cs.LG'/>",
    "<source> <link href='https://arxiv.org/'/> <title>source</title> </source>",
    "<arxiv:comment> 12 pages </arxiv:comment>",
)  # fmt: skip
_OF_LINKS = {"link", "links", "guidislink"}
_ENTRIES = st.lists(st.lists(st.sampled_from(_FRAGMENTS), max_size=8).map("".join), min_size=1, max_size=3)


def _parsed(text: bytes) -> Sequence[Mapping[str, object]]:
    """Returns the entries without their links, and without what feedparser derives from these."""
    parsed = feedparser.parse(io.BytesIO(text), sanitize_html=False, resolve_relative_uris=False)
    return [{name: value for name, value in entry.items() if name not in _OF_LINKS} for entry in parsed.entries]


def _document(entries: Sequence[str]) -> FeedDocument:
    return check_document(_FEED.format("".join(f"<entry>{entry}</entry> " for entry in entries)).encode())


@given(_ENTRIES)
def test_entries_without_what_no_paper_needs_are_parsed_alike(entries: Sequence[str]) -> None:
    document = _document(entries)

    assert _parsed(document.without(())) == _parsed(document.text)


@given(_ENTRIES, st.data())
def test_other_entries_are_parsed_alike_when_some_are_left_out(entries: Sequence[str], data: st.DataObject) -> None:
    document = _document(entries)
    places = data.draw(st.sets(st.integers(0, len(entries) - 1)))
    others = [entry for place, entry in enumerate(_parsed(document.text)) if place not in places]

    assert _parsed(document.without(places)) == others


def test_links_and_white_space_between_elements_are_left_out() -> None:
    entry = "\n  <id>a b</id>\n  <link href='x>y'/>\n  <author>\n    <name>Ada</name>\n  </author>\n"

    left = _document([entry]).without(())

    assert b"<entry><id>a b</id><author><name>Ada</name></author>\n</entry>" in left


@pytest.mark.slow
@pytest.mark.recordings
def test_every_recorded_feed_is_parsed_alike_and_shorter() -> None:
    documents = []
    for answer in recorded_answers().values():
        try:
            documents.append(check_document(answer))
        except ArxivError:
            continue
    assert len(documents) > 40
    for document in documents:
        assert _parsed(document.without(())) == _parsed(document.text)
    assert sum(len(each.without(())) for each in documents) < 0.95 * sum(len(each.text) for each in documents)
