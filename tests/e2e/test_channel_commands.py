"""`/channel …`: what each command does to a channel, what it says, and what bad input gets."""

import re
from pathlib import Path

import pytest

from sandbox.discord import ChannelKind, InvalidAction, Limit, Message, MessageFlag, Permission, RateLimits
from tests.support.embeds import lines_of, papers_in
from tests.support.running import Box, a_bot, a_box

ZONE = "Europe/Berlin"


async def channel(box: Box, command: str, **options: object) -> str:
    """What the admin is answered in #papers."""
    return await box.said(f"channel {command}", options)


def here(box: Box, name: str = "papers") -> str:
    """A channel as a link."""
    return f"<#{box.channel(name)}>"


def publish_series(box: Box, count: int, words: str = "Reward Models, Part") -> list[str]:
    """So many papers at once; their addresses, oldest first."""
    return [box.publish(f"{words} {part}") for part in range(count)]


async def test_a_new_channel_has_the_defaults_and_show_says_what_was_chosen(tmp_path: Path) -> None:
    async with a_box(tmp_path) as box:
        async with a_bot(box):
            assert (await channel(box, "show")).splitlines() == [
                f"**{here(box)}**",
                "- Posted as they come",
                "- Style: auto",
                "- Pings: nobody",
                "- Waiting: 0 papers",
            ]
            await channel(box, "style", style="compact")
            await channel(box, "schedule", time="8:30 pm", zone="berlin", weekdays=True)
            await channel(box, "pause")
            shown = await channel(box, "show")
        assert re.search(
            r"^- Posted daily at 20:30 Europe/Berlin, on weekdays; the next <t:\d+:R>$", shown, re.MULTILINE
        )
        assert "- Style: compact" in shown
        assert re.search(r"⏸️ Paused <t:\d+:R>", shown)
        async with a_bot(box):
            assert await channel(box, "show") == shown


async def test_each_style_lays_the_next_batch_out_as_it_says(tmp_path: Path) -> None:
    async with a_box(tmp_path) as box, a_bot(box):
        await box.subscribe("reward model")
        assert await channel(box, "style", style="compact") == (
            f"From the next batch on, papers in {here(box)} are laid out as a compact list."
        )
        first = box.publish("A Reward Model")
        (listed,) = await box.posted("papers", 1)
        assert list(lines_of(listed)) == [first]
        await channel(box, "style", style="cards")
        # Six at once: a list, if the channel had left it to us.
        await channel(box, "pause")
        publish_series(box, 6)
        await until_waiting(box, 6)
        await channel(box, "resume")
        *_, cards = await box.posted("papers", 7)
        assert len(cards.embeds) == 6
        with pytest.raises(InvalidAction):
            await channel(box, "style", style="newspaper")


async def until_waiting(box: Box, count: int, *, channel: str = "papers") -> None:
    """Wait until so many papers wait for the channel."""
    said = ""
    while f"- Waiting: {count} paper" not in said:
        said = await box.said("channel show", {"channel": box.channel(channel)})
        await box.until_looked_again()


async def test_a_schedule_takes_a_time_and_a_zone_and_suggests_both(tmp_path: Path) -> None:
    async with a_box(tmp_path) as box, a_bot(box):
        assert await channel(box, "schedule", time="08:30") == (
            "In which zone? Name it in `zone`, such as Europe/Berlin."
        )
        said = await channel(box, "schedule", time="08:30", zone=ZONE)
        assert said == f"Papers in {here(box)} are posted daily at 08:30 Europe/Berlin."
        # The zone that was chosen before is kept.
        assert "daily at 09:00 Europe/Berlin, on weekdays" in await channel(box, "schedule", time="9 am", weekdays=True)
        assert await channel(box, "schedule", time="As they come") == f"Papers in {here(box)} are posted as they come."
        zones = await box.suggested("channel schedule", {"time": "08:30", "zone": "germ"}, "zone")
        assert "Europe/Berlin" in zones.values()
        assert 0 < len(await box.suggested("channel schedule", {"time": "08:30", "zone": ""}, "zone")) <= 25
        assert "as they come" in (await box.suggested("channel schedule", {"time": "as"}, "time")).values()


async def test_an_unknown_zone_or_hour_is_answered_with_the_nearest(tmp_path: Path) -> None:
    async with a_box(tmp_path) as box, a_bot(box):
        said = await channel(box, "schedule", time="08:30", zone="Europe/Belrin")
        assert said.startswith("Unknown time zone.")
        assert "Europe/Berlin" in said
        assert await channel(box, "schedule", time="25:70", zone=ZONE) == ("Not a time of day. Use the format `23:59`.")
        assert "- Posted as they come" in await channel(box, "show")


async def test_a_paused_channel_keeps_what_comes_and_posts_it_when_it_is_resumed(tmp_path: Path) -> None:
    async with a_box(tmp_path) as box:
        async with a_bot(box):
            await box.subscribe("reward model")
            await box.subscribe("reward model", channel="vision")
            assert await channel(box, "pause") == (
                f"Posting in {here(box)} is paused. What comes is kept; `/channel resume` posts it."
            )
            assert await channel(box, "pause") == f"Posting in {here(box)} is paused already."
            assert f"⏸️ {here(box)}, paused <t:" in await box.said("status")
            urls = publish_series(box, 3)
            await box.posted("vision", 3)
            assert box.posts("papers") == []
        async with a_bot(box):
            assert await channel(box, "resume") == f"Posting in {here(box)} goes on; 3 papers waited."
            (post,) = await box.posted("papers", 3)
            assert sorted(papers_in(post)) == sorted(urls)
            assert post.content == ("**3 papers** for reward model held while this channel was paused, oldest first")
            assert await channel(box, "resume") == f"Posting in {here(box)} is not paused."
            box.publish("A New Reward Model")
            *_, post = await box.posted("papers", 4)
            assert post.content.startswith("**1 new paper** for reward model · announced ")


async def test_a_backlog_of_more_than_fifty_is_posted_compact_whatever_the_style_after_a_line_that_says_so(
    tmp_path: Path,
) -> None:
    async with a_box(tmp_path) as box, a_bot(box):
        await box.subscribe("reward model")
        await channel(box, "style", style="cards")
        await channel(box, "pause")
        publish_series(box, 53)
        await until_waiting(box, 53)
        await channel(box, "resume")
        posts = await box.posted("papers", 53)
        assert [len(papers_in(post)) for post in posts] == [25, 25, 3]
        assert [post.content for post in posts] == [
            "**53 papers** for reward model held while this channel was paused, oldest first, as a compact list",
            "",
            "",
        ]
        # From then on the channel's own style counts again.
        publish_series(box, 1, "One More Reward Model")
        *_, post = await box.posted("papers", 54)
        assert lines_of(post) == {}


@pytest.mark.slow
async def test_a_pause_in_the_middle_of_a_batch_stops_it(tmp_path: Path) -> None:
    async with (
        a_box(tmp_path, rate_limits=RateLimits(messages=Limit(1, 1.0), others=Limit(500, 1.0))) as box,
        a_bot(box),
    ):
        await box.subscribe("reward model")
        await channel(box, "style", style="cards")
        publish_series(box, 50)
        await box.posted("papers", 10)
        await channel(box, "pause")
        await box.until_looked_again()
        shown = len(box.posted_urls("papers"))
        await box.until_looked_again()
        assert len(box.posted_urls("papers")) == shown < 50
        await channel(box, "resume")
        await box.posted("papers", 50)
        assert len(set(box.posted_urls("papers"))) == 50


async def test_a_role_is_pinged_once_with_each_batch_and_nobody_else(tmp_path: Path) -> None:
    async with a_box(tmp_path) as box, a_bot(box):
        guild = box.world.default.guild_id
        role = box.world.add_role(guild, "Readers", Permission(0))
        await box.subscribe("reward model")
        assert await channel(box, "mention", role=role.id) == (
            f"<@&{role.id}> cannot be pinged by me: let anyone mention the role, or give me the permission "
            f"Mention @everyone, @here, and All Roles in {here(box)}."
        )
        everyone = await channel(box, "mention", role=guild)
        assert everyone == "Everybody is not a role to ping with each batch: choose one that people take for it."
        box.world.set_overwrite(box.channel("papers"), box.world.default.bot_role_id, allow=Permission.MENTION_EVERYONE)
        assert await channel(box, "mention", role=role.id) == f"Each batch in {here(box)} pings <@&{role.id}>."
        publish_series(box, 30)
        posts = await box.posted("papers", 30)
        assert [post.pings.role_ids for post in posts] == [(role.id,), ()]
        assert not any(post.pings.everyone or post.pings.user_ids for post in posts)
        assert posts[0].content.startswith(f"<@&{role.id}> **30 new papers** for reward model")
        assert await channel(box, "mention") == f"Each batch in {here(box)} pings nobody."
        box.publish("One More Reward Model")
        *_, post = await box.posted("papers", 31)
        assert not post.pings


@pytest.mark.slow
async def test_a_batch_that_a_restart_interrupts_goes_on_without_a_second_ping(tmp_path: Path) -> None:
    slow = RateLimits(messages=Limit(1, 0.5), others=Limit(500, 1.0))
    async with a_box(tmp_path, rate_limits=slow) as box:
        async with a_bot(box):
            world = box.world
            role = world.add_role(world.default.guild_id, "Readers", Permission(0))
            world.set_overwrite(box.channel("papers"), world.default.bot_role_id, allow=Permission.MENTION_EVERYONE)
            await box.subscribe("reward model")
            await channel(box, "style", style="cards")
            await channel(box, "mention", role=role.id)
            publish_series(box, 50)
            await box.posted("papers", 10)
        assert (begun := len(box.posted_urls("papers"))) < 50
        async with a_bot(box):
            posts = await box.posted("papers", 50)
        assert [bool(post.pings) for post in posts] == [True, False, False, False, False]
        first_lines = [post.content.removeprefix(f"<@&{role.id}> ") for post in posts if post.content]
        assert [line.split(" for ")[0] for line in first_lines] == [
            "**50 new papers**",
            f"**{50 - begun} more papers**",
        ]


async def test_a_sample_shows_how_papers_look_and_pings_nobody(tmp_path: Path) -> None:
    async with a_box(tmp_path) as box, a_bot(box):
        assert await channel(box, "test") == (
            f"No paper of {here(box)}'s keywords is known yet: try `/subscribe` first."
        )
        box.world.set_overwrite(box.channel("papers"), box.world.default.bot_role_id, allow=Permission.MENTION_EVERYONE)
        role = box.world.add_role(box.world.default.guild_id, "Readers", Permission(0))
        urls = publish_series(box, 4)
        await box.subscribe("reward model")
        await channel(box, "mention", role=role.id)
        said = await channel(box, "test")
        (sample,) = box.posts("papers")
        guild = box.world.default.guild_id
        assert said == f"Posted: https://discord.com/channels/{guild}/{sample.channel_id}/{sample.id}"
        assert len(set(papers_in(sample)) & set(urls)) == 3
        assert sample.content == "**A sample** of how papers look here."
        assert not sample.pings
        # What was shown as a sample is new to nobody, and nothing of it was posted.
        box.publish("A New Reward Model")
        await box.posted("papers", 4)
        assert len(box.posts("papers")) == 2


async def test_an_announcement_channels_posts_are_published_as_often_as_discord_allows(tmp_path: Path) -> None:
    async with a_box(tmp_path, rate_limits=RateLimits(crossposts=Limit(2, 3600.0), messages=Limit(50, 1.0))) as box:
        async with a_bot(box):
            assert await channel(box, "publish", wanted=True) == (
                f"{here(box)} is no announcement channel: only those have followers."
            )
            name = "announcements"
            said = await channel(box, "publish", wanted=True, channel=box.channel(name))
            assert said == f"New papers in {here(box, name)} are published to its followers, ten an hour at most."
            await box.said("channel style", {"style": "cards"}, channel=name)
            await box.subscribe("reward model", channel=name)
            publish_series(box, 41)
            await box.posted(name, 41)
            await box.until(lambda: len(published(box.posts(name))) == 2)
            await box.until_looked_again()
        assert len(box.posts(name)) == 5
        assert len(published(box.posts(name))) == 2
        asked = [request for request in box.discord.requests if request.path.endswith("/crosspost")]
        assert sum(request.status == 429 for request in asked) <= 1
        assert len(asked) <= 3


def published(posts: list[Message]) -> list[Message]:
    """Those that an announcement channel's followers have."""
    return [post for post in posts if MessageFlag.CROSSPOSTED in post.flags]


async def test_who_may_not_manage_the_channel_that_is_meant_changes_nothing_there(tmp_path: Path) -> None:
    async with a_box(tmp_path) as box, a_bot(box):
        member = box.world.default.member_id
        with pytest.raises(InvalidAction):
            await box.said("channel pause", user_id=member)
        box.world.set_overwrite(box.channel("papers"), member, allow=Permission.MANAGE_CHANNELS)
        commands: dict[str, dict[str, object]] = {
            "style": {"style": "cards"},
            "schedule": {"time": "08:30", "zone": ZONE},
            "pause": {},
            "resume": {},
            "mention": {},
            "publish": {"wanted": True},
            "show": {},
            "test": {},
        }
        for command, options in commands.items():
            named = {**options, "channel": box.channel("vision")}
            refused = await box.said(f"channel {command}", named, user_id=member)
            assert refused == f"You need the permission Manage Channels in {here(box, 'vision')} for this."
            refused = await box.said(
                f"channel {command}", {**options, "channel": box.channel("reading club")}, user_id=member
            )
            assert refused == f"You need the permission Manage Threads in {here(box, 'reading club')} for this."
        assert await box.said("channel style", {"style": "cards"}, user_id=member) == (
            f"From the next batch on, papers in {here(box)} are laid out as cards."
        )
        with pytest.raises(InvalidAction):
            await box.said("channel show", channel=None)


async def test_a_channel_of_a_type_that_holds_no_posts_is_refused_with_those_that_do(tmp_path: Path) -> None:
    async with a_box(tmp_path) as box, a_bot(box):
        category = box.world.add_channel(box.world.default.guild_id, "Rooms", ChannelKind.CATEGORY).id
        refusal = (
            f"Nothing can be posted in <#{category}>. "
            "Papers can be posted in text channels, announcement channels, forums and threads."
        )
        assert await box.said("subscribe", {"keyword": "reward model", "channel": category}) == refusal
        assert await channel(box, "style", style="cards", channel=category) == refusal
        assert await channel(box, "test", channel=category) == refusal


async def test_a_forum_gets_a_post_per_batch_and_a_threads_batch_stays_in_the_thread(tmp_path: Path) -> None:
    async with a_box(tmp_path) as box, a_bot(box):
        forum = box.world.add_channel(box.world.default.guild_id, "paper-forum", ChannelKind.FORUM).id
        await box.subscribe("reward model", channel="reading club")
        said = await box.said("subscribe", {"keyword": "reward model", "channel": forum})
        assert f"**reward model**: subscribed in <#{forum}>." in said
        urls = publish_series(box, 30)
        await box.posted("reading club", 30)
        assert sorted(box.posted_urls("reading club")) == sorted(urls)
        await box.until(lambda: len(papers_in_threads(box, forum)) == 1 and len(papers_in_threads(box, forum)[0]) == 30)
        (posted,) = papers_in_threads(box, forum)
        assert sorted(posted) == sorted(urls)
        (thread,) = threads_of(box, forum)
        assert re.fullmatch(
            r"30 new papers for reward model · announced \w{3} \d+ \w{3}", box.world.channels[thread].name
        )
        another = box.publish("One More Reward Model")
        await box.until(lambda: len(threads_of(box, forum)) == 2)
        await box.until(lambda: papers_in_threads(box, forum)[1] == [another])
        # Quiet forum posts are archived soon; what changes is drawn in them all the same.
        box.world.set_thread(thread, archived=True)
        revised = next(url for url in urls)
        box.arxiv.revise(revised.rpartition("/")[2])
        await box.until(lambda: " · v2" in "".join(lines_in(box, thread)))
        sample = await box.said("channel test", {"channel": forum})
        assert sample.startswith("Posted: ")
        assert [box.world.channels[each].name for each in threads_of(box, forum)][2:] == ["A sample"]


def threads_of(box: Box, forum: int) -> list[int]:
    """A forum's posts, oldest first."""
    return sorted(channel.id for channel in box.world.channels.values() if channel.parent_id == forum)


def papers_in_threads(box: Box, forum: int) -> list[list[str]]:
    """The papers of each of a forum's posts."""
    return [
        [url for message in box.world.messages.in_channel(thread) for url in papers_in(message)]
        for thread in threads_of(box, forum)
    ]


def lines_in(box: Box, thread: int) -> list[str]:
    """The lines of all lists in a thread."""
    return [line for message in box.world.messages.in_channel(thread) for line in lines_of(message).values()]
