"""A person's panel of `/channel settings`: opens settings, uses their controls, fills in forms."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from sandbox.discord import Invocation, Message
from tests.support.embeds import components_of, embeds_of
from tests.support.running import RunningSandbox


@dataclass
class Panel:
    """A panel as one person sees it; `opened` is the setting that is open."""

    sandbox: RunningSandbox
    message: Message
    user_id: int
    channel_id: int
    opened: str = "none"

    @classmethod
    async def open(
        cls, sandbox: RunningSandbox, *, channel: str = "papers", user_id: int | None = None, opened: str = "none"
    ) -> Self:
        """Runs `/channel settings` in #papers for a channel, as the admin or another user, and opens a setting."""
        channel_id = sandbox.channel(channel)
        person = sandbox.world.default.admin_id if user_id is None else user_id
        invocation = await sandbox.command("channel settings", {"channel": channel_id}, user_id=person)
        assert invocation.reply is not None
        panel = cls(sandbox, invocation.reply, person, channel_id)
        if opened != "none":
            await panel.show(opened)
        return panel

    def custom_id(self, control: str) -> str:
        """The custom id of a control."""
        return f"panel:{self.user_id}:{self.channel_id}:{self.opened}:{control}"

    async def show(self, setting: str) -> None:
        """Opens a setting."""
        await self.choose("settings", setting)
        self.opened = setting

    async def choose(self, control: str, *values: object) -> str:
        """Chooses from a menu; returns what that did."""
        chosen = await self.sandbox.discord.choose(
            self.message.id, self.custom_id(control), list(map(str, values)), user_id=self.user_id
        )
        return await self.result(chosen)

    async def press(self, control: str) -> str:
        """Presses a button; returns what that did."""
        return await self.result(await self._pressed(control))

    async def press_for_form(self, control: str) -> Invocation:
        """Presses a button that opens a form."""
        pressed = await self._pressed(control)
        await pressed.wait_for_modal()
        return pressed

    async def submit(self, opened_by: Invocation, values: Mapping[str, str]) -> str:
        """Submits a form; returns what that did."""
        submitted = await self.sandbox.discord.submit_modal(opened_by.id, values, user_id=self.user_id)
        return await self.result(submitted)

    async def fill_in(self, control: str, **values: str) -> str:
        """Opens a form, fills it in and submits it; returns what that did."""
        return await self.submit(await self.press_for_form(control), values)

    async def submit_forged(
        self, opened_by: Invocation, custom_id: str, components: Sequence[dict[str, object]]
    ) -> str:
        """Submits a form that was not opened."""
        return await self.result(await self.sandbox.discord.submit_forged(opened_by, custom_id, components))

    async def result(self, used: Invocation) -> str:
        """The last embed of the panel, or the text of a private reply that leaves the panel as it is."""
        reply = await used.wait_for_reply()
        if reply is not self.message:
            return reply.content
        embeds = embeds_of(reply)
        return embeds[-1].description if embeds else ""

    @property
    def lines(self) -> list[str]:
        """The settings, as the panel shows them."""
        return self.message.content.splitlines()

    @property
    def controls(self) -> dict[str, str]:
        """The labels of the buttons and menus, by the names of the controls."""
        return {
            str(each["custom_id"]).rpartition(":")[2]: str(each.get("label") or each.get("placeholder"))
            for each in components_of(self.message)
        }

    @property
    def highlighted(self) -> list[str]:
        """The labels of the highlighted buttons, which show the current value."""
        return [str(each["label"]) for each in components_of(self.message) if each.get("style") == 1]

    async def _pressed(self, control: str) -> Invocation:
        return await self.sandbox.discord.press(self.message.id, self.custom_id(control), user_id=self.user_id)
