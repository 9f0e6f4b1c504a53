-- What a backfill found, for the page alone: `matches` decides what is new for a channel, this never does.
CREATE TABLE archive (
    keyword_id INTEGER NOT NULL REFERENCES keywords (id),
    arxiv_id   TEXT NOT NULL REFERENCES papers (arxiv_id),
    PRIMARY KEY (keyword_id, arxiv_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX archive_by_paper ON archive (arxiv_id);

-- The months (YYYY-MM, by submission of v1, in UTC) that a backfill has read to their end for a keyword.
CREATE TABLE archived_months (
    keyword_id INTEGER NOT NULL REFERENCES keywords (id),
    month      TEXT NOT NULL,
    read_at    TEXT NOT NULL,
    PRIMARY KEY (keyword_id, month)
) STRICT, WITHOUT ROWID;

-- How many papers arXiv counts for a keyword in a month, whether anybody watches the keyword or not. From counted_at
-- follows whether the count is final.
CREATE TABLE month_totals (
    canonical  TEXT NOT NULL,
    month      TEXT NOT NULL,
    total      INTEGER NOT NULL CHECK (total >= 0),
    counted_at TEXT NOT NULL,
    PRIMARY KEY (canonical, month)
) STRICT, WITHOUT ROWID;

-- What Hugging Face's daily papers say of a paper; not every listed paper is one of ours, nor the reverse.
-- drawn_votes, drawn_code: the votes and the repository that messages were last drawn anew for; NULL: never.
CREATE TABLE listings (
    arxiv_id     TEXT PRIMARY KEY,
    day          TEXT NOT NULL,  -- YYYY-MM-DD: the day on whose list it stands
    title        TEXT NOT NULL,
    summary      TEXT NOT NULL,
    authors      TEXT NOT NULL,  -- a JSON list
    votes        INTEGER NOT NULL CHECK (votes >= 0),
    comments     INTEGER NOT NULL CHECK (comments >= 0),
    organization TEXT,
    code_url     TEXT,
    stars        INTEGER CHECK (stars >= 0),
    drawn_votes  INTEGER,
    drawn_code   TEXT
) STRICT, WITHOUT ROWID;

CREATE INDEX listings_by_day ON listings (day);

-- The days whose list was read to its end, and when last.
CREATE TABLE listed_days (
    day     TEXT PRIMARY KEY,
    read_at TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Whether a channel wants each day's list: the votes that a paper must have at least; NULL: no list is wanted.
ALTER TABLE preferences ADD COLUMN trending_votes INTEGER CHECK (trending_votes >= 0);
ALTER TABLE preferences ADD COLUMN trending_since TEXT;

-- A day's list in a channel: one Discord message, written before it leaves as in `posts`.
-- settled_at without a message_id: it was refused, posted and deleted since, or nothing of the list was for the channel.
CREATE TABLE digests (
    channel_id    INTEGER NOT NULL REFERENCES channels (channel_id),
    day           TEXT NOT NULL,
    at_least      INTEGER NOT NULL CHECK (at_least >= 0),  -- votes of its papers
    key           TEXT NOT NULL UNIQUE,
    nonce         TEXT NOT NULL UNIQUE,
    first_attempt TEXT NOT NULL,
    last_attempt  TEXT NOT NULL,
    message_id    INTEGER,
    thread_id     INTEGER,
    settled_at    TEXT,
    PRIMARY KEY (channel_id, day),
    CHECK (settled_at IS NOT NULL OR message_id IS NULL)
) STRICT, WITHOUT ROWID;
