"""Tests the real bot with 290 recorded papers of arXiv and one recorded error entry."""

from pathlib import Path

import pytest

from sandbox.arxiv import Corpus
from tests.support.embeds import lines_of
from tests.support.recordings import ARXIV_ANSWERS
from tests.support.running import arxiv_with_one_paper, running_bot, running_sandbox

# The papers that match each keyword, found by reading the recorded titles and abstracts.
MATCHING = {
    "dark matter": (
        "2604.21080 2604.21112 2604.21168 2604.21652 2604.21671 2604.21770 2604.21817"  # Dark Matter, dark matter
    ),
    "Einstein": (
        "math/0502287 math/0507289 0707.4595 0802.2137 0808.2097 1205.0922 1207.1944 1209.5181 1505.03319 1801.05533 "
        "2604.21624 2604.21634"  # Kähler-Einstein, Einstein's, Einstein-de Sitter, the Einstein Probe
    ),
    "reinforcement learning": (
        "2009.06732 2206.10210 2301.05651 2501.11550 2605.06639 2605.06642 2605.06650 2605.15113 2605.15155 2605.22620 "
        "2605.22814"
    ),
    "CLIP": "2511.16674",  # and neither "clipping" nor "clips"
    "self-improving AI": "2602.05570 2602.07755 2603.18073 2603.19461 2604.22446",  # not "self-improvement" alone
    "agentic reinforcement learning": "2605.06642 2605.15155",
}
WATCHED = {
    "papers": ("dark matter", "Einstein"),
    "vision": ("CLIP", "reinforcement learning", "agentic reinforcement learning"),
    "reading club": ("self-improving AI", "dark matter"),
    "announcements": ("CLIP",),
}


def expected(channel: str) -> set[str]:
    """The URLs of the papers that match a channel's keywords."""
    ids = {arxiv_id for keyword in WATCHED[channel] for arxiv_id in MATCHING[keyword].split()}
    return {f"https://arxiv.org/abs/{arxiv_id}" for arxiv_id in ids}


@pytest.mark.slow
@pytest.mark.recordings
async def test_matching_recorded_papers_are_posted_once_in_the_right_channels(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path, arxiv=arxiv_with_one_paper(Corpus.from_directory(ARXIV_ANSWERS))) as sandbox:
        async with running_bot(sandbox):
            for channel, keywords in WATCHED.items():
                await sandbox.reply_to(
                    "subscribe", {"keyword": ", ".join(keywords), "channel": sandbox.channel(channel)}
                )
            await sandbox.wait_for_status("Last checked**: <t:")
            assert len(sandbox.arxiv.announce()) == 290
            for channel in WATCHED:
                await sandbox.wait_for_papers(channel, len(expected(channel)))
        async with running_bot(sandbox):
            # Every paper is read again, and none is new.
            await sandbox.wait_for_next_poll()
        posted = {channel: sandbox.posted_urls(channel) for channel in WATCHED}
        assert {channel: set(urls) for channel, urls in posted.items()} == {c: expected(c) for c in WATCHED}
        assert {channel: len(urls) for channel, urls in posted.items()} == {c: len(expected(c)) for c in WATCHED}
        # This many papers are a list; its lines name the keywords if they differ.
        lines = lines_of(*sandbox.posts("vision"))
        assert "for reinforcement learning, agentic reinforcement learning" in lines["https://arxiv.org/abs/2605.15155"]
