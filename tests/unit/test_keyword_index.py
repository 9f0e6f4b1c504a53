"""Suggestions: which keywords of a server contain what was typed."""

from hypothesis import given
from hypothesis import strategies as st

from bot.domain.keyword_index import ChannelKeywords, KeywordIndex
from bot.domain.subscription import Spelling


def channel(*shown: str) -> ChannelKeywords:
    return ChannelKeywords.of(1, [Spelling(1, place, each, each) for place, each in enumerate(shown)])


def found(keywords: ChannelKeywords, typed: str) -> list[str]:
    return [spelling.shown for spelling in keywords.containing(typed)]


def test_keywords_that_contain_the_text_are_found_in_any_case() -> None:
    keywords = channel("Graph", "reward model", "RLHF", "Straße", "world model")
    assert found(keywords, "MODEL") == ["reward model", "world model"]
    assert found(keywords, "rlhf") == ["RLHF"]
    assert found(keywords, "strasse") == ["Straße"]
    assert found(keywords, "zzz") == []
    assert found(keywords, "") == ["Graph", "reward model", "RLHF", "Straße", "world model"]


def test_text_does_not_match_across_two_keywords() -> None:
    assert found(channel("alpha", "beta"), "alpha\nbeta") == []
    assert found(channel("alpha", "beta"), "alpha\n") == []
    assert found(channel("alpha", "beta"), "alpha") == ["alpha"]


def test_keyword_that_contains_the_text_twice_is_found_once() -> None:
    assert found(channel("aa aa", "b"), "a") == ["aa aa"]


@given(st.lists(st.text("abß ", min_size=1, max_size=6), min_size=1, max_size=8), st.text("absß ", max_size=3))
def test_index_finds_what_a_comparison_with_each_keyword_finds(shown: list[str], typed: str) -> None:
    assert found(channel(*shown), typed) == [each for each in shown if typed.casefold() in each.casefold()]


def test_keywords_are_grouped_by_channel() -> None:
    spellings = [Spelling(1, 1, "a", "a"), Spelling(1, 2, "b", "b"), Spelling(2, 1, "a", "a")]
    index = KeywordIndex.of(spellings)
    assert {channel_id: list(each.containing("")) for channel_id, each in index.channels.items()} == {
        1: spellings[:2],
        2: spellings[2:],
    }
    assert KeywordIndex.of([]).channels == {}


def test_expression_is_found_by_its_label_and_its_text() -> None:
    named = Spelling(1, 7, 'name:"My papers" agents OR tools', "My papers")
    keywords = ChannelKeywords.of(1, [named, Spelling(1, 8, "tools", "tools")])
    assert [each.keyword_id for each in keywords.containing("PAPERS")] == [7]
    assert [each.keyword_id for each in keywords.containing("tools")] == [7, 8]
    assert list(keywords.containing("papers\tname")) == [named]


def test_keyword_is_found_by_its_whole_label_or_its_id() -> None:
    named = Spelling(1, 7, 'name:"Tools" agents OR tools', "Tools")
    index = KeywordIndex.of(
        [named, Spelling(1, 8, "tools", "tools"), Spelling(2, 7, "agents OR tools", "agents OR tools")]
    )
    assert index.labelled(1, "TOOLS") == (named,)  # a phrase is found by parsing it
    assert index.labelled(1, "Tool") == index.labelled(3, "Tools") == ()
    assert list(index.channels_with(7)) == [1, 2]
    assert list(index.channels_with(9)) == []
