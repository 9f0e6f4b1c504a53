"""`/privacy show` and `/privacy delete`."""

import json
from pathlib import Path

import pytest

from tests.e2e.test_settings_files import channel_file, downloaded, import_file, press, pressed, reply_of
from tests.support.running import DEADLINE_S, running_bot, running_sandbox


async def test_person_sees_and_deletes_what_is_stored_about_them(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox:
        admin = sandbox.world.default.admin_id
        async with running_bot(sandbox):
            assert (await sandbox.reply_to("privacy show")).startswith(
                "The bot stores nothing about you.\n-# In memory"
            )
            await sandbox.subscribe("graph")
            await import_file(sandbox, channel_file(sandbox, "tree"))
            shown = reply_of(await sandbox.command("privacy show", channel=None))
            assert "- 1 keyword that you added, with the time; `/keywords` shows it" in shown.content
            assert "- 1 import of settings that you can apply or undo" in shown.content
            (attachment,) = shown.attachments
            document = json.loads(await downloaded(str(attachment["url"])))
            assert document["user"] == str(admin)
            (keyword,) = document["keywords_added"]
            assert (keyword["channel"], keyword["keyword"]) == (str(sandbox.channel("papers")), "graph")
            assert document["imports"][0]["applied"] is False
            question = reply_of(await sandbox.command("privacy delete"))
            assert question.is_ephemeral
            assert "your id is removed from 1 keyword" in question.content
            assert "<@" in await sandbox.reply_to("keywords")
        async with running_bot(sandbox):
            assert (await pressed(sandbox, question, "Delete my data")).startswith("Deleted. The bot stores nothing")
            listed = await sandbox.reply_to("keywords")
            assert "**graph** · added on <t:" in listed
            assert str(admin) not in listed
            assert (await sandbox.reply_to("privacy show")).startswith("The bot stores nothing about you.")
            assert (await sandbox.reply_to("privacy delete")).startswith("The bot stores nothing about you.")


@pytest.mark.slow
async def test_nothing_is_deleted_without_a_confirmation_by_the_same_person(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox, running_bot(sandbox):
        await sandbox.subscribe("graph")
        question = reply_of(await sandbox.command("privacy delete"))
        question.visible_to = None  # as if Discord showed the message to everyone
        member = sandbox.world.default.member_id
        refused = await press(sandbox, question, "Delete my data", user_id=member)
        assert "Only the person who ran the command" in (await refused.wait_for_reply(DEADLINE_S)).content
        assert await pressed(sandbox, question, "Cancel") == "Cancelled. Nothing was deleted."
        assert "1 keyword that you added" in await sandbox.reply_to("privacy show")
