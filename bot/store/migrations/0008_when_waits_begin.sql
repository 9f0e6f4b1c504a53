-- A wait counts from the moment when it was stored: if that is in the future, the clock was ahead then, and the wait is
-- over. Waits of earlier releases are unknown, and end now; each is followed by one early attempt at most.
-- waits_since: when not_before (in posts: publish_at, if it was postponed) was stored.
ALTER TABLE channels ADD COLUMN waits_since TEXT;
ALTER TABLE edits ADD COLUMN waits_since TEXT;
ALTER TABLE posts ADD COLUMN waits_since TEXT;

-- Papers that arrived in the future are looked for each time that papers are posted.
CREATE INDEX outbox_by_arrival ON outbox (arrived_at) WHERE state = 'waiting' AND post_key IS NULL;
