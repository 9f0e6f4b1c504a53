"""Tests of `/unsubscribe` and `/keywords`: suggestions, deleted channels, config.json, and what callers may view."""

import json
import re
from pathlib import Path

import pytest

from sandbox.discord import Permission
from tests.support.running import RunningSandbox, running_bot, running_sandbox

pytestmark = pytest.mark.slow


def settings_file(tmp_path: Path, *subscriptions: tuple[int, list[str]]) -> Path:
    """A config.json with these subscriptions."""
    wanted = [{"channel_id": str(channel_id), "keywords": keywords} for channel_id, keywords in subscriptions]
    path = tmp_path / "config.json"
    path.write_text(json.dumps({"subscriptions": wanted}), encoding="utf-8")
    return path


async def own_keywords(sandbox: RunningSandbox, typed: str = "", **options: object) -> dict[str, str | int | float]:
    """The suggestions of /unsubscribe for the admin in #papers."""
    return await sandbox.suggestions("unsubscribe", {"keyword": typed, **options}, "keyword")


async def test_unsubscribe_takes_several_keywords_and_ends_their_posts(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox, running_bot(sandbox):
        for keyword in ("reward model", "CLIP", "agents", "diffusion"):
            await sandbox.subscribe(keyword)
        here = f"<#{sandbox.channel('papers')}>"
        assert await sandbox.reply_to("unsubscribe", {"keyword": "reward modl"}) == (
            f"{here} has no keyword **reward modl**. Did you mean **reward model**?"
        )
        assert (
            await sandbox.reply_to("unsubscribe", {"keyword": " Reward  Models, clip, the, agents"})
        ).splitlines() == [
            f"**reward model**: removed from {here}.",
            f"{here} has no keyword **clip**. Did you mean **CLIP**?",
            '**the**: Use at least one word besides stop words such as "the" or "of".',
            f"**agents**: removed from {here}.",
        ]
        ended, kept = sandbox.add_paper("A Reward Model for Agents"), sandbox.add_paper("A Diffusion Process")
        await sandbox.wait_for_papers("papers", 1)
        assert ended not in sandbox.posted_urls("papers") == [kept]


async def test_unknown_keyword_is_answered_with_similar_ones(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox, running_bot(sandbox):
        here = f"<#{sandbox.channel('papers')}>"
        assert (
            await sandbox.reply_to("unsubscribe", {"keyword": "x1"})
            == f"{here} has no keyword **x1**. See `/keywords`."
        )
        for keyword in ("reward model", "reward models [cs.CL]", "sheaf", "world model"):
            await sandbox.subscribe(keyword)
        reply = await sandbox.reply_to("unsubscribe", {"keyword": "rewrd model"})
        assert reply.endswith("Did you mean **reward model** or **reward models \\[cs.CL]**?")
        assert (await sandbox.reply_to("unsubscribe", {"keyword": "quokka"})).endswith("See `/keywords`.")
        assert (
            await sandbox.reply_to("unsubscribe", {"keyword": " , "}) == "Please enter one of the channel's keywords."
        )


async def test_unsubscribe_suggests_the_keywords_of_the_channel(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox, running_bot(sandbox):
        await sandbox.reply_to("subscribe", {"keyword": "reward model, Agents"})
        await sandbox.reply_to("subscribe", {"keyword": "vision", "channel": sandbox.channel("vision")})
        assert list(await own_keywords(sandbox)) == ["Agents", "reward model"]
        assert list(await own_keywords(sandbox, "MOD")) == ["reward model"]
        assert list(await own_keywords(sandbox, channel=sandbox.channel("vision"))) == ["vision"]
        assert list(await own_keywords(sandbox, channel=sandbox.channel("general"))) == []


async def test_long_and_unsupported_keywords_can_be_unsubscribed_by_their_suggestions(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with running_sandbox(tmp_path) as sandbox:
        papers = sandbox.channel("papers")
        long = [" ".join(["phrase"] * 20 + [end]) for end in ("one", "two")]
        # config.json may contain keywords that commands reject; they stay listed, with a hint.
        config = settings_file(tmp_path, (papers, ["llm OR", "cs.CL", "agents, robots", "agents"]))
        async with running_bot(sandbox, config=config):
            warned = [record for record in caplog.records if record.message == "keyword unlikely to match"]
            assert [vars(record)["keyword"] for record in warned] == ["llm OR", "cs.CL", "agents, robots"]
            await sandbox.reply_to("subscribe", {"keyword": ", ".join(long)})
            listed = await sandbox.reply_to("keywords")
            assert "- **llm OR** · added by config.json on <t:" in listed
            assert "\n  Unlikely to match. After `OR`, a word, " in listed
            assert listed.count("Unlikely to match.") == 3
            suggested = await own_keywords(sandbox, "phrase")
            assert len(set(suggested.values())) == 2
            assert all(len(str(text)) <= 100 for choice in suggested.items() for text in choice)
            value = list(suggested.values())[1]
            assert (
                await sandbox.reply_to("unsubscribe", {"keyword": value}) == f"**{long[1]}**: removed from <#{papers}>."
            )
            assert (
                await sandbox.reply_to("unsubscribe", {"keyword": long[0]})
                == f"**{long[0]}**: removed from <#{papers}>."
            )
            assert "llm OR** is in config.json" in await sandbox.reply_to("unsubscribe", {"keyword": "llm OR"})


async def test_keywords_of_a_deleted_channel_can_be_unsubscribed(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox, running_bot(sandbox):
        gone, member = sandbox.channel("vision"), sandbox.world.default.member_id
        await sandbox.reply_to("subscribe", {"keyword": "vision, scene graphs", "channel": gone})
        sandbox.world.delete_channel(gone)
        await sandbox.wait_for_status(f"<#{gone}> (deleted or archived, id `{gone}`), blocked")
        listed = await sandbox.reply_to("keywords")
        assert f"<#{gone}> (deleted or archived, id `{gone}`)\n- **scene graphs**" in listed
        suggested = await own_keywords(sandbox, "vis")
        (value,) = suggested.values()
        assert suggested == {"vision (deleted channel)": value}
        assert re.fullmatch(rf"id:\d+ #{gone}", str(value))
        # Managing another channel is not enough.
        sandbox.world.set_overwrite(sandbox.channel("papers"), member, allow=Permission.MANAGE_CHANNELS)
        choice = {"keyword": suggested["vision (deleted channel)"]}
        assert (await sandbox.reply_to("unsubscribe", choice, user_id=member)).startswith(
            "That channel isn't in this server, or you"
        )
        assert "vision" not in await sandbox.reply_to("keywords", user_id=member)
        assert await sandbox.reply_to("unsubscribe", choice) == f"**vision**: removed from <#{gone}>."
        assert list(await own_keywords(sandbox)) == ["scene graphs (deleted channel)"]


async def test_subscription_in_the_config_can_only_be_ended_there(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox:
        papers = sandbox.channel("papers")
        async with running_bot(sandbox, config=settings_file(tmp_path, (papers, ["reward model"]))):
            reply = await sandbox.reply_to("unsubscribe", {"keyword": "reward model"})
            assert reply == (
                f"**reward model** is in config.json for <#{papers}>. "
                "Remove it from `subscriptions` there and restart the bot."
            )
            assert "already in" in await sandbox.reply_to("subscribe", {"keyword": "Reward Model"})
            admin = sandbox.world.default.admin_id
            assert f"- **reward model** · added by <@{admin}> and config.json on <t:" in await sandbox.reply_to(
                "keywords"
            )
        # Without the file's subscription, the command's remains and can be ended.
        async with running_bot(sandbox, config=settings_file(tmp_path)):
            assert f"- **reward model** · added by <@{admin}> on <t:" in await sandbox.reply_to("keywords")
            assert "removed from" in await sandbox.reply_to("unsubscribe", {"keyword": "reward model"})
            assert "no keywords yet" in await sandbox.reply_to("keywords")


async def test_keywords_are_listed_only_for_channels_the_caller_can_view(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox, running_bot(sandbox):
        admin, member = sandbox.world.default.admin_id, sandbox.world.default.member_id
        assert await sandbox.reply_to("keywords") == (
            "The channels that you can view have no keywords yet. Add one with `/subscribe`."
        )
        await sandbox.reply_to("subscribe", {"keyword": "reward model, *bold* @everyone"})
        await sandbox.reply_to("subscribe", {"keyword": "hiring", "channel": sandbox.channel("admins")})
        listed = re.sub(r"<t:\d+:d>", "DAY", await sandbox.reply_to("keywords")).splitlines()
        mine = [
            f"<#{sandbox.channel('papers')}>",
            f"- **\\*bold\\* @\u200beveryone** · added by <@{admin}> on DAY",
            f"- **reward model** · added by <@{admin}> on DAY",
        ]
        assert listed == [*mine, f"<#{sandbox.channel('admins')}>", f"- **hiring** · added by <@{admin}> on DAY"]
        listed = re.sub(r"<t:\d+:d>", "DAY", await sandbox.reply_to("keywords", user_id=member)).splitlines()
        assert listed == mine
        reply = await sandbox.reply_to("keywords", {"channel": sandbox.channel("vision")})
        assert reply == f"<#{sandbox.channel('vision')}> has no keywords yet. Add one with `/subscribe`."
        reply = await sandbox.reply_to("keywords", {"channel": sandbox.channel("admins")})
        assert reply.startswith(f"<#{sandbox.channel('admins')}>\n- **hiring**")
