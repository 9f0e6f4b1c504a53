"""Compact lists: the contents of a line, and how lines share the space."""

import re
from collections.abc import Sequence

import pytest

from bot.domain.layout.compact import PaperList, lay_out_list
from bot.domain.layout.message import COMPACT_PER_MESSAGE
from bot.domain.paper import Paper
from tests.support.builders import paper, trending_entry

LINKS = "[PDF](https://arxiv.org/pdf/2611.00001) · [HTML](https://arxiv.org/html/2611.00001)"


def items(*papers: tuple[Paper, Sequence[str]]) -> list[str]:
    """Returns each paper's two lines."""
    return [item for description in lay_out_list(papers).descriptions for item in description.split("\n\n")]


def details(*papers: tuple[Paper, Sequence[str]]) -> list[str]:
    """Returns each paper's second line."""
    return [item.partition("\n-# ")[2] for item in items(*papers)]


def test_title_has_its_own_line_above_the_dim_details() -> None:
    subject = paper(
        title=r"*Rare* $B^0_s$",
        authors=("Paul Erd\\H{o}s", "Ada Lovelace"),
        comment="9 pages, accepted at ICML 2026. https://github.com/a/b",
        version=2,
    )
    assert items((subject, ["RLHF"])) == [
        "**[∗Rare∗ B⁰ₛ](https://arxiv.org/abs/2611.00001)**\n"
        "-# Paul Erdős et al. · cs.LG · ICML 2026 · 9 pages · [code](https://github.com/a/b) · v2 · " + LINKS
    ]


def test_papers_are_separated_by_an_empty_line() -> None:
    (description,) = lay_out_list([(paper("2611.00001"), ()), (paper("2611.00002"), ())]).descriptions
    assert [line[:3] for line in description.split("\n")] == ["**[", "-# ", "", "**[", "-# "]


def test_only_author_has_no_et_al() -> None:
    assert details((paper(), [])) == [f"Ada Lovelace · cs.LG · {LINKS}"]


def test_paper_without_metadata_still_has_links() -> None:
    bare = paper("hep-th/9901001", title="", authors=(), primary_category="")
    assert items((bare, [])) == [
        "**[arXiv:hep-th/9901001](https://arxiv.org/abs/hep-th/9901001)**\n-# [PDF](https://arxiv.org/pdf/hep-th/9901001)"
    ]


def test_trending_paper_has_votes_and_code() -> None:
    trending = trending_entry(votes=41, code_url="https://github.com/a/b", stars=1234)
    (description,) = lay_out_list([(paper(), ())], {trending.arxiv_id: trending}).descriptions
    votes = "[▲ 41 votes](https://huggingface.co/papers/2611.00001)"
    assert f" · cs.LG · {votes} · [code ★ 1.2k](https://github.com/a/b) · " in description


def test_each_of_twenty_five_long_papers_has_its_votes() -> None:
    papers = [(paper(f"2611.{n:05}", title="word " * 60, authors=("Name " * 30, "X"), comment="9 pages"), ["RLHF"])
              for n in range(25)]  # fmt: skip
    entries = {subject.arxiv_id: trending_entry(subject.arxiv_id.value, votes=41) for subject, _ in papers}
    descriptions = lay_out_list(papers, entries).descriptions
    shown = [item for description in descriptions for item in description.split("\n\n")]
    assert len(shown) == 25
    assert all(re.search(r" · 9 pages · \[?▲ 41[ \]]", item) for item in shown)


def test_title_cannot_close_its_link() -> None:
    (item,) = items((paper(title="a](https://evil.com) b]"), []))
    assert item.startswith("**[a］(https:\u200b//evil.com) b］](https://arxiv.org/abs/2611.00001)**\n")


def test_keywords_are_named_only_if_papers_differ() -> None:
    same = details((paper("2611.00001"), ["RLHF", "x"]), (paper("2611.00002"), ["x", "RLHF"]))
    differ = details((paper("2611.00001"), ["RLHF"]), (paper("2611.00002"), ["x", "RLHF"]))
    assert not any("for " in each for each in same)
    assert " · for RLHF · " in differ[0]
    assert " · for x, RLHF · " in differ[1]


def _full_message(title: str) -> list[tuple[Paper, list[str]]]:
    """Returns as many papers as share a message, with badges and different keywords."""
    return [
        (paper(f"2611.{n:05}", title=title, authors=("Ada Lovelace", "X"), comment="9 pages"), [f"keyword {n}"])
        for n in range(COMPACT_PER_MESSAGE)
    ]


def test_full_message_of_ordinary_papers_loses_nothing() -> None:
    title = "A title of usual length on the many things that one can learn from papers"
    shown = items(*_full_message(title))
    assert [item.partition("](")[0] for item in shown] == [f"**[{title}"] * COMPACT_PER_MESSAGE
    expected = "Ada Lovelace et al. · cs.LG · 9 pages · for keyword {} · [PDF]("
    assert all(expected.format(n) in item for n, item in enumerate(shown))


def test_list_that_exceeds_an_embed_is_split_into_two_of_similar_length() -> None:
    first, second = lay_out_list(_full_message("A title of usual length " * 3)).descriptions
    assert abs(len(first) - len(second)) < 300
    assert len(lay_out_list(_full_message("A title")[:10]).descriptions) == 1


def test_long_titles_are_cut_but_stay_readable() -> None:
    papers = [(paper(f"2611.{n:05}", title="word " * 60, authors=("Name " * 30, "X"), primary_category="c" * 40,
                     comment="withdrawn", journal_ref="Journal " * 9), [f"k{n}" * 50]) for n in range(20)]  # fmt: skip
    shown = items(*papers)
    assert all(len(item.partition("](")[0]) > 80 for item in shown)
    assert all("**withdrawn**" in item for item in shown)


def test_keywords_are_whole_or_counted() -> None:
    long = [[f"a keyword of {n} words", "another keyword of some length", "third"] for n in range(25)]
    papers = [(paper(f"2611.{n:05}", title="word " * 60), long[n]) for n in range(25)]
    reasons = {re.sub(r"\d+", "n", found) for found in re.findall(r" · for (.+?) · ", "\n".join(details(*papers)))}
    assert reasons <= {
        "a keyword of n words, another keyword of some length, third",
        "a keyword of n words, another keyword of some length and n more",
        "a keyword of n words and n more",
        "n keywords",
    }
    assert "n keywords" in reasons


def test_first_author_is_shortened_to_the_last_name_if_space_is_tight() -> None:
    def tight_details(author: str) -> str:
        """Returns the second line of the last of 25 papers with long titles."""
        return details(*((paper(f"2611.{n:05}", title="word " * 30, authors=(author, "X")), [f"RLHF {n}"])
                         for n in range(25)))[-1]  # fmt: skip

    author = "Emmy Amalie Noether"
    assert details((paper(authors=(author, "X")), ["RLHF"]))[0].startswith(f"{author} et al. · cs.LG")
    assert tight_details(author).startswith("Noether et al. · cs.LG")
    assert tight_details(" ".join(["Amalie"] * 5 + [">>>"])).startswith(r"\>>> et al. · cs.LG")
    assert tight_details("-".join(["Noether"] * 5)).startswith("Noether-Noet… et al. · cs.LG")
    assert tight_details("Emmy Amalie Noe N").startswith("Emmy Amalie… et al. · cs.LG")


@pytest.mark.parametrize("count", [1, 20, 25])
def test_links_are_never_dropped(count: int) -> None:
    papers = [
        (paper(f"2611.{n:05}", title="word " * 60, authors=("Name " * 9,) * 3, comment="9 pages"), [f"k{n}" * 50])
        for n in range(count)
    ]
    for n, each in enumerate(details(*papers)):
        assert each.endswith(f"[PDF](https://arxiv.org/pdf/2611.{n:05}) · [HTML](https://arxiv.org/html/2611.{n:05})")


@pytest.mark.parametrize("count", [0, 26])
def test_too_few_or_too_many_papers_are_rejected(count: int) -> None:
    with pytest.raises(ValueError, match="do not fit in one message"):
        lay_out_list([(paper(f"2611.{n:05}"), ()) for n in range(count)])


def test_same_paper_twice_is_rejected() -> None:
    with pytest.raises(ValueError, match="do not fit in one message"):
        lay_out_list([(paper(), ()), (paper(), ())])


def test_length_of_a_list_is_in_utf16_units() -> None:
    assert PaperList(("😀", "a")).length == 3
