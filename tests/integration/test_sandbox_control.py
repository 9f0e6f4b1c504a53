"""The API of the sandbox's page: what a user can see and do, and access control."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from io import BytesIO

import aiohttp
import pytest

from sandbox.arxiv import ArxivFaultKind, Corpus, LocalArxiv, SandboxPaper
from sandbox.arxiv.faults import FAULT_LABELS
from sandbox.discord import DefaultIds, DefaultWorld, LocalDiscord, Message, MessageFlag
from sandbox.server import Sandbox

DEADLINE_S = 40


class ControlClient:
    """Sends the page's requests without a browser."""

    def __init__(self, sandbox: Sandbox, world: DefaultWorld, session: aiohttp.ClientSession) -> None:
        self.sandbox = sandbox
        self.world = world
        self._session = session

    @property
    def default(self) -> DefaultIds:
        return self.world.default

    async def get(self, path: str, **query: object) -> dict[str, object]:
        """Sends a GET as the admin, and returns the JSON."""
        fields = {"as": str(self.default.admin_id)} | {name: str(value) for name, value in query.items()}
        async with self._session.get(f"{self.sandbox.url}/control/{path}", params=fields) as response:
            return await self._read(response)

    async def post(self, path: str, **fields: object) -> dict[str, object]:
        """Sends a POST as the admin, and returns the JSON."""
        body = {"as": str(self.default.admin_id)} | fields
        async with self._session.post(f"{self.sandbox.url}/control/{path}", json=body) as response:
            return await self._read(response)

    async def raw(
        self, method: str, path: str, headers: Mapping[str, str], body: str | BytesIO = "{}"
    ) -> aiohttp.ClientResponse:
        """Sends any request, as another site or program would."""
        response = await self._session.request(method, self.sandbox.url + path, headers=headers, data=body)
        await response.read()
        return response

    def events(self, user_id: int) -> "aiohttp.client._WSRequestContextManager":
        """Opens the event stream of a user."""
        return self._session.ws_connect(f"{self.sandbox.url}/control/events?as={user_id}", origin=self.sandbox.url)

    async def _read(self, response: aiohttp.ClientResponse) -> dict[str, object]:
        payload = await response.json()
        assert isinstance(payload, dict)
        assert (response.status == 400) == ("error" in payload)
        return payload


@pytest.fixture
async def client() -> AsyncIterator[ControlClient]:
    """A client of a sandbox without a bot."""
    world = DefaultWorld()
    discord = LocalDiscord(world=world)
    papers = [SandboxPaper(title="Sheaves"), SandboxPaper(title="Tori")]
    async with (
        Sandbox(discord=discord, arxiv=LocalArxiv(Corpus(papers))) as sandbox,
        aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=DEADLINE_S)) as session,
    ):
        yield ControlClient(sandbox, world, session)


def channel_names(state: Mapping[str, object]) -> set[str]:
    """Returns the channel names of the first server."""
    guilds = state["guilds"]
    assert isinstance(guilds, list)
    return {channel["name"] for channel in guilds[0]["channels"]}


async def test_day_of_a_sandbox_without_its_own_bot_cannot_be_ended(client: ControlClient) -> None:
    failed = await client.post("end-day")
    assert failed == {"error": "The day can't be ended: the bot was not started by the sandbox."}


async def test_member_cannot_see_admin_channels(client: ControlClient) -> None:
    assert "admins" in channel_names(await client.get("state"))
    seen = await client.get("state", **{"as": client.default.member_id})
    assert "admins" not in channel_names(seen)
    assert {"general", "papers", "reading club"} <= channel_names(seen)
    hidden = client.default.channel("admins")
    client.world.messages.post(hidden, client.default.admin_id, "psst")
    place = {"as": str(client.default.member_id), "channel": str(hidden)}
    assert await client.get("messages", **place) == {"messages": [], "has_older": False}
    assert await client.get("commands", **place) == {"commands": []}
    assert await client.post("send", **place, content="hello") == {"error": "You can't see that channel."}


async def test_ephemeral_reply_is_visible_only_to_its_user(client: ControlClient) -> None:
    admin, member, papers = client.default.admin_id, client.default.member_id, client.default.channel("papers")
    async with client.events(admin) as admins, client.events(member) as members:
        secret = Message(
            client.world.new_id(), papers, client.world.bot_id, "psst", flags=MessageFlag.EPHEMERAL, visible_to=admin
        )
        client.world.messages.add(secret)
        client.world.messages.post(papers, admin, "aloud")
        received = [(await frame_of(admins, "MESSAGE_CREATE"))["content"] for _ in range(2)]
        assert received == ["psst", "aloud"]
        assert (await frame_of(members, "MESSAGE_CREATE"))["content"] == "aloud"
    assert [message["content"] for message in await history(client, admin)] == ["psst", "aloud"]
    assert [message["content"] for message in await history(client, member)] == ["aloud"]


async def frame_of(socket: "aiohttp.ClientWebSocketResponse[bool]", name: str) -> dict[str, object]:
    """Returns the payload of the next event of that name."""
    async with asyncio.timeout(DEADLINE_S):
        while (header := await socket.receive_json())["t"] != name:
            pass
    payload = header["d"]
    assert isinstance(payload, dict)
    return payload


async def history(client: ControlClient, user_id: int) -> list[dict[str, object]]:
    """Returns what a user sees in #papers."""
    payload = await client.get("messages", **{"as": user_id, "channel": client.default.channel("papers")})
    messages = payload["messages"]
    assert isinstance(messages, list)
    return messages


async def test_long_history_is_returned_in_pages(client: ControlClient) -> None:
    papers = client.default.channel("papers")
    ids = [str(client.world.messages.post(papers, client.default.admin_id, str(n)).id) for n in range(150)]
    newest = await client.get("messages", channel=papers)
    older = await client.get("messages", channel=papers, before=ids[50])
    assert [message["id"] for message in _messages(newest)] == ids[50:]
    assert newest["has_older"] is True
    assert [message["id"] for message in _messages(older)] == ids[:50]
    assert older["has_older"] is False


def _messages(payload: Mapping[str, object]) -> list[dict[str, object]]:
    messages = payload["messages"]
    assert isinstance(messages, list)
    return messages


async def test_user_can_send_only_with_permission(client: ControlClient) -> None:
    papers = client.default.channel("papers")
    await client.post("send", channel=str(papers), content=" hello ")
    assert [message.content for message in client.world.messages.in_channel(papers)] == ["hello"]
    assert "error" in await client.post("send", channel=str(papers), content=" ")
    assert "error" in await client.post("send", channel=str(papers), content="x" * 2001)
    assert "error" in await client.post(
        "send", **{"as": str(client.default.bot_id)}, channel=str(papers), content="I am"
    )
    thread = client.default.channel("reading club")
    client.world.lock_thread(thread)
    client.world.set_thread(thread, archived=False)
    state = await client.get("state")
    guilds = state["guilds"]
    assert isinstance(guilds, list)
    [locked] = [channel for channel in guilds[0]["channels"] if channel["id"] == str(thread)]
    assert locked["can_send"] is False


async def test_announcing_publishes_papers_and_updates_the_queue(client: ControlClient) -> None:
    async with client.events(client.default.admin_id) as socket:
        assert await client.post("announce", count=1) == {"announced": 1}
        async with asyncio.timeout(DEADLINE_S):
            assert (await socket.receive_json())["t"] == "STATE"
    arxiv = (await client.get("state"))["arxiv"]
    assert isinstance(arxiv, dict)
    assert (arxiv["queued"], [paper["title"] for paper in arxiv["announced"]]) == (1, ["Sheaves"])
    for count in (0, "1", True, 2001, None):
        assert "error" in await client.post("announce", count=count)


async def test_arxiv_faults_can_be_added_and_cleared(client: ControlClient) -> None:
    assert set(FAULT_LABELS) == set(ArxivFaultKind)
    await client.post("add-fault", kind="rate_limited", times=2)
    assert [(fault.kind, fault.times) for fault in client.sandbox.arxiv.faults.pending] == [
        (ArxivFaultKind.RATE_LIMITED, 2)
    ]
    await client.post("clear-faults")
    assert client.sandbox.arxiv.faults.pending == ()
    assert "error" in await client.post("add-fault", kind="nonsense", times=1)


async def test_unavailable_command_and_missing_component_are_rejected(client: ControlClient) -> None:
    papers = client.default.channel("papers")
    assert "error" in await client.post("command", channel=str(papers), name="subscribe", options={})
    message = client.world.messages.post(papers, client.default.admin_id, "no buttons")
    assert "error" in await client.post("press", message=str(message.id), custom_id="x")
    assert "error" in await client.post("choose", message=str(message.id), custom_id="x", values=["1"])
    assert "error" in await client.post("choose", message=str(message.id), custom_id="x", values=[1])


async def test_foreign_origins_hosts_and_forms_are_rejected(client: ControlClient) -> None:
    json_body = {"Content-Type": "application/json"}
    clear = ("POST", "/control/clear-faults")
    assert (await client.raw(*clear, json_body)).status == 200
    assert (await client.raw(*clear, json_body | {"Origin": client.sandbox.url})).status == 200
    assert (await client.raw(*clear, json_body | {"Origin": "https://evil.example"})).status == 403
    assert (await client.raw(*clear, json_body | {"Origin": "null"})).status == 403
    for host in ("evil.example", "evil.example:80", "127.0.0.1.evil.example", "", "[::1", "192.168.1.1"):
        assert (await client.raw("GET", "/", {"Host": host})).status == 403, host
    for host in ("localhost:1", "127.0.0.1", "[::1]:8700"):
        assert (await client.raw("GET", "/", {"Host": host})).status == 200, host
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    assert (await client.raw(*clear, form, "kind=empty")).status == 400
    assert (await client.raw(*clear, json_body, "{")).status == 400
    socket = {"Connection": "Upgrade", "Upgrade": "websocket", "Origin": "https://evil.example"}
    assert (await client.raw("GET", f"/control/events?as={client.default.admin_id}", socket)).status == 403


async def test_page_loads_and_serves_only_its_own_files(client: ControlClient) -> None:
    index = await client.raw("GET", "/", {})
    assert index.status == 200
    assert index.headers["Content-Security-Policy"].startswith("default-src 'self'; ")
    assert "unsafe" not in index.headers["Content-Security-Policy"]
    text = await index.text()
    assert "<script>" not in text
    assert " style=" not in text
    assert "http" not in text.replace("http-equiv", "")
    for path in ("/static/__init__.py", "/static/index.html", "/static/..%2Fserver.py", "/static/%2Fetc%2Fpasswd"):
        assert (await client.raw("GET", path, {})).status == 404, path
    uploaded = await client.raw("GET", f"/cdn/avatars/{client.default.bot_id}/0.svg", {})
    assert "sandbox" in uploaded.headers["Content-Security-Policy"]


async def test_port_in_use_raises_an_error_and_leaves_nothing_open(client: ControlClient) -> None:
    port = int(client.sandbox.url.rpartition(":")[2])
    with pytest.raises(OSError, match=str(port)):
        await Sandbox(port=port).start()


async def test_responses_have_the_time_of_the_moved_clock(client: ControlClient) -> None:
    client.sandbox.clock.ahead = timedelta(days=3)
    response = await client.raw("GET", "/api/v10/gateway", {})
    date = parsedate_to_datetime(response.headers["Date"])
    assert abs(date - datetime.now(UTC) - timedelta(days=3)) < timedelta(minutes=1)


async def test_page_uploads_a_file_for_an_attachment_option(client: ControlClient) -> None:
    path = f"/control/upload?as={client.default.admin_id}&filename=settings.json"
    binary = {"Content-Type": "application/octet-stream"}
    response = await client.raw("POST", path, binary, "{}")
    upload_id = (await response.json())["id"]
    stored = client.sandbox.discord.attachments.uploaded_by(int(upload_id), client.default.admin_id)
    assert stored is not None
    assert str(stored["url"]).startswith(client.sandbox.url)
    for headers, query, body, reason in (
        ({"Content-Type": "text/plain"}, path, "{}", "The content type must be application/octet-stream."),
        (binary, "/control/upload?as=1&filename=a", "{}", "There is no such user."),
        (binary, f"/control/upload?as={client.default.admin_id}", "{}", "filename must be a string."),
        (binary, path, BytesIO(b"x" * (10 * 1024 * 1024 + 1)), "A file can have up to 10 MB."),
    ):
        response = await client.raw("POST", query, headers, body)
        assert (response.status, (await response.json())["error"]) == (400, reason)
