"""What a research field consists of."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ResearchField:
    """A field of study: its categories (primary first), topics, methods, testbeds, and sentences."""

    categories: tuple[tuple[str, ...], ...]
    topics: tuple[str, ...]
    methods: tuple[str, ...]
    testbeds: tuple[str, ...]
    sentences: tuple[str, ...]
