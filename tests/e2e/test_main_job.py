"""The main job: keywords in, new papers posted, once; the real bot on a local Discord and a local arXiv."""

from pathlib import Path

from sandbox.arxiv import Corpus, LocalArxiv, SandboxPaper
from tests.support.running import REQUEST_INTERVAL_S, Box, a_bot, a_box


def quiet_arxiv() -> LocalArxiv:
    """An arXiv whose papers are about other things, and none of which waits."""
    return LocalArxiv(Corpus(), interval_s=REQUEST_INTERVAL_S)


def about_other_things(box: Box) -> None:
    """Give arXiv a paper, so that it is believed when it shows none."""
    box.arxiv.add_paper(SandboxPaper(title="Sheaves on a Torus", abstract="We compute."))


async def test_new_papers_of_a_keyword_are_posted_once_and_after_a_restart_not_again(tmp_path: Path) -> None:
    async with a_box(tmp_path, arxiv=quiet_arxiv()) as box:
        about_other_things(box)
        old = box.arxiv.add_paper(SandboxPaper(title="An Old Reward Model", abstract="Before."))
        async with a_bot(box):
            await box.subscribe("reward model")
            new = box.arxiv.add_paper(SandboxPaper(title="A New Reward Model", abstract="After."))
            await box.until(lambda: len(box.posted_urls("papers")) == 1)
        async with a_bot(box):
            newer = box.arxiv.add_paper(SandboxPaper(title="Another Reward Model", abstract="Later."))
            await box.until(lambda: len(box.posted_urls("papers")) == 2)
        assert box.posted_urls("papers") == [f"https://arxiv.org/abs/{paper.arxiv_id}" for paper in (new, newer)]
        assert str(old.arxiv_id) not in "".join(box.posted_urls("papers"))
