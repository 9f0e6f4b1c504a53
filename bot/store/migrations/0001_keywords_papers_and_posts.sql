-- Times are ISO-8601 in UTC with microseconds, so that they sort as text. Discord's ids are integers.

CREATE TABLE papers (
    arxiv_id         TEXT PRIMARY KEY,
    version          INTEGER NOT NULL,
    title            TEXT NOT NULL,
    abstract         TEXT NOT NULL,
    authors          TEXT NOT NULL,  -- a JSON list
    primary_category TEXT NOT NULL,
    categories       TEXT NOT NULL,  -- a JSON list
    published        TEXT NOT NULL,
    updated          TEXT NOT NULL,
    comment          TEXT,
    journal_ref      TEXT,
    doi              TEXT
) STRICT, WITHOUT ROWID;

-- read_from: published after it counts as new. read_until: how far arXiv was read; NULL means its past is unread.
CREATE TABLE keywords (
    id         INTEGER PRIMARY KEY,
    canonical  TEXT NOT NULL UNIQUE,
    shown      TEXT NOT NULL,
    read_from  TEXT,
    read_until TEXT,
    CHECK (read_until IS NULL OR read_from IS NOT NULL)
) STRICT;

-- obstacle: why nothing can be posted there at the moment, in words; gone_since: deleted, or the bot left its server;
-- told_at: when somebody was told of an obstacle last; guild_id is learnt from the gateway.
CREATE TABLE channels (
    channel_id     INTEGER PRIMARY KEY,
    guild_id       INTEGER,
    obstacle       TEXT,
    obstacle_since TEXT,
    not_before     TEXT,
    gone_since     TEXT,
    told_at        TEXT,
    CHECK ((obstacle IS NULL) = (obstacle_since IS NULL)),
    CHECK (gone_since IS NULL OR obstacle IS NOT NULL)
) STRICT;

CREATE TABLE subscriptions (
    channel_id INTEGER NOT NULL REFERENCES channels (channel_id),
    keyword_id INTEGER NOT NULL REFERENCES keywords (id),
    by_file    INTEGER NOT NULL CHECK (by_file IN (0, 1)),
    by_command INTEGER NOT NULL CHECK (by_command IN (0, 1)),
    added_by   INTEGER,  -- the Discord user who asked for it; NULL where only the file did
    added_at   TEXT NOT NULL,
    PRIMARY KEY (channel_id, keyword_id),
    CHECK (by_file OR by_command)
) STRICT, WITHOUT ROWID;

CREATE INDEX subscriptions_by_keyword ON subscriptions (keyword_id);

-- Seen ids, kept for good: what is in here is never new again.
CREATE TABLE matches (
    keyword_id INTEGER NOT NULL REFERENCES keywords (id),
    arxiv_id   TEXT NOT NULL REFERENCES papers (arxiv_id),
    matched_at TEXT NOT NULL,
    PRIMARY KEY (keyword_id, arxiv_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX matches_by_paper ON matches (arxiv_id);

-- One Discord message: written before it leaves; message_id comes with Discord's answer.
CREATE TABLE posts (
    key           TEXT PRIMARY KEY,
    channel_id    INTEGER NOT NULL REFERENCES channels (channel_id),
    nonce         TEXT NOT NULL UNIQUE,
    layout        TEXT NOT NULL CHECK (layout IN ('cards')),
    first_attempt TEXT NOT NULL,
    last_attempt  TEXT NOT NULL,
    message_id    INTEGER,
    settled_at    TEXT,
    CHECK (settled_at IS NOT NULL OR message_id IS NULL)
) STRICT, WITHOUT ROWID;

CREATE INDEX posts_open ON posts (channel_id) WHERE settled_at IS NULL;

-- state: waiting (post_key NULL: free; else bound to a post), delivered, refused (Discord would not have it).
-- alone: a message that held it with others was refused, so it goes by itself.
CREATE TABLE outbox (
    id         INTEGER PRIMARY KEY,
    channel_id INTEGER NOT NULL REFERENCES channels (channel_id),
    arxiv_id   TEXT NOT NULL REFERENCES papers (arxiv_id),
    due_at     TEXT NOT NULL,
    state      TEXT NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'delivered', 'refused')),
    post_key   TEXT REFERENCES posts (key),
    alone      INTEGER NOT NULL DEFAULT 0 CHECK (alone IN (0, 1)),
    refusal    TEXT,
    UNIQUE (channel_id, arxiv_id),
    CHECK (state = 'waiting' OR post_key IS NOT NULL)
) STRICT;

CREATE INDEX outbox_waiting ON outbox (channel_id, due_at) WHERE state = 'waiting';
CREATE INDEX outbox_by_post ON outbox (post_key);

-- Why a paper is posted: every keyword of the channel that it matched.
CREATE TABLE outbox_keywords (
    outbox_id  INTEGER NOT NULL REFERENCES outbox (id) ON DELETE CASCADE,
    keyword_id INTEGER NOT NULL REFERENCES keywords (id),
    PRIMARY KEY (outbox_id, keyword_id)
) STRICT, WITHOUT ROWID;

-- Looks at arXiv and what came of them, for the schedule and for /status; of a run of equal ones the first and the last.
CREATE TABLE looks (
    id         INTEGER PRIMARY KEY,
    at         TEXT NOT NULL,
    outcome    TEXT NOT NULL CHECK (outcome IN ('read', 'batch absent', 'throttled', 'broken')),
    new_papers INTEGER,
    batch      INTEGER,
    words      TEXT,
    until      TEXT
) STRICT;

CREATE INDEX looks_by_time ON looks (at);

-- Single values that outlive a run, such as the hash of the slash commands that Discord knows.
CREATE TABLE marks (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
