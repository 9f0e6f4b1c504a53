-- How a channel wants to be posted to; a channel without a row wants the defaults.
-- daily_at, zone: a digest at that local time (HH:MM); NULL: papers come as they come. held_since: an admin paused it.
-- catching_up: a backlog of more than fifty is on its way, compact.
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

-- When a paper came, from which its due time follows; a changed schedule computes it anew.
ALTER TABLE outbox ADD COLUMN arrived_at TEXT;

-- heading: the message's first line; thread_id: the forum post in which it stands; publish_at: when an announcement
-- channel's followers are to get it, NULL once that is done or where nobody asked for it.
ALTER TABLE posts ADD COLUMN heading TEXT NOT NULL DEFAULT '';
ALTER TABLE posts ADD COLUMN mention_role INTEGER;
ALTER TABLE posts ADD COLUMN thread_id INTEGER;
ALTER TABLE posts ADD COLUMN publish_at TEXT;

CREATE INDEX posts_to_publish ON posts (publish_at) WHERE publish_at IS NOT NULL;

-- Messages whose papers changed after they were posted, to be drawn anew. Whoever writes a paper asks for it here, so
-- that no way of learning of a new version is forgotten.
CREATE TABLE edits (
    post_key   TEXT PRIMARY KEY REFERENCES posts (key),
    asked      INTEGER NOT NULL DEFAULT 1,  -- how often, so that a wish that comes meanwhile is not taken for done
    not_before TEXT
) STRICT, WITHOUT ROWID;

CREATE TRIGGER changed_papers_are_drawn_anew AFTER UPDATE ON papers
WHEN new.version <> old.version OR new.journal_ref IS NOT old.journal_ref OR new.comment IS NOT old.comment
BEGIN
    INSERT INTO edits (post_key)
    SELECT DISTINCT post_key FROM outbox WHERE arxiv_id = new.arxiv_id AND state = 'delivered'
    ON CONFLICT DO UPDATE SET asked = asked + 1;
END;
