"""Commands with many or long keywords do not delay the commands of other people."""

import random
from pathlib import Path

import pytest

from tests.e2e.test_quotas import subscribe_before_start
from tests.support.running import running_bot, running_sandbox

pytestmark = pytest.mark.slow

WORDS = ("quantum", "graph", "neural", "transport", "lattice", "gauge", "diffusion", "language", "retrieval")


def long_keyword(chooser: random.Random) -> str:
    """A keyword of about 190 characters."""
    return " ".join(f"{chooser.choice(WORDS)}{chooser.randrange(10)}" for _ in range(40))[:190].strip()


async def test_comparing_long_keywords_does_not_delay_other_commands(tmp_path: Path) -> None:
    chooser = random.Random(1)
    async with running_sandbox(tmp_path) as sandbox:
        default = sandbox.world.default
        await subscribe_before_start(sandbox, "papers", [long_keyword(chooser) for _ in range(500)])
        async with running_bot(sandbox):
            comparing = [
                await sandbox.discord.run_command(
                    "unsubscribe",
                    {"keyword": ", ".join(long_keyword(chooser) for _ in range(25))},
                    user_id=default.admin_id,
                    channel_id=sandbox.channel("papers"),
                )
                for _ in range(8)
            ]
            for invocation in comparing:
                await invocation.wait_until_acknowledged()
            assert any(invocation.reply is None for invocation in comparing)
            for _ in range(3):
                latest = await sandbox.discord.run_command(
                    "latest",
                    {"keyword": "graph neural networks"},
                    user_id=default.member_id,
                    channel_id=sandbox.channel("general"),
                )
                await latest.wait_until_acknowledged()  # raises NotAcknowledged after RESPONSE_DEADLINE_S


async def test_parsing_long_options_does_not_delay_other_commands(tmp_path: Path) -> None:
    typed = ",".join(f"{a}{b}{c}" for a in "abcdefghijklmno" for b in "abcdefghij" for c in "abcdefghij")[:6000]
    options = {"keyword": typed, **{f"keyword{number}": typed for number in range(2, 6)}}
    async with running_sandbox(tmp_path) as sandbox, running_bot(sandbox):
        default = sandbox.world.default
        for _ in range(30):
            await sandbox.discord.run_command(
                "trend", options, user_id=default.admin_id, channel_id=sandbox.channel("papers")
            )
        latest = await sandbox.discord.run_command(
            "latest",
            {"keyword": "graph neural networks"},
            user_id=default.member_id,
            channel_id=sandbox.channel("general"),
        )
        await latest.wait_until_acknowledged()  # raises NotAcknowledged after RESPONSE_DEADLINE_S
        assert latest.acknowledged
