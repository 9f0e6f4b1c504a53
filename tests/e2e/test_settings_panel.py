"""Tests of `/channel settings`: what the panel shows and changes, wrong input, lost permissions, forged ids."""

import asyncio
import logging
import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from bot.discord_api.cooldown import CLICKS_PER_MINUTE
from cogs.channel_changes import EXCLUSIONS_ADDED_PER_MINUTE
from cogs.replies import UNUSABLE
from sandbox.discord import ComponentKind, InvalidAction, Permission, Status
from tests.support.embeds import embeds_of
from tests.support.panel import Panel
from tests.support.posting import allow, deny
from tests.support.running import RunningSandbox, running_bot, running_sandbox

pytestmark = pytest.mark.slow

OTHERS = "Only the person who opened this panel can use it. `/channel settings` opens one for you."


async def shown(sandbox: RunningSandbox, channel: str = "papers") -> str:
    """What `/channel show` says."""
    return await sandbox.reply_to("channel show", {"channel": sandbox.channel(channel)})


def add_manager(sandbox: RunningSandbox, name: str = "manager") -> int:
    """Adds a user who may manage the channels of the server."""
    world, guild = sandbox.world, sandbox.world.default.guild_id
    user_id = world.add_user(name).id
    world.add_member(guild, user_id, [world.add_role(guild, name, Permission.MANAGE_CHANNELS).id])
    return user_id


async def test_panel_shows_every_setting_in_words_to_one_person(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox, running_bot(sandbox):
        panel = await Panel.open(sandbox)
        assert panel.message.is_ephemeral
        assert panel.lines == [
            f"**Settings of <#{sandbox.channel('papers')}>**",
            "- Schedule: as they come",
            "- Style: auto: as cards, or as a compact list if there are more than five",
            "- Pings: nobody",
            "- Threads: off: no threads",
            "- Limit: none",
            "- Exclusions: none",
            "- Queued: 0 papers",
            "- ⚠️ No keywords yet: nothing is posted. Add one with `/subscribe`",
        ]
        assert panel.controls == {"settings": "Which setting?", "pause": "Pause", "sample": "Post a sample"}
        await panel.show("schedule")
        assert panel.controls == {
            "settings": "Which setting?",
            "as-they-come": "As they come",
            "daily": "Daily…",
            "weekdays": "Weekdays…",
            "days": "Some days…",
            "pause": "Pause",
            "sample": "Post a sample",
        }
        (embed,) = embeds_of(panel.message)
        assert embed.title == "Schedule"
        with pytest.raises(InvalidAction):
            await Panel.open(sandbox, user_id=sandbox.world.default.member_id)


async def test_style_is_chosen_in_a_menu(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox, running_bot(sandbox):
        panel = await Panel.open(sandbox, opened="style")
        changed = await panel.choose("menu", "compact")
        assert changed == await sandbox.reply_to("channel style", {"style": "compact"})
        assert "- Style: compact: as a compact list" in panel.lines
        assert "- Style: compact" in await shown(sandbox)


async def test_schedule_is_typed_into_forms(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox, running_bot(sandbox):
        await sandbox.subscribe("reward model")
        panel = await Panel.open(sandbox, opened="schedule")
        assert panel.highlighted == ["As they come"]
        with pytest.raises(InvalidAction, match="Time zone: this field is required"):
            await panel.fill_in("daily", time="8:30 pm")
        assert await panel.fill_in("daily", time="8:30 pm", zone=" ") == "Please also set `zone`, e.g. Europe/Berlin."
        changed = await panel.fill_in("daily", time="8:30 pm", zone="berlin")
        here = f"<#{panel.channel_id}>"
        assert changed.startswith(f"Papers in {here} will be posted daily at 20:30 (Europe/Berlin). Next: <t:")
        assert panel.lines[1].startswith("- Schedule: daily at 20:30 (Europe/Berlin); next <t:")
        assert panel.highlighted == ["Daily…"]
        # The form is filled in with the current schedule.
        assert "on weekdays at 20:30 (Europe/Berlin)" in await panel.fill_in("weekdays")
        assert panel.highlighted == ["Weekdays…"]
        assert "on Mondays and Thursdays at 09:00" in await panel.fill_in("days", time="09:00", days="Mon, Thu")
        assert panel.highlighted == ["Some days…"]
        assert "on Mondays and Thursdays at 09:00 (Asia/Tokyo)" in await panel.fill_in("days", zone="JST")
        assert await panel.press("as-they-come") == f"Papers in {here} will be posted as they come."
        assert "- Schedule: as they come" in panel.lines


async def test_wrong_input_is_explained_in_the_panel_and_changes_nothing(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox, running_bot(sandbox):
        panel = await Panel.open(sandbox, opened="schedule")
        for values, explanation in (
            ({"time": "25:70", "zone": "Europe/Berlin"}, "Not a time of day. Use the format `23:59`"),
            ({"time": "08:30", "zone": "Europe/Belrin"}, "Unknown time zone."),
            ({"time": "08:30", "zone": "Europe/Berlin", "days": "Freday"}, "`freday` is no day of the week"),
            (
                {"time": "as they come", "zone": "UTC", "days": "Mon"},
                "`zone`, `days` and `weekdays` need a time of day",
            ),
        ):
            assert explanation in await panel.fill_in("days", **{"days": "Mon", **values})
            assert "- Schedule: as they come" in panel.lines
        assert len(embeds_of(panel.message)) == 2
        await panel.show("limit")
        for typed in ("0", "1001", "-1", "ten", "1.5", "9" * 15, "\u0663"):
            assert await panel.fill_in("set", papers=typed) == "Type a whole number from 1 to 1,000."
        await panel.show("exclusions")
        assert "\n```\n(survey OR\n" in await panel.fill_in("add", expression="(survey OR")
        assert "leave out `-` in front of it" in await panel.fill_in("add", expression="-survey")
        assert await panel.fill_in("add", expression="   ") == await sandbox.reply_to(
            "channel exclude add", {"expression": "   "}
        )
        assert "- Exclusions: none" in panel.lines
        # A change removes the explanation of the mistake.
        await panel.show("style")
        assert [embed.title for embed in embeds_of(panel.message)] == ["Style"]


async def test_limit_is_set_and_removed(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox, running_bot(sandbox):
        panel = await Panel.open(sandbox, opened="limit")
        assert panel.highlighted == ["No limit"]
        changed = await panel.fill_in("set", papers=" 1,000 ")
        assert changed == await sandbox.reply_to("channel limit", {"papers": 1000})
        assert "- Limit: 1,000 papers per posting; 0 more in 30 days were not posted" in panel.lines
        assert panel.highlighted == ["Set a limit…"]
        assert await panel.press("no-limit") == await sandbox.reply_to("channel limit")
        assert "- Limit: none" in panel.lines


async def test_threads_are_chosen_where_the_bot_may_start_them(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox, running_bot(sandbox):
        panel = await Panel.open(sandbox, opened="threads")
        deny(sandbox, "papers", Permission.CREATE_PUBLIC_THREADS)
        refused = await panel.choose("menu", "per batch")
        assert "Please give me **Create Public Threads**" in refused
        assert "- Threads: off: no threads" in panel.lines
        allow(sandbox, "papers")
        changed = await panel.choose("menu", "on click")
        assert changed == await sandbox.reply_to("channel threads", {"mode": "on click"})
        assert "- Threads: on click: a button on each post" in panel.lines
        deny(sandbox, "papers", Permission.CREATE_PUBLIC_THREADS)
        await panel.show("threads")
        assert "I can't start threads in" in str(embeds_of(panel.message)[0].description)


async def test_role_is_chosen_and_removed(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox, running_bot(sandbox):
        guild = sandbox.world.default.guild_id
        readers = sandbox.world.add_role(guild, "Readers", Permission(0), mentionable=True).id
        protected = sandbox.world.add_role(guild, "Protected", Permission(0)).id
        manager = add_manager(sandbox)
        panel = await Panel.open(sandbox, opened="pings", user_id=manager)
        here = f"<#{panel.channel_id}>"
        assert await panel.choose("menu", readers) == f"Batches in {here} will ping <@&{readers}>."
        assert f"- Pings: <@&{readers}>" in panel.lines
        for role in (guild, protected):
            assert await panel.choose("menu", role) == await sandbox.reply_to(
                "channel mention", {"role": role}, user_id=manager
            )
        assert f"- Pings: <@&{readers}>" in panel.lines
        del sandbox.world.guilds[guild].roles[readers]
        deleted: dict[str, object] = {"guild_id": str(guild), "role_id": str(readers)}
        sandbox.world.events.emit("GUILD_ROLE_DELETE", deleted, guild_id=guild)
        await panel.show("pings")  # the menu selects no role that is gone
        assert await panel.press("nobody") == f"Batches in {here} won't ping a role of the channel."
        assert "- Pings: nobody" in panel.lines


async def test_exclusions_are_added_and_removed(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox, running_bot(sandbox):
        panel = await Panel.open(sandbox, opened="exclusions")
        assert "menu" not in panel.controls
        added = await panel.fill_in("add", expression="survey OR au:Noether")
        assert added.startswith("Papers that match **survey OR au:Noether**")
        assert "- Exclusions: 1; 0 papers in 30 days excluded" in panel.lines
        details, _ = embeds_of(panel.message)
        assert "- **survey OR au:Noether** · held back 0 papers in 30 days · added by <@" in details.description
        assert "already excludes" in await panel.fill_in("add", expression="au:Noether OR surveys")
        menu = panel.message.components[1]["components"]
        assert isinstance(menu, list)
        (option,) = menu[0]["options"]
        other = await Panel.open(sandbox, opened="exclusions")
        removed = await panel.choose("menu", option["value"])
        assert removed.startswith("New papers that match **survey OR au:Noether** are posted in")
        assert "menu" not in panel.controls
        # Someone else removed it in the meantime.
        gone = await other.choose("menu", option["value"])
        assert gone == f"<#{panel.channel_id}> does not exclude that. It has no exclusions."


async def test_exclusions_count_towards_the_rate_limit_of_the_command(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox, running_bot(sandbox):
        panel = await Panel.open(sandbox, opened="exclusions")
        await sandbox.reply_to("channel exclude add", {"expression": "word"})
        for number in range(1, EXCLUSIONS_ADDED_PER_MINUTE):
            await panel.fill_in("add", expression=f"word{number}")
        assert re.fullmatch(r"Rate limit: try again in \d+ s\.", await panel.fill_in("add", expression="too many"))
        assert f"- Exclusions: {EXCLUSIONS_ADDED_PER_MINUTE}; 0 papers in 30 days excluded" in panel.lines


async def test_publishing_and_trending_lists_are_offered_where_they_exist(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox:
        async with running_bot(sandbox, DAILY_PAPERS_HUGGINGFACE__ENABLED="true"):
            panel = await Panel.open(sandbox, channel="announcements", opened="publishing")
            assert await panel.press("publish") == await sandbox.reply_to(
                "channel publish", {"wanted": True, "channel": panel.channel_id}
            )
            assert "- Publishing: to followers" in panel.lines
            assert "won't be published" in await panel.press("do-not")
            await panel.show("trending")
            assert "- Trending lists: off" in panel.lines
            assert "Each day's trending list will be posted in" in await panel.press("daily")
            assert "Type a whole number from 0 to" in await panel.fill_in("votes", votes="many")
            assert "(papers with at least 20 votes)" in await panel.fill_in("votes", votes="20")
            assert "- Trending lists: each day's list, papers with at least 20 votes" in panel.lines
            assert panel.highlighted == ["Papers with votes…"]
        async with running_bot(sandbox):
            assert await panel.press("daily") == "Trending papers are switched off here."
            assert any("trending papers are switched off here" in line for line in panel.lines)
            assert "will no longer be posted" in await panel.press("off")
            assert not any(line.startswith("- Trending") for line in panel.lines)
            papers = await Panel.open(sandbox)
            assert not any(line.startswith(("- Publishing", "- Trending")) for line in papers.lines)


async def test_posting_is_paused_and_resumed_and_a_sample_is_posted(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox, running_bot(sandbox):
        panel = await Panel.open(sandbox, opened="style")
        assert await panel.press("sample") == f"<#{panel.channel_id}> has no keywords yet. Add one with `/subscribe`."
        sandbox.add_paper("On Reward Models")
        await sandbox.subscribe("reward model")
        assert (await panel.press("sample")).startswith("Posted a sample: https://discord.com/channels/")
        other = await Panel.open(sandbox)
        assert (await panel.press("pause")).startswith(f"Paused in <#{panel.channel_id}>.")
        assert panel.controls["resume"] == "Resume"
        assert "pause" not in panel.controls
        assert "is already paused" in await other.press("pause")
        # The setting that was open stays open.
        assert embeds_of(panel.message)[0].title == "Style"
        assert await panel.press("resume") == f"Resumed in <#{panel.channel_id}>. No papers were held."
        assert "pause" in panel.controls


async def test_lost_permission_is_noticed_at_each_click_and_leaves_the_panel(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox, running_bot(sandbox):
        manager = add_manager(sandbox)
        panel = await Panel.open(sandbox, opened="limit", user_id=manager)
        form = await panel.press_for_form("set")
        before = panel.message.content
        sandbox.world.set_member_roles(sandbox.world.default.guild_id, manager, [])
        refused = f"You need **Manage Channels** in <#{panel.channel_id}> to do that."
        assert await panel.submit(form, {"papers": "5"}) == refused
        assert await panel.press("no-limit") == refused
        assert await panel.choose("settings", "style") == refused
        assert await panel.press("pause") == refused
        assert await panel.press("sample") == refused
        assert await panel.press("set") == refused
        assert panel.message.content == before
        assert "- Limit: none" in (await Panel.open(sandbox)).message.content


async def test_channel_that_is_deleted_meanwhile_is_answered_in_one_sentence(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox, running_bot(sandbox):
        panel = await Panel.open(sandbox, channel="vision", opened="limit")
        sandbox.world.delete_channel(panel.channel_id)
        for name in ("no-limit", "set"):
            pressed = await panel.press(name)
            assert pressed == f"You can no longer manage <#{panel.channel_id}>."


async def test_panel_and_open_form_work_after_a_restart(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox:
        async with running_bot(sandbox):
            panel = await Panel.open(sandbox, opened="limit")
            form = await panel.press_for_form("set")
        async with running_bot(sandbox):
            assert "at most 7 papers" in await panel.submit(form, {"papers": "7"})
            assert await panel.press("no-limit") == await sandbox.reply_to("channel limit")
            await panel.show("style")
            assert "as cards" in await panel.choose("menu", "cards")


async def test_two_admins_do_not_overwrite_each_other(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox, running_bot(sandbox):
        first, second = await Panel.open(sandbox), await Panel.open(sandbox, user_id=add_manager(sandbox))
        await first.show("style")
        await second.show("limit")
        form = await second.press_for_form("set")
        await asyncio.gather(
            first.choose("menu", "compact"), second.submit(form, {"papers": "3"}), first.press("pause")
        )
        for panel in (first, second):
            await panel.show("schedule")
            assert "- Style: compact: as a compact list" in panel.lines
            assert "- Limit: 3 papers per posting; 0 more in 30 days were not posted" in panel.lines
            assert "resume" in panel.controls


async def test_database_failure_is_shown_and_leaves_the_controls(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox, running_bot(sandbox):
        panel = await Panel.open(sandbox, opened="style")
        with closing(sqlite3.connect(sandbox.database, isolation_level=None, check_same_thread=False)) as other:
            await asyncio.to_thread(other.execute, "BEGIN IMMEDIATE")  # may wait for a transaction of the bot
            result = await panel.choose("menu", "compact")
            other.execute("ROLLBACK")
        assert result.startswith("Nothing was changed: the database cannot be used at the moment: database is locked.")
        assert "are shown as a compact list." in await panel.choose("menu", "compact")


async def test_unexpected_rejection_is_logged_and_answered(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with running_sandbox(tmp_path) as sandbox, running_bot(sandbox):
        sandbox.add_paper("On Reward Models")
        await sandbox.subscribe("reward model")
        panel = await Panel.open(sandbox)
        sandbox.discord.faults.add("POST", r"^/channels/\d+/messages$", Status.api_error(400, 50035, "Invalid"))
        assert (await panel.press("sample")).startswith("Something went wrong, and the error was logged.")
        assert (await panel.press("sample")).startswith("Posted a sample: ")
    assert [record.message for record in caplog.records if record.exc_info] == ["command failed"]


@pytest.mark.parametrize("kind", [ComponentKind.BUTTON, ComponentKind.STRING_SELECT, ComponentKind.ROLE_SELECT])
async def test_forged_controls_are_answered_in_one_sentence(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, kind: ComponentKind
) -> None:
    async with running_sandbox(tmp_path) as sandbox, running_bot(sandbox):
        panel = await Panel.open(sandbox)
        admin, papers, member = panel.user_id, panel.channel_id, sandbox.world.default.member_id

        async def forged(custom_id: str, values: list[str], user_id: int = admin) -> str:
            message = panel.message
            if user_id != admin:  # nobody else can see the panel
                message = sandbox.world.messages.post(papers, sandbox.world.bot_id, "a post")
            used = await sandbox.discord.press_forged(message.id, custom_id, user_id=user_id, kind=kind, values=values)
            reply = await used.wait_for_reply()
            return reply.content

        for setting, control in (("none", "menu"), ("x", "y"), ("style", "set"), ("schedule", "menu"), ("a-b", "none")):
            assert await forged(f"panel:{admin}:{papers}:{setting}:{control}", ["compact"]) == UNUSABLE
        assert await forged(f"panel:{'9' * 20}:{papers}:style:menu", ["compact"]) == UNUSABLE
        assert await forged(f"panel:{member}:{papers}:style:menu", ["compact"]) in {OTHERS, UNUSABLE}
        for values in (["newspaper"], [], ["compact" * 10]):
            for setting in ("none", "style", "exclusions", "pings"):
                name = "settings" if setting == "none" else "menu"
                result = await forged(f"panel:{admin}:{papers}:{setting}:{name}", values)
                assert result == UNUSABLE or result == panel.message.content
        # People who may not manage the channel get no further with a custom id of their own.
        for setting, control in (("style", "menu"), ("limit", "no-limit"), ("limit", "set"), ("none", "pause")):
            text = await forged(f"panel:{member}:{papers}:{setting}:{control}", ["compact"], member)
            assert text in {UNUSABLE, f"You need **Manage Channels** in <#{papers}> to do that."}
            hidden = await forged(f"panel:{member}:{sandbox.channel('admins')}:{setting}:{control}", [], member)
            assert hidden in {UNUSABLE, f"You can no longer manage <#{sandbox.channel('admins')}>."}
        assert "- Style: auto" in await shown(sandbox)
    assert [record for record in caplog.records if record.exc_info or record.levelno >= logging.ERROR] == []


async def test_forged_forms_are_answered_in_one_sentence(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with running_sandbox(tmp_path) as sandbox, running_bot(sandbox):
        panel = await Panel.open(sandbox, opened="limit")
        admin, papers, member = panel.user_id, panel.channel_id, sandbox.world.default.member_id
        form = await panel.press_for_form("set")

        def text(value: object, name: str = "papers") -> dict[str, object]:
            return {"type": 18, "id": 1, "component": {"type": 4, "id": 2, "custom_id": name, "value": value}}

        valid = [text("5")]
        for button in ("limit:no-limit", "limit:settings", "none:set", "x:y", "style:menu", "none:pause"):
            assert await panel.submit_forged(form, f"panel-form:{admin}:{papers}:{button}", valid) == UNUSABLE
        others = f"panel-form:{member}:{papers}:limit:set"
        assert await panel.submit_forged(form, others, valid) == OTHERS
        foreign = f"panel-form:{admin}:1:limit:set"
        assert await panel.submit_forged(form, foreign, valid) == "You can no longer manage <#1>."
        own = f"panel-form:{admin}:{papers}:limit:set"
        nested: dict[str, object] = text("5")
        for _ in range(30):
            nested = {"type": 1, "id": 1, "components": [nested]}
        hostile: list[list[dict[str, object]]] = [[], [{}], [text(5)], [text(None)], [text("5", "votes")], [nested]]
        for components in (*hostile, [text("x" * 4000)]):
            assert await panel.submit_forged(form, own, components) == "Type a whole number from 1 to 1,000."
        assert "- Limit: none" in panel.lines
        # Forms count as clicks; a slow machine may need more than a minute for the first ones.
        results = [await panel.submit_forged(form, own, []) for _ in range(3 * CLICKS_PER_MINUTE)]
        assert any(re.fullmatch(r"Rate limit: try again in \d+ s\.", result) for result in results)
    assert [record for record in caplog.records if record.exc_info or record.levelno >= logging.ERROR] == []
