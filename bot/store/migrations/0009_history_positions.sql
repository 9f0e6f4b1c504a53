-- Where the search for a message begins in the channel's history: its id is above search_after, which moves up as the
-- history is read. attempted_at: the last attempt by Discord's clock. NULL for messages of earlier releases.
ALTER TABLE posts ADD COLUMN search_after INTEGER;
ALTER TABLE posts ADD COLUMN attempted_at TEXT;
ALTER TABLE trending_posts ADD COLUMN search_after INTEGER;
ALTER TABLE trending_posts ADD COLUMN attempted_at TEXT;

-- The channel's history was read up to this message id for messages that the database does not have.
CREATE TABLE histories (
    channel_id INTEGER PRIMARY KEY REFERENCES channels (channel_id),
    read_until INTEGER NOT NULL
) STRICT;

-- Papers in messages that were found in a channel, and that this database did not send: a backup was restored, or
-- another bot has the same token. They count as posted, also those that the bot has yet to find on arXiv.
CREATE TABLE found_papers (
    channel_id INTEGER NOT NULL REFERENCES channels (channel_id),
    arxiv_id   TEXT NOT NULL,
    post_key   TEXT NOT NULL REFERENCES posts (key),
    PRIMARY KEY (channel_id, arxiv_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX found_papers_by_post ON found_papers (post_key);

CREATE TRIGGER count_queued_papers_as_posted AFTER INSERT ON outbox
WHEN EXISTS (SELECT * FROM found_papers WHERE channel_id = new.channel_id AND arxiv_id = new.arxiv_id)
BEGIN
    UPDATE outbox SET state = 'delivered', post_key = (
        SELECT post_key FROM found_papers WHERE channel_id = new.channel_id AND arxiv_id = new.arxiv_id)
    WHERE id = new.id;
END;

CREATE TRIGGER count_released_papers_as_posted AFTER UPDATE OF post_key ON outbox
WHEN new.post_key IS NULL AND new.state = 'waiting'
     AND EXISTS (SELECT * FROM found_papers WHERE channel_id = new.channel_id AND arxiv_id = new.arxiv_id)
BEGIN
    UPDATE outbox SET state = 'delivered', post_key = (
        SELECT post_key FROM found_papers WHERE channel_id = new.channel_id AND arxiv_id = new.arxiv_id)
    WHERE id = new.id;
END;

CREATE TRIGGER count_found_papers_as_posted AFTER INSERT ON found_papers
BEGIN
    UPDATE outbox SET state = 'delivered', post_key = new.post_key
    WHERE channel_id = new.channel_id AND arxiv_id = new.arxiv_id AND state = 'waiting' AND post_key IS NULL;
END;

-- The last message of a channel is looked up before the first post of a process in the channel.
CREATE INDEX posts_by_message ON posts (channel_id, message_id) WHERE message_id IS NOT NULL;
