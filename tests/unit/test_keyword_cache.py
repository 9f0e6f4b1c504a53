"""The cache of parsed keywords keeps its limit and forgets what was used longest ago."""

import pytest

from bot.domain.expressions.keywords import parse_keyword
from bot.domain.keyword import Keyword
from bot.runtime.errors import InvalidKeyword
from bot.store.keyword_cache import KeywordCache


def test_keyword_is_parsed_once_while_it_is_used() -> None:
    cache = KeywordCache(12)
    first = cache.get("alpha", "alpha")
    assert first.shown == "alpha"
    cache.get("beta1", "beta1")
    assert cache.get("alpha", "alpha") is first
    gamma = cache.get("gamma", "gamma")  # beta1 was used longest ago
    assert cache.get("alpha", "alpha") is first
    assert cache.get("gamma", "gamma") is gamma


def test_cache_forgets_keywords_beyond_its_characters() -> None:
    cache = KeywordCache(10)
    first = cache.get("alpha", "alpha")
    cache.get("beta1", "beta1")
    cache.get("gamma", "gamma")
    assert cache.get("alpha", "alpha") is not first


def test_keyword_longer_than_the_cache_is_parsed_each_time() -> None:
    cache = KeywordCache(3)
    assert cache.get("alpha", "alpha") is not cache.get("alpha", "alpha")
    assert cache.get("abc", "abc") is cache.get("abc", "abc")


def test_invalid_keyword_is_not_cached() -> None:
    cache = KeywordCache()
    for _ in range(2):
        with pytest.raises(InvalidKeyword):
            cache.get("the", "the")


def test_one_spelling_can_be_a_phrase_and_an_expression() -> None:
    cache = KeywordCache()
    expression = parse_keyword("llm OR agents")
    phrase = Keyword.parse("llm OR agents")
    for _ in range(2):
        assert cache.get(phrase.shown, phrase.canonical) == phrase
        assert cache.get(expression.shown, expression.canonical) == expression
