"""The statements that each command runs are counted: only the page asks once per keyword.

The limits are what the commands take now; a change that needs fewer lowers them. A changed setting wakes the
dispatcher, whose statements run at the same time: of several runs, the one with the fewest counts.
"""

import json
from pathlib import Path

from tests.support.posting import wait_for_first_poll
from tests.support.running import running_bot, running_sandbox
from tests.support.statements import counting_statements

KEYWORDS = [f"topic {number}" for number in range(40)]
CHANNELS = ("papers", "vision", "general")
# What loops of the bot run while a command is answered.
LOOPS_STATEMENTS_MAX = 3
# These do less when they are repeated in a channel.
ONCE_PER_CHANNEL = ("unsubscribe", "subscribe", "follow")
# Per command: its options, and how many statements it takes at most. What changes something comes last, with a margin
# for what it wakes.
LIMITS: tuple[tuple[str, dict[str, object], int], ...] = (
    ("latest", {"keyword": "topic 30", "count": 3}, 4),
    ("search", {"query": "topic 30", "count": 3}, 8),
    ("keywords", {}, 3),
    ("status", {}, 11),
    ("channel show", {}, 5),
    ("channel settings", {}, 5),
    ("channel test", {}, 4),
    ("channel mention", {"keyword": "topic 30"}, 4),
    ("page", {"format": "html"}, 5 + 3 * len(KEYWORDS)),
    ("help", {}, 0),
    ("channel style", {"style": "compact"}, 10),
    ("channel schedule", {"time": "08:30", "zone": "Europe/Berlin"}, 15),
    ("channel pause", {}, 15),
    ("channel resume", {}, 15),
    ("unsubscribe", {"keyword": "topic 39"}, 10),
    ("subscribe", {"keyword": "topic 30"}, 20),
    ("follow", {"author": "Ada Okafor"}, 20),
)


async def test_no_command_takes_more_statements_than_before(tmp_path: Path) -> None:
    config = tmp_path / "config.json"
    async with running_sandbox(tmp_path) as sandbox:
        for number in range(12):
            sandbox.add_paper(f"Topic {number}, Topic 30, Topic 31")
        subscriptions = [{"channel_id": sandbox.channel(name), "keywords": KEYWORDS} for name in CHANNELS]
        config.write_text(json.dumps({"subscriptions": subscriptions}), encoding="utf-8")
        async with running_bot(sandbox, config=config, DAILY_PAPERS_ARXIV__POLL_INTERVAL_S="3600"):
            await wait_for_first_poll(sandbox)
            with counting_statements() as count:
                taken: dict[str, int] = {}
                for name, options, limit in LIMITS:
                    for channel in CHANNELS if name in ONCE_PER_CHANNEL else CHANNELS * 3:
                        count.clear()
                        await sandbox.command(name, options, channel=channel)
                        taken[name] = min(len(count), taken.get(name, len(count)))
                        if taken[name] <= limit:
                            break
    excess = {name: taken[name] for name, _, limit in LIMITS if taken[name] > limit + LOOPS_STATEMENTS_MAX}
    assert excess == {}
