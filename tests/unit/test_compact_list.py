"""Compact lists: the contents of a line, and how lines share the space."""

import re
from collections.abc import Sequence

import pytest

from bot.domain.layout.compact import PaperList, lay_out_list
from bot.domain.paper import Paper
from tests.support.builders import paper, trending_entry


def lines(*papers: tuple[Paper, Sequence[str]]) -> list[str]:
    return lay_out_list(papers).description.split("\n")


def test_line_has_title_author_category_badges_and_links() -> None:
    subject = paper(
        title=r"*Rare* $B^0_s$",
        authors=("Paul Erd\\H{o}s", "Ada Lovelace"),
        comment="9 pages, accepted at ICML 2026. https://github.com/a/b",
        version=2,
    )
    (line,) = lines((subject, ["RLHF"]))
    assert line == (
        "**[∗Rare∗ B⁰ₛ](https://arxiv.org/abs/2611.00001)** — Paul Erdős et al. · cs.LG · ICML 2026 · 9 pages"
        " · [code](https://github.com/a/b) · v2"
        " · [PDF](https://arxiv.org/pdf/2611.00001) · [HTML](https://arxiv.org/html/2611.00001)"
    )


def test_line_with_one_author_has_no_et_al() -> None:
    assert "— Ada Lovelace · cs.LG" in lines((paper(), []))[0]


def test_line_without_metadata_still_has_a_link() -> None:
    bare = paper("hep-th/9901001", title="", authors=(), primary_category="")
    assert lines((bare, [])) == [
        "**[arXiv:hep-th/9901001](https://arxiv.org/abs/hep-th/9901001)** — [PDF](https://arxiv.org/pdf/hep-th/9901001)"
    ]


def test_line_of_a_trending_paper_has_votes_and_code() -> None:
    trending = trending_entry(votes=41, code_url="https://github.com/a/b", stars=1234)
    line = lay_out_list([(paper(), ())], {trending.arxiv_id: trending}).description
    assert (
        " · cs.LG · [▲ 41](https://huggingface.co/papers/2611.00001) · [code ★ 1.2k](https://github.com/a/b) · " in line
    )


def test_each_of_twenty_five_full_lines_has_its_votes() -> None:
    papers = [(paper(f"2611.{n:05}", title="word " * 60, authors=("Name " * 30, "X"), comment="9 pages"), ["RLHF"])
              for n in range(25)]  # fmt: skip
    entries = {subject.arxiv_id: trending_entry(subject.arxiv_id.value, votes=41) for subject, _ in papers}
    shown = lay_out_list(papers, entries).description.split("\n")
    assert all(re.search(r" · 9 pages · (?:▲ 41$|\[▲ 41\]\()", line) for line in shown)


def test_title_cannot_close_its_link() -> None:
    (line,) = lines((paper(title="a](https://evil.com) b]"), []))
    assert line.startswith("**[a］(https:\u200b//evil.com) b］](https://arxiv.org/abs/2611.00001)**")


def test_lines_name_keywords_only_if_papers_differ() -> None:
    same = lines((paper("2611.00001"), ["RLHF", "x"]), (paper("2611.00002"), ["x", "RLHF"]))
    differ = lines((paper("2611.00001"), ["RLHF"]), (paper("2611.00002"), ["x", "RLHF"]))
    assert not any(" for " in line for line in same)
    assert " · for RLHF · " in differ[0]
    assert " · for x, RLHF · " in differ[1]


def test_twenty_five_ordinary_papers_keep_their_full_titles() -> None:
    title = "A title of usual length on the many things that one can learn"
    papers = [(paper(f"2611.{n:05}", title=title, authors=("Ada Lovelace", "X"), comment="9 pages"), ["RLHF"])
              for n in range(25)]  # fmt: skip
    shown = lines(*papers)
    assert len(shown) == 25
    assert all(line.startswith(f"**[{title}](") and line.endswith("Ada Lovelace et al. · cs.LG · 9 pages")
               for line in shown)  # fmt: skip


def test_long_titles_are_cut_but_stay_readable() -> None:
    papers = [(paper(f"2611.{n:05}", title="word " * 60, authors=("Name " * 30, "X"), primary_category="c" * 40,
                     comment="withdrawn", journal_ref="Journal " * 9), [f"k{n}" * 50]) for n in range(25)]  # fmt: skip
    shown = lines(*papers)
    assert all(len(line.partition("](")[0]) > 55 for line in shown)
    assert all("**withdrawn**" in line for line in shown)


def test_first_author_is_shortened_to_the_last_name_if_space_is_tight() -> None:
    def tight_line(author: str) -> str:
        """Returns the last of 25 lines with long titles."""
        return lines(*((paper(f"2611.{n:05}", title="word " * 30, authors=(author, "X")), ["RLHF"])
                       for n in range(25)))[-1]  # fmt: skip

    author = "Emmy Amalie Noether"
    assert f"— {author} et al. · cs.LG" in lines((paper(authors=(author, "X")), ["RLHF"]))[0]
    assert "— Noether et al. · cs.LG" in tight_line(author)
    assert "— Noether-Noet… et al. · cs.LG" in tight_line("-".join(["Noether"] * 5))
    assert "— Emmy Amalie… et al. · cs.LG" in tight_line("Emmy Amalie Noe N")


def test_all_lines_of_a_list_have_links_or_none() -> None:
    papers = [(paper(f"2611.{n:05}", title="word " * (n + 1)), ["RLHF"]) for n in range(25)]
    assert sum("[PDF](" in line for line in lines(*papers)) == 0
    assert sum("[PDF](" in line for line in lines(*papers[:9])) == 9


@pytest.mark.parametrize("count", [0, 26])
def test_too_few_or_too_many_papers_are_rejected(count: int) -> None:
    with pytest.raises(ValueError, match="do not fit in one message"):
        lay_out_list([(paper(f"2611.{n:05}"), ()) for n in range(count)])


def test_same_paper_twice_is_rejected() -> None:
    with pytest.raises(ValueError, match="do not fit in one message"):
        lay_out_list([(paper(), ()), (paper(), ())])


def test_length_of_a_list_is_in_utf16_units() -> None:
    assert PaperList("😀").length == 2
