"""A number of shards that Discord refuses is explained by one sentence."""

import pytest

from bot.discord_api.sharded_client import rejected_shards
from bot.runtime.shards import shard_of


@pytest.mark.parametrize(
    ("code", "shard_count", "sentence"),
    [
        (4004, 1, "Discord no longer accepts the token: set a new one in DISCORD_TOKEN."),
        (
            4010,
            3,
            (
                "Discord refuses to serve the bot with 3 shards: set `discord.shards` to null, as many as Discord "
                "recommends."
            ),
        ),
        (
            4011,
            1,
            (
                "Discord requires sharding, and 1 shard cannot serve so many servers: set `discord.shards` to null, as "
                "many as Discord recommends, or to a larger number."
            ),
        ),
    ],
)
def test_refusal_names_the_number_of_shards(code: int, shard_count: int, sentence: str) -> None:
    assert rejected_shards(code, shard_count, is_recommended=False) == sentence


@pytest.mark.parametrize("code", [4010, 4011])
def test_refusal_of_the_recommended_shards_does_not_recommend_them(code: int) -> None:
    sentence = rejected_shards(code, 3, is_recommended=True)
    assert sentence is not None
    assert "the 3 shards that it recommends" in sentence
    assert "null" not in sentence


def test_other_close_codes_are_not_refusals() -> None:
    assert rejected_shards(4000, 1, is_recommended=True) is None


def test_shard_of_a_server_follows_from_its_id() -> None:
    assert [shard_of(number << 22, 4) for number in (0, 1, 5, 7)] == [0, 1, 1, 3]
