"""Badges: the facts that arXiv's metadata clearly states, and the wordings that state nothing."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.feed import parse_feed
from bot.domain.layout.badges import Badge, BadgeKind, badges
from bot.domain.layout.venue_unknown import VENUE_MAX
from bot.domain.paper import Paper
from bot.domain.text import escape_markdown, utf16_length
from bot.domain.withdrawal import is_withdrawn
from bot.runtime.errors import ArxivError
from tests.support.builders import paper, trending_entry
from tests.support.recordings import recorded_answers


def badge_texts(comment: str) -> list[str]:
    """Returns the texts of the badges for a paper with this comment."""
    return [badge.text for badge in badges(paper(comment=comment))]


def kinds(comment: str) -> list[BadgeKind]:
    return [badge.kind for badge in badges(paper(comment=comment))]


# --- comments --------------------------------------------------------------

_PAGES = {
    "12 pages": "12 pages",
    "12 Pages, 3 Figures": "12 pages",
    "1 page": "1 page",
    "8 pp., 2 tables": "8 pages",
    "A 14-page note": "14 pages",
    "12pages, 4figures": "12 pages",
    "62 pages including 16 figures and 9 tables": "62 pages",
    "59 pages, including appendix": "59 pages",
    "14+11 pages, 18 figures": "14+11 pages",
    "9 + 12 pages": "9+12 pages",
    "10 pages, 7 Appendix, 17 Figures": "10 pages",
    "9 pages main, 30 pages in total": "30 pages",
    "9 pages (total: 30 pages)": "30 pages",
    "10 pages + 3 pages of supplementary material": "10 pages",
    "20 LaTeX pages": "20 pages",
    "v2: 31 pages": "31 pages",
    "12 pages. Published in Tech, 12 pages": "12 pages",
    "Accepted to ACL 2026.10 pages, 5 figures": "10 pages",
    "Accepted to ACL 2026,10 pages": "10 pages",
    "ACL'26.10 pages": "10 pages",
    "Accepted at ACL.10 pages": "10 pages",
    "Pages: 12": "12 pages",
    "pages: 12, figures: 3": "12 pages",
    "Number of pages: 12. Figures: 3": "12 pages",
    "Pages 12, 3 figures": "12 pages",
    "iv + 30 pages": "iv+30 pages",
    "12+5 pages": "12+5 pages",
    "10 pp.": "10 pages",
    "18 p., 5 figures": "18 pages",
    "18p": "18 pages",
    "A 10-page paper": "10 pages",
}
_NO_PAGES = [
    "9 pages main text, 30 pages with proofs",
    "pages 12-16",
    "pp. 66-69 pages",
    "twelve pages",
    "~17 pages",
    "1,200 pages",
    "3.5 pages",
    "0 pages",
    "12345 pages",
    "12 paging strategies",
    "3 pages of appendix",
    "see pages 3-5",
    "see pages: 12",
    "pages: 3-5",
    "Pages: 3, 5 and 7",
    "5p states",
]


@pytest.mark.parametrize(("comment", "pages"), _PAGES.items())
def test_number_of_pages_is_found_in_a_comment(comment: str, pages: str) -> None:
    assert [badge.text for badge in badges(paper(comment=comment)) if badge.kind is BadgeKind.PAGES] == [pages]


@pytest.mark.parametrize("comment", _NO_PAGES)
def test_ambiguous_number_of_pages_is_ignored(comment: str) -> None:
    assert BadgeKind.PAGES not in kinds(comment)


def test_comment_with_several_facts_gives_badges_in_order() -> None:
    subject = paper(
        title="Small Models: A Survey",
        comment="12 pages, accepted at ICML 2026. Code: https://github.com/someone/thing",
        version=3,
    )
    assert badges(subject) == (
        Badge(BadgeKind.VENUE, "ICML 2026"),
        Badge(BadgeKind.SURVEY, "survey"),
        Badge(BadgeKind.PAGES, "12 pages"),
        Badge(BadgeKind.CODE, "code", "https://github.com/someone/thing"),
        Badge(BadgeKind.VERSION, "v3"),
    )


def test_paper_without_facts_has_no_badges() -> None:
    assert badges(paper()) == ()
    assert badge_texts("Comments welcome!") == []


# --- withdrawn ---------------------------------------------------------------------------------------


def test_withdrawn_paper_has_that_badge_first() -> None:
    subject = paper(comment="This paper has been withdrawn. Accepted at ICML 2026", version=2)
    assert badges(subject)[0] == Badge(BadgeKind.WITHDRAWN, "withdrawn")


# --- surveys -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("title", "kind"),
    [
        ("A Survey on Small Models", "survey"),
        ("Small Models: A Survey", "survey"),
        ("Small Models: A Comprehensive and Critical Survey", "survey"),
        ("A Survey of Small Models: Taxonomy and Outlook", "survey"),
        ("Small models - survey and outlook", "survey"),
        ("Survey of methods for small models", "survey"),
        ("A Systematic Literature Review of Testing", "review"),
        ("What is known of testing? A review", "review"),
        ("A Review of Dark Matter", "review"),
        ("Test automation: a multivocal literature review", "review"),
    ],
)
def test_survey_is_recognised_by_its_title(title: str, kind: str) -> None:
    assert badges(paper(title=title)) == (Badge(BadgeKind.SURVEY, kind),)


@pytest.mark.parametrize(
    "title",
    [
        "First results of the Sloan Digital Sky Survey",
        "A Survey of Developers and their Tools",
        "A survey of 500 students",
        "Automating code review with small models",
        "Learning from peer review",
        "Survey design under constraints",
        "Review-based recommendation",
        "Surveying the field of numbers",
    ],
)
def test_other_kinds_of_surveys_and_reviews_are_ignored(title: str) -> None:
    assert badges(paper(title=title)) == ()


def test_sky_survey_is_not_a_literature_survey() -> None:
    assert badges(paper(title="A Survey of HI Absorption", primary_category="astro-ph.GA")) == ()
    assert badges(paper(title="A Review of HI Absorption", primary_category="astro-ph.GA")) != ()


def test_survey_is_recognised_by_its_comment() -> None:
    assert badge_texts("Survey paper, 40 pages") == ["survey", "40 pages"]
    assert badge_texts("Invited review article") == ["review"]
    assert badge_texts("For the proofs see our survey paper") == []


# --- code ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("comment", "text", "url"),
    [
        ("Code: https://github.com/someone/thing.", "code", "https://github.com/someone/thing"),
        ("https://gitlab.com/some_one/thing", "code", "https://gitlab.com/some_one/thing"),
        ("Code at https://gitlab.com/someone/thing/-/tree/main", "code", "https://gitlab.com/someone/thing/-/tree/main"),
        ("https://codeberg.org/someone/thing.git", "code", "https://codeberg.org/someone/thing"),
        (r"see \url{https://github.com/someone/a\_thing}", "code", "https://github.com/someone/a_thing"),
        ("github.com/someone/thing", "code", "https://github.com/someone/thing"),
        ("https://huggingface.co/datasets/someone/thing", "Hugging Face", "https://huggingface.co/datasets/someone/thing"),
        ("https://huggingface.co/a/b and https://github.com/c/d", "code", "https://github.com/c/d"),
        ("https://github.com/someone", "code", ""),
        ("https://someone.github.io/thing", "code", ""),
        ("https://huggingface.co/papers/2611.00001", "code", ""),
        ("https://evil.com/github.com/someone/thing", "code", ""),
        ("built on https://github.com/someone/thing", "code", ""),
        ("https://github.com/someone/" + "x" * 300, "code", ""),
        ("https://github.com/someone/thing)](https://evil.com)", "code", "https://github.com/someone/thing"),
    ],
)  # fmt: skip
def test_code_link_is_found_in_a_comment(comment: str, text: str, url: str) -> None:
    assert badges(paper(comment=comment)) == ((Badge(BadgeKind.CODE, text, url),) if url else ())


def test_link_in_an_abstract_counts_only_for_the_authors_own_code() -> None:
    own = paper(abstract="We prove it. Our code is available at https://github.com/someone/thing.")
    others = paper(abstract="We prove it. We use the tool of https://github.com/someone/thing.")
    unclear = paper(abstract="We prove it. Compare https://github.com/someone/thing and others.")
    assert badges(own) == (Badge(BadgeKind.CODE, "code", "https://github.com/someone/thing"),)
    assert badges(others) == badges(unclear) == ()


# --- any text ---------------------------------------------------------------------------------

_PIECES = st.sampled_from(
    ["accepted at ", "Accepted ", "to appear in ", "ICML 2026", "(", ")", "[x](http://evil.com) ", "@everyone ",
     "<@12> ", ", ", ". ", "; ", "12 pages", "12 + ", "https://github.com/a/b", "A Survey of ", "withdrawn ",
     "This paper ", "Proc. ", "\\textbf{", "}", "$x^2$", "*", "_", "`", "\u202e", "\u200b", "😀", "Phys. Rev. D",
     "(ICST", "'26)", "paper ", "CVPR ",
     "Workshop ", "Findings ", "A",
     "1 2 ", "Conference on ", "journal: ", "\n", "and ", "Journal of ", "with ", "2026 "]
)  # fmt: skip
_TEXTS = st.builds(
    lambda pieces, times: "".join(pieces) * times, st.lists(_PIECES, max_size=8), st.sampled_from([1, 1, 30])
)
_ANY = st.one_of(_TEXTS, st.text(max_size=60))


@given(_ANY, _ANY, _ANY, st.none() | _ANY)
def test_badges_of_any_paper_are_short_and_safe(comment: str, title: str, abstract: str, reference: str | None) -> None:
    shown = badges(paper(comment=comment, title=title, abstract=abstract, journal_ref=reference, version=2))
    assert len({badge.kind for badge in shown}) == len(shown)
    for badge in shown:
        assert 1 <= utf16_length(badge.text) <= VENUE_MAX
        bare = re.sub(r"\\[^0-9A-Za-z\s]", "·", escape_markdown(badge.text))
        assert not re.search(r"[*_~`|\[\n]|://|<[@#:/a-zA-Z]|@everyone|@here|<@\d", bare)
        assert badge.url is None or re.fullmatch(r"https://[\w.]+/[\w./%+~-]{3,}", badge.url, re.ASCII)


@given(_PIECES, _PIECES, st.sampled_from(["", " ", ", ", "("]))
def test_long_hostile_texts_are_fast(one: str, other: str, between: str) -> None:
    text = ((one + between + other) * 2000)[:2000]
    assert len(badges(paper(comment=text, title=text[:1000], journal_ref=text))) <= len(BadgeKind)


@pytest.mark.slow
@pytest.mark.recordings
def test_badges_of_recorded_papers_are_never_guessed() -> None:
    papers: list[Paper] = []
    for body in recorded_answers().values():
        try:
            papers += parse_feed(body).papers
        except ArxivError:
            continue
    venues = [badge.text for each in papers for badge in badges(each) if badge.kind is BadgeKind.VENUE]
    submitted = [each for each in papers if re.match(r"[Ss]ubmitted to", each.comment or "") and not each.journal_ref]
    assert len(venues) > 80
    assert {"ICML 2021", "CVPR 2026", "A&A"} <= set(venues)
    assert not any(badge.kind is BadgeKind.VENUE for each in submitted for badge in badges(each))
    assert not any(is_withdrawn(each) for each in papers)


# --- Hugging Face --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("comment", "code_url", "stars", "expected"),
    [
        ("", "https://github.com/a/b", 1234, [("code ★ 1.2k", "https://github.com/a/b")]),
        ("", "https://github.com/a/b", None, [("code", "https://github.com/a/b")]),
        ("", "https://github.com/a/b", 0, [("code", "https://github.com/a/b")]),
        ("", "https://www.github.com/a/b.git/", 7, [("code ★ 7", "https://github.com/a/b")]),
        # The authors' link leads to the same repository: one badge.
        (
            "https://github.com/A/b/tree/main",
            "http://github.com/a/B.git",
            7,
            [("code ★ 7", "https://github.com/A/b/tree/main")],
        ),
        ("https://github.com/a/b", "https://github.com/other/thing", 7, [("code", "https://github.com/a/b")]),
        (
            "https://huggingface.co/a/b",
            "https://github.com/a/b",
            7,
            [("Hugging Face", "https://huggingface.co/a/b"), ("code ★ 7", "https://github.com/a/b")],
        ),
        # Only links to known code hosts are shown.
        ("", "https://evil.com/a/b", 7, []),
        ("", "https://github.com/a/b)](https://evil.com)", 7, []),
        ("", "https://huggingface.co/a/b", 7, []),
        ("", "https://github.com/a/" + "b" * 300, 7, []),
        ("https://github.com/a/b", None, None, [("code", "https://github.com/a/b")]),
    ],
)
def test_code_badge_is_the_authors_link_or_the_listed_repository(
    comment: str, code_url: str | None, stars: int | None, expected: list[tuple[str, str]]
) -> None:
    found = badges(paper(comment=comment), trending_entry(votes=0, code_url=code_url, stars=stars))
    assert [(badge.text, badge.url) for badge in found] == expected


def test_votes_badge_links_to_hugging_face() -> None:
    votes = Badge(BadgeKind.VOTES, "▲ 41", "https://huggingface.co/papers/2611.00001")
    assert badges(paper(), trending_entry(votes=41)) == (votes,)
    assert badges(paper(), trending_entry(votes=0)) == ()


def test_votes_badge_comes_after_pages_and_before_code() -> None:
    subject = paper(title="A Survey of Things", comment="ICML 2026, 9 pages, https://github.com/a/b", version=2)
    found = badges(subject, trending_entry(votes=1500, code_url="https://github.com/a/b", stars=41))
    assert [badge.text for badge in found] == ["ICML 2026", "survey", "9 pages", "▲ 1.5k", "code ★ 41", "v2"]
