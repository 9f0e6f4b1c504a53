"""The main job: new papers of subscribed keywords are posted once."""

from pathlib import Path

from tests.support.running import running_bot, running_sandbox


async def test_new_papers_of_a_keyword_are_posted_once_across_a_restart(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox:
        old = sandbox.add_paper("An Old Reward Model")
        async with running_bot(sandbox):
            await sandbox.subscribe("reward model")
            new = sandbox.add_paper("A New Reward Model")
            await sandbox.wait_for_papers("papers", 1)
        async with running_bot(sandbox):
            newer = sandbox.add_paper("Another Reward Model")
            await sandbox.wait_for_papers("papers", 2)
        assert sandbox.posted_urls("papers") == [new, newer]
        assert old not in sandbox.posted_urls("papers")
