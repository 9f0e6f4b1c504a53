"""What is stored about a person: every column with people's ids is shown and deleted."""

from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from bot.domain.exclusions import ExclusionQuotas
from bot.domain.keyword import Keyword
from bot.domain.question import Question
from bot.domain.subscription import UNLIMITED
from bot.store.personal_data import PERSONAL_COLUMNS, PersonalData
from bot.store.questions import Questions
from bot.store.schema import metadata, questions
from bot.store.server_settings import ImportApplied, ImportGone, ServerSettingsStore
from tests.integration.test_server_settings import GRACE, HERE, add_preview, apply, file
from tests.support.store import ADA, GUILD, NOW, Store

# Ids of Discord and of the database that are not those of people.
NOT_PEOPLE = frozenset(
    {
        "channel_id",
        "exclusion_id",
        "guild_id",
        "id",
        "keyword_id",
        "mention_role",
        "message_id",
        "outbox_id",
        "parent_id",
        "read_until",
        "search_after",
        "thread_id",
    }
)


def id_columns() -> Iterator[sa.Column[object]]:
    """The columns that can hold an id of Discord."""
    for table in metadata.sorted_tables:
        for column in table.columns:
            if isinstance(column.type, sa.BigInteger):
                yield column


def test_every_column_with_ids_of_people_is_shown_and_deleted() -> None:
    listed = {str(each.column) for each in PERSONAL_COLUMNS}
    people = {str(column) for column in id_columns() if column.name not in NOT_PEOPLE}
    assert people == listed
    assert "subscriptions.added_by" in people
    assert {column.name for column in id_columns()} >= NOT_PEOPLE
    assert all(each.column.nullable or each.deletes_rows for each in PERSONAL_COLUMNS)
    texts = [
        column.name for table in metadata.sorted_tables for column in table.columns if column not in set(id_columns())
    ]
    # An exclusion of an expression, and a kind of poll.
    assert {name for name in texts if name.endswith("_by") or "user" in name} == {"excluded_by", "found_by"}


def test_everything_about_a_question_is_shown() -> None:
    (kind,) = (each for each in PERSONAL_COLUMNS if each.kind == "questions")
    assert {column.name for column in kind.shown.values()} == {column.name for column in questions.columns} - {
        "key",
        "user_id",
    }


async def count_of(store: Store, user_id: int) -> int:
    """In how many columns of how many rows a person's id is, as a number or in a text."""
    found = 0
    async with store.database.reading() as connection:
        for table in metadata.sorted_tables:
            for row in await connection.all(sa.select(table)):
                found += sum(value == user_id or str(user_id) in str(value) for value in row)
    return found


@pytest.fixture
def imports(store: Store) -> ServerSettingsStore:
    return ServerSettingsStore(store.database, store.subscriptions.note_change)


async def test_deletion_leaves_nothing_of_a_person_and_everything_of_others(
    store: Store, imports: ServerSettingsStore
) -> None:
    person = 98_765_432_109_876_543
    data = PersonalData(store.database)
    await store.subscribe("graph", HERE, added_by=person)
    await store.subscribe("forest", HERE, added_by=person)
    await store.subscribe("tree", HERE, added_by=ADA)
    await apply(imports, await add_preview(imports, file("forest", "tree"), name="of ada"))
    await apply(imports, await add_preview(imports, file("forest"), name="undo", user=person))
    await add_preview(imports, file("graph"), name="preview", user=person)
    survey, quotas = Keyword.parse("survey"), ExclusionQuotas(per_channel=1, per_server=1)
    await store.exclusions.add(HERE, GUILD, survey, added_by=person, now=NOW, quotas=quotas)
    question = Question(person, "latest", ((Keyword.parse("a1 and b1"),),))
    await Questions(store.database).add("0123456789abcdef", question, NOW)
    shown = await data.of(person)
    assert [row["keyword"] for row in shown["keywords_added"]] == ["forest"]
    assert [row["keyword"] for row in shown["keywords_in_undos"]] == ["graph"]
    assert [row["applied"] for row in shown["imports"]] == [True, False]
    assert all(set(row) == {"channel", "keyword", "added_at"} for row in shown["keywords_added"])
    of_ada = await data.of(ADA)
    assert of_ada["imports"]
    assert await count_of(store, person) > 0
    deleted = {"keywords_added": 1, "keywords_in_undos": 1, "exclusions_added": 1, "questions": 1, "imports": 2}
    assert await data.delete(person) == deleted
    assert await count_of(store, person) == 0
    assert not any((await data.of(person)).values())
    # The removal of "tree" belonged to the undo that was deleted.
    assert (await data.of(ADA))["imports"] == of_ada["imports"]
    assert [each.keyword.shown for each in await store.subscriptions.in_channel(HERE)] == ["forest"]
    assert isinstance(await imports.undo("undo", NOW), ImportGone)
    (exclusion,) = await store.exclusions.in_channel(HERE)
    assert (exclusion.keyword, exclusion.added_by) == (survey, None)
    assert await data.delete(person) == dict.fromkeys(deleted, 0)


async def test_undo_works_after_data_of_someone_else_was_deleted(store: Store, imports: ServerSettingsStore) -> None:
    await store.subscribe("graph", HERE, added_by=GRACE)
    applied = await apply(imports, await add_preview(imports, file("tree")))
    assert isinstance(applied, ImportApplied)
    await PersonalData(store.database).delete(GRACE)
    await imports.undo("1", NOW)
    (subscription,) = await store.subscriptions.in_channel(HERE)
    assert (subscription.keyword.shown, subscription.added_by) == ("graph", None)
    assert UNLIMITED.per_channel > 0
