-- Tables and columns get the names that the code and the glossary use. No row changes.

ALTER TABLE looks RENAME TO polls;
ALTER TABLE polls RENAME COLUMN words TO reason;
ALTER TABLE polls RENAME COLUMN until TO retry_at;
ALTER TABLE polls RENAME COLUMN batch TO has_batch;
DROP INDEX looks_by_time;
CREATE INDEX polls_by_time ON polls (at);

ALTER TABLE marks RENAME TO key_values;

ALTER TABLE preferences RENAME TO channel_settings;
ALTER TABLE channel_settings RENAME COLUMN held_since TO paused_since;
ALTER TABLE channel_settings RENAME COLUMN catching_up TO backlog_pending;
ALTER TABLE channel_settings RENAME COLUMN trending_votes TO trending_min_votes;

ALTER TABLE channels RENAME COLUMN obstacle TO blocked_reason;
ALTER TABLE channels RENAME COLUMN obstacle_since TO blocked_since;
ALTER TABLE channels RENAME COLUMN told_at TO notified_at;

ALTER TABLE keywords RENAME COLUMN read_from TO new_since;
ALTER TABLE keywords RENAME COLUMN read_until TO synced_until;

ALTER TABLE outbox RENAME COLUMN refusal TO rejection_reason;

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

ALTER TABLE archive RENAME TO backfilled_papers;
DROP INDEX archive_by_paper;
CREATE INDEX backfilled_papers_by_paper ON backfilled_papers (arxiv_id);

ALTER TABLE archived_months RENAME TO backfilled_months;
ALTER TABLE backfilled_months RENAME COLUMN read_at TO fetched_at;

ALTER TABLE month_totals RENAME TO month_counts;
ALTER TABLE month_counts RENAME COLUMN total TO papers;

ALTER TABLE listings RENAME TO trending_entries;
ALTER TABLE trending_entries RENAME COLUMN drawn_votes TO rendered_votes;
ALTER TABLE trending_entries RENAME COLUMN drawn_code TO rendered_code;
DROP INDEX listings_by_day;
CREATE INDEX trending_entries_by_day ON trending_entries (day);

ALTER TABLE listed_days RENAME TO trending_days;
ALTER TABLE trending_days RENAME COLUMN read_at TO fetched_at;

ALTER TABLE digests RENAME TO trending_posts;
ALTER TABLE trending_posts RENAME COLUMN at_least TO min_votes;
