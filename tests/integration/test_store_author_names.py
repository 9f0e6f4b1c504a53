"""The names of authors in stored papers: suggestions, and counting them with and after their papers."""

import asyncio
from dataclasses import replace

from bot.domain.expressions.author_keys import typed_prefixes
from bot.domain.expressions.authors import followed_author, read_author
from bot.services.authors import COUNTING_PAUSE_S, AuthorCounter, AuthorService, SameName
from bot.store.author_names import COUNTED_UNTIL, AuthorName, AuthorNames
from bot.store.schema import author_keys
from tests.support.builders import paper
from tests.support.clock import FakeClock
from tests.support.store import Store

HINTON, LECUN = "Geoffrey E. Hinton", "Yann LeCun"


async def found(store: Store, typed: str, limit: int = 25) -> dict[str, int]:
    """Returns the suggestions for what was typed, in their order."""
    names = await AuthorNames(store.database).find(typed_prefixes(typed), limit)
    return {each.name: each.papers for each in names}


async def rows(store: Store) -> int:
    async with store.database.reading() as connection:
        return len(await connection.all(author_keys.select()))


async def test_authors_of_stored_papers_are_counted(store: Store) -> None:
    await store.papers.add([paper("2611.00001", authors=(HINTON, LECUN)), paper("2611.00002", authors=(HINTON,))])
    await store.papers.add([paper("2611.00003", authors=("Grace Hinton",))])
    assert await found(store, "hinton") == {HINTON: 2, "Grace Hinton": 1}
    assert list(await found(store, "h")) == [HINTON, "Grace Hinton"]
    assert await found(store, "Hinton, Gr") == {"Grace Hinton": 1}
    assert await found(store, "hinton", limit=1) == {HINTON: 2}
    assert await found(store, "") == {}


async def test_paper_is_counted_once_however_often_it_is_stored(store: Store) -> None:
    subject = paper(authors=(HINTON, LECUN))
    for each in (subject, subject, replace(subject, version=2), subject):
        await store.papers.add([each, each])
    assert await found(store, "hinton") == {HINTON: 1}


async def test_newer_version_changes_the_counted_authors(store: Store) -> None:
    subject = paper(authors=(HINTON, LECUN))
    await store.papers.add([subject, paper("2611.00002", authors=(LECUN,))])
    await store.papers.add([replace(subject, version=2, authors=(HINTON, "Ada Lovelace"))])
    assert await found(store, "lecun") == {LECUN: 1}
    assert await found(store, "lovelace") == {"Ada Lovelace": 1}
    await store.papers.add([replace(subject, version=3, authors=(HINTON,))])
    assert await found(store, "lovelace") == {}
    await store.papers.add([replace(subject, version=1, authors=("Alan Turing",))])
    assert await found(store, "turing") == {}


async def test_frequent_names_come_first_among_very_many(store: Store) -> None:
    rare = [paper(f"2610.{n:05}", authors=(f"Ada Wa{chr(97 + n % 26)}{chr(97 + n // 26)}",)) for n in range(600)]
    frequent = [paper(f"2611.{n:05}", authors=("Zhi Wazz",)) for n in range(12)]
    await store.papers.add([*rare, *frequent])
    suggested = await found(store, "wa", limit=3)
    assert next(iter(suggested.items())) == ("Zhi Wazz", 12)
    assert len(suggested) == 3
    assert await found(store, "wa", limit=1) == {"Zhi Wazz": 12}


async def test_papers_of_an_earlier_release_are_counted_in_parts(store: Store, clock: FakeClock) -> None:
    papers = [paper(f"2611.{n:05}", authors=(HINTON,)) for n in range(1, 8)]
    await store.papers.add(papers[:6])
    async with store.database.transaction() as connection:  # as the migration leaves it
        await connection.write(author_keys.delete())
    await store.key_values.set(COUNTED_UNTIL, "")
    names = AuthorNames(store.database)
    assert await names.count_next(2)
    # The first two are counted; a new version of one of them, and of one whose turn comes, and a new paper.
    await store.papers.add([replace(papers[0], version=2, authors=(HINTON, LECUN))])
    await store.papers.add([replace(papers[5], version=2, authors=(LECUN,)), papers[6]])
    assert await found(store, "hinton") == {HINTON: 2}
    counting = asyncio.create_task(AuthorCounter(names, clock).run())
    while not counting.done():
        await clock.advance(COUNTING_PAUSE_S)
    assert await found(store, "hinton") == {HINTON: 6}
    assert await found(store, "lecun") == {LECUN: 2}
    assert not await names.count_next()
    await store.papers.add([paper("2611.99999", authors=(HINTON,))])
    assert await found(store, "hinton") == {HINTON: 7}


async def test_spellings_of_a_followed_author_are_found(store: Store) -> None:
    names = ("Geoffrey Hinton", "Geoffrey E. Hinton", "G. Hinton", "Grace Hinton", "Geoffrey Hintonsson")
    await store.papers.add([paper(f"2611.{n:05}", authors=(name,)) for n, name in enumerate(names)])
    await store.papers.add([paper("2611.00009", authors=(HINTON,))])
    author = followed_author(read_author("Geoffrey Hinton"))
    assert author is not None
    assert await AuthorService(AuthorNames(store.database)).same_names(author) == (
        SameName(HINTON, 2, is_possible=False),
        SameName("G. Hinton", 1, is_possible=True),
        SameName("Geoffrey Hinton", 1, is_possible=False),
    )


async def test_suggestions_are_limited_to_a_name_that_can_be_typed(store: Store) -> None:
    await store.papers.add([paper(authors=(HINTON,))])
    service = AuthorService(AuthorNames(store.database))
    assert await service.suggest("hin", 5) == (AuthorName(HINTON, 1),)
    assert await service.suggest("hin" + "x" * 6000, 5) == ()
