"""An in-memory Discord behind the `MessageEditor` protocol, and an editor that uses it."""

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
    """Messages in memory: every edit and publication succeeds, unless the test configures another outcome."""

    def __init__(self) -> None:
        # The outcomes of the next requests for a post, by its key; after them every request succeeds.
        self.answers: defaultdict[str, deque[SendOutcome]] = defaultdict(deque)
        # Set by a test that does something while an edit is under way.
        self.held: asyncio.Event | None = None
        self.edit_started = asyncio.Event()
        self.edited: list[Post] = []
        self.published: list[Post] = []

    @property
    def edits(self) -> list[str]:
        """The keys of the messages that were to be edited."""
        return [post.key for post in self.edited]

    @property
    def publications(self) -> list[str]:
        """The keys of the messages that were to be published."""
        return [post.key for post in self.published]

    async def edit(self, post: Post) -> SendOutcome:
        self.edited.append(post)
        self.edit_started.set()
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
    """An editor with a real store and a fake Discord."""

    def __init__(self, store: Store, message_editor: FakeMessageEditor, clock: FakeClock) -> None:
        super().__init__(clock)
        self._editor = Editor(store.edits, message_editor, clock, self.wakeup)

    def run(self) -> Coroutine[object, object, None]:
        return self._editor.run()


def running_editor(
    store: Store, message_editor: FakeMessageEditor, clock: FakeClock
) -> AbstractAsyncContextManager[EditorHarness]:
    """Runs an editor inside the block; what was due at its start has been attempted."""
    return EditorHarness(store, message_editor, clock).running()
