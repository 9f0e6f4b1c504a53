"""Cards: their contents, and Discord's limits for any papers."""

import re
from datetime import datetime, timedelta, timezone

import pytest

from bot.domain.categories import ARCHIVES, CATEGORIES
from bot.domain.layout.card import (
    Card,
    full_abstract,
    lay_out_cards,
    option_description,
    option_label,
    papers_that_fit,
    trending_abstract,
)
from bot.domain.layout.colours import ARCHIVE_COLOURS, OTHER_COLOUR
from bot.domain.paper import Paper
from bot.domain.trending.entry import TrendingEntry
from bot.runtime import limits
from tests.support.builders import paper, trending_entry


def card(subject: Paper, *keywords: str) -> Card:
    """Returns the card of a paper that is alone in its message."""
    (only,) = lay_out_cards([(subject, keywords)])
    return only


def author_line(subject: Paper) -> str:
    """Returns the first line of a card's description."""
    return card(subject).description.split("\n")[0]


def linked_card(subject: Paper, entry: TrendingEntry | None = None) -> Card:
    """Returns the card of a paper that shares its message with another one, and therefore has links."""
    entries = {} if entry is None else {entry.arxiv_id: entry}
    return lay_out_cards([(subject, ()), (paper("2611.99999"), ())], entries)[0]


# --- contents of a card --------------------------------------------------------------------------


def test_title_is_converted_escaped_and_linked() -> None:
    shown = card(paper("hep-ph/9901001", title=r"*Rare* $B^0_s \to \mu^+\mu^-$"))
    assert shown.title == r"\*Rare\* B⁰ₛ → μ⁺μ⁻"
    assert shown.url == "https://arxiv.org/abs/hep-ph/9901001"


def test_invisible_title_is_replaced_by_the_id() -> None:
    assert card(paper(title=" \u200b ")).title == "arXiv:2611.00001"


def test_three_authors_are_named_and_the_others_counted() -> None:
    names = ("Paul Erd\\H{o}s", "Ada Lovelace", "Emmy Noether", "Kurt Gödel", "Alan Turing")
    assert author_line(paper(authors=names)) == "-# Paul Erdős, Ada Lovelace, Emmy Noether and 2 more"
    assert author_line(paper(authors=names[:3])) == "-# Paul Erdős, Ada Lovelace, Emmy Noether"


def test_long_name_is_cut_to_keep_the_number_of_other_authors() -> None:
    names = tuple(f"{letter} " + "long " * 30 for letter in "ABCD")
    assert re.fullmatch(r"-# A( long)+ and 3 more", author_line(paper(authors=names)))


def test_authors_are_escaped() -> None:
    assert author_line(paper(authors=("*A* [B](https://evil.org)",))) == r"-# \*A\* \[B]\(https:\//evil.org)"


def test_paper_without_authors_has_no_author_line() -> None:
    assert card(paper(authors=())).description == "An abstract."


PUBLISHED = "Published 18 Nov 2026"
LINKS = "[PDF](https://arxiv.org/pdf/2611.00001) · [HTML](https://arxiv.org/html/2611.00001)"


def test_description_has_abstract_links_and_badges() -> None:
    subject = paper(
        abstract="We *show* that $x_i \\le 1$.",
        comment="9 pages, accepted at ICML 2026",
        journal_ref="Ann_als 1",
        version=2,
    )
    assert linked_card(subject).description == (
        f"-# Ada Lovelace\nWe \\*show\\* that xᵢ ≤ 1.\n{LINKS} · Ann\\_als 1 · 9 pages · v2"
    )


def test_single_paper_has_no_links_because_its_message_has_buttons() -> None:
    assert card(paper(comment="9 pages")).description == "-# Ada Lovelace\nAn abstract.\n9 pages"
    assert card(paper(authors=(), abstract="")).description == ""


def test_code_badge_is_a_link_and_withdrawn_is_bold() -> None:
    assert linked_card(paper(comment="Code: https://github.com/a_b/c")).description.endswith(
        f"{LINKS} · [code](https://github.com/a_b/c)"
    )
    assert linked_card(paper(comment="Withdrawn due to an error")).description.endswith(
        f"{LINKS} · **withdrawn** · Withdrawn due to an error"
    )


def test_card_of_a_trending_paper_has_votes_and_code() -> None:
    entry = trending_entry(votes=41, code_url="https://github.com/a/b", stars=1234)
    shown = linked_card(paper(comment="PhD thesis"), entry)
    votes, code = (
        "[▲ 41 votes on Hugging Face](https://huggingface.co/papers/2611.00001)",
        "[code ★ 1.2k](https://github.com/a/b)",
    )
    assert shown.description.endswith(f"{LINKS} · {votes} · {code} · PhD thesis")
    other = [(paper("2611.00002"), ())]
    assert lay_out_cards(other, {entry.arxiv_id: entry}) == lay_out_cards(other)


def test_ten_full_cards_still_have_their_votes() -> None:
    long = {"title": "T" * 300, "comment": "9 pages", "authors": ("A" * 200,)}
    papers = [(paper(each, **long, abstract="word " * 300), ["k" * 300]) for each in ids(10)]  # type: ignore[arg-type]  # built just above
    entries = {subject.arxiv_id: trending_entry(subject.arxiv_id.value, votes=1041) for subject, _ in papers}
    cards = lay_out_cards(papers, entries)
    assert all(each.description.endswith(" · 9 pages · ▲ 1k votes") for each in cards)


def test_comment_without_a_badge_is_shown() -> None:
    assert linked_card(paper(comment="PhD thesis")).description.endswith(f"An abstract.\n{LINKS} · PhD thesis")


def test_comment_with_a_link_that_no_badge_has_is_shown() -> None:
    shown = linked_card(paper(comment="9 pages. Page: https://somebody.github.io/thing")).description
    assert shown.endswith(f"{LINKS} · 9 pages · 9 pages. Page: <https://somebody.github.io/thing>")
    shown = linked_card(paper(comment="9 pages. Code: https://github.com/a/b.git")).description
    assert shown.endswith(f"{LINKS} · 9 pages · [code](https://github.com/a/b)")


def test_badge_that_does_not_fit_is_skipped_for_one_that_does() -> None:
    long = {"title": "T" * 300, "journal_ref": "A journal " * 9, "comment": "9 pages", "authors": ("A" * 200,)}
    cards = lay_out_cards([(paper(each, **long, abstract="word " * 300), ["k" * 300]) for each in ids(10)])  # type: ignore[arg-type]  # built just above
    assert {each.description.rpartition(" · ")[2] for each in cards} == {"9 pages"}
    assert not any("A journal" in each.description for each in cards)


def test_description_without_comment_ends_with_the_links() -> None:
    assert linked_card(paper(abstract="Short.")).description.endswith(f"\nShort.\n{LINKS}")


def test_description_without_abstract_has_only_the_last_line() -> None:
    assert linked_card(paper(abstract="", authors=())).description == LINKS


def test_html_is_linked_only_if_arxiv_has_it() -> None:
    assert linked_card(paper("2312.00001", abstract="")).description.endswith(
        "[HTML](https://arxiv.org/html/2312.00001)"
    )
    for old in ("2311.99999", "hep-th/9901001", "cs/0503050"):
        assert linked_card(paper(old, abstract="")).description.endswith(f"\n[PDF](https://arxiv.org/pdf/{old})")


def test_long_abstract_is_cut_even_on_a_single_card() -> None:
    abstract = card(paper(abstract="We measure and show. " * 200)).description.split("\n")[1]
    assert 350 < len(abstract) <= 700
    assert abstract.endswith("show. …")


def test_footer_has_categories_and_keywords_as_typed() -> None:
    subject = paper(primary_category="cs.LG", categories=("cs.CL", "cs.LG"))
    assert card(subject, "reward model", "RLHF").footer == f"cs.LG, cs.CL · reward model, RLHF · {PUBLISHED}"
    assert card(subject).footer == f"cs.LG, cs.CL · {PUBLISHED}"


def test_keyword_given_twice_is_shown_once() -> None:
    assert card(paper(), "RLHF", "RLHF ").footer == f"cs.LG · RLHF · {PUBLISHED}"


def test_keywords_that_do_not_fit_are_counted() -> None:
    footer = card(paper(), *(f"a keyword of number {n}" for n in range(60))).footer
    named = re.fullmatch(
        r"cs\.LG · (a keyword of number \d+, )+a keyword of number (\d+) and (\d+) more · Published 18 Nov 2026", footer
    )
    assert named
    assert int(named[2]) + 1 + int(named[3]) == 60


def test_many_categories_are_counted_after_four() -> None:
    subject = paper(primary_category="a.A", categories=("a.A", "b.B", "c.C", "d.D", "e.E", "f.F"))
    assert card(subject).footer == f"a.A, b.B, c.C, d.D and 2 more · {PUBLISHED}"


def test_footer_labels_the_dates() -> None:
    updated = datetime(2026, 12, 3, 23, 30, tzinfo=timezone(timedelta(hours=-5)))
    assert card(paper(version=2, updated=updated)).footer == "cs.LG · Published 18 Nov 2026, updated 4 Dec 2026"
    assert card(paper(version=2)).footer == f"cs.LG · {PUBLISHED}"
    assert card(paper(updated=updated)).footer == f"cs.LG · {PUBLISHED}"


def test_keyword_that_does_not_fit_whole_is_counted() -> None:
    assert card(paper(), "k" * 500).footer == f"cs.LG · 1 keyword · {PUBLISHED}"


def test_card_of_a_trending_paper_has_its_summary_and_thumbnail() -> None:
    entry = trending_entry(ai_summary="We *learn* $\\epsilon$.", thumbnail_url="https://x.org/a.png")
    shown = linked_card(paper(abstract="Word " * 300), entry)
    _, summary, abstract, _ = shown.description.split("\n")
    assert summary == r"> **AI summary from Hugging Face:** We \*learn\* ε."
    assert 250 < len(abstract) <= 300
    assert shown.thumbnail_url == "https://x.org/a.png"
    assert linked_card(paper()).thumbnail_url is None


def test_ten_full_cards_drop_the_summary_before_the_abstract() -> None:
    papers = [(paper(each, title="T" * 300, abstract="word " * 300, comment="c" * 200), ["k" * 90]) for each in ids(10)]
    entries = {each.arxiv_id: trending_entry(each.arxiv_id.value, ai_summary="s" * 400) for each, _ in papers}
    cards = lay_out_cards(papers, entries)
    assert sum(each.length for each in cards) <= limits.EMBED_TOTAL_MAX
    assert not any("AI summary" in each.description for each in cards)


def test_archives_have_distinct_colours_with_contrast_in_both_themes() -> None:
    assert set(ARCHIVE_COLOURS) >= ARCHIVES.keys() | {code for code in CATEGORIES if "." not in code}
    assert len({*ARCHIVE_COLOURS.values(), OTHER_COLOUR}) == len(ARCHIVE_COLOURS) + 1
    for colour in (*ARCHIVE_COLOURS.values(), OTHER_COLOUR):
        for background in (0x2B2D31, 0xF2F3F5):
            lighter, darker = sorted((_luminance(colour), _luminance(background)), reverse=True)
            assert (lighter + 0.05) / (darker + 0.05) >= 3


def _luminance(colour: int) -> float:
    """Returns the relative luminance (WCAG 2.2)."""
    channels = [(colour >> shift & 0xFF) / 255 for shift in (16, 8, 0)]
    linear = [each / 12.92 if each <= 0.04045 else ((each + 0.055) / 1.055) ** 2.4 for each in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_colour_is_that_of_the_primary_archive() -> None:
    assert card(paper(primary_category="math.AG")).colour == ARCHIVE_COLOURS["math"]
    assert card(paper(primary_category="quant-ph")).colour == ARCHIVE_COLOURS["quant-ph"]
    assert card(paper(primary_category="new.XY")).colour == OTHER_COLOUR


def test_length_of_a_card_is_in_utf16_units() -> None:
    shown = card(paper(title="😀"))
    assert shown.length == 2 + len(shown.description) + len(shown.footer)


# --- a message of cards ------------------------------------------------------------------------


def ids(count: int) -> list[str]:
    return [f"2611.{number:05}" for number in range(count)]


def test_ten_ordinary_papers_fit_with_readable_abstracts() -> None:
    cards = lay_out_cards([(paper(each, title="A title of usual length, on things" * 2, abstract="Word " * 300,
                            comment="12 pages, 4 figures"), ["RLHF"]) for each in ids(10)])  # fmt: skip
    assert sum(each.length for each in cards) <= limits.EMBED_TOTAL_MAX
    assert all(len(each.description) > 350 for each in cards)


def test_space_unused_by_a_short_abstract_goes_to_long_ones() -> None:
    papers = [(paper(each, abstract="Word " * 300 if at else "Short."), ["x"]) for at, each in enumerate(ids(10))]
    long = {len(each.description) for each in lay_out_cards(papers)[1:]}
    assert min(long) > 560


def test_equally_long_abstracts_get_equal_space() -> None:
    papers = [(paper(each, title="T" * 256, abstract="Word " * 300, comment="c" * 200), ["k" * 90]) for each in ids(10)]
    lengths = [len(each.description) for each in lay_out_cards(papers)]
    assert max(lengths) - min(lengths) < 10


def test_at_most_ten_papers_fit_in_a_message() -> None:
    assert papers_that_fit([paper(each) for each in ids(12)]) == 10
    assert papers_that_fit([paper(each) for each in ids(3)]) == 3
    assert papers_that_fit([]) == 0


def test_paper_is_in_a_message_only_once() -> None:
    assert papers_that_fit([paper("2611.00001"), paper("2611.00002"), paper("2611.00001")]) == 2


@pytest.mark.parametrize("each", [[], ids(11), ["2611.00001", "2611.00001"]], ids=["none", "eleven", "twice"])
def test_papers_that_do_not_fit_in_one_message_are_rejected(each: list[str]) -> None:
    with pytest.raises(ValueError, match="do not fit in one message"):
        lay_out_cards([(paper(one), ()) for one in each])


# --- full abstract and menu options -----------------------------------------------------------


def test_full_abstract_has_comment_and_journal_reference() -> None:
    abstract = "We measure and show. " * 90 + "The end."
    view = full_abstract(paper(abstract=abstract, comment="9 pages", journal_ref="Phys. Rev. D 1 (2026)"))
    assert view.description == f"-# Ada Lovelace\n{abstract}\n\n{LINKS} · 9 pages"
    assert view.footer == f"cs.LG · Phys. Rev. D 1 (2026) · {PUBLISHED}"


def test_abstract_from_a_trending_list_names_its_source() -> None:
    view = trending_abstract(trending_entry(title="Rewards", summary="We learn $\\epsilon$ of them.", votes=41))
    assert (view.title, view.footer) == ("Rewards", "From Hugging Face's daily papers")
    assert view.description.startswith("-# Ada Lovelace\nWe learn ε of them.\n")
    assert "▲ 41" in view.description


def test_full_abstract_has_votes_and_code() -> None:
    view = full_abstract(paper(comment="9 pages"), trending_entry(votes=3, code_url="https://github.com/a/b"))
    votes = "[▲ 3 votes on Hugging Face](https://huggingface.co/papers/2611.00001)"
    assert view.description.endswith(f"\n\n{LINKS} · {votes} · [code](https://github.com/a/b) · 9 pages")


def test_menu_option_is_plain_text_within_its_limit() -> None:
    subject = paper(title="On *stars* and " + "planets " * 30, authors=("Ada Lovelace", "Alan Turing"))
    assert option_label(subject).startswith("On *stars* and planets")
    assert len(option_label(subject)) <= limits.SELECT_OPTION_MAX
    assert option_description(subject) == "Ada Lovelace, Alan Turing · cs.LG"
    assert option_description(paper(authors=())) == "cs.LG"


def test_full_abstract_that_is_no_longer_stored_links_arxiv() -> None:
    shown = full_abstract(paper(abstract="", comment="9 pages"))
    assert shown.description.split("\n") == [
        "-# Ada Lovelace",
        "The abstract is not stored here: [read it on arXiv](https://arxiv.org/abs/2611.00001).",
        "",
        f"{LINKS} · 9 pages",
    ]
