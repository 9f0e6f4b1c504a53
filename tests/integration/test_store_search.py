"""The full-text index: it is written with the papers, proposes every match, and ranks the newest ones."""

import random
from collections.abc import AsyncIterator, Iterable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from bot.domain.expressions.keywords import as_keyword, parse_keyword
from bot.domain.expressions.matching import PaperSets, rows_of
from bot.domain.paper import Paper
from bot.domain.search.documents import DocumentRange, Hits, first_document
from bot.domain.search.query import Everything, index_query
from bot.store.papers import write_papers
from bot.store.pruning import AbstractPruning
from bot.store.schema import search_documents
from bot.store.search import HITS_MAX, SearchIndex
from bot.store.search_building import SearchIndexBuilding
from tests.support.builders import paper
from tests.support.databases import IS_POSTGRESQL
from tests.support.expressions import as_paper, random_expressions, recorded_papers, vocabulary
from tests.support.store import NOW, Store, opened

CLEAR_FTS5 = "INSERT INTO search_index (search_index) VALUES ('delete-all')"


async def found(store: Store, typed: str, *, by_date: bool = False) -> list[str]:
    """Returns the titles of the papers that the index proposes."""
    index = SearchIndex(store.database)
    hits = await index.find(index_query(parse_keyword(typed)), by_date=by_date)
    return [each.title for each in await shown(index, hits)]


async def shown(index: SearchIndex, hits: Hits) -> list[Paper]:
    """Returns the proposed papers in their order."""
    papers = await index.papers(hits.documents)
    return [papers[document] for document in hits.documents]


def numbered(count: int) -> list[Paper]:
    """Returns papers of as many days, the oldest first."""
    return [
        paper(f"2611.{number:05}", title="A model", published=NOW - timedelta(days=count - number))
        for number in range(1, count + 1)
    ]


async def test_stored_paper_is_found_at_once(store: Store) -> None:
    await store.papers.add([paper(title="Reward models", comment="At NeurIPS"), paper("2611.00002")])
    for typed in ("reward model", "ti:rewards", "co:NeurIPS", "au:Lovelace -cat:cs.CV reward", "reward [cs.LG]"):
        assert await found(store, typed) == ["Reward models"], typed


async def test_new_version_replaces_the_terms(store: Store) -> None:
    old = paper(title="Reward models", abstract="A study of agents.")
    await store.papers.add([old])
    await store.papers.add([replace(old, version=2, title="Reward functions", categories=("cs.CV",))])
    assert await found(store, "models") == []
    assert await found(store, "functions AND agents AND cat:cs.CV") == ["Reward functions"]


async def test_older_version_changes_no_terms(store: Store) -> None:
    new = paper(title="Reward functions", version=2)
    await store.papers.add([new])
    await store.papers.add([replace(new, version=1, title="Reward models")])
    assert await found(store, "models") == []
    assert await found(store, "functions") == ["Reward functions"]


async def test_several_versions_in_one_transaction_leave_the_newest(store: Store) -> None:
    versions = [paper(title=f"Version {name}", version=n) for n, name in ((1, "one"), (3, "three"), (2, "two"))]
    await store.papers.add(versions)
    assert await found(store, "version") == ["Version three"]
    assert await found(store, "two") == []


async def test_paper_and_its_terms_are_stored_together_or_not_at_all(store: Store) -> None:
    async def fail() -> None:
        async with store.database.transaction() as connection:
            await write_papers(connection, [paper(title="Reward models")])
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    assert await found(store, "reward") == []
    await store.papers.add([paper(title="Reward models")])
    assert await found(store, "reward") == ["Reward models"]


async def test_pruned_abstract_is_no_longer_found(store: Store) -> None:
    old = paper(title="Graphs", abstract="Agents with rewards.", published=NOW - timedelta(days=90))
    await store.papers.add([old, replace(old, arxiv_id=paper("2611.00002").arxiv_id, published=NOW, updated=NOW)])
    await AbstractPruning(store.database).prune(timedelta(days=30), NOW)
    assert await found(store, "rewards") == ["Graphs"]
    assert await found(store, "graphs") == ["Graphs", "Graphs"]


async def test_newest_papers_come_first_by_date(store: Store) -> None:
    papers = [replace(each, title=f"A model {n}") for n, each in enumerate(numbered(5))]
    await store.papers.add(random.Random(1).sample(papers, 5))
    assert await found(store, "model", by_date=True) == [f"A model {n}" for n in (4, 3, 2, 1, 0)]


async def test_papers_are_ranked_by_how_often_and_where_the_words_are(store: Store) -> None:
    await store.papers.add(
        [
            paper("2611.00001", title="Agents", abstract="A reward."),
            paper("2611.00002", title="Reward for agents", abstract="The reward of a reward."),
            paper("2611.00003", title="Agents", abstract="A reward, another reward, and one more reward."),
            paper("2611.00004", title="Nothing of that"),
        ]
    )
    index = SearchIndex(store.database)
    hits = await index.find(index_query(parse_keyword("reward")))
    assert [each.arxiv_id.value[-1] for each in await shown(index, hits)] == ["2", "3", "1"]


@pytest.mark.parametrize("typed", ["model", "cat:cs.LG", "model -cat:cs.CV"])
async def test_only_the_newest_hits_are_ranked(store: Store, typed: str) -> None:
    await store.papers.add(numbered(30))
    index = SearchIndex(store.database, hits_max=10, sample=5)
    hits = await index.find(index_query(parse_keyword(typed)))
    assert hits.has_more
    newest = {each.arxiv_id.value for each in await shown(index, hits)}
    assert newest == {f"2611.{number:05}" for number in range(21, 31)}
    assert not (await SearchIndex(store.database).find(index_query(parse_keyword(typed)))).has_more


async def test_any_paper_is_proposed_if_nothing_can_be_searched_for(store: Store) -> None:
    await store.papers.add(numbered(30))
    index = SearchIndex(store.database, hits_max=10)
    hits = await index.find(Everything())
    assert hits.has_more
    assert [each.arxiv_id.value for each in await shown(index, hits)] == [f"2611.{n:05}" for n in range(30, 20, -1)]


async def test_hits_are_limited_to_a_period(store: Store) -> None:
    await store.papers.add(numbered(200))
    low, high = (first_document(NOW - timedelta(days=days)) for days in (150, 100))
    for sample in (10, 1000):
        index = SearchIndex(store.database, sample=sample)
        hits = await index.find(index_query(parse_keyword("model")), DocumentRange(low, high))
        assert len(hits.documents) == 50
        assert min(hits.documents) == low
        assert max(hits.documents) < high


async def test_rare_words_are_found_among_many_older_papers(store: Store) -> None:
    papers = numbered(400)
    papers[3] = replace(papers[3], title="A reward")
    await store.papers.add(papers)
    for hits_max in (2, 5, 1000):
        index = SearchIndex(store.database, hits_max=hits_max, sample=20)
        hits = await index.find(index_query(parse_keyword("reward")))
        assert [each.title for each in await shown(index, hits)] == ["A reward"]
        models = await index.find(index_query(parse_keyword("model")), by_date=True)
        expected = [f"2611.{number:05}" for number in range(400, 0, -1) if number != 4][:hits_max]
        assert [each.arxiv_id.value for each in await shown(index, models)] == expected


async def test_search_in_an_empty_database_finds_nothing(store: Store) -> None:
    assert await found(store, "reward") == []
    assert (await SearchIndex(store.database).find(Everything())).documents == ()


@pytest.mark.parametrize(
    "text",
    [
        "Robert'); DROP TABLE papers;--",
        "quotes \" and ' and \\ and `",
        "NEAR(a b) AND title : x* ^ {y} | c & !d <-> e:*",
        "☃ 🎉 \u200b zero width",
        "word " * 5000,
        "μ" * 200,
    ],
)
async def test_hostile_text_is_stored_and_found(store: Store, text: str) -> None:
    await store.papers.add([paper(title=f"Marker {text}", abstract=text, authors=(text[:100],), comment=text)])
    assert len(await found(store, "marker")) == 1


async def test_paper_of_a_large_collaboration_is_stored_and_found(store: Store) -> None:
    authors = tuple(f"Ada{n} de la Lovelace-Byron{n}" for n in range(20_000))
    await store.papers.add([paper(authors=authors)])
    assert await found(store, "au:Byron7") == ["A paper"]
    assert await found(store, "au:Byron19999") == ["A paper"]


async def test_deepest_expressions_are_valid_queries(store: Store) -> None:
    await store.papers.add([paper(title="x10 x9")])
    typed = "x0"
    for number in range(1, 11):
        typed = f"(x{number} {'AND' if number % 2 else 'OR'} {typed} {'' if number % 2 else ' -cat:cs.CV'})"
    assert await found(store, f"{typed}") == ["x10 x9"]


async def propositions(store: Store, papers: Iterable[Paper], expressions: int) -> tuple[int, int]:
    """Returns how many papers random expressions match and how many are proposed; all matches must be."""
    listed = list(papers)
    await store.papers.add(listed)
    rng = random.Random(11)
    index = SearchIndex(store.database)
    searched = list(random_expressions(rng, vocabulary(rng, listed, 300), expressions))
    sets = PaperSets(listed, (clause for each in searched for clause in each.clauses))
    rows = {each.arxiv_id: row for row, each in enumerate(listed)}
    hits = await index.find(Everything())
    documents = {document: rows[each.arxiv_id] for document, each in (await index.papers(hits.documents)).items()}
    matched = proposed = 0
    for expression in searched:
        hits = await index.find(index_query(as_keyword(expression)))
        ids = {documents[document] for document in hits.documents}
        matches = set(rows_of(sets.find(expression.node)[0]))
        assert matches <= ids, str(expression)
        matched, proposed = matched + len(matches), proposed + len(ids)
    return matched, proposed


@pytest.mark.recordings
async def test_every_recorded_match_of_random_expressions_is_proposed(store: Store) -> None:
    papers = [as_paper(each) for each in recorded_papers()]
    matched, proposed = await propositions(store, random.Random(3).sample(papers, 150), 30)
    assert 0 < matched <= proposed


@pytest.mark.slow
@pytest.mark.recordings
async def test_every_recorded_match_of_many_random_expressions_is_proposed(store: Store) -> None:
    matched, proposed = await propositions(store, map(as_paper, recorded_papers()), 1000)
    assert matched > 10_000
    assert matched <= proposed


# --- building ------------------------------------------------------------------------------------


@pytest.fixture
async def unindexed(path: Path) -> AsyncIterator[Store]:
    """A database of 25 papers that are not in the index, as an earlier release left it."""
    async with opened(path) as store:
        await store.papers.add(numbered(25))
        async with store.database.transaction() as connection:
            await connection.run("DELETE FROM search_index" if IS_POSTGRESQL else CLEAR_FTS5)
            await connection.write(sa.delete(search_documents))
        yield store


async def test_disk_has_space_for_an_index_of_few_papers(unindexed: Store) -> None:
    building = SearchIndexBuilding(unindexed.database)
    await building.begin()
    assert await building.lacking_bytes() == 0


async def test_index_is_built_in_parts_the_newest_papers_first(unindexed: Store) -> None:
    building, index = SearchIndexBuilding(unindexed.database), SearchIndex(unindexed.database)
    assert not (await index.progress()).is_complete
    assert await building.begin() == await index.progress()
    progress = await building.build_part(limit=10)
    assert (progress.done, progress.papers, progress.is_complete) == (10, 25, False)
    hits = await index.find(index_query(parse_keyword("model")), by_date=True)
    assert [each.arxiv_id.value for each in await shown(index, hits)][-1] == "2611.00016"
    while not progress.is_complete:
        progress = await building.build_part(limit=10)
    assert await index.progress() == progress
    assert len((await index.find(index_query(parse_keyword("model")))).documents) == 25


async def test_building_continues_where_it_was_interrupted(unindexed: Store) -> None:
    await SearchIndexBuilding(unindexed.database).begin()
    await SearchIndexBuilding(unindexed.database).build_part(limit=10)
    again = SearchIndexBuilding(unindexed.database)
    assert (await again.begin()).done == 10
    assert (await again.build_part(limit=100)).is_complete
    assert len((await SearchIndex(unindexed.database).find(Everything())).documents) == 25
    with pytest.raises(ValueError, match="nothing to build"):
        await again.build_part()


async def test_papers_stored_while_the_index_is_built_are_in_it_once(unindexed: Store) -> None:
    building = SearchIndexBuilding(unindexed.database)
    await building.begin()
    newer = replace(numbered(25)[2], version=2, title="A reward")
    await unindexed.papers.add([newer, paper("2612.00001", title="A new model")])
    assert (await building.build_part(limit=100)).is_complete
    assert len(await found(unindexed, "model")) == 25
    assert await found(unindexed, "reward") == ["A reward"]


async def test_terms_of_another_release_are_replaced(unindexed: Store) -> None:
    building = SearchIndexBuilding(unindexed.database)
    await building.begin()
    await building.build_part(limit=100)
    async with unindexed.database.transaction() as connection:
        await connection.run("UPDATE search_progress SET version = version + 1")
    assert not (await SearchIndex(unindexed.database).progress()).is_complete
    await building.begin()
    assert await found(unindexed, "model") == []
    assert (await building.build_part(limit=100)).is_complete
    assert len(await found(unindexed, "model")) == 25


async def test_new_database_has_a_complete_index(store: Store) -> None:
    assert (await SearchIndexBuilding(store.database).begin()).is_complete
    assert HITS_MAX == 5000
