"""Tests of `/channel …`: the effect of each setting, the replies, and invalid input."""

import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa

from bot.store.schema import channel_settings
from sandbox.discord import ChannelKind, InvalidAction, Limit, Message, MessageFlag, Permission, RateLimits, Status
from tests.support.embeds import lines_of, papers_in
from tests.support.posting import deny
from tests.support.quiescence import wait_until_true
from tests.support.running import DEADLINE_S, RunningSandbox, running_bot, running_sandbox

pytestmark = pytest.mark.slow

ZONE = "Europe/Berlin"


async def channel(sandbox: RunningSandbox, command: str, **options: object) -> str:
    """The reply to the admin in #papers."""
    return await sandbox.reply_to(f"channel {command}", options)


def here(sandbox: RunningSandbox, name: str = "papers") -> str:
    """A link to a channel."""
    return f"<#{sandbox.channel(name)}>"


def add_papers(sandbox: RunningSandbox, count: int, title: str = "Reward Models, Part") -> list[str]:
    """Adds papers to arXiv at once and returns their URLs, oldest first."""
    return [sandbox.add_paper(f"{title} {part}") for part in range(count)]


async def test_show_lists_the_defaults_and_then_the_changed_settings(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox:
        async with running_bot(sandbox):
            assert (await channel(sandbox, "show")).splitlines() == [
                f"**{here(sandbox)}**",
                "- Schedule: as they come",
                "- Style: auto",
                "- Pings: nobody",
                "- Queued: 0 papers",
                "- ⚠️ No keywords yet: nothing is posted. Add one with `/subscribe`",
            ]
            await sandbox.subscribe("reward model")
            await channel(sandbox, "style", style="compact")
            await channel(sandbox, "schedule", time="8:30 pm", zone="berlin", weekdays=True)
            await channel(sandbox, "pause")
            shown = await channel(sandbox, "show")
        assert "- Schedule: on weekdays at 20:30 (Europe/Berlin)\n" in shown
        assert "- Style: compact" in shown
        assert re.search(r"⏸️ Paused <t:\d+:R>", shown)
        async with running_bot(sandbox):
            assert await channel(sandbox, "show") == shown
        with closing(sqlite3.connect(sandbox.database, isolation_level=None)) as database:
            database.execute("UPDATE channel_settings SET zone = 'EST'")  # accepted by earlier versions
        async with running_bot(sandbox):
            shown = await channel(sandbox, "show")
        assert "(EST); ⚠️ this zone has no daylight saving time: choose America/New_York with `/channel" in shown


async def test_show_lists_everything_that_prevents_posts(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox, running_bot(sandbox):
        await sandbox.subscribe("reward model")
        await channel(sandbox, "schedule", time="8:30 pm", zone="berlin")
        shown = await channel(sandbox, "show")
        assert re.search(r"^- Schedule: daily at 20:30 \(Europe/Berlin\); next <t:\d+:R>$", shown, re.MULTILINE)
        assert "⚠️" not in shown
        deny(sandbox, "papers", Permission.EMBED_LINKS | Permission.READ_MESSAGE_HISTORY)
        await channel(sandbox, "pause")
        shown = await channel(sandbox, "show")
        assert "next <t:" not in shown
        assert re.search(r"⏸️ Paused <t:\d+:R>; resume with", shown)
        missing = "Please give me **Embed Links** and **Read Message History** there."
        assert f"- ⚠️ I can't post in {here(sandbox)}. {missing}" in shown
        thread = sandbox.channel("reading club")
        sandbox.world.lock_thread(thread)
        shown = await sandbox.reply_to("channel show", {"channel": thread})
        assert f"- ⚠️ I can't post in <#{thread}>. The thread is locked." in shown


async def test_show_names_the_reason_why_discord_rejected_a_message(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox, running_bot(sandbox):
        await sandbox.subscribe("reward model")
        # The gateway's permissions allow posting, and Discord rejects it all the same.
        rejection = Status.api_error(403, 50013, "Missing Permissions")
        sandbox.discord.faults.add("POST", r"^/channels/\d+/messages$", rejection, times=100)
        sandbox.add_paper("A Reward Model")
        await sandbox.wait_for_status("The bot needs the Send Messages and Embed Links permissions there.")
        reason = "The bot needs the Send Messages and Embed Links permissions there."
        assert f"- ⚠️ I couldn't post in {here(sandbox)}. {reason}" in await channel(sandbox, "show")


async def test_style_applies_to_the_next_batch(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox, running_bot(sandbox):
        await sandbox.subscribe("reward model")
        assert await channel(sandbox, "style", style="compact") == (
            f"From the next batch on, papers in {here(sandbox)} are shown as a compact list."
        )
        first = sandbox.add_paper("A Reward Model")
        (listed,) = await sandbox.wait_for_papers("papers", 1)
        assert list(lines_of(listed)) == [first]
        await channel(sandbox, "style", style="cards")
        # With the style auto, six papers would be a list.
        await channel(sandbox, "pause")
        add_papers(sandbox, 6)
        await wait_for_queue(sandbox, 6)
        await channel(sandbox, "resume")
        *_, cards = await sandbox.wait_for_papers("papers", 7)
        assert len(cards.embeds) == 6
        with pytest.raises(InvalidAction):
            await channel(sandbox, "style", style="newspaper")


async def wait_for_queue(sandbox: RunningSandbox, count: int, *, channel: str = "papers") -> None:
    """Waits until `count` papers are queued for the channel."""
    reply = ""
    while f"- Queued: {count} paper" not in reply:
        reply = await sandbox.reply_to("channel show", {"channel": sandbox.channel(channel)})
        await sandbox.wait_for_next_poll()


async def test_schedule_takes_a_time_and_a_zone_and_suggests_both(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox, running_bot(sandbox):
        assert await channel(sandbox, "schedule", time="08:30") == ("Please also set `zone`, e.g. Europe/Berlin.")
        reply = await channel(sandbox, "schedule", time="08:30", zone=ZONE)
        daily = re.escape(f"Papers in {here(sandbox)} will be posted daily at 08:30 (Europe/Berlin).")
        assert re.fullmatch(rf"{daily} Next: <t:\d+:f>\.", reply)
        # The zone of the previous schedule is kept.
        assert "on weekdays at 09:00 (Europe/Berlin)" in await channel(sandbox, "schedule", time="9 am", weekdays=True)
        # So are the weekdays, until the option says otherwise.
        assert "on weekdays at 10:00 (Asia/Tokyo)" in await channel(sandbox, "schedule", time="10:00", zone="JST")
        assert "daily at 10:00 (Asia/Tokyo)" in await channel(sandbox, "schedule", time="10:00", weekdays=False)
        for option in ({"weekdays": True}, {"zone": ZONE}):
            assert await channel(sandbox, "schedule", time="as they come", **option) == (
                "`zone`, `days` and `weekdays` need a time of day. Leave them out for `as they come`."
            )
        assert "daily at 10:00 (Asia/Tokyo)" in await channel(sandbox, "show")
        assert (
            await channel(sandbox, "schedule", time="As they come")
            == f"Papers in {here(sandbox)} will be posted as they come."
        )
        zones = await sandbox.suggestions("channel schedule", {"time": "08:30", "zone": "germ"}, "zone")
        assert "Europe/Berlin" in zones.values()
        assert 0 < len(await sandbox.suggestions("channel schedule", {"time": "08:30", "zone": ""}, "zone")) <= 25
        assert "as they come" in (await sandbox.suggestions("channel schedule", {"time": "as"}, "time")).values()


async def test_weekly_schedule_takes_days_as_people_type_them(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox, running_bot(sandbox):
        reply = await channel(sandbox, "schedule", time="08:30", zone=ZONE, days="monday and Thu")
        weekly = "on Mondays and Thursdays at 08:30 (Europe/Berlin)"
        assert reply.startswith(f"Papers in {here(sandbox)} will be posted {weekly}. Next: <t:")
        assert f"- Schedule: {weekly}; next <t:" not in await channel(sandbox, "show")  # it has no keywords yet
        await sandbox.subscribe("reward model")
        assert f"- Schedule: {weekly}; next <t:" in await channel(sandbox, "show")
        # The days are kept until an option changes them.
        assert "on Mondays and Thursdays at 09:00" in await channel(sandbox, "schedule", time="09:00")
        assert "on weekdays at 09:00" in await channel(sandbox, "schedule", time="09:00", days="Mon-Fri")
        assert "on Mondays, Fridays," in await channel(sandbox, "schedule", time="09:00", days="Fri-Mon")
        assert await channel(sandbox, "schedule", time="09:00", days="Mon, Freday") == (
            "`freday` is no day of the week: use names such as `Monday` or `Mon`, a range such as `Mon-Fri`, "
            "`weekdays`, `weekends` or `daily`."
        )
        assert await channel(sandbox, "schedule", time="09:00", days="Mon", weekdays=True) == (
            "Use either `days` or `weekdays`; `days:weekdays` also skips Saturdays and Sundays."
        )
        assert "on Mondays, Fridays, Saturdays and Sundays at 09:00" in await channel(sandbox, "show")
        choices = await sandbox.suggestions("channel schedule", {"time": "08:30", "days": "Mon, th"}, "days")
        assert choices == {"Mondays and Thursdays": "Mon, Thu"}


async def test_zone_can_be_typed_after_the_time_as_in_help(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox, running_bot(sandbox):
        assert (await channel(sandbox, "schedule", time="08:30 Europe/Belrin")).startswith("Unknown time zone.")
        reply = await channel(sandbox, "schedule", time="08:30 Europe/Berlin")
        assert "will be posted daily at 08:30 (Europe/Berlin)." in reply


async def test_invalid_zone_or_time_is_rejected_with_a_suggestion(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox, running_bot(sandbox):
        reply = await channel(sandbox, "schedule", time="08:30", zone="Europe/Belrin")
        assert reply.startswith("Unknown time zone.")
        assert "Europe/Berlin" in reply
        reply = await channel(sandbox, "schedule", time="08:30", zone="GMT+8")
        assert "Did you mean `Asia/Singapore`, `Asia/Shanghai` or `Australia/Perth`?" in reply
        assert await channel(sandbox, "schedule", time="25:70", zone=ZONE) == (
            "Not a time of day. Use the format `23:59`, or `as they come`."
        )
        assert "- Schedule: as they come" in await channel(sandbox, "show")


async def test_paused_channel_queues_papers_and_posts_them_on_resume(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox:
        async with running_bot(sandbox):
            await sandbox.subscribe("reward model")
            await sandbox.subscribe("reward model", channel="vision")
            assert await channel(sandbox, "pause") == (
                f"Paused in {here(sandbox)}. New papers are queued; post them with `/channel resume`."
            )
            assert await channel(sandbox, "pause") == (
                f"{here(sandbox)} is already paused. Resume it with `/channel resume`."
            )
            assert f"⏸️ {here(sandbox)}, paused <t:" in await sandbox.reply_to("status")
            urls = add_papers(sandbox, 3)
            await sandbox.wait_for_papers("vision", 3)
            assert sandbox.posts("papers") == []
        async with running_bot(sandbox):
            assert await channel(sandbox, "resume") == f"Resumed in {here(sandbox)}. Posting 3 held papers."
            (post,) = await sandbox.wait_for_papers("papers", 3)
            assert sorted(papers_in(post)) == sorted(urls)
            assert post.content == ("**3 papers** for reward model, held while this channel was paused (oldest first)")
            assert await channel(sandbox, "resume") == f"{here(sandbox)} isn't paused."
            backlog = sa.select(channel_settings.c.channel_id).where(channel_settings.c.backlog_pending)
            await wait_until_true(sandbox.database, ~backlog.exists(), DEADLINE_S)
            sandbox.add_paper("A New Reward Model")
            *_, post = await sandbox.wait_for_papers("papers", 4)
            assert post.content.startswith("**1 new paper** for reward model · announced ")


async def test_resume_names_what_prevents_posting_the_held_papers(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox, running_bot(sandbox):
        await sandbox.subscribe("reward model")
        await channel(sandbox, "pause")
        add_papers(sandbox, 1)
        await wait_for_queue(sandbox, 1)
        deny(sandbox, "papers")
        assert await channel(sandbox, "resume") == (
            f"Resumed in {here(sandbox)}. 1 held paper can't be posted yet.\n"
            f"⚠️ I can't post in {here(sandbox)}. Please give me **Send Messages** there."
        )


async def test_backlog_of_more_than_fifty_papers_is_posted_as_a_compact_list(
    tmp_path: Path,
) -> None:
    async with running_sandbox(tmp_path) as sandbox, running_bot(sandbox):
        await sandbox.subscribe("reward model")
        await channel(sandbox, "style", style="cards")
        await channel(sandbox, "pause")
        add_papers(sandbox, 53)
        await wait_for_queue(sandbox, 53)
        await channel(sandbox, "resume")
        posts = await sandbox.wait_for_papers("papers", 53)
        assert [len(papers_in(post)) for post in posts] == [20, 20, 13]
        assert [post.content for post in posts] == [
            "**53 papers** for reward model, held while this channel was paused (oldest first, as a compact list)",
            "",
            "",
        ]
        # After the backlog, the channel's style applies again.
        add_papers(sandbox, 1, "One More Reward Model")
        *_, post = await sandbox.wait_for_papers("papers", 54)
        assert lines_of(post) == {}


async def test_pause_stops_a_batch_that_is_being_posted(tmp_path: Path) -> None:
    async with (
        running_sandbox(tmp_path, rate_limits=RateLimits(messages=Limit(1, 1.0), others=Limit(500, 1.0))) as sandbox,
        running_bot(sandbox),
    ):
        await sandbox.subscribe("reward model")
        await channel(sandbox, "style", style="cards")
        add_papers(sandbox, 50)
        await sandbox.wait_for_papers("papers", 10)
        await channel(sandbox, "pause")
        await sandbox.wait_for_next_poll()
        shown = len(sandbox.posted_urls("papers"))
        await sandbox.wait_for_next_poll()
        assert len(sandbox.posted_urls("papers")) == shown < 50
        await channel(sandbox, "resume")
        await sandbox.wait_for_papers("papers", 50)
        assert len(set(sandbox.posted_urls("papers"))) == 50


async def test_role_is_pinged_once_per_batch_and_nobody_else_is(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox, running_bot(sandbox):
        guild = sandbox.world.default.guild_id
        role = sandbox.world.add_role(guild, "Readers", Permission(0))
        await sandbox.subscribe("reward model")
        assert await channel(sandbox, "mention", role=role.id) == (
            f"I can't ping <@&{role.id}>. Make it mentionable, or give me "
            f"**Mention @everyone, @here, and All Roles** in {here(sandbox)}."
        )
        everyone = await channel(sandbox, "mention", role=guild)
        assert everyone == "@everyone can't be pinged. Pick a role that people opt into."
        sandbox.world.set_overwrite(
            sandbox.channel("papers"), sandbox.world.default.bot_role_id, allow=Permission.MENTION_EVERYONE
        )
        assert await channel(sandbox, "mention", role=role.id) == f"Batches in {here(sandbox)} will ping <@&{role.id}>."
        add_papers(sandbox, 30)
        posts = await sandbox.wait_for_papers("papers", 30)
        assert [post.pings.role_ids for post in posts] == [(role.id,), ()]
        assert not any(post.pings.everyone or post.pings.user_ids for post in posts)
        assert posts[0].content.startswith(f"<@&{role.id}> **30 new papers** for reward model")
        assert await channel(sandbox, "mention") == f"Batches in {here(sandbox)} won't ping a role of the channel."
        sandbox.add_paper("One More Reward Model")
        *_, post = await sandbox.wait_for_papers("papers", 31)
        assert not post.pings


async def test_batch_interrupted_by_a_restart_continues_without_a_second_ping(tmp_path: Path) -> None:
    slow = RateLimits(messages=Limit(1, 0.5), others=Limit(500, 1.0))
    async with running_sandbox(tmp_path, rate_limits=slow) as sandbox:
        async with running_bot(sandbox):
            world = sandbox.world
            role = world.add_role(world.default.guild_id, "Readers", Permission(0))
            world.set_overwrite(sandbox.channel("papers"), world.default.bot_role_id, allow=Permission.MENTION_EVERYONE)
            await sandbox.subscribe("reward model")
            await channel(sandbox, "style", style="cards")
            await channel(sandbox, "mention", role=role.id)
            add_papers(sandbox, 50)
            await sandbox.wait_for_papers("papers", 10)
        assert (posted_before := len(sandbox.posted_urls("papers"))) < 50
        async with running_bot(sandbox):
            posts = await sandbox.wait_for_papers("papers", 50)
        assert [bool(post.pings) for post in posts] == [True, False, False, False, False]
        first_lines = [post.content.removeprefix(f"<@&{role.id}> ") for post in posts if post.content]
        assert [line.split(" for ")[0] for line in first_lines] == [
            "**50 new papers**",
            f"**{50 - posted_before} more papers**",
        ]


async def test_sample_shows_known_papers_and_pings_nobody(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox, running_bot(sandbox):
        assert await channel(sandbox, "test") == (f"{here(sandbox)} has no keywords yet. Add one with `/subscribe`.")
        sandbox.world.set_overwrite(
            sandbox.channel("papers"), sandbox.world.default.bot_role_id, allow=Permission.MENTION_EVERYONE
        )
        role = sandbox.world.add_role(sandbox.world.default.guild_id, "Readers", Permission(0))
        urls = add_papers(sandbox, 4)
        await sandbox.subscribe("reward model")
        await channel(sandbox, "mention", role=role.id)
        reply = await channel(sandbox, "test")
        (sample,) = sandbox.posts("papers")
        guild = sandbox.world.default.guild_id
        assert reply == f"Posted a sample: https://discord.com/channels/{guild}/{sample.channel_id}/{sample.id}"
        assert len(set(papers_in(sample)) & set(urls)) == 3
        assert sample.content == "**Sample**: this is how papers look in this channel."
        assert not sample.pings
        # The sample is not recorded as posted.
        sandbox.add_paper("A New Reward Model")
        await sandbox.wait_for_papers("papers", 4)
        assert len(sandbox.posts("papers")) == 2


async def test_sample_that_discord_rejects_is_answered_with_the_reason(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox, running_bot(sandbox):
        add_papers(sandbox, 1)
        await sandbox.subscribe("reward model")
        for status, code, message in ((403, 50013, "Missing Permissions"), (404, 10003, "Unknown Channel")):
            sandbox.discord.faults.add("POST", r"/channels/\d+/messages$", Status.api_error(status, code, message))
            reply = await channel(sandbox, "test")
            assert reply.startswith(f"Discord rejected that (status {status}, error code {code}: {message}).")


async def test_posts_of_an_announcement_channel_are_published_within_the_limit(tmp_path: Path) -> None:
    async with running_sandbox(
        tmp_path, rate_limits=RateLimits(crossposts=Limit(2, 3600.0), messages=Limit(50, 1.0))
    ) as sandbox:
        async with running_bot(sandbox):
            assert await channel(sandbox, "publish", wanted=True) == (
                f"{here(sandbox)} isn't an announcement channel; only those have followers."
            )
            name = "announcements"
            reply = await channel(sandbox, "publish", wanted=True, channel=sandbox.channel(name))
            assert reply == (
                f"New papers in {here(sandbox, name)} will be published to its followers, "
                "at most ten messages per hour."
            )
            await sandbox.reply_to("channel style", {"style": "cards"}, channel=name)
            await sandbox.subscribe("reward model", channel=name)
            add_papers(sandbox, 41)
            await sandbox.wait_for_papers(name, 41)
            await sandbox.wait_until(lambda: len(published(sandbox.posts(name))) == 2)
            await sandbox.wait_for_next_poll()
        assert len(sandbox.posts(name)) == 5
        assert len(published(sandbox.posts(name))) == 2
        requests = [request for request in sandbox.discord.requests if request.path.endswith("/crosspost")]
        assert sum(request.status == 429 for request in requests) <= 1
        assert len(requests) <= 3


def published(posts: list[Message]) -> list[Message]:
    """The posts that were published to followers."""
    return [post for post in posts if MessageFlag.CROSSPOSTED in post.flags]


async def test_caller_who_may_not_manage_the_channel_cannot_change_it(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox, running_bot(sandbox):
        member = sandbox.world.default.member_id
        with pytest.raises(InvalidAction):
            await sandbox.reply_to("channel pause", user_id=member)
        sandbox.world.set_overwrite(sandbox.channel("papers"), member, allow=Permission.MANAGE_CHANNELS)
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
            named = {**options, "channel": sandbox.channel("vision")}
            reply = await sandbox.reply_to(f"channel {command}", named, user_id=member)
            assert reply == f"You need **Manage Channels** in {here(sandbox, 'vision')} to do that."
            reply = await sandbox.reply_to(
                f"channel {command}", {**options, "channel": sandbox.channel("reading club")}, user_id=member
            )
            assert reply == f"You need **Manage Threads** in {here(sandbox, 'reading club')} to do that."
        assert await sandbox.reply_to("channel style", {"style": "cards"}, user_id=member) == (
            f"From the next batch on, papers in {here(sandbox)} are shown as cards."
        )
        with pytest.raises(InvalidAction):
            await sandbox.reply_to("channel show", channel=None)


async def test_unsupported_channel_type_is_rejected_with_the_supported_types(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox, running_bot(sandbox):
        category = sandbox.world.add_channel(sandbox.world.default.guild_id, "Rooms", ChannelKind.CATEGORY).id
        rejection = (
            f"I can't post in <#{category}>. "
            "Papers can be posted in text channels, announcement channels, forums and threads."
        )
        assert await sandbox.reply_to("subscribe", {"keyword": "reward model", "channel": category}) == rejection
        assert await channel(sandbox, "style", style="cards", channel=category) == rejection
        assert await channel(sandbox, "test", channel=category) == rejection


async def test_forum_gets_one_post_per_batch_and_a_thread_keeps_its_batch(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox, running_bot(sandbox):
        forum = sandbox.world.add_channel(sandbox.world.default.guild_id, "paper-forum", ChannelKind.FORUM).id
        await sandbox.subscribe("reward model", channel="reading club")
        reply = await sandbox.reply_to("subscribe", {"keyword": "reward model", "channel": forum})
        assert f"**reward model**: added to <#{forum}>." in reply
        urls = add_papers(sandbox, 30)
        await sandbox.wait_for_papers("reading club", 30)
        assert sorted(sandbox.posted_urls("reading club")) == sorted(urls)
        await sandbox.wait_until(
            lambda: len(papers_in_threads(sandbox, forum)) == 1 and len(papers_in_threads(sandbox, forum)[0]) == 30
        )
        (posted,) = papers_in_threads(sandbox, forum)
        assert sorted(posted) == sorted(urls)
        (thread,) = threads_of(sandbox, forum)
        assert re.fullmatch(
            r"30 new papers for reward model · announced \w{3} \d+ \w{3}", sandbox.world.channels[thread].name
        )
        another = sandbox.add_paper("One More Reward Model")
        await sandbox.wait_until(lambda: len(threads_of(sandbox, forum)) == 2)
        await sandbox.wait_until(lambda: papers_in_threads(sandbox, forum)[1] == [another])
        # An archived forum post is still edited.
        sandbox.world.set_thread(thread, archived=True)
        revised = next(url for url in urls)
        sandbox.arxiv.revise(revised.rpartition("/")[2])
        await sandbox.wait_until(lambda: " · v2" in "".join(lines_in(sandbox, thread)))
        sample = await sandbox.reply_to("channel test", {"channel": forum})
        assert sample.startswith("Posted a sample: ")
        assert [sandbox.world.channels[each].name for each in threads_of(sandbox, forum)][2:] == ["A sample"]


def threads_of(sandbox: RunningSandbox, forum: int) -> list[int]:
    """The threads of a forum, oldest first."""
    return sorted(channel.id for channel in sandbox.world.channels.values() if channel.parent_id == forum)


def papers_in_threads(sandbox: RunningSandbox, forum: int) -> list[list[str]]:
    """The papers in each thread of a forum."""
    return [
        [url for message in sandbox.world.messages.in_channel(thread) for url in papers_in(message)]
        for thread in threads_of(sandbox, forum)
    ]


def lines_in(sandbox: RunningSandbox, thread: int) -> list[str]:
    """The lines of all compact lists in a thread."""
    return [line for message in sandbox.world.messages.in_channel(thread) for line in lines_of(message).values()]
