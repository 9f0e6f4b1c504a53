"""Limits on how often people and servers get suggestions."""

from bot.discord_api.autocompletion import (
    SUGGESTIONS_PER_PERSON,
    SUGGESTIONS_PER_SERVER,
    WINDOW_S,
    AutocompletionLimit,
)


class Time:
    """Seconds that the test sets."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def test_person_beyond_the_limit_gets_suggestions_again_later() -> None:
    time = Time()
    limit = AutocompletionLimit(time)
    assert all(limit.allows(1, 7) for _ in range(SUGGESTIONS_PER_PERSON))
    assert not limit.allows(1, 7)
    assert not limit.allows(1, None)
    assert limit.allows(2, 7)
    time.now_s += WINDOW_S
    assert limit.allows(1, 7)


def test_server_beyond_the_limit_affects_no_other_server() -> None:
    limit = AutocompletionLimit(Time())
    assert all(limit.allows(person, 7) for person in range(SUGGESTIONS_PER_SERVER))
    assert not limit.allows(-1, 7)
    assert limit.allows(-1, 8)
    assert limit.allows(-2, None)


def test_rejected_requests_of_a_person_do_not_count_for_the_server() -> None:
    limit = AutocompletionLimit(Time())
    for _ in range(SUGGESTIONS_PER_SERVER * 2):
        limit.allows(1, 7)
    assert limit.allows(2, 7)
