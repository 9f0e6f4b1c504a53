"""The papers of the local arXiv: generated, recorded, or added by tests."""

import json
import re
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sandbox.arxiv import Corpus, SandboxPaper
from sandbox.arxiv.corpus import last_cutoff
from sandbox.arxiv.papers import split_id
from tests.support.recordings import ARXIV_ANSWERS

pytestmark = pytest.mark.slow

NOW = datetime(2026, 11, 18, 12, 0, tzinfo=UTC)  # a Wednesday


def generated(seed: int = 2026) -> Corpus:
    return Corpus.generated(now=NOW, seed=seed, upcoming=100)


def test_papers_depend_only_on_the_seed() -> None:
    first, second, other = generated(), generated(), generated(seed=7)

    assert first.initial == second.initial
    assert first.take(10, NOW, (1, 4)) == second.take(10, NOW, (1, 4))
    assert first.initial != other.initial


def test_initial_papers_span_five_weeks_with_fewer_at_weekends() -> None:
    papers = generated().initial

    assert papers[0].published < NOW - timedelta(days=34)
    per_weekday = Counter(paper.published.weekday() for paper in papers)
    assert 1_000 < len(papers) < 1_500
    assert max(per_weekday[5], per_weekday[6]) < min(per_weekday[day] for day in range(5))


def test_earlier_papers_do_not_change_the_recent_weeks() -> None:
    recent = generated().initial
    papers = Corpus.generated(now=NOW, upcoming=100, earlier_days=400).initial

    assert papers[-len(recent) :] == recent
    earlier = papers[: -len(recent)]
    assert len({paper.arxiv_id for paper in papers}) == len(papers)
    days = {paper.published.date() for paper in earlier}
    assert len(days) > 398
    assert max(days) <= recent[0].published.date()
    late = sum(paper.published > NOW - timedelta(days=135) for paper in earlier)
    assert late > sum(paper.published < NOW - timedelta(days=335) for paper in earlier)
    month_before = sum(paper.published > NOW - timedelta(days=70) for paper in earlier)
    assert 0.8 < month_before / len(recent) < 1.2  # no step in a chart


@pytest.mark.parametrize(
    ("now", "cutoff"),
    [
        # The cutoff of Tuesday's batch, announced at 20:00 Eastern (01:00 UTC), was 14:00 Eastern (19:00 UTC).
        (datetime(2026, 11, 18, 12, 0, tzinfo=UTC), datetime(2026, 11, 17, 19, 0, tzinfo=UTC)),
        (datetime(2026, 11, 18, 0, 59, tzinfo=UTC), datetime(2026, 11, 16, 19, 0, tzinfo=UTC)),
        (datetime(2026, 11, 18, 1, 0, tzinfo=UTC), datetime(2026, 11, 17, 19, 0, tzinfo=UTC)),
        # On a Saturday the newest batch is Thursday's; the cutoff for Sunday's is on Friday.
        (datetime(2026, 11, 21, 12, 0, tzinfo=UTC), datetime(2026, 11, 19, 19, 0, tzinfo=UTC)),
        (datetime(2026, 11, 23, 12, 0, tzinfo=UTC), datetime(2026, 11, 20, 19, 0, tzinfo=UTC)),
    ],
)
def test_initial_papers_are_not_newer_than_the_last_announcement(now: datetime, cutoff: datetime) -> None:
    assert last_cutoff(now) == cutoff
    assert max(paper.published for paper in Corpus.generated(now=now, days=5).initial) <= cutoff


def test_generated_papers_look_realistic() -> None:
    papers = generated().initial
    text = "\n".join(f"{paper.title}\n{paper.abstract}" for paper in papers)
    authors = {name for paper in papers for name in paper.authors}

    for keyword in (
        "reward model",
        "diffusion model",
        "graph neural networks",
        "MLLM",
        "RLHF",
        "$",
        "<",
        "é",
        "C++",
    ):
        assert keyword in text
    assert not re.search(r"\{[tmdTMDN]\}", text)  # no placeholder is left
    assert any("é" in name for name in authors)
    assert {paper.version for paper in papers} == {1, 2, 3}
    assert all(paper.updated > paper.published for paper in papers if paper.version > 1)
    assert all(paper.updated < NOW for paper in papers)
    share = Counter((paper.comment is None, paper.doi is None) for paper in papers)
    assert 0.1 < sum(share[True, has_doi] for has_doi in (True, False)) / len(papers) < 0.35
    assert 0.1 < sum(share[no_comment, False] for no_comment in (True, False)) / len(papers) < 0.25
    assert len({paper.arxiv_id for paper in papers}) == len(papers)


def test_any_24_announced_papers_include_a_reward_model() -> None:
    corpus = generated()
    for _ in range(4):
        two_dozen = corpus.take(24, NOW, (1, 4))
        assert any("reward model" in f"{paper.title} {paper.abstract}".lower() for paper in two_dozen)


def test_first_three_announced_papers_include_a_reward_model() -> None:
    assert any(
        "reward model" in f"{paper.title} {paper.abstract}".lower() for paper in generated().take(3, NOW, (1, 4))
    )


def test_announced_papers_were_submitted_one_to_four_days_ago() -> None:
    corpus = generated()

    papers = corpus.take(30, NOW, (1, 4))

    assert len(papers) == 30
    assert corpus.queued == 70
    assert all(timedelta(days=1) <= NOW - paper.published <= timedelta(days=4, seconds=1) for paper in papers)
    assert [paper.arxiv_id for paper in papers] == sorted(paper.arxiv_id for paper in papers)
    assert all(paper.arxiv_id.startswith(f"{paper.published:%y%m}.") for paper in papers)


def test_paper_on_hold_is_announced_thirteen_days_late() -> None:
    (paper,) = generated().take(1, NOW, (13, 13))

    assert NOW - paper.published == timedelta(days=13)


def test_taking_more_papers_than_queued_returns_all_of_them() -> None:
    corpus = Corpus([SandboxPaper(title="One"), SandboxPaper(title="Two")])

    assert [paper.title for paper in corpus.take(10, NOW, (1, 4))] == ["One", "Two"]
    assert corpus.queued == 0
    assert corpus.take(10, NOW, (1, 4)) == []


def test_paper_queued_next_is_announced_first_with_its_date_and_id() -> None:
    corpus = Corpus([SandboxPaper(title="Usual")])
    published = datetime(1999, 1, 4, tzinfo=UTC)

    corpus.queue_next(SandboxPaper(arxiv_id="math.GT/9901001", title="Late", published=published))

    assert corpus.queued == 2
    late, usual = corpus.take(2, NOW, (1, 4))
    assert (late.arxiv_id, late.published) == ("math.GT/9901001", published)
    assert usual.title == "Usual"


@pytest.mark.parametrize("wrong", ["2611.00001v2", "abc", "2611.1", "hep-th/99", ""])
def test_invalid_or_versioned_id_is_rejected(wrong: str) -> None:
    if wrong:
        with pytest.raises(ValueError, match="not an arXiv id"):
            SandboxPaper(title="A", arxiv_id=wrong)
    with pytest.raises(ValueError, match="not an arXiv id"):
        split_id(wrong.replace("v2", "v0"))


def test_paper_needs_a_category_and_aware_dates() -> None:
    with pytest.raises(ValueError, match="category"):
        SandboxPaper(title="A", categories=())
    with pytest.raises(ValueError, match="zone"):
        SandboxPaper(title="A", published=datetime(2026, 1, 1))  # noqa: DTZ001 - the mistake under test


@pytest.mark.recordings
def test_recorded_papers_keep_their_ids_and_text() -> None:
    corpus = Corpus.from_directory(ARXIV_ANSWERS)

    assert corpus.initial == ()
    papers = {paper.arxiv_id: paper for paper in corpus.take(corpus.queued, NOW, (1, 4))}
    assert len(papers) == 290  # one of the 291 recorded entries is arXiv's "Error"
    assert "q-bio/0401024" in papers
    hot_jupiters = papers["astro-ph/0601001"]
    assert hot_jupiters.abstract.startswith("  We derive the frequencies of hot Jupiters (HJs) with 3--5 day periods")
    assert "V_max<17.5" in hot_jupiters.abstract
    assert hot_jupiters.journal_ref == "ActaAstron.56:1-50,2006"
    assert NOW - hot_jupiters.published <= timedelta(days=4, seconds=1)
    assert not any(paper.title == "Error" for paper in papers.values())


def test_directory_without_recorded_papers_is_rejected(tmp_path: Path) -> None:
    (tmp_path / "broken.xml").write_text("<feed>")
    (tmp_path / "empty.xml").write_bytes(b"")
    (tmp_path / "other.json").write_text(json.dumps({}))

    with pytest.raises(ValueError, match="no recorded papers"):
        Corpus.from_directory(tmp_path)


def test_counts_in_comments_agree_with_their_plurals() -> None:
    comments = " | ".join(paper.comment or "" for paper in Corpus.generated(now=NOW, upcoming=100).initial)
    assert "figures" in comments
    assert not re.search(r"\b1 (?:pages|figures|tables)\b", comments)
