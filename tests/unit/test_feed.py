"""Parsing arXiv's feeds: valid and invalid feeds, papers and rejected entries."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.feed import (
    PAPER_ABSTRACT_MAX,
    PAPER_TITLE_MAX,
    FeedPage,
    Rejection,
    parse_feed,
)
from bot.domain.feed_document import FEED_ATTRIBUTES_MAX, FEED_ELEMENTS_MAX
from bot.domain.paper import ArxivId, Paper
from bot.runtime.errors import ArxivError, InvalidFeed, QueryRejected

ENTRY = {
    "id": "<id>http://arxiv.org/abs/2611.00001v2</id>",
    "title": "<title>On Rewards</title>",
    "updated": "<updated>2026-11-18T12:00:00Z</updated>",
    "published": "<published>2026-11-17T12:00:00Z</published>",
    "summary": "<summary>We reward.</summary>",
    "author": "<author><name>Ada Lovelace</name></author>",
    "primary": '<arxiv:primary_category term="cs.LG"/>',
    "category": '<category term="cs.LG"/><category term="cs.CL"/>',
}
URL = "http://arxiv.org/abs/2611.00001v2"
PAPER = Paper(
    arxiv_id=ArxivId("2611.00001"),
    version=2,
    title="On Rewards",
    abstract="We reward.",
    authors=("Ada Lovelace",),
    primary_category="cs.LG",
    categories=("cs.LG", "cs.CL"),
    published=datetime(2026, 11, 17, 12, tzinfo=UTC),
    updated=datetime(2026, 11, 18, 12, tzinfo=UTC),
)
COUNTS = "<opensearch:totalResults>7</opensearch:totalResults><opensearch:startIndex>5</opensearch:startIndex>"


def entry(**elements: str) -> str:
    """Returns one entry; an argument replaces the element of that name, or adds one."""
    return f"<entry>{''.join((ENTRY | elements).values())}</entry>"


def body(*entries: str, counts: str = COUNTS) -> bytes:
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<feed xmlns="http://www.w3.org/2005/Atom" xmlns:arxiv="http://arxiv.org/schemas/atom"'
        ' xmlns:opensearch="http://a9.com/-/spec/opensearch/1.1/">'
        f"<id>https://arxiv.org/api/x</id><title>arXiv Query</title>{counts}{''.join(entries)}</feed>\n"
    ).encode()


def only(**elements: str) -> Paper:
    """Parses a page with one entry and returns its paper."""
    page = parse_feed(body(entry(**elements)))
    assert page.rejected == ()
    (paper,) = page.papers
    return paper


def test_page_has_papers_total_and_start() -> None:
    assert parse_feed(body(entry())) == FeedPage((PAPER,), (), total=7, start=5)


def test_complete_page_may_have_no_papers() -> None:
    assert parse_feed(body(counts=COUNTS.replace("7", "0"))) == FeedPage((), (), total=0, start=5)


def test_known_entry_is_listed_as_unchanged() -> None:
    other = entry(id="<id>http://arxiv.org/abs/2611.00002v1</id>")
    known = parse_feed(body(entry())).digests
    page = parse_feed(body(entry(), other), known)
    assert [paper.arxiv_id.value for paper in page.papers] == ["2611.00002"]
    assert page.unchanged == (ArxivId("2611.00001"),)
    assert (page.total, page.start, page.entries) == (7, 5, 2)
    assert page.digests == parse_feed(body(other)).digests


def test_page_of_known_entries_has_no_papers() -> None:
    known = parse_feed(body(entry())).digests
    assert parse_feed(body(entry()), known) == FeedPage((), (), 7, 5, unchanged=(ArxivId("2611.00001"),))


@pytest.mark.parametrize("name", [*ENTRY, "comment"])
def test_known_entry_is_parsed_when_any_element_changes(name: str) -> None:
    known = parse_feed(body(entry())).digests
    page = parse_feed(body(entry(**{name: ENTRY.get(name, "<arxiv:comment>Withdrawn</arxiv:comment>") + " "})), known)
    assert (len(page.papers), page.unchanged) == (1, ())


def test_rejected_entry_is_never_known() -> None:
    page = parse_feed(body(entry(title=""), entry()))
    assert len(page.rejected) == 1
    assert page.digests == parse_feed(body(entry())).digests


def test_known_entry_without_a_plain_id_is_parsed_again() -> None:
    document = body(entry(id="<id ><![CDATA[http://arxiv.org/abs/2611.00001v2]]></id>"))
    page = parse_feed(document, parse_feed(document).digests)
    assert (page.papers, page.unchanged) == ((PAPER,), ())


def test_entries_that_the_parser_counts_differently_are_never_known() -> None:
    nested = entry(comment=entry(id="<id>http://arxiv.org/abs/2611.00002v1</id>"))
    assert parse_feed(body(nested)).digests == ()


def test_empty_entry_is_rejected_alone() -> None:
    page = parse_feed(body("<entry/>", entry()), {1})
    assert (page.papers, len(page.rejected)) == ((PAPER,), 1)


def test_optional_elements_are_read() -> None:
    paper = only(
        comment="<arxiv:comment>12 pages,\n 3 figures</arxiv:comment>",
        journal="<arxiv:journal_ref>Nature 1 (2026)</arxiv:journal_ref>",
        doi='<link title="doi" href="https://doi.org/10.1/x" rel="related"/><arxiv:doi>10.1/x</arxiv:doi>',
        author="<author><name>Ada\n Lovelace</name><arxiv:affiliation>London</arxiv:affiliation></author>"
        "<author><name>Emmy Noether</name></author>",
    )
    assert (paper.comment, paper.journal_ref, paper.doi) == ("12 pages, 3 figures", "Nature 1 (2026)", "10.1/x")
    assert paper.authors == ("Ada Lovelace", "Emmy Noether")


def test_optional_elements_may_be_missing_or_empty() -> None:
    paper = only(summary="", author="<author/>", comment="<arxiv:comment/>")
    assert (paper.abstract, paper.authors, paper.comment) == ("", (), None)


def test_old_ids_and_other_arxiv_hosts_are_accepted() -> None:
    assert only(id="<id>http://arxiv.org/abs/hep-th/9901001v1</id>").arxiv_id == ArxivId("hep-th/9901001")
    assert only(id="<id>https://export.arxiv.org/abs/2611.00001</id>").version == 1


def test_times_are_in_utc() -> None:
    paper = only(published="<published>2026-11-16T20:30:00-05:00</published>")
    assert paper.published == datetime(2026, 11, 17, 1, 30, tzinfo=UTC)
    assert paper.published.tzinfo is UTC


def test_primary_category_defaults_to_the_first_one() -> None:
    assert only(primary="").primary_category == "cs.LG"


def test_primary_category_comes_first() -> None:
    paper = only(primary='<arxiv:primary_category term="cs.CV"/>')
    assert paper.categories == ("cs.CV", "cs.LG", "cs.CL")


def test_classes_of_other_schemes_are_ignored() -> None:
    paper = only(
        category='<category term="cond-mat.mes-hall"/><category term="53C25, 53A30 (Primary)"/>'
        '<category term="I.2.7"/><category term="@everyone"/><category term="q-bio.NC"/><category/>'
    )
    assert paper.categories == ("cs.LG", "cond-mat.mes-hall", "q-bio.NC")


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("a &lt; b &gt; c &amp; d", "a < b > c & d"),
        ("V&lt;17.5 and <![CDATA[x<y]]>", "V<17.5 and x<y"),
        ("&lt;b&gt;bold&lt;/b&gt; &lt;script&gt;", "<b>bold</b> <script>"),
        ("@everyone [x](https://example.org) **bold**", "@everyone [x](https://example.org) **bold**"),
        ("  white\n  space\t\u2028all &#10; of&#xA0;it ", "white space all of it"),
        (
            "vertical\x0btab, nul\x00, &#11;&#x0B;&#0;&#xFFFE;&#xD800;&#99999999999;references",
            "verticaltab, nul, references",
        ),
        ("&#x1F600; &#0000065; &amp;#11;", "\U0001f600 A &#11;"),
        ("DEL\x7f, C1 \x81, none \ufdd0\U0001fffe", "DEL, C1 , none"),
        ("\u202eturned\u202c \u200bjoined", "\u202eturned\u202c \u200bjoined"),
        ('$\\alpha$ K{\\"a}hler Ω 模型', '$\\alpha$ K{\\"a}hler Ω 模型'),
    ],
)
def test_text_is_exact_except_for_white_space_and_control_characters(written: str, read: str) -> None:
    paper = only(title=f"<title>{written}</title>", summary=f"<summary>{written}</summary>")
    assert (paper.title, paper.abstract) == (read, read)


def test_very_long_text_is_cut_with_an_ellipsis() -> None:
    paper = only(title=f"<title>{'word ' * 2000}</title>", summary=f"<summary>{'x' * 10**6}</summary>")
    assert len(paper.title) <= PAPER_TITLE_MAX
    assert paper.title.endswith("word…")
    assert len(paper.abstract) == PAPER_ABSTRACT_MAX


@pytest.mark.parametrize(
    ("elements", "entry_id", "reason"),
    [
        ({"title": ""}, URL, "it has no title"),
        ({"title": "<title> \x0b </title>"}, URL, "it has no title"),
        ({"id": ""}, "entry 2 of the page", "it has no id"),
        (
            {"id": "<id>http://example.org/1</id>"},
            "http://example.org/1",
            "its id is not the URL of an arXiv abstract",
        ),
        ({"id": "<id>http://arxiv.org/abs/x</id>"}, "http://arxiv.org/abs/x", "not an arXiv id: 'x'"),
        ({"published": ""}, URL, "its date (published) cannot be read"),
        ({"updated": ""}, URL, "its date (updated) cannot be read"),
        ({"updated": "<updated>yesterday</updated>"}, URL, "its date (updated) cannot be read"),
        (
            {"updated": "<updated>0001-01-01T00:00:00+14:00</updated>"},
            URL,
            "its date (updated) cannot be read",
        ),
        (
            {"published": "<published>2026-11-17T12:00:00</published>"},
            URL,
            "its date (published) has no time zone",
        ),
        ({"primary": "", "category": '<category term="53C25"/>'}, URL, "it has no category"),
    ],
)
def test_invalid_entry_is_rejected_alone_with_its_reason(elements: dict[str, str], entry_id: str, reason: str) -> None:
    good = "<id>http://arxiv.org/abs/2611.0000{}v1</id>"
    page = parse_feed(body(entry(id=good.format(2)), entry(**elements), entry(id=good.format(3))))
    assert [paper.arxiv_id.value for paper in page.papers] == ["2611.00002", "2611.00003"]
    assert page.rejected == (Rejection(entry_id, reason),)


def test_paper_listed_twice_is_kept_once_in_its_latest_version() -> None:
    versions = [entry(id=f"<id>http://arxiv.org/abs/2611.00001v{version}</id>") for version in (1, 3, 2)]
    (paper,) = parse_feed(body(*versions)).papers
    assert paper.version == 3


@pytest.mark.parametrize(
    ("response", "message"),
    [
        (b"", "arXiv's response is empty."),
        (b" \n\t", "arXiv's response is empty."),
        (b"Rate exceeded.", "arXiv's response is not a feed, or a damaged one."),
        (b"<!DOCTYPE html><html><body>503</body></html>", "arXiv's response is an HTML page, not a feed."),
        (b"\n<!-- x --> <html><head></head></html>", "arXiv's response is an HTML page, not a feed."),
        (body(entry())[:-10], "arXiv's response is truncated."),
        (body(entry())[:300], "arXiv's response is truncated."),
        (body(entry()) + body(entry()), "arXiv's response contains more than one document."),
        (body(entry()) + b"<feed/>", "arXiv's response contains more than one document."),
        (body(entry()).decode().encode("utf-16"), "arXiv's response is not UTF-8 text."),
        (body(entry(title="<title>é</title>")).decode().encode("latin-1"), "arXiv's response is not UTF-8 text."),
        (body(entry(title="<title>a & b</title>")), "arXiv's response is not a feed, or a damaged one."),
        (body(entry(title="<title>&nbsp;</title>")), "arXiv's response is not a feed, or a damaged one."),
        (body(entry(title="<x:title/>")), "arXiv's response is not a feed, or a damaged one."),
        (b'<?xml version="1.0"?><rss version="2.0"><channel/></rss>', "arXiv's response is not an Atom feed."),
        (b"<feed/>", "arXiv's response is not an Atom feed."),
        (body(entry(), counts=""), "arXiv's response has no total number of results."),
        (body(counts=COUNTS.replace("7", "-1")), "arXiv's response has no total number of results."),
        (body(counts=COUNTS.replace("7", "many")), "arXiv's response has no total number of results."),
        (body(counts=COUNTS.replace("7", "9" * 5000)), "arXiv's response has no total number of results."),
        (body(counts=COUNTS.replace("7", "٧")), "arXiv's response has no total number of results."),
    ],
)
def test_anything_but_one_complete_feed_is_an_error(response: bytes, message: str) -> None:
    with pytest.raises(InvalidFeed) as raised:
        parse_feed(response)
    assert str(raised.value) == message


@pytest.mark.parametrize(
    "doctype",
    [
        b"<!DOCTYPE feed [<!ENTITY x 'boom'>]>",
        b"<!DOCTYPE feed SYSTEM 'file:///etc/passwd'>",
        b"<!DOCTYPE feed [<!ENTITY % x SYSTEM 'http://127.0.0.1:1/'> %x;]>",
    ],
)
def test_document_type_declaration_is_rejected(doctype: bytes) -> None:
    with pytest.raises(InvalidFeed, match="document type"):
        parse_feed(body(entry(title="<title>&#38;x;</title>")).replace(b"?>\n", b"?>\n" + doctype, 1))


def test_byte_order_mark_and_wrong_declared_encoding_are_ignored() -> None:
    assert parse_feed(b"\xef\xbb\xbf" + body(entry())).papers == (PAPER,)
    claimed = body(entry(title="<title>café</title>")).replace(b"UTF-8", b"latin-1", 1)
    assert parse_feed(claimed).papers[0].title == "café"


def test_element_that_feedparser_fails_on_is_an_invalid_feed() -> None:
    licence = '<l:license xmlns:l="http://backend.userland.com/creativeCommonsRssModule"/>'
    with pytest.raises(InvalidFeed, match="unexpected elements"):
        parse_feed(body(entry(summary=f"<summary>{licence}</summary>")))


def test_start_defaults_to_zero() -> None:
    assert parse_feed(body(counts="<opensearch:totalResults>7</opensearch:totalResults>")).start == 0


@pytest.mark.parametrize(
    ("summary", "reason"),
    [("<summary>incorrect id format for abc</summary>", "incorrect id format for abc"), ("", "arXiv gave no reason.")],
)
def test_error_feed_means_that_the_query_was_rejected(summary: str, reason: str) -> None:
    error = entry(id="<id>https://arxiv.org/api/errors#x</id>", title="<title>Error</title>", summary=summary)
    with pytest.raises(QueryRejected) as raised:
        parse_feed(body(error))
    assert str(raised.value) == reason


def test_paper_titled_error_is_a_paper() -> None:
    assert only(title="<title>Error</title>").title == "Error"


@given(st.data())
def test_page_with_changed_bytes_is_parsed_or_rejected(data: st.DataObject) -> None:
    answer = bytearray(body(entry(), entry(id="<id>http://arxiv.org/abs/hep-th/9901001v1</id>")))
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(answer) - 1))
        end = data.draw(st.integers(start, min(len(answer), start + 40)))
        answer[start:end] = data.draw(st.binary(max_size=12))
    try:
        page = parse_feed(bytes(answer))
    except ArxivError:
        return
    assert len(page.papers) + len(page.rejected) <= 2


@given(st.text(max_size=60))
def test_any_title_affects_only_its_own_entry(text: str) -> None:
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").encode("utf-8", "replace").decode()
    other = entry(id="<id>http://arxiv.org/abs/2611.00002v1</id>")
    page = parse_feed(body(entry(title=f"<title>{escaped}</title>"), other))
    assert ArxivId("2611.00002") in {paper.arxiv_id for paper in page.papers}
    assert len(page.papers) + len(page.rejected) == 2


@pytest.mark.parametrize(
    "body",
    [
        b"<entry>" * 30 + b"</entry>" * 30,
        b"<entry/>" * (FEED_ELEMENTS_MAX + 1),
        b"<entry " + b" ".join(b'a%d=""' % number for number in range(FEED_ATTRIBUTES_MAX + 1)) + b"/>",
        b"".join(b'<e a="" b%d=""/>' % number for number in range(FEED_ATTRIBUTES_MAX // 2 + 1)),
        b"".join(b'<e xmlns:n%d="u"/>' % number for number in range(FEED_ATTRIBUTES_MAX + 1)),
        b"&#65;" * (FEED_ELEMENTS_MAX + 1),
    ],
)
def test_body_with_an_unexpected_structure_is_rejected_early(body: bytes) -> None:
    with pytest.raises(InvalidFeed, match="unexpected structure"):
        parse_feed(b"<feed>" + body + b"</feed>")
