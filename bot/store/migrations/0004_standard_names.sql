-- Tables and columns get the names of the code and of docs/glossary.md. No row changes. Stored values keep their old
-- words: outbox.state 'refused' is a rejected paper; polls.outcome is 'read' (completed), 'batch absent', 'throttled' or
-- 'broken' (failed).

-- The results of polls. has_batch: whether the announced batch was there; retry_at: when arXiv may be polled again.
ALTER TABLE looks RENAME TO polls;
ALTER TABLE polls RENAME COLUMN words TO reason;
ALTER TABLE polls RENAME COLUMN until TO retry_at;
ALTER TABLE polls RENAME COLUMN batch TO has_batch;
DROP INDEX looks_by_time;
CREATE INDEX polls_by_time ON polls (at);

-- Single values that outlive a run.
ALTER TABLE marks RENAME TO key_values;

-- A channel without a row has the default settings. paused_since: when an admin paused it; backlog_pending: what was
-- queued during the pause is being posted; trending_min_votes: NULL without a trending subscription.
ALTER TABLE preferences RENAME TO channel_settings;
ALTER TABLE channel_settings RENAME COLUMN held_since TO paused_since;
ALTER TABLE channel_settings RENAME COLUMN catching_up TO backlog_pending;
ALTER TABLE channel_settings RENAME COLUMN trending_votes TO trending_min_votes;

-- blocked_reason: why the bot cannot post there, a sentence for its admins; notified_at: when the last notice was sent.
ALTER TABLE channels RENAME COLUMN obstacle TO blocked_reason;
ALTER TABLE channels RENAME COLUMN obstacle_since TO blocked_since;
ALTER TABLE channels RENAME COLUMN told_at TO notified_at;

-- new_since: papers published after it can be new; synced_until: how far arXiv was read, NULL before the initial sync.
ALTER TABLE keywords RENAME COLUMN read_from TO new_since;
ALTER TABLE keywords RENAME COLUMN read_until TO synced_until;

ALTER TABLE outbox RENAME COLUMN refusal TO rejection_reason;

-- Messages to be edited. request_count grows with each request, so that one during an edit is not lost.
DROP TRIGGER changed_papers_are_drawn_anew;
ALTER TABLE edits RENAME COLUMN asked TO request_count;
CREATE TRIGGER request_edits_of_changed_papers AFTER UPDATE ON papers
WHEN new.version <> old.version OR new.journal_ref IS NOT old.journal_ref OR new.comment IS NOT old.comment
BEGIN
    INSERT INTO edits (post_key)
    SELECT DISTINCT post_key FROM outbox
    WHERE arxiv_id = new.arxiv_id AND post_key IS NOT NULL AND state IN ('waiting', 'delivered')
    ON CONFLICT DO UPDATE SET request_count = request_count + 1;
END;

-- What backfills found, for the page and the charts only.
ALTER TABLE archive RENAME TO backfilled_papers;
DROP INDEX archive_by_paper;
CREATE INDEX backfilled_papers_by_paper ON backfilled_papers (arxiv_id);

-- The months (YYYY-MM) that a backfill fetched completely for a keyword, and when.
ALTER TABLE archived_months RENAME TO backfilled_months;
ALTER TABLE backfilled_months RENAME COLUMN read_at TO fetched_at;

-- How many papers arXiv has for a keyword in a month, whether it is watched or not.
ALTER TABLE month_totals RENAME TO month_counts;
ALTER TABLE month_counts RENAME COLUMN total TO papers;

-- Hugging Face's trending lists. rendered_votes, rendered_code: what messages were last edited to show; NULL: never.
ALTER TABLE listings RENAME TO trending_entries;
ALTER TABLE trending_entries RENAME COLUMN drawn_votes TO rendered_votes;
ALTER TABLE trending_entries RENAME COLUMN drawn_code TO rendered_code;
DROP INDEX listings_by_day;
CREATE INDEX trending_entries_by_day ON trending_entries (day);

-- The days whose list was fetched completely, and when last.
ALTER TABLE listed_days RENAME TO trending_days;
ALTER TABLE trending_days RENAME COLUMN read_at TO fetched_at;

-- One row per channel and day. settled_at without a message_id: rejected, deleted since, or no paper for the channel.
ALTER TABLE digests RENAME TO trending_posts;
ALTER TABLE trending_posts RENAME COLUMN at_least TO min_votes;
