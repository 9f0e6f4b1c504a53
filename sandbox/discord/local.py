"""The local Discord as a whole: serves the bot, performs the actions of users, and simulates failures.

It never imports the bot, and has no knowledge of what the bot does.
"""

from collections import deque
from collections.abc import Mapping, Sequence

from aiohttp import web

from sandbox.discord.access import Access
from sandbox.discord.api import RecordedRequest, RestApi
from sandbox.discord.attachments import Attachments
from sandbox.discord.cdn import Cdn
from sandbox.discord.checks.components import ComponentKind
from sandbox.discord.commands import Commands
from sandbox.discord.default_world import APPLICATION_ID, DefaultWorld
from sandbox.discord.events import ChangeSignal
from sandbox.discord.faults import DiscordFaults
from sandbox.discord.gateway import Gateway
from sandbox.discord.identifies import Identifies, IdentifyLimits
from sandbox.discord.interactions import Interactions
from sandbox.discord.invocations import FIRST_RESPONSE_S, AutocompleteChoice, Invocation
from sandbox.discord.primitives import Payload
from sandbox.discord.ratelimits import RateLimiter, RateLimits
from sandbox.discord.rest_channels import ChannelRoutes
from sandbox.discord.rest_commands import CommandRoutes
from sandbox.discord.rest_identity import IdentityRoutes
from sandbox.discord.rest_interactions import InteractionRoutes
from sandbox.discord.rest_messages import MessageRoutes
from sandbox.discord.user_actions import UserActions
from sandbox.discord.world import World


class LocalDiscord:
    """A Discord for one bot; `world` defaults to a `DefaultWorld`."""

    def __init__(
        self,
        *,
        token: str = "sandbox-token",  # noqa: S107 -- valid only for this sandbox
        application_id: int = APPLICATION_ID,
        world: World | None = None,
        rate_limits: RateLimits | None = None,
        identify_limits: IdentifyLimits | None = None,
        first_response_s: float = FIRST_RESPONSE_S,
    ) -> None:
        self.world = DefaultWorld(application_id=application_id) if world is None else world
        self.faults = DiscordFaults()
        self.changes = ChangeSignal()
        self.attachments = Attachments(self.world.new_id)
        self._commands = Commands(self.world.application_id, self.world.new_id, self.world.events)
        self._interactions = Interactions(self.world, self.changes, first_response_s)
        self._gateway = Gateway(self.world, token, self.changes, identify_limits or IdentifyLimits())
        self._user_actions = UserActions(
            self.world, self._commands, self._interactions, self._gateway, self.attachments
        )
        self._limiter = RateLimiter(rate_limits or RateLimits())
        self._api = RestApi(token, self._limiter, self.faults, self.changes.notify, self.world.now)
        self._add_routes()

    def _add_routes(self) -> None:
        access = Access(self.world)
        messages = MessageRoutes(self.world, access, self.attachments)
        messages.add_to(self._api)
        ChannelRoutes(self.world, access, messages).add_to(self._api)
        IdentityRoutes(self.world, access, self.identifies).add_to(self._api)
        CommandRoutes(self.world.application_id, self._commands, access).add_to(self._api)
        InteractionRoutes(self.world, self._interactions, self.attachments, self.changes.notify).add_to(self._api)

    def attach(self, app: web.Application) -> None:
        """Serves REST under /api/v10, the gateway under /gateway and the CDN under /cdn."""
        self._api.attach(app)
        self._gateway.attach(app)
        Cdn(self.world, self.attachments).attach(app)

    # State of the bot

    @property
    def requests(self) -> deque[RecordedRequest]:
        """The last 50,000 REST requests of the bot."""
        return self._api.requests

    @property
    def unknown_routes(self) -> list[str]:
        """Requests to unknown routes, as "METHOD path"."""
        return self._api.unknown_routes

    @property
    def global_rejections(self) -> int:
        """How many requests of the bot exceeded the global rate limit."""
        return self._limiter.global_rejections

    @property
    def commands(self) -> list[Payload]:
        """The global commands that the bot registered."""
        return self._commands.of(None)

    @property
    def identify_count(self) -> int:
        """How often the bot has started a session; resuming does not count."""
        return len(self.identifies.accepted)

    @property
    def identifies(self) -> Identifies:
        """Every IDENTIFY of the bot, and the limits."""
        return self._gateway.identifies

    @property
    def bot_is_ready(self) -> bool:
        """Whether the bot is connected and has registered commands."""
        return self._gateway.has_ready_session and bool(self._commands.available_in(None) or self._guild_commands())

    async def wait_until_bot_ready(self, timeout_s: float) -> None:
        """Waits until the bot is connected and has registered commands; raises TimeoutError after `timeout_s`."""
        await self.changes.wait_until(lambda: self.bot_is_ready, timeout_s)

    def _guild_commands(self) -> list[Payload]:
        return [command for guild_id in self.world.guilds for command in self._commands.of(guild_id)]

    # Actions of users

    def commands_for(self, user_id: int, channel_id: int | None) -> list[Payload]:
        """Returns the commands available to a user in a channel; None is the direct messages with the bot."""
        return self._user_actions.commands_for(user_id, channel_id)

    async def run_command(
        self, name: str, options: Mapping[str, object] | None = None, *, user_id: int, channel_id: int | None
    ) -> Invocation:
        """Runs a command ("group sub": a subcommand); raises InvalidAction if Discord's client does not allow it."""
        return self._user_actions.run_command(name, options or {}, user_id=user_id, channel_id=channel_id)

    async def run_message_command(self, name: str, message_id: int, *, user_id: int) -> Invocation:
        """Runs a command of the menu of a message ("Apps")."""
        return self._user_actions.run_message_command(name, message_id, user_id=user_id)

    async def autocomplete(
        self, name: str, options: Mapping[str, object], focused: str, *, user_id: int, channel_id: int | None
    ) -> list[AutocompleteChoice]:
        """Returns the bot's suggestions for the option `focused`, whose text so far is in `options`."""
        invocation = self._user_actions.autocomplete(name, options, focused, user_id=user_id, channel_id=channel_id)
        await invocation.wait_until_acknowledged()
        return invocation.choices

    def upload(self, name: str, content: bytes, *, user_id: int, origin: str) -> int:
        """Uploads a file for an attachment option and returns the option's value; `origin` is this server's address."""
        return self._user_actions.upload(name, content, user_id=user_id, origin=origin)

    async def press(self, message_id: int, custom_id: str, *, user_id: int) -> Invocation:
        """Presses a button."""
        return self._user_actions.press(message_id, custom_id, user_id=user_id)

    async def press_forged(
        self,
        message_id: int,
        custom_id: str,
        *,
        user_id: int,
        kind: ComponentKind = ComponentKind.BUTTON,
        values: Sequence[str] = (),
    ) -> Invocation:
        """Uses a component as if the message had it; Discord prevents this, but the bot should not rely on that."""
        return self._user_actions.press_forged(message_id, custom_id, user_id=user_id, kind=kind, values=values)

    async def choose(self, message_id: int, custom_id: str, values: Sequence[str], *, user_id: int) -> Invocation:
        """Chooses values from a select menu."""
        return self._user_actions.choose(message_id, custom_id, values, user_id=user_id)

    async def submit_modal(self, interaction_id: int, values: Mapping[str, str], *, user_id: int) -> Invocation:
        """Submits the modal that the bot opened in response to an interaction.

        `values` are by custom id; a missing one is what the bot filled in.
        """
        return self._user_actions.submit_modal(interaction_id, values, user_id=user_id)

    async def submit_forged(self, opened_by: Invocation, custom_id: str, components: Sequence[Payload]) -> Invocation:
        """Submits a modal that the bot did not open after an interaction; Discord prevents this."""
        return self._user_actions.submit_forged(opened_by, custom_id, components)

    # Simulated failures

    def forget_nonces(self) -> None:
        """Forgets all nonces, as Discord does after a few minutes."""
        self.world.messages.forget_nonces()

    @property
    def gateway_open(self) -> bool:
        """Whether the gateway accepts connections; False simulates an outage."""
        return self._gateway.open

    @gateway_open.setter
    def gateway_open(self, is_open: bool) -> None:
        self._gateway.open = is_open

    @property
    def unreachable_shards(self) -> set[int]:
        """The shards whose connections are dropped as soon as they identify or resume; the test adds to it."""
        return self._gateway.unreachable_shards

    async def close_gateway(
        self, code: int | None = None, *, resumable: bool = True, shard_id: int | None = None
    ) -> None:
        """Closes the connections with a code, or drops them if it is None; unless `resumable`, deletes the sessions.

        With `shard_id`, only those of this shard.
        """
        await self._gateway.close(code, resumable=resumable, shard_id=shard_id)

    def request_reconnect(self, shard_id: int | None = None) -> None:
        """Tells the bot, or one shard, to reconnect and resume."""
        self._gateway.request_reconnect(shard_id)

    def invalidate_sessions(self, shard_id: int | None = None) -> None:
        """Tells the bot that its sessions, or one shard's, are invalid; it identifies again after five seconds."""
        self._gateway.invalidate_sessions(shard_id)
