"""The papers of the local arXiv: made up, recorded, or placed there by hand."""

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

NOW = datetime(2026, 11, 18, 12, 0, tzinfo=UTC)  # a Wednesday


def generated(seed: int = 2026) -> Corpus:
    return Corpus.generated(now=NOW, seed=seed, upcoming=100)


def test_same_seed_gives_the_same_papers_and_another_seed_others() -> None:
    first, second, other = generated(), generated(), generated(seed=7)

    assert first.shown == second.shown
    assert first.take(10, NOW, (1, 4)) == second.take(10, NOW, (1, 4))
    assert first.shown != other.shown


def test_start_holds_about_five_weeks_with_quiet_weekends() -> None:
    papers = generated().shown

    assert papers[0].published < NOW - timedelta(days=34)
    per_weekday = Counter(paper.published.weekday() for paper in papers)
    assert 1_000 < len(papers) < 1_500
    assert max(per_weekday[5], per_weekday[6]) < min(per_weekday[day] for day in range(5))


def test_year_before_leaves_the_last_weeks_as_they_are_and_has_papers_every_day() -> None:
    recent = generated().shown
    shown = Corpus.generated(now=NOW, upcoming=100, earlier_days=400).shown

    assert shown[-len(recent) :] == recent
    earlier = shown[: -len(recent)]
    assert len({paper.arxiv_id for paper in shown}) == len(shown)
    days = {paper.published.date() for paper in earlier}
    assert len(days) > 398
    assert max(days) <= recent[0].published.date()
    late = sum(paper.published > NOW - timedelta(days=135) for paper in earlier)
    assert late > sum(paper.published < NOW - timedelta(days=335) for paper in earlier)
    month_before = sum(paper.published > NOW - timedelta(days=70) for paper in earlier)
    assert 0.8 < month_before / len(recent) < 1.2  # no leap in a chart


@pytest.mark.parametrize(
    ("now", "cutoff"),
    [
        # Tuesday's batch, announced at 20:00 Eastern (01:00 UTC), closed at 14:00 Eastern (19:00 UTC).
        (datetime(2026, 11, 18, 12, 0, tzinfo=UTC), datetime(2026, 11, 17, 19, 0, tzinfo=UTC)),
        (datetime(2026, 11, 18, 0, 59, tzinfo=UTC), datetime(2026, 11, 16, 19, 0, tzinfo=UTC)),
        (datetime(2026, 11, 18, 1, 0, tzinfo=UTC), datetime(2026, 11, 17, 19, 0, tzinfo=UTC)),
        # On a Saturday the newest is Thursday's; Sunday's batch closed on Friday.
        (datetime(2026, 11, 21, 12, 0, tzinfo=UTC), datetime(2026, 11, 19, 19, 0, tzinfo=UTC)),
        (datetime(2026, 11, 23, 12, 0, tzinfo=UTC), datetime(2026, 11, 20, 19, 0, tzinfo=UTC)),
    ],
)
def test_nothing_at_the_start_is_newer_than_the_last_announcement(now: datetime, cutoff: datetime) -> None:
    assert last_cutoff(now) == cutoff
    assert max(paper.published for paper in Corpus.generated(now=now, days=5).shown) <= cutoff


def test_made_up_papers_look_like_the_real_thing() -> None:
    papers = generated().shown
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
    assert not re.search(r"\{[tmdTMDN]\}", text)  # no blank was left unfilled
    assert any("é" in name for name in authors)
    assert {paper.version for paper in papers} == {1, 2, 3}
    assert all(paper.updated > paper.published for paper in papers if paper.version > 1)
    assert all(paper.updated < NOW for paper in papers)
    share = Counter((paper.comment is None, paper.doi is None) for paper in papers)
    assert 0.1 < sum(share[True, has_doi] for has_doi in (True, False)) / len(papers) < 0.35
    assert 0.1 < sum(share[no_comment, False] for no_comment in (True, False)) / len(papers) < 0.25
    assert len({paper.arxiv_id for paper in papers}) == len(papers)


def test_any_two_dozen_announced_papers_hold_a_reward_model() -> None:
    corpus = generated()
    for _ in range(4):
        two_dozen = corpus.take(24, NOW, (1, 4))
        assert any("reward model" in f"{paper.title} {paper.abstract}".lower() for paper in two_dozen)


def test_first_three_announced_papers_hold_a_reward_model() -> None:
    assert any(
        "reward model" in f"{paper.title} {paper.abstract}".lower() for paper in generated().take(3, NOW, (1, 4))
    )


def test_announced_papers_were_submitted_one_to_four_days_ago() -> None:
    corpus = generated()

    papers = corpus.take(30, NOW, (1, 4))

    assert len(papers) == 30
    assert corpus.waiting == 70
    assert all(timedelta(days=1) <= NOW - paper.published <= timedelta(days=4, seconds=1) for paper in papers)
    assert [paper.arxiv_id for paper in papers] == sorted(paper.arxiv_id for paper in papers)
    assert all(paper.arxiv_id.startswith(f"{paper.published:%y%m}.") for paper in papers)


def test_paper_that_moderation_held_back_comes_thirteen_days_late() -> None:
    (paper,) = generated().take(1, NOW, (13, 13))

    assert NOW - paper.published == timedelta(days=13)


def test_queue_gives_no_more_papers_than_wait() -> None:
    corpus = Corpus([SandboxPaper(title="One"), SandboxPaper(title="Two")])

    assert [paper.title for paper in corpus.take(10, NOW, (1, 4))] == ["One", "Two"]
    assert corpus.waiting == 0
    assert corpus.take(10, NOW, (1, 4)) == []


def test_appointed_paper_comes_first_and_keeps_its_date_and_id() -> None:
    corpus = Corpus([SandboxPaper(title="Usual")])
    published = datetime(1999, 1, 4, tzinfo=UTC)

    corpus.appoint(SandboxPaper(arxiv_id="math.GT/9901001", title="Late", published=published))

    assert corpus.waiting == 2
    late, usual = corpus.take(2, NOW, (1, 4))
    assert (late.arxiv_id, late.published) == ("math.GT/9901001", published)
    assert usual.title == "Usual"


@pytest.mark.parametrize("wrong", ["2611.00001v2", "abc", "2611.1", "hep-th/99", ""])
def test_what_is_no_id_without_version_is_refused(wrong: str) -> None:
    if wrong:
        with pytest.raises(ValueError, match="not an arXiv id"):
            SandboxPaper(title="A", arxiv_id=wrong)
    with pytest.raises(ValueError, match="not an arXiv id"):
        split_id(wrong.replace("v2", "v0"))


def test_paper_without_category_or_with_naive_dates_cannot_be() -> None:
    with pytest.raises(ValueError, match="category"):
        SandboxPaper(title="A", categories=())
    with pytest.raises(ValueError, match="zone"):
        SandboxPaper(title="A", published=datetime(2026, 1, 1))  # noqa: DTZ001 - the mistake to refuse


@pytest.mark.recordings
def test_recorded_papers_wait_with_their_own_ids_and_text() -> None:
    corpus = Corpus.from_directory(ARXIV_ANSWERS)

    assert corpus.shown == ()
    papers = {paper.arxiv_id: paper for paper in corpus.take(corpus.waiting, NOW, (1, 4))}
    assert len(papers) == 290  # of the 291 recorded entries one is arXiv's "Error"
    assert "q-bio/0401024" in papers
    hot_jupiters = papers["astro-ph/0601001"]
    assert hot_jupiters.abstract.startswith("  We derive the frequencies of hot Jupiters (HJs) with 3--5 day periods")
    assert "V_max<17.5" in hot_jupiters.abstract
    assert hot_jupiters.journal_ref == "ActaAstron.56:1-50,2006"
    assert NOW - hot_jupiters.published <= timedelta(days=4, seconds=1)
    assert not any(paper.title == "Error" for paper in papers.values())


def test_directory_without_recorded_papers_is_refused(tmp_path: Path) -> None:
    (tmp_path / "broken.xml").write_text("<feed>")
    (tmp_path / "empty.xml").write_bytes(b"")
    (tmp_path / "other.json").write_text(json.dumps({}))

    with pytest.raises(ValueError, match="no recorded papers"):
        Corpus.from_directory(tmp_path)
