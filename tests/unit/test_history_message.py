"""Messages in a history are read whatever they contain, and are posts only with a post's components."""

from typing import Final

import pytest

from bot.discord_api.history_message import HistoryMessage, PostMarks, UnreadableHistory

IDS: Final = {"id": "7", "author": {"id": "5"}}


def menu(**changes: object) -> dict[str, object]:
    component = {"type": 3, "custom_id": "abstracts:a-key", "options": [{"value": "2611.00001"}], **changes}
    return {"components": [{"type": 1, "components": [component]}]}


@pytest.mark.parametrize(
    "payload", [None, [], "message", {}, {"id": "7"}, {"id": "7", "author": None}, IDS | {"id": "x"}]
)
def test_message_without_its_ids_is_unreadable(payload: object) -> None:
    with pytest.raises(UnreadableHistory):
        HistoryMessage.parse(payload)


@pytest.mark.parametrize(
    "unusual",
    [
        {"poll": {"question": {"text": "?"}, "answers": [], "expiry": None, "layout_type": 1}},
        {"message_snapshots": [{"message": {}}], "message_reference": {"type": 1, "channel_id": "9"}},
        {"application": {"id": "1", "name": "a"}},
        {"content": None, "embeds": [{"type": "rich", "color": None, "timestamp": "never"}, None]},
        {
            "components": [
                {"type": 99},
                {"type": 10, "content": "text"},
                None,
                {"type": 1, "components": [{"type": 98}]},
            ]
        },
        {"components": {"type": 1}, "embeds": 5},
        menu(type=5),
        menu(custom_id="abstracts:"),
        menu(custom_id=None),
    ],
)
def test_unusual_message_is_no_post(unusual: dict[str, object]) -> None:
    message = HistoryMessage.parse(IDS | unusual)
    assert (message.id, message.author_id, message.content) == (7, 5, "")
    assert message.post_marks() is None
    assert not message.has_links_in_embeds


def test_papers_of_a_menu_are_its_options() -> None:
    assert HistoryMessage.parse(IDS | menu()).post_marks() == PostMarks("a-key", ("2611.00001",))
    assert HistoryMessage.parse(IDS | menu(options=[{}, None])).post_marks() == PostMarks("a-key", ())
