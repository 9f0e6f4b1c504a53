"""A stand-in for Discord at our own protocol `Retoucher`, and the loop at work on it."""

import asyncio
from collections import defaultdict, deque
from collections.abc import Coroutine
from contextlib import AbstractAsyncContextManager

from bot.domain.outgoing import Delivered, SendOutcome
from bot.domain.post import Post
from bot.publish.editor import Editor
from tests.support.clock import FakeClock
from tests.support.loops import LoopUnderTest
from tests.support.store import Store


class FakeMessageEditor:
    """Messages in memory: they are drawn anew and published, or it is said why not."""

    def __init__(self) -> None:
        self.online = asyncio.Event()
        self.online.set()
        # What is answered next of a post, by its key; it is done when nothing is said.
        self.answers: defaultdict[str, deque[SendOutcome]] = defaultdict(deque)
        # Set by a test that wants to do something while an edit is on its way.
        self.held: asyncio.Event | None = None
        # Whether an edit was tried.
        self.at_work = asyncio.Event()
        self.edited: list[Post] = []
        self.published: list[Post] = []

    @property
    def edits(self) -> list[str]:
        """The keys of the messages whose edit was tried."""
        return [post.key for post in self.edited]

    @property
    def publications(self) -> list[str]:
        """The keys of the messages whose publishing was tried."""
        return [post.key for post in self.published]

    async def ready(self) -> None:
        await self.online.wait()

    async def edit(self, post: Post) -> SendOutcome:
        self.edited.append(post)
        self.at_work.set()
        if self.held is not None:
            await self.held.wait()
        return self._answer(post)

    async def publish(self, post: Post) -> SendOutcome:
        self.published.append(post)
        return self._answer(post)

    def _answer(self, post: Post) -> SendOutcome:
        answers = self.answers[post.key]
        return answers.popleft() if answers else Delivered(post.message_id)


class EditorHarness(LoopUnderTest):
    """The loop, run by a test."""

    def __init__(self, store: Store, message_editor: FakeMessageEditor, clock: FakeClock) -> None:
        super().__init__(clock)
        self._editor = Editor(store.edits, message_editor, clock, self.wakeup)

    def run(self) -> Coroutine[object, object, None]:
        return self._editor.run()


def editing(
    store: Store, message_editor: FakeMessageEditor, clock: FakeClock
) -> AbstractAsyncContextManager[EditorHarness]:
    """The loop at work; what is to be done has been tried."""
    return EditorHarness(store, message_editor, clock).at_work()
