"""The page's API: what a person sees and does through it, and whom it refuses."""

import asyncio
from collections.abc import AsyncIterator, Mapping

import aiohttp
import pytest

from sandbox.arxiv import ArxivFaultKind, Corpus, LocalArxiv, SandboxPaper
from sandbox.arxiv.faults import FAULT_LABELS
from sandbox.discord import DefaultIds, DefaultWorld, LocalDiscord, Message, MessageFlag
from sandbox.server import Sandbox

DEADLINE_S = 40


class Page:
    """The page's requests, made by hand."""

    def __init__(self, box: Sandbox, world: DefaultWorld, client: aiohttp.ClientSession) -> None:
        self.box = box
        self.world = world
        self._client = client

    @property
    def default(self) -> DefaultIds:
        return self.world.default

    async def get(self, path: str, **query: object) -> dict[str, object]:
        """A GET by the admin; the JSON that came back."""
        fields = {"as": str(self.default.admin_id)} | {name: str(value) for name, value in query.items()}
        async with self._client.get(f"{self.box.url}/control/{path}", params=fields) as response:
            return await self._read(response)

    async def post(self, path: str, **fields: object) -> dict[str, object]:
        """A POST by the admin; the JSON that came back."""
        body = {"as": str(self.default.admin_id)} | fields
        async with self._client.post(f"{self.box.url}/control/{path}", json=body) as response:
            return await self._read(response)

    async def raw(self, method: str, path: str, headers: Mapping[str, str], body: str = "{}") -> aiohttp.ClientResponse:
        """Any request, as a foreign page or program would send it."""
        response = await self._client.request(method, self.box.url + path, headers=headers, data=body)
        await response.read()
        return response

    def live(self, user_id: int) -> "aiohttp.client._WSRequestContextManager":
        """The stream of events of one person."""
        return self._client.ws_connect(f"{self.box.url}/control/events?as={user_id}", origin=self.box.url)

    async def _read(self, response: aiohttp.ClientResponse) -> dict[str, object]:
        answer = await response.json()
        assert isinstance(answer, dict)
        assert (response.status == 400) == ("error" in answer)
        return answer


@pytest.fixture
async def page() -> AsyncIterator[Page]:
    """A sandbox without a bot, and somebody at its page."""
    world = DefaultWorld()
    discord = LocalDiscord(world=world)
    papers = [SandboxPaper(title="Sheaves"), SandboxPaper(title="Tori")]
    async with (
        Sandbox(discord=discord, arxiv=LocalArxiv(Corpus(papers))) as box,
        aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=DEADLINE_S)) as client,
    ):
        yield Page(box, world, client)


def channel_names(state: Mapping[str, object]) -> set[str]:
    """The channels of the first server."""
    guilds = state["guilds"]
    assert isinstance(guilds, list)
    return {channel["name"] for channel in guilds[0]["channels"]}


async def test_a_member_is_not_told_of_channels_that_only_admins_view(page: Page) -> None:
    assert "admins" in channel_names(await page.get("state"))
    seen = await page.get("state", **{"as": page.default.member_id})
    assert "admins" not in channel_names(seen)
    assert {"general", "papers", "reading club"} <= channel_names(seen)
    hidden = page.default.channel("admins")
    page.world.messages.post(hidden, page.default.admin_id, "psst")
    place = {"as": str(page.default.member_id), "channel": str(hidden)}
    assert await page.get("messages", **place) == {"messages": [], "has_older": False}
    assert await page.get("commands", **place) == {"commands": []}
    assert await page.post("send", **place, content="hello") == {"error": "You can't see that channel."}


async def test_an_ephemeral_reply_is_in_the_history_and_the_events_of_its_reader_alone(page: Page) -> None:
    admin, member, papers = page.default.admin_id, page.default.member_id, page.default.channel("papers")
    async with page.live(admin) as admins, page.live(member) as members:
        secret = Message(
            page.world.new_id(), papers, page.world.bot_id, "psst", flags=MessageFlag.EPHEMERAL, visible_to=admin
        )
        page.world.messages.add(secret)
        page.world.messages.post(papers, admin, "aloud")
        heard = [(await frame_of(admins, "MESSAGE_CREATE"))["content"] for _ in range(2)]
        assert heard == ["psst", "aloud"]
        assert (await frame_of(members, "MESSAGE_CREATE"))["content"] == "aloud"
    assert [message["content"] for message in await history(page, admin)] == ["psst", "aloud"]
    assert [message["content"] for message in await history(page, member)] == ["aloud"]


async def frame_of(socket: "aiohttp.ClientWebSocketResponse[bool]", name: str) -> dict[str, object]:
    """The next event of that name."""
    async with asyncio.timeout(DEADLINE_S):
        while (frame := await socket.receive_json())["t"] != name:
            pass
    payload = frame["d"]
    assert isinstance(payload, dict)
    return payload


async def history(page: Page, user_id: int) -> list[dict[str, object]]:
    """What a person reads in #papers."""
    answer = await page.get("messages", **{"as": user_id, "channel": page.default.channel("papers")})
    messages = answer["messages"]
    assert isinstance(messages, list)
    return messages


async def test_a_long_history_is_read_page_by_page(page: Page) -> None:
    papers = page.default.channel("papers")
    ids = [str(page.world.messages.post(papers, page.default.admin_id, str(n)).id) for n in range(150)]
    newest = await page.get("messages", channel=papers)
    older = await page.get("messages", channel=papers, before=ids[50])
    assert [message["id"] for message in _messages(newest)] == ids[50:]
    assert newest["has_older"] is True
    assert [message["id"] for message in _messages(older)] == ids[:50]
    assert older["has_older"] is False


def _messages(answer: Mapping[str, object]) -> list[dict[str, object]]:
    messages = answer["messages"]
    assert isinstance(messages, list)
    return messages


async def test_a_person_writes_where_they_may_and_not_elsewhere(page: Page) -> None:
    papers = page.default.channel("papers")
    await page.post("send", channel=str(papers), content=" hello ")
    assert [message.content for message in page.world.messages.in_channel(papers)] == ["hello"]
    assert "error" in await page.post("send", channel=str(papers), content=" ")
    assert "error" in await page.post("send", channel=str(papers), content="x" * 2001)
    assert "error" in await page.post("send", **{"as": str(page.default.bot_id)}, channel=str(papers), content="I am")
    thread = page.default.channel("reading club")
    page.world.lock_thread(thread)
    page.world.set_thread(thread, archived=False)
    state = await page.get("state")
    guilds = state["guilds"]
    assert isinstance(guilds, list)
    [locked] = [channel for channel in guilds[0]["channels"] if channel["id"] == str(thread)]
    assert locked["can_send"] is False


async def test_announcing_shows_papers_and_counts_those_that_wait(page: Page) -> None:
    async with page.live(page.default.admin_id) as socket:
        assert await page.post("announce", count=1) == {"announced": 1}
        async with asyncio.timeout(DEADLINE_S):
            assert (await socket.receive_json())["t"] == "STATE"
    arxiv = (await page.get("state"))["arxiv"]
    assert isinstance(arxiv, dict)
    assert (arxiv["queued"], [paper["title"] for paper in arxiv["announced"]]) == (1, ["Sheaves"])
    for count in (0, "1", True, 2001, None):
        assert "error" in await page.post("announce", count=count)


async def test_every_misbehaviour_of_arxiv_can_be_asked_for_and_called_off(page: Page) -> None:
    assert set(FAULT_LABELS) == set(ArxivFaultKind)
    await page.post("add-fault", kind="rate_limited", times=2)
    assert [(fault.kind, fault.times) for fault in page.box.arxiv.faults.pending] == [(ArxivFaultKind.RATE_LIMITED, 2)]
    await page.post("clear-faults")
    assert page.box.arxiv.faults.pending == ()
    assert "error" in await page.post("add-fault", kind="nonsense", times=1)


async def test_a_command_that_is_not_offered_and_a_button_that_is_not_there_are_refused(page: Page) -> None:
    papers = page.default.channel("papers")
    assert "error" in await page.post("command", channel=str(papers), name="subscribe", options={})
    message = page.world.messages.post(papers, page.default.admin_id, "no buttons")
    assert "error" in await page.post("press", message=str(message.id), custom_id="x")
    assert "error" in await page.post("choose", message=str(message.id), custom_id="x", values=["1"])
    assert "error" in await page.post("choose", message=str(message.id), custom_id="x", values=[1])


async def test_a_foreign_page_a_foreign_name_and_a_form_are_refused(page: Page) -> None:
    typed = {"Content-Type": "application/json"}
    clear = ("POST", "/control/clear-faults")
    assert (await page.raw(*clear, typed)).status == 200
    assert (await page.raw(*clear, typed | {"Origin": page.box.url})).status == 200
    assert (await page.raw(*clear, typed | {"Origin": "https://evil.example"})).status == 403
    assert (await page.raw(*clear, typed | {"Origin": "null"})).status == 403
    for host in ("evil.example", "evil.example:80", "127.0.0.1.evil.example", "", "[::1", "192.168.1.1"):
        assert (await page.raw("GET", "/", {"Host": host})).status == 403, host
    for host in ("localhost:1", "127.0.0.1", "[::1]:8700"):
        assert (await page.raw("GET", "/", {"Host": host})).status == 200, host
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    assert (await page.raw(*clear, form, "kind=empty")).status == 400
    assert (await page.raw(*clear, typed, "{")).status == 400
    socket = {"Connection": "Upgrade", "Upgrade": "websocket", "Origin": "https://evil.example"}
    assert (await page.raw("GET", f"/control/events?as={page.default.admin_id}", socket)).status == 403


async def test_the_page_may_load_nothing_from_elsewhere_and_only_its_own_files_are_served(page: Page) -> None:
    index = await page.raw("GET", "/", {})
    assert index.status == 200
    assert index.headers["Content-Security-Policy"].startswith("default-src 'self'; ")
    assert "unsafe" not in index.headers["Content-Security-Policy"]
    text = await index.text()
    assert "<script>" not in text
    assert " style=" not in text
    assert "http" not in text.replace("http-equiv", "")
    for path in ("/static/__init__.py", "/static/index.html", "/static/..%2Fserver.py", "/static/%2Fetc%2Fpasswd"):
        assert (await page.raw("GET", path, {})).status == 404, path
    uploaded = await page.raw("GET", f"/cdn/avatars/{page.default.bot_id}/0.svg", {})
    assert "sandbox" in uploaded.headers["Content-Security-Policy"]


async def test_port_in_use_is_told_and_leaves_nothing_open(page: Page) -> None:
    port = int(page.box.url.rpartition(":")[2])
    with pytest.raises(OSError, match=str(port)):
        await Sandbox(port=port).start()
