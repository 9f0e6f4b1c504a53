"""Followed authors: reading one name, finding the authors of a match, and naming them in cards and lists."""

import contextlib
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.expressions.authors import (
    MATCHED_AUTHORS_MAX,
    MatchedAuthor,
    followed_author,
    has_authors,
    matched_authors,
    read_author,
)
from bot.domain.expressions.keywords import parse_keyword
from bot.domain.layout.card import lay_out_cards
from bot.domain.layout.compact import lay_out_list
from bot.domain.paper import ArxivId, Paper
from bot.domain.text import utf16_length
from bot.runtime import limits
from bot.runtime.errors import InvalidKeyword
from tests.support.builders import paper

TEN: tuple[str, ...] = tuple(f"Author {chr(ord('A') + n)}son" for n in range(10))
ELEVENTH = paper(authors=(*TEN, "Geoffrey E. Hinton", "Yann LeCun"))
HINTON = MatchedAuthor("Geoffrey E. Hinton")


# --- reading a name ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ("Geoffrey Hinton", 'au:"Geoffrey Hinton"'),
        ("  Hinton,  G ", 'au:"Hinton, G"'),
        ('au:"Hinton, G"', 'au:"Hinton, G"'),
        ("author: Hinton", "au:Hinton"),
        ("“Y. LeCun”", 'au:"Y. LeCun"'),
        ("Smith, John, Jr.", 'au:"Smith, John, Jr."'),
        ("J. Smith, Jr.", 'au:"J. Smith, Jr."'),
        ("van den Oord, Aäron", 'au:"van den Oord, Aäron"'),
        ("Oord, A. van den", 'au:"Oord, A. van den"'),
        ("García Márquez, Gabriel", 'au:"García Márquez, Gabriel"'),
        ("Ramón y Cajal", 'au:"Ramón y Cajal"'),
        ("Or Sharir", 'au:"Or Sharir"'),
        ("Weinan E", 'au:"Weinan E"'),
        ("王伟", "au:王伟"),
        ("Anderson", "au:Anderson"),
    ],
)
def test_name_of_one_author_becomes_a_keyword(typed: str, shown: str) -> None:
    keyword = read_author(typed)
    assert keyword.shown == shown
    assert parse_keyword(shown) == keyword
    author = followed_author(keyword)
    assert author is not None
    assert keyword.expression is not None
    assert keyword.expression.label == f"{author.name} (author)"


SEVERAL = "That looks like several authors"
NO_ID = "authors are not found by ids or links"
NO_FAMILY = "A family name is needed"


@pytest.mark.parametrize(
    ("typed", "problem"),
    [
        ("", "Enter the name of an author"),
        (' "" ', "Enter the name of an author"),
        ("au:", "Enter the name of an author"),
        ("G. E.", NO_FAMILY),
        ("J.-P.", NO_FAMILY),
        ("van", NO_FAMILY),
        ("Jr.", NO_FAMILY),
        ("!!!", NO_FAMILY),
        ("Geoffrey Hinton, Yann LeCun", SEVERAL),
        ("G. Hinton, Y. LeCun", SEVERAL),
        ("Hinton, G., LeCun, Y.", SEVERAL),
        ("Hinton; LeCun", SEVERAL),
        ("Hinton and LeCun", SEVERAL),
        ("Hinton OR LeCun", SEVERAL),
        ("Hinton & LeCun", SEVERAL),
        ("Hinton et al.", SEVERAL),
        ("0000-0002-1825-0097", NO_ID),
        ("hinton_g_1", NO_ID),
        ("https://arxiv.org/a/hinton", NO_ID),
        ("<@71>", NO_ID),
        ("Hinton [cs.LG]", "Enter only a name"),
        ("CS.cl", "`cs.CL` is an arXiv category, not a name."),
        ("x" * 101, "too long for a name"),
        ("Ada " * 9, "too long for a name"),
    ],
)
def test_what_is_no_name_of_one_author_is_rejected(typed: str, problem: str) -> None:
    with pytest.raises(InvalidKeyword, match=problem):
        read_author(typed)


@given(st.text(max_size=120))
def test_any_text_is_a_name_or_a_mistake(typed: str) -> None:
    with contextlib.suppress(InvalidKeyword):
        keyword = read_author(typed)
        assert parse_keyword(keyword.shown) == keyword


# --- the authors of a match ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ('au:"Geoffrey Hinton"', [HINTON]),
        ('au:"Hinton, G"', [MatchedAuthor("Geoffrey E. Hinton", is_possible=True)]),
        ("au:LeCun OR au:Hinton", [HINTON, MatchedAuthor("Yann LeCun")]),
        ('au:LeCun OR au:"G Hinton"', [MatchedAuthor("Yann LeCun"), MatchedAuthor(HINTON.name, is_possible=True)]),
        ('au:"G Hinton" OR au:Hinton', [HINTON]),
        ("agents AND (au:Hinton OR robots)", [HINTON]),
        ("agents ANDNOT au:Hinton", []),
        ("au:Turing OR agents", []),
        ("agents", []),
    ],
)
def test_authors_for_whom_a_keyword_matches(typed: str, expected: list[MatchedAuthor]) -> None:
    assert list(matched_authors(parse_keyword(typed), ELEVENTH)) == expected


def test_name_that_matches_certainly_replaces_possible_ones() -> None:
    subject = paper(authors=("G. Hinton", "Geoffrey Hinton"))
    assert matched_authors(read_author("Geoffrey Hinton"), subject) == (MatchedAuthor("Geoffrey Hinton"),)


def test_few_of_many_authors_with_one_name_are_kept() -> None:
    found = matched_authors(read_author("Wang"), paper(authors=tuple(f"{letter}ei Wang" for letter in "BCDFGHJKL")))
    assert [each.name for each in found] == ["Bei Wang", "Cei Wang", "Dei Wang", "Fei Wang", "Gei Wang"]
    assert len(found) == MATCHED_AUTHORS_MAX


def test_only_expressions_that_require_authors_have_them() -> None:
    assert [has_authors(parse_keyword(each)) for each in ("au:Hinton OR x", "x ANDNOT au:Hinton", "x")] == [
        True, False, False,
    ]  # fmt: skip
    assert followed_author(parse_keyword("au:Hinton AND x")) is None
    assert followed_author(parse_keyword("x")) is None


# --- cards and lists -----------------------------------------------------------------------------


def card_line(subject: Paper, *authors: MatchedAuthor) -> str:
    """Returns the line of authors of a card."""
    (card,) = lay_out_cards([(subject, ())], matched_authors={subject.arxiv_id: authors})
    return card.description.partition("\n")[0]


def list_line(subject: Paper, *authors: MatchedAuthor) -> str:
    """Returns the authors in a compact list."""
    (description,) = lay_out_list([(subject, ())], matched_authors={subject.arxiv_id: authors}).descriptions
    return description.partition("\n-# ")[2].partition(" · ")[0]


def test_card_names_the_eleventh_author() -> None:
    assert card_line(ELEVENTH, HINTON) == (
        "-# Author Ason, Author Bson, Author Cson and 9 more, including **Geoffrey E. Hinton**"
    )


def test_card_marks_a_followed_author_among_the_first() -> None:
    subject = paper(authors=("Ada Lovelace", "Geoffrey Hinton"))
    assert card_line(subject, MatchedAuthor("Geoffrey Hinton")) == "-# Ada Lovelace, **Geoffrey Hinton**"


def test_card_labels_a_possible_match() -> None:
    possible = MatchedAuthor("Geoffrey E. Hinton", is_possible=True)
    assert card_line(ELEVENTH, possible).endswith(" and 9 more, including **Geoffrey E. Hinton** (possible match)")
    assert card_line(paper(authors=("G. Hinton",)), MatchedAuthor("G. Hinton", is_possible=True)) == (
        "-# **G. Hinton** (possible match)"
    )


def test_card_names_several_followed_authors() -> None:
    assert card_line(ELEVENTH, MatchedAuthor(TEN[0]), HINTON, MatchedAuthor("Yann LeCun")) == (
        "-# **Author Ason**, Author Bson, Author Cson and 9 more, including **Geoffrey E. Hinton** and **Yann LeCun**"
    )


def test_author_who_is_no_longer_listed_is_not_named() -> None:
    assert card_line(paper(authors=("Ada Lovelace",)), HINTON) == "-# Ada Lovelace"


def test_name_with_tex_is_shown_as_text() -> None:
    name = r"Paul Erd\H{o}s*"
    assert card_line(paper(authors=(*TEN, name)), MatchedAuthor(name)).endswith(r"including **Paul Erdős\***")


@pytest.mark.parametrize(
    ("authors", "followed", "expected"),
    [
        ((*TEN, "Geoffrey Hinton"), "Geoffrey Hinton", "Author Ason et al. with **Geoffrey Hinton**"),
        (("Geoffrey Hinton", *TEN), "Geoffrey Hinton", "**Geoffrey Hinton** et al."),
        (("Ada Lovelace", "Geoffrey Hinton"), "Geoffrey Hinton", "Ada Lovelace with **Geoffrey Hinton**"),
        (("Geoffrey Hinton",), "Geoffrey Hinton", "**Geoffrey Hinton**"),
    ],
)
def test_list_names_the_followed_author(authors: tuple[str, ...], followed: str, expected: str) -> None:
    assert list_line(paper(authors=authors), MatchedAuthor(followed)) == expected


def test_list_labels_a_possible_match() -> None:
    assert list_line(ELEVENTH, MatchedAuthor("Geoffrey E. Hinton", is_possible=True)) == (
        "Author Ason et al. with **Geoffrey E. Hinton** (possible match)"
    )


def long_papers(count: int) -> list[tuple[Paper, Sequence[str]]]:
    """Returns papers whose texts exceed every limit, by an author who is the last one."""
    names = (*("Maximiliana Featherstonehaugh" for _ in range(2999)), "Geoffrey Everest Hinton")
    return [
        (
            paper(f"2611.{n:05}", title="Title " * 60, abstract="Word " * 400, authors=names,
                  comment="9 pages, accepted at ICML 2026. https://github.com/a/b " + "c" * 200, version=2),
            [f"keyword {n} " * 20],
        )
        for n in range(count)
    ]  # fmt: skip


@pytest.mark.parametrize("is_possible", [False, True])
def test_followed_authors_are_named_in_full_messages(is_possible: bool) -> None:
    label = " (possible match)" if is_possible else ""
    author = MatchedAuthor("Geoffrey Everest Hinton", is_possible)
    papers = long_papers(10)
    authors = {subject.arxiv_id: [author] for subject, _ in papers}
    cards = lay_out_cards(papers, matched_authors=authors)
    assert sum(card.length for card in cards) <= limits.EMBED_TOTAL_MAX
    assert all("**Geoffrey" in card.description.partition("\n")[0] for card in cards)
    assert all(label in card.description.partition("\n")[0] for card in cards)
    papers = long_papers(20)
    shown = lay_out_list(papers, matched_authors={subject.arxiv_id: [author] for subject, _ in papers})
    assert shown.length <= limits.EMBED_TOTAL_MAX
    assert sum(text.count("**Geoffrey") for text in shown.descriptions) == 20
    assert sum(text.count(label) for text in shown.descriptions) >= 20


_NAMES = st.lists(
    st.sampled_from(["Ada *L*", "G. Hinton", "名" * 90, "😀" * 80, "x" * 300, "_", "O'Neil"]), unique=True
)


@given(st.lists(st.tuples(_NAMES, _NAMES, st.booleans()), min_size=1, max_size=10))
def test_any_followed_authors_stay_within_the_limits(subjects: list[tuple[list[str], list[str], bool]]) -> None:
    papers = [
        (paper(f"2611.{n:05}", title="T" * 300, authors=tuple(names), abstract="word " * 400), ["k" * 200])
        for n, (names, _, _) in enumerate(subjects)
    ]
    authors: dict[ArxivId, list[MatchedAuthor]] = {
        subject.arxiv_id: [MatchedAuthor(name, is_possible) for name in followed]
        for (subject, _), (_, followed, is_possible) in zip(papers, subjects, strict=True)
    }
    cards = lay_out_cards(papers, matched_authors=authors)
    assert sum(card.length for card in cards) <= limits.EMBED_TOTAL_MAX
    lines = [card.description.partition("\n")[0] for card in cards]
    assert all(utf16_length(line) <= 203 for line in lines if line.startswith("-# "))
    assert lay_out_list(papers, matched_authors=authors).length <= limits.EMBED_TOTAL_MAX
