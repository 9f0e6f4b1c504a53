-- Where channels are that the gateway's cache may lack: archived threads beneath their parents, and deleted channels.
-- Only channels of the table `channels` have a row; one that is neither a thread nor deleted has none.
CREATE TABLE channel_places (
    channel_id INTEGER PRIMARY KEY REFERENCES channels (channel_id),
    guild_id   INTEGER NOT NULL,
    parent_id  INTEGER,
    is_private INTEGER NOT NULL DEFAULT 0 CHECK (is_private IN (0, 1)),
    is_deleted INTEGER NOT NULL DEFAULT 0 CHECK (is_deleted IN (0, 1)),
    CHECK (is_deleted OR parent_id IS NOT NULL)
) STRICT;
