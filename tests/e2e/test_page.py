"""`/page` and the public page of the running bot, which show only channels that the user may view."""

from pathlib import Path

import aiohttp
import pytest

from cogs.pages import PAGES_PER_MINUTE
from sandbox.discord import ChannelKind, InvalidAction, Message, Permission
from tests.support.loopback import free_port
from tests.support.running import RunningSandbox, running_bot, running_sandbox


async def request_page(
    sandbox: RunningSandbox, channel: str | None = None, *, here: str = "papers", **options: object
) -> Message:
    """Returns the reply to `/page`, run by the member."""
    arguments = options if channel is None else {**options, "channel": sandbox.channel(channel)}
    invocation = await sandbox.command("page", arguments, channel=here, user_id=sandbox.world.default.member_id)
    await invocation.wait_for_edit(lambda message: bool(message.content))
    assert invocation.reply is not None
    return invocation.reply


async def read_file(message: Message) -> tuple[str, str]:
    """Returns the name and the text of the message's only file."""
    (attachment,) = message.attachments
    async with aiohttp.ClientSession() as session, session.get(str(attachment["url"])) as response:
        return str(attachment["filename"]), await response.text()


@pytest.mark.slow
async def test_page_command_returns_a_file_of_the_channels_papers(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox, running_bot(sandbox):
        sandbox.add_paper("On Reward Models")
        sandbox.add_paper("A Secret Sheaf")
        await sandbox.subscribe("reward model")
        await sandbox.subscribe("sheaf", channel="admins")
        here = f"<#{sandbox.channel('papers')}>"

        reply = await request_page(sandbox)
        assert reply.is_ephemeral
        assert reply.content.startswith(f"{here}: 1 keyword, 1 paper, updated <t:")
        name, text = await read_file(reply)
        assert name == "daily-papers.html"
        assert "On Reward Models" in text
        assert "Sheaf" not in text

        name, text = await read_file(await request_page(sandbox, "papers", here="general", format="md"))
        assert name == "daily-papers.md"
        assert "\n## reward model\n" in text

        shared = await request_page(sandbox, public=True)
        assert not shared.is_ephemeral
        # Everyone can view #papers, so it may be shown in another channel.
        assert not (await request_page(sandbox, "papers", here="general", public=True)).is_ephemeral
        assert (await request_page(sandbox, here="general")).content == (
            f"<#{sandbox.channel('general')}> has no keywords yet. Add one with `/subscribe`."
        )


@pytest.mark.slow
async def test_page_command_checks_view_permission_and_rate_limit(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox:
        ids = sandbox.world.default
        private = ChannelKind.PRIVATE_THREAD
        thread = sandbox.world.add_thread(sandbox.channel("general"), "quiet", owner_id=ids.admin_id, kind=private)
        async with running_bot(sandbox):
            await check_rejected_requests(sandbox, thread.id)


async def check_rejected_requests(sandbox: RunningSandbox, thread_id: int) -> None:
    await sandbox.subscribe("sheaf", channel="admins")
    admins, member_id = sandbox.channel("admins"), sandbox.world.default.member_id
    with pytest.raises(InvalidAction):  # Discord does not offer the channel
        await sandbox.reply_to("page", {"channel": admins}, user_id=member_id)
    rejected = await sandbox.reply_to("page", {"channel": thread_id}, user_id=member_id)
    assert rejected.startswith("You can't view that channel. ")
    ids = sandbox.world.default
    sandbox.world.set_overwrite(admins, ids.member_id, allow=Permission.VIEW_CHANNEL)
    shared = await sandbox.reply_to("page", {"channel": admins, "public": True}, user_id=ids.member_id)
    assert shared == (
        f"Not everyone can view <#{admins}>, so only people who manage it may show its page in another channel. "
        "Leave out `public`."
    )
    sandbox.world.set_overwrite(admins, ids.member_id, allow=Permission.VIEW_CHANNEL | Permission.MANAGE_CHANNELS)
    by_manager = await request_page(sandbox, "admins", public=True)
    assert by_manager.content.startswith(f"<#{admins}>: 1 keyword")
    assert not by_manager.is_ephemeral
    nothing = await request_page(sandbox, "papers", here="general", public=True)
    assert nothing.content == f"<#{sandbox.channel('papers')}> has no keywords yet. Add one with `/subscribe`."
    assert nothing.is_ephemeral
    replies = [await sandbox.reply_to("page", {"channel": admins}) for _ in range(PAGES_PER_MINUTE + 1)]
    assert all(reply.startswith(f"<#{admins}>: 1 keyword") for reply in replies[:-1])
    assert replies[-1].startswith("Rate limit: try again in ")


async def test_public_channels_without_a_port_are_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with (
        running_sandbox(tmp_path) as sandbox,
        running_bot(sandbox, DAILY_PAPERS_WEB__PUBLIC_CHANNELS=f'["{sandbox.channel("papers")}"]'),
    ):
        pass
    assert "public page not served" in caplog.messages


@pytest.mark.slow
async def test_running_bot_serves_only_public_channels(tmp_path: Path) -> None:
    port = free_port()
    async with running_sandbox(tmp_path) as sandbox:
        public = f'["{sandbox.channel("papers")}"]'
        async with (
            running_bot(sandbox, DAILY_PAPERS_WEB__PORT=str(port), DAILY_PAPERS_WEB__PUBLIC_CHANNELS=public),
            aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session,
        ):
            sandbox.add_paper("On Reward Models")
            sandbox.add_paper("A Secret Sheaf")
            await sandbox.subscribe("reward model")
            await sandbox.subscribe("sheaf", channel="admins")
            for path in ("/", "/daily-papers.md", "/daily-papers.atom", "/daily-papers.json"):
                async with session.get(path) as response:
                    text = await response.text()
                    assert response.status == 200
                    assert "On Reward Models" in text
                    assert "heaf" not in text
