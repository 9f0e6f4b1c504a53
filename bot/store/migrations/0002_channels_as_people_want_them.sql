-- How a channel wants to be posted to; a channel without a row wants the defaults.
-- daily_at, zone: a digest at that local time (HH:MM); NULL: papers come as they come. held_since: an admin paused it.
-- catching_up: what came while it was paused is on its way.
CREATE TABLE preferences (
    channel_id    INTEGER PRIMARY KEY REFERENCES channels (channel_id),
    style         TEXT NOT NULL DEFAULT 'auto' CHECK (style IN ('auto', 'cards', 'compact')),
    daily_at      TEXT,
    zone          TEXT,
    weekdays_only INTEGER NOT NULL DEFAULT 0 CHECK (weekdays_only IN (0, 1)),
    mention_role  INTEGER,
    publish       INTEGER NOT NULL DEFAULT 0 CHECK (publish IN (0, 1)),
    held_since    TEXT,
    catching_up   INTEGER NOT NULL DEFAULT 0 CHECK (catching_up IN (0, 1)),
    CHECK ((daily_at IS NULL) = (zone IS NULL))
) STRICT;

-- A CHECK cannot be altered: tables whose rows may say more than before are made anew (sqlite.org/lang_altertable.html,
-- "Making Other Kinds Of Table Schema Changes").

-- heading: the message's first line; thread_id: the forum post in which it stands; publish_at: when an announcement
-- channel's followers are to get it, NULL once that is done or where nobody asked for it.
CREATE TABLE new_posts (
    key           TEXT PRIMARY KEY,
    channel_id    INTEGER NOT NULL REFERENCES channels (channel_id),
    nonce         TEXT NOT NULL UNIQUE,
    layout        TEXT NOT NULL CHECK (layout IN ('cards', 'compact')),
    heading       TEXT NOT NULL DEFAULT '',
    mention_role  INTEGER,
    thread_id     INTEGER,
    first_attempt TEXT NOT NULL,
    last_attempt  TEXT NOT NULL,
    message_id    INTEGER,
    settled_at    TEXT,
    publish_at    TEXT,
    CHECK (settled_at IS NOT NULL OR message_id IS NULL)
) STRICT, WITHOUT ROWID;

INSERT INTO new_posts (key, channel_id, nonce, layout, first_attempt, last_attempt, message_id, settled_at)
SELECT key, channel_id, nonce, layout, first_attempt, last_attempt, message_id, settled_at FROM posts;
DROP TABLE posts;
ALTER TABLE new_posts RENAME TO posts;

CREATE INDEX posts_open ON posts (channel_id) WHERE settled_at IS NULL;
CREATE INDEX posts_to_publish ON posts (publish_at) WHERE publish_at IS NOT NULL;

-- arrived_at: when a paper came, from which its due time follows; a changed timetable computes it anew.
-- state: as before, and withdrawn (by its authors before it was posted).
CREATE TABLE new_outbox (
    id         INTEGER PRIMARY KEY,
    channel_id INTEGER NOT NULL REFERENCES channels (channel_id),
    arxiv_id   TEXT NOT NULL REFERENCES papers (arxiv_id),
    arrived_at TEXT,
    due_at     TEXT NOT NULL,
    state      TEXT NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'delivered', 'refused', 'withdrawn')),
    post_key   TEXT REFERENCES posts (key),
    alone      INTEGER NOT NULL DEFAULT 0 CHECK (alone IN (0, 1)),
    refusal    TEXT,
    UNIQUE (channel_id, arxiv_id),
    CHECK (state IN ('waiting', 'withdrawn') OR post_key IS NOT NULL)
) STRICT;

-- Until now papers were due when they came.
INSERT INTO new_outbox (id, channel_id, arxiv_id, arrived_at, due_at, state, post_key, alone, refusal)
SELECT id, channel_id, arxiv_id, due_at, due_at, state, post_key, alone, refusal FROM outbox;
DROP TABLE outbox;
ALTER TABLE new_outbox RENAME TO outbox;

CREATE INDEX outbox_waiting ON outbox (channel_id, due_at) WHERE state = 'waiting';
CREATE INDEX outbox_by_post ON outbox (post_key);
CREATE INDEX outbox_by_paper ON outbox (arxiv_id);

-- Messages whose papers changed after they left, to be drawn anew. Whoever writes a paper asks for it here, so that no
-- way of learning of a new version is forgotten.
CREATE TABLE edits (
    post_key   TEXT PRIMARY KEY REFERENCES posts (key) ON DELETE CASCADE,
    asked      INTEGER NOT NULL DEFAULT 1,  -- how often, so that a wish that comes meanwhile is not taken for done
    not_before TEXT
) STRICT, WITHOUT ROWID;

CREATE TRIGGER changed_papers_are_drawn_anew AFTER UPDATE ON papers
WHEN new.version <> old.version OR new.journal_ref IS NOT old.journal_ref OR new.comment IS NOT old.comment
BEGIN
    INSERT INTO edits (post_key)
    SELECT DISTINCT post_key FROM outbox
    WHERE arxiv_id = new.arxiv_id AND post_key IS NOT NULL AND state IN ('waiting', 'delivered')
    ON CONFLICT DO UPDATE SET asked = asked + 1;
END;
