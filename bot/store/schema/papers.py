"""The papers, the keywords that they match, and the polls that found them."""

from typing import Final

import sqlalchemy as sa

from bot.store.column_types import Flag, Id, Text, TextList, Utc
from bot.store.schema.base import BY_KEY, STRICT, keyword, metadata, paper, partial_index

# abstract: empty once it was pruned.
papers: Final = sa.Table(
    "papers",
    metadata,
    sa.Column("arxiv_id", Text, primary_key=True),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("title", Text, nullable=False),
    sa.Column("abstract", Text, nullable=False),
    sa.Column("authors", TextList, nullable=False),
    sa.Column("primary_category", Text, nullable=False),
    sa.Column("categories", TextList, nullable=False),
    sa.Column("published", Utc, nullable=False),
    sa.Column("updated", Utc, nullable=False),
    sa.Column("comment", Text),
    sa.Column("journal_ref", Text),
    sa.Column("doi", Text),
    **STRICT,
)
# The condition of the partial index, which SQLite uses for a statement with the same words only.
HAS_ABSTRACT: Final = papers.c.abstract != sa.literal_column("''")
# The papers whose abstracts can be pruned, the least recently updated first.
partial_index("papers_with_abstract", HAS_ABSTRACT, papers.c.updated, papers.c.arxiv_id)

# new_since: papers published after it can be new; synced_until: how far arXiv was read, NULL before the initial sync.
# previous_matcher_until: papers published until then were compared by the matcher of an earlier release: what only the
# present one finds among them counts as seen. label: as in `subscriptions`.
keywords: Final = sa.Table(
    "keywords",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("canonical", Text, nullable=False, unique=True),
    sa.Column("shown", Text, nullable=False),
    sa.Column("new_since", Utc),
    sa.Column("synced_until", Utc),
    sa.Column("previous_matcher_until", Utc),
    sa.Column("label", Text),
    sa.CheckConstraint("synced_until IS NULL OR new_since IS NOT NULL"),
    **STRICT,
)

# Seen ids, permanent: a paper in it is never new again. The dates are those of the paper, so that the newest papers of
# a keyword are read in order. found_by: the kind of read that found the paper; NULL in databases of earlier releases.
matches: Final = sa.Table(
    "matches",
    metadata,
    keyword(),
    sa.Column("published", Utc, primary_key=True),
    paper(primary_key=True),
    sa.Column("updated", Utc, nullable=False),
    sa.Column("matched_at", Utc, nullable=False),
    sa.Column("found_by", Text),
    sa.Index("matches_by_paper", "arxiv_id", "keyword_id", unique=True),
    sa.Index("matches_by_update", "keyword_id", "updated", "arxiv_id"),
    **BY_KEY,
)

# The papers of the last weeks that satisfy an expression except for an exclusion, and which one that is.
excluded_papers: Final = sa.Table(
    "excluded_papers",
    metadata,
    keyword(),
    sa.Column("published", Utc, primary_key=True),
    paper(primary_key=True),
    sa.Column("excluded_by", Text, nullable=False),
    sa.Index("excluded_papers_by_paper", "arxiv_id", "keyword_id", unique=True),
    sa.Index("excluded_papers_by_date", "published"),
    **BY_KEY,
)

# The papers that backfills found, for the page and the charts only.
backfilled_papers: Final = sa.Table(
    "backfilled_papers",
    metadata,
    keyword(),
    sa.Column("updated", Utc, primary_key=True),
    paper(primary_key=True),
    sa.Index("backfilled_papers_by_paper", "arxiv_id", "keyword_id", unique=True),
    **BY_KEY,
)

# The months (YYYY-MM) that a backfill fetched completely for a keyword, and when.
backfilled_months: Final = sa.Table(
    "backfilled_months",
    metadata,
    keyword(),
    sa.Column("month", Text, primary_key=True),
    sa.Column("fetched_at", Utc, nullable=False),
    **BY_KEY,
)

# How many papers arXiv has for a keyword in a month, whether it is watched or not.
month_counts: Final = sa.Table(
    "month_counts",
    metadata,
    sa.Column("canonical", Text, primary_key=True),
    sa.Column("month", Text, primary_key=True),
    sa.Column("papers", sa.Integer, nullable=False),
    sa.Column("counted_at", Utc, nullable=False),
    sa.CheckConstraint("papers >= 0"),
    **BY_KEY,
)

# The results of polls; of a series of equal ones the first and the last. has_batch: whether the announced batch was
# there; retry_at: when arXiv may be polled again.
polls: Final = sa.Table(
    "polls",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("at", Utc, nullable=False),
    sa.Column("outcome", Text, nullable=False),
    sa.Column("new_papers", sa.Integer),
    sa.Column("has_batch", Flag),
    sa.Column("reason", Text),
    sa.Column("retry_at", Utc),
    sa.CheckConstraint("outcome IN ('read', 'batch absent', 'throttled', 'broken')"),
    sa.Index("polls_by_time", "at"),
    **STRICT,
)

# Single values that outlive a run.
key_values: Final = sa.Table(
    "key_values",
    metadata,
    sa.Column("name", Text, primary_key=True),
    sa.Column("value", Text, nullable=False),
    **BY_KEY,
)
