"""Which roles of keywords a message pings: each once per batch, and no more than fit into a message."""

import pytest

from bot.discord_api.messages import render
from bot.domain.channel_settings import Layout
from bot.domain.layout.message import BatchKind, headline
from bot.domain.pings import KEYWORD_ROLES_MAX, with_keyword_roles
from bot.domain.post import NO_HEADER, MessageHeader, OutboxEntry, Post
from bot.runtime.limits import CONTENT_MAX, SNOWFLAKE_MAX
from tests.support.builders import paper
from tests.support.store import NOW

READERS, VISION, CHANNEL_ROLE = 101, 102, 103


def entries(*roles: tuple[int, ...]) -> tuple[OutboxEntry, ...]:
    """One entry per argument, whose keywords have these roles."""
    return tuple(
        OutboxEntry(number, paper(f"2611.{number:05}"), ("graph",), alone=False, roles=each)
        for number, each in enumerate(roles, 1)
    )


def test_message_pings_the_roles_of_its_papers_once_in_their_order() -> None:
    due = entries((VISION,), (), (READERS, VISION))
    fitting, header = with_keyword_roles(due, NO_HEADER)
    assert fitting == due
    assert header.keyword_roles == (VISION, READERS)
    assert header.roles == (VISION, READERS)


def test_role_of_the_channel_is_pinged_once_although_a_keyword_has_it() -> None:
    _, header = with_keyword_roles(entries((CHANNEL_ROLE, READERS)), MessageHeader(mention_role=CHANNEL_ROLE))
    assert header.roles == (CHANNEL_ROLE, READERS)
    assert header.keyword_roles == (READERS,)


def test_later_messages_of_a_batch_ping_only_roles_that_no_earlier_one_pinged() -> None:
    first = MessageHeader(Layout.COMPACT, "**3 new papers**", mention_role=CHANNEL_ROLE, keyword_roles=(READERS,))
    second = first.followed_by(thread_id=5)
    assert second == MessageHeader(Layout.COMPACT, thread_id=5, earlier_roles=(CHANNEL_ROLE, READERS))
    _, pinging = with_keyword_roles(entries((READERS,), (CHANNEL_ROLE, VISION)), second)
    assert pinging.roles == (VISION,)
    assert pinging.followed_by(None).earlier_roles == (CHANNEL_ROLE, READERS, VISION)


def test_batch_of_which_it_is_unknown_what_it_pinged_pings_no_more() -> None:
    unknown = MessageHeader(mention_role=CHANNEL_ROLE, earlier_roles=None)
    due = entries((READERS,))
    assert with_keyword_roles(due, unknown) == (due, unknown)
    assert unknown.followed_by(None) == MessageHeader(earlier_roles=None)


def test_paper_whose_roles_do_not_fit_begins_the_next_message() -> None:
    many = tuple(range(1, KEYWORD_ROLES_MAX))
    due = entries(many, (1,), (READERS,), (VISION,), (READERS,))
    fitting, header = with_keyword_roles(due, NO_HEADER)
    assert fitting == due[:3]
    assert header.keyword_roles == (*many, READERS)
    fitting, header = with_keyword_roles(due[3:], header.followed_by(None))
    assert fitting == due[3:]
    assert header.keyword_roles == (VISION,)


def test_single_paper_with_too_many_roles_pings_the_first_ones() -> None:
    many = tuple(range(1, KEYWORD_ROLES_MAX + 6))
    due = entries(many, (2,), many[-2:], (READERS,))
    fitting, header = with_keyword_roles(due, NO_HEADER)
    # The roles of the second and third paper are those of the first one.
    assert fitting == due[:3]
    assert header.keyword_roles == many[:KEYWORD_ROLES_MAX]
    fitting, header = with_keyword_roles(due[2:], header.followed_by(None))
    assert fitting == due[2:]
    assert header.keyword_roles == (*many[-2:], READERS)


@pytest.mark.parametrize("kind", BatchKind)
def test_message_with_the_most_roles_and_the_longest_headline_is_not_too_long(kind: BatchKind) -> None:
    roles = tuple(SNOWFLAKE_MAX - number for number in range(KEYWORD_ROLES_MAX + 1))
    due = entries(roles[1:])
    _, header = with_keyword_roles(due, MessageHeader(mention_role=roles[0]))
    line = headline(10**6, [f"*keyword* {number}" for number in range(300)], NOW, kind)
    header = MessageHeader(Layout.CARDS, line, header.mention_role, keyword_roles=header.keyword_roles)
    rendered = render(Post("key", 1, "nonce", NOW, NOW, due, header, rest=10**6))
    assert rendered.content is not None
    assert len(rendered.content) <= CONTENT_MAX
    assert rendered.content.startswith("".join(f"<@&{role}> " for role in roles) + "**1,000,000 ")
    assert dict(rendered.allowed_mentions.to_dict()) == {"parse": [], "roles": list(roles)}
