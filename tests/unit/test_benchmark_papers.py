"""Generated papers of benchmarks: known matches, realistic lengths and dates, and the same ones every time."""

from collections import Counter
from datetime import UTC, datetime

from benchmarks.generated_papers import PaperGenerator, phrases
from bot.domain.keyword import Keyword
from bot.domain.matching import match

_END = datetime(2026, 11, 18, tzinfo=UTC)


def test_generated_matches_are_those_of_the_matcher() -> None:
    keywords = phrases(2400)
    generated = list(PaperGenerator(150, keywords, _END).papers())
    papers = [each.paper for each in generated]
    parsed = [Keyword.parse(keyword) for keyword in keywords]
    drawn = {(each.paper.arxiv_id, parsed[place]) for each in generated for place in each.keywords}
    assert {(pair.arxiv_id, pair.keyword) for pair in match(papers, parsed)} == drawn


def test_one_keyword_matches_two_thirds_and_most_match_few() -> None:
    papers = PaperGenerator(2000, phrases(500), _END).papers()
    counts = Counter(place for each in papers for place in each.keywords)
    assert 0.6 < counts[0] / 2000 < 0.73
    assert sum(count < 20 for count in counts.values()) > 400


def test_ids_are_in_order_and_dates_almost() -> None:
    papers = [each.paper for each in PaperGenerator(3000, phrases(10), _END).papers()]
    ids, dates = [each.arxiv_id.value for each in papers], [each.published for each in papers]
    assert ids == sorted(set(ids))
    assert dates != sorted(dates)
    assert (ids[0][:4], ids[-1][:4]) == ("2112", "2611")
    assert max(dates) < _END
    assert all(each.updated >= each.published for each in papers)


def test_abstracts_have_the_length_of_recorded_ones() -> None:
    lengths = [len(each.paper.abstract) for each in PaperGenerator(200, phrases(2400), _END).papers()]
    assert 1200 < sum(lengths) / len(lengths) < 1500


def test_same_seed_gives_same_papers() -> None:
    first, second = (list(PaperGenerator(50, phrases(100), _END).papers()) for _ in range(2))
    assert first == second


def test_ten_thousand_keywords_are_different() -> None:
    found = phrases(10_000)
    assert len(set(found)) == 10_000
    assert len({Keyword.parse(phrase) for phrase in found[::8]}) == 1250
