"""The names of authors: by the beginnings that people type, and those for whom papers matched."""

from typing import Final

import sqlalchemy as sa

from bot.store.column_types import Text, TextList
from bot.store.schema.base import BY_KEY, keyword, metadata, paper, partial_index

# A name that papers list, once for each key under which it is found (`domain/expressions/author_keys.py`), and how many
# papers list it.
author_keys: Final = sa.Table(
    "author_keys",
    metadata,
    sa.Column("key", Text, primary_key=True),
    sa.Column("name", Text, primary_key=True),
    sa.Column("papers", sa.Integer, nullable=False),
    **BY_KEY,
)
# The names that are suggested first, where a beginning of a key has thousands. SQLite uses the partial index for a
# statement with the same words only.
IS_FREQUENT: Final = author_keys.c.papers >= sa.literal_column("10")
partial_index("author_keys_frequent", IS_FREQUENT, author_keys.c.key, author_keys.c.papers, author_keys.c.name)

# The authors for whom a paper matched a keyword, as the paper lists them: those who certainly are the ones of the
# keyword, and those who possibly are. Matches for other reasons have no row.
author_matches: Final = sa.Table(
    "author_matches",
    metadata,
    paper(primary_key=True),
    keyword(),
    sa.Column("certain", TextList, nullable=False),
    sa.Column("possible", TextList, nullable=False),
    **BY_KEY,
)
