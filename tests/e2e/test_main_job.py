"""The main job: keywords in, new papers posted, once; the real bot on a local Discord and a local arXiv."""

from pathlib import Path

from tests.support.running import a_bot, a_box


async def test_new_papers_of_a_keyword_are_posted_once_and_after_a_restart_not_again(tmp_path: Path) -> None:
    async with a_box(tmp_path) as box:
        old = box.publish("An Old Reward Model")
        async with a_bot(box):
            await box.subscribe("reward model")
            new = box.publish("A New Reward Model")
            await box.posted("papers", 1)
        async with a_bot(box):
            newer = box.publish("Another Reward Model")
            await box.posted("papers", 2)
        assert box.posted_urls("papers") == [new, newer]
        assert old not in box.posted_urls("papers")
