"""`/unsubscribe` and `/keywords`: a server's own keywords, seen by those who may see them."""

import json
import re
from pathlib import Path

from sandbox.discord import Permission
from tests.support.running import Box, a_bot, a_box


def settings_file(tmp_path: Path, *subscriptions: tuple[int, list[str]]) -> Path:
    """A config.json that wants these keywords in these channels."""
    wanted = [{"channel_id": str(channel_id), "keywords": keywords} for channel_id, keywords in subscriptions]
    path = tmp_path / "config.json"
    path.write_text(json.dumps({"subscriptions": wanted}), encoding="utf-8")
    return path


async def own_keywords(box: Box, typed: str = "", **options: object) -> dict[str, str | int | float]:
    """What /unsubscribe suggests to the admin in #papers."""
    return await box.suggested("unsubscribe", {"keyword": typed, **options}, "keyword")


async def test_unsubscribing_ends_the_posts_and_takes_several_keywords_at_once(tmp_path: Path) -> None:
    async with a_box(tmp_path) as box, a_bot(box):
        for keyword in ("reward model", "CLIP", "agents", "diffusion"):
            await box.subscribe(keyword)
        here = f"<#{box.channel('papers')}>"
        assert await box.said("unsubscribe", {"keyword": " Reward  Models"}) == (
            f"**Reward Models** is not subscribed in {here}. Did you mean **reward model**?"
        )
        assert (await box.said("unsubscribe", {"keyword": " Reward  Model, clip, the, agents"})).splitlines() == [
            f"**Reward Model**: unsubscribed from {here}.",
            f"**clip** is not subscribed in {here}. Did you mean **CLIP**?",
            '**the**: Use at least one word besides stop words such as "the" or "of".',
            f"**agents**: unsubscribed from {here}.",
        ]
        ended, kept = box.publish("A Reward Model for Agents"), box.publish("A Diffusion Process")
        await box.posted("papers", 1)
        assert ended not in box.posted_urls("papers") == [kept]


async def test_an_unknown_keyword_gets_the_nearest_ones_there_are(tmp_path: Path) -> None:
    async with a_box(tmp_path) as box, a_bot(box):
        here = f"<#{box.channel('papers')}>"
        assert (
            await box.said("unsubscribe", {"keyword": "x1"}) == f"**x1** is not subscribed in {here}. See `/keywords`."
        )
        for keyword in ("reward model", "reward modeling", "sheaf"):
            await box.subscribe(keyword)
        said = await box.said("unsubscribe", {"keyword": "rewrd model"})
        assert said.endswith("Did you mean **reward model** or **reward modeling**?")
        assert (await box.said("unsubscribe", {"keyword": "quokka"})).endswith("See `/keywords`.")
        assert await box.said("unsubscribe", {"keyword": " , "}) == "Name one of the channel's keywords."


async def test_unsubscribe_suggests_the_channels_own_keywords(tmp_path: Path) -> None:
    async with a_box(tmp_path) as box, a_bot(box):
        await box.said("subscribe", {"keyword": "reward model, Agents"})
        await box.said("subscribe", {"keyword": "vision", "channel": box.channel("vision")})
        assert list(await own_keywords(box)) == ["Agents", "reward model"]
        assert list(await own_keywords(box, "MOD")) == ["reward model"]
        assert list(await own_keywords(box, channel=box.channel("vision"))) == ["vision"]
        assert list(await own_keywords(box, channel=box.channel("general"))) == []


async def test_keywords_of_a_deleted_channel_can_still_be_ended(tmp_path: Path) -> None:
    async with a_box(tmp_path) as box, a_bot(box):
        gone, member = box.channel("vision"), box.world.default.member_id
        await box.said("subscribe", {"keyword": "vision, scene graphs", "channel": gone})
        box.world.delete_channel(gone)
        await box.until_status_says(f"<#{gone}> (deleted or archived, id `{gone}`), paused")
        listed = await box.said("keywords")
        assert f"<#{gone}> (deleted or archived, id `{gone}`)\n- **scene graphs**" in listed
        suggested = await own_keywords(box, "vis")
        assert suggested == {"vision (deleted channel)": f"vision #{gone}"}
        # A member who manages another channel alone has no say over it.
        box.world.set_overwrite(box.channel("papers"), member, allow=Permission.MANAGE_CHANNELS)
        choice = {"keyword": suggested["vision (deleted channel)"]}
        assert (await box.said("unsubscribe", choice, user_id=member)).startswith("That channel is not one of")
        assert "vision" not in await box.said("keywords", user_id=member)
        assert await box.said("unsubscribe", choice) == f"**vision**: unsubscribed from <#{gone}>."
        assert list(await own_keywords(box)) == ["scene graphs (deleted channel)"]


async def test_what_the_settings_file_wants_only_the_file_can_end(tmp_path: Path) -> None:
    async with a_box(tmp_path) as box:
        papers = box.channel("papers")
        async with a_bot(box, config=settings_file(tmp_path, (papers, ["reward model"]))):
            said = await box.said("unsubscribe", {"keyword": "reward model"})
            assert said == (
                f"**reward model** is wanted by the settings file for <#{papers}>: it stays until `subscriptions` in "
                "config.json changes and the bot is started again."
            )
            assert "already subscribed" in await box.said("subscribe", {"keyword": "Reward Model"})
            admin = box.world.default.admin_id
            assert f"- **reward model** · added by <@{admin}> and the settings file on <t:" in await box.said(
                "keywords"
            )
        # The file ends its wish, the command's stays; then the command's ends too.
        async with a_bot(box, config=settings_file(tmp_path)):
            assert f"- **reward model** · added by <@{admin}> on <t:" in await box.said("keywords")
            assert "unsubscribed from" in await box.said("unsubscribe", {"keyword": "reward model"})
            assert "No keyword is watched" in await box.said("keywords")


async def test_keywords_are_listed_by_channel_and_only_where_the_caller_can_look(tmp_path: Path) -> None:
    async with a_box(tmp_path) as box, a_bot(box):
        admin, member = box.world.default.admin_id, box.world.default.member_id
        assert await box.said("keywords") == (
            "No keyword is watched in the channels that you can view yet. `/subscribe` adds one."
        )
        await box.said("subscribe", {"keyword": "reward model, *bold* @everyone"})
        await box.said("subscribe", {"keyword": "hiring", "channel": box.channel("admins")})
        listed = re.sub(r"<t:\d+:d>", "DAY", await box.said("keywords")).splitlines()
        mine = [
            f"<#{box.channel('papers')}>",
            f"- **\\*bold\\* @\u200beveryone** · added by <@{admin}> on DAY",
            f"- **reward model** · added by <@{admin}> on DAY",
        ]
        assert listed == [*mine, f"<#{box.channel('admins')}>", f"- **hiring** · added by <@{admin}> on DAY"]
        listed = re.sub(r"<t:\d+:d>", "DAY", await box.said("keywords", user_id=member)).splitlines()
        assert listed == mine
        said = await box.said("keywords", {"channel": box.channel("vision")})
        assert said == f"No keyword is watched in <#{box.channel('vision')}> yet. `/subscribe` adds one."
        said = await box.said("keywords", {"channel": box.channel("admins")})
        assert said.startswith(f"<#{box.channel('admins')}>\n- **hiring**")
