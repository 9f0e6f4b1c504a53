"""The cache of parsed keywords keeps its limit and forgets what was used longest ago."""

import pytest

from bot.runtime.errors import InvalidKeyword
from bot.store.keyword_cache import KeywordCache


def test_keyword_is_parsed_once_while_it_is_used() -> None:
    cache = KeywordCache(12)
    first = cache.get("alpha")
    assert first.shown == "alpha"
    cache.get("beta1")
    assert cache.get("alpha") is first
    gamma = cache.get("gamma")  # beta1 was used longest ago
    assert cache.get("alpha") is first
    assert cache.get("gamma") is gamma


def test_cache_forgets_keywords_beyond_its_characters() -> None:
    cache = KeywordCache(10)
    first = cache.get("alpha")
    cache.get("beta1")
    cache.get("gamma")
    assert cache.get("alpha") is not first


def test_keyword_longer_than_the_cache_is_parsed_each_time() -> None:
    cache = KeywordCache(3)
    assert cache.get("alpha") is not cache.get("alpha")
    assert cache.get("abc") is cache.get("abc")


def test_invalid_keyword_is_not_cached() -> None:
    cache = KeywordCache()
    for _ in range(2):
        with pytest.raises(InvalidKeyword):
            cache.get("the")
