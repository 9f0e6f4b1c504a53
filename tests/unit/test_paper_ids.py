"""arXiv ids as people paste them: alone, in links of many sites, as DOIs and citations, and in messages."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.paper import ArxivId
from bot.domain.paper_ids import canonical_id, find_paper_ids, parse_paper_id
from bot.runtime.errors import InvalidPaperId

NEW, OLD = "2403.01234", "hep-th/9901001"
FORMS = {
    NEW: (
        *("2403.01234", " 2403.01234v2 ", "2403.01234V12", "2403.01234.", "(2403.01234)", "`2403.01234`"),
        *("\uff12\uff14\uff10\uff13\uff0e\uff10\uff11\uff12\uff13\uff14", "\u200b2403.01234\u200b"),
        *("arXiv:2403.01234v2", "arxiv: 2403.01234", "ARXIV 2403.01234", "arXiv2403.01234", "2403.01234v2.pdf"),
        *("arXiv:2403.01234 [cs.CL]", "[2403.01234] A title", "see arXiv:2403.01234v1, Sec. 2"),
        *("https://arxiv.org/abs/2403.01234", "http://www.arxiv.org/abs/2403.01234v3", "arxiv.org/abs/2403.01234/"),
        *("https://arxiv.org/pdf/2403.01234.pdf", "https://arxiv.org/pdf/2403.01234v2.pdf#page=3"),
        *("//arxiv.org/html/2403.01234v1", "xxx.lanl.gov/abs/2403.01234"),
        *("https://export.arxiv.org/abs/2403.01234?context=cs.CL", "https://arxiv.org/html/2403.01234v1#S3.F1"),
        *("https://arxiv.org/abs/2403.01234?utm_source=x&v=1.5", "https://browse.arxiv.org/format/2403.01234"),
        *("https://www.alphaxiv.org/abs/2403.01234v1", "alphaxiv.org/overview/2403.01234"),
        *("https://huggingface.co/papers/2403.01234", "https://hf.co/papers/2403.01234"),
        *("https://ar5iv.labs.arxiv.org/html/2403.01234", "ar5iv.org/abs/2403.01234"),
        *("10.48550/arXiv.2403.01234", "doi:10.48550/ARXIV.2403.01234", "https://doi.org/10.48550/arXiv.2403.01234"),
        *("<https://arxiv.org/abs/2403.01234>", "[a title](https://arxiv.org/abs/2403.01234)", "**arXiv:2403.01234**!"),
        *("[2403.01234](https://arxiv.org/abs/2403.01234v2)", "arxiv.org/abs/2403.01234, arxiv.org/pdf/2403.01234"),
        "https%3A%2F%2Farxiv.org%2Fabs%2F2403.01234",
        "google.com/url?q=https%253A%252F%252Farxiv.org%252Fabs%252F2403.01234",
        "arXiv:2403.01234 doi:10.1103/PhysRevD.109.2301",
    ),
    "0704.0001": ("0704.0001", "https://arxiv.org/abs/0704.0001v2"),
    "1412.9999": ("arXiv:1412.9999v1 [hep-th]",),
    OLD: (
        *("hep-th/9901001", "arXiv:hep-th/9901001v3", "https://arxiv.org/abs/hep-th/9901001", "HEP-TH/9901001"),
        *("https://arxiv.org/pdf/hep-th/9901001v1.pdf", "10.48550/arXiv.hep-th/9901001"),
        "arxiv.org/abs/hep-th%2F9901001",
    ),
    "math/0309136": ("math.GT/0309136", "arXiv:math.gt/0309136v1", "https://arxiv.org/abs/math/0309136"),
}  # fmt: skip


@pytest.mark.parametrize(("wanted", "typed"), [(wanted, typed) for wanted, every in FORMS.items() for typed in every])
def test_every_form_of_an_id_is_read(wanted: str, typed: str) -> None:
    assert parse_paper_id(typed) == ArxivId(wanted)


@pytest.mark.parametrize(
    ("typed", "problem"),
    [
        ("", "Give an arXiv id or a link to a paper, such as `2403.01234`."),
        (" \u200b ", "Give an arXiv id or a link to a paper, such as `2403.01234`."),
        ("2413.01234", "`2413.01234` is not an arXiv id: ids begin with year and month; 13 is not a month."),
        ("arXiv:2403.0123", "`2403.0123` is not an arXiv id: since 2015, ids have 5 digits after the period."),
        ("0704.00001", "`0704.00001` is not an arXiv id: until 2014, ids have 4 digits after the period."),
        ("0612.1234", "`0612.1234` is not an arXiv id: ids of this form begin in April 2007, with 0704."),
        ("hep-th/9913001", "`hep-th/9913001` is not an arXiv id: old ids begin with year and month, 9107 to 0703."),
        ("hep-th/0704001", "`hep-th/0704001` is not an arXiv id: old ids begin with year and month, 9107 to 0703."),
        ("240301234", "`240301234` is not an arXiv id. Did you mean `2403.01234`?"),
        ("arXiv 2403 01234", "`arXiv 2403 01234` is not an arXiv id. Did you mean `2403.01234`?"),
        ("2403.01234,2403.01235", "Give one paper; this text contains 2: `2403.01234`, `2403.01235`."),
        (
            "2403.01234 2403.01235 2403.01236 2403.01237 2403.01238",
            "Give one paper; this text contains 5: `2403.01234`, `2403.01235`, `2403.01236` and 2 more.",
        ),
        (
            "https://doi.org/10.1103/PhysRevLett.2403.01234",
            "Only arXiv's own DOIs contain an arXiv id (`10.48550/arXiv.…`). Give the paper's id or its link on arXiv.",
        ),
        (
            "https://arxiv.org/list/cs.CL/recent",
            "This link does not lead to a paper. Give the link of a paper's page, or its id, such as `2403.01234`.",
        ),
        (
            "https://openreview.net/forum?id=abc",
            "This link contains no arXiv id. Give the paper's link on arXiv, or its id, such as `2403.01234`.",
        ),
        (
            "`@everyone` reward model",
            "`@everyone reward model` is not an arXiv id or a link to a paper. To find papers by words, use `/latest`.",
        ),
        ("x/9901001", "`x/9901001` is not an arXiv id or a link to a paper. To find papers by words, use `/latest`."),
    ],
)
def test_text_without_one_id_is_answered_with_one_sentence(typed: str, problem: str) -> None:
    with pytest.raises(InvalidPaperId) as error:
        parse_paper_id(typed)
    assert str(error.value) == problem


@given(st.text() | st.text(alphabet="0123456789.v/:arXi hep-th%<[]()"))
def test_any_text_is_an_id_or_an_error_of_one_line(text: str) -> None:
    try:
        answer = f"the paper {canonical_id(parse_paper_id(text))}"
    except InvalidPaperId as error:
        answer = str(error)
    assert re.fullmatch(r"[^\n]{15,250}", answer)


def test_ids_of_a_message_are_found_once_and_in_their_order() -> None:
    text = """See https://arxiv.org/abs/2403.01234v2 and <https://huggingface.co/papers/2403.01235>, arXiv:0704.0001,
    hep-th/9901001, 2403.01236. Again: [a](https://arxiv.org/pdf/2403.01234), doi.org/10.48550/arXiv.2403.01237"""
    found = ["2403.01234", "2403.01235", "0704.0001", "hep-th/9901001", "2403.01236", "2403.01237"]
    assert find_paper_ids(text, 10) == tuple(map(ArxivId, found))
    assert find_paper_ids(text, 2) == tuple(map(ArxivId, found[:2]))


@pytest.mark.parametrize(
    "text",
    [
        "Version 1207.1234 costs 2403.50 USD",
        "https://example.org/files/2403.01234.pdf",
        "https://github.com/a/cs/9901001",
        "10.5281/zenodo.2403.01234",
        "10.1103/2403.01234",
        "192.168.1.1 2413.01234",
        "<t:1732000000:R> <:name:1191319909171200017>",
        "",
    ],
)
def test_other_numbers_and_links_of_a_message_are_no_ids(text: str) -> None:
    assert find_paper_ids(text, 10) == ()


def test_canonical_id_has_no_subject_class() -> None:
    assert [canonical_id(ArxivId(each)).value for each in ("math.GT/0309136", OLD, NEW)] == ["math/0309136", OLD, NEW]
