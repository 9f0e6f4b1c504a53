-- Keywords that match the same papers have equal canonical forms now, and become one keyword. The program registers
-- keyword_key(): the canonical form of a keyword, or NULL if it cannot be parsed.

-- kept: the keyword into which this one is merged, the oldest with its canonical form.
CREATE TEMP TABLE merged_keywords AS
SELECT id, old_canonical, canonical, min(id) OVER (PARTITION BY canonical) AS kept
FROM (SELECT id, canonical AS old_canonical, coalesce(keyword_key(shown), canonical) AS canonical FROM keywords);

-- shown: how the channel spells the keyword; of merged subscriptions, the earliest spelling. by_command and added_by
-- belong together.
CREATE TABLE new_subscriptions (
    channel_id INTEGER NOT NULL REFERENCES channels (channel_id),
    keyword_id INTEGER NOT NULL REFERENCES keywords (id),
    shown      TEXT NOT NULL,
    by_file    INTEGER NOT NULL CHECK (by_file IN (0, 1)),
    by_command INTEGER NOT NULL CHECK (by_command IN (0, 1)),
    added_by   INTEGER,
    added_at   TEXT NOT NULL,
    PRIMARY KEY (channel_id, keyword_id),
    CHECK (by_file OR by_command)
) STRICT, WITHOUT ROWID;

INSERT INTO new_subscriptions (channel_id, keyword_id, shown, by_file, by_command, added_by, added_at)
SELECT channel_id, kept, shown, max(by_file) OVER spellings, max(by_command) OVER spellings,
       (SELECT added_by FROM subscriptions AS command JOIN merged_keywords AS other ON other.id = command.keyword_id
        WHERE command.channel_id = ranked.channel_id AND other.kept = ranked.kept AND command.by_command
        ORDER BY command.added_at, command.keyword_id LIMIT 1),
       added_at
FROM (
    SELECT channel_id, kept, shown, by_file, by_command, added_at, keyword_id
    FROM subscriptions JOIN merged_keywords ON merged_keywords.id = keyword_id
    JOIN keywords ON keywords.id = keyword_id
    -- Names of TeX commands (\sim) are not text any more: such a keyword cannot match, or be read.
    WHERE keyword_key(shown) IS NOT NULL
) AS ranked
WHERE true
WINDOW spellings AS (PARTITION BY channel_id, kept)
ORDER BY added_at, keyword_id
ON CONFLICT DO NOTHING;

DROP TABLE subscriptions;
ALTER TABLE new_subscriptions RENAME TO subscriptions;
CREATE INDEX subscriptions_by_keyword ON subscriptions (keyword_id);

-- Seen ids and the reasons of posts: those of all merged keywords.
INSERT INTO matches (keyword_id, arxiv_id, matched_at)
SELECT kept, arxiv_id, min(matched_at) FROM matches JOIN merged_keywords ON merged_keywords.id = keyword_id
WHERE kept <> merged_keywords.id GROUP BY kept, arxiv_id
ON CONFLICT DO UPDATE SET matched_at = min(matched_at, excluded.matched_at);
DELETE FROM matches WHERE keyword_id IN (SELECT id FROM merged_keywords WHERE id <> kept);

INSERT INTO outbox_keywords (outbox_id, keyword_id)
SELECT DISTINCT outbox_id, kept FROM outbox_keywords JOIN merged_keywords ON merged_keywords.id = keyword_id
WHERE kept <> merged_keywords.id
ON CONFLICT DO NOTHING;
DELETE FROM outbox_keywords WHERE keyword_id IN (SELECT id FROM merged_keywords WHERE id <> kept);

INSERT INTO backfilled_papers (keyword_id, arxiv_id)
SELECT DISTINCT kept, arxiv_id FROM backfilled_papers JOIN merged_keywords ON merged_keywords.id = keyword_id
WHERE kept <> merged_keywords.id
ON CONFLICT DO NOTHING;
DELETE FROM backfilled_papers WHERE keyword_id IN (SELECT id FROM merged_keywords WHERE id <> kept);

INSERT INTO backfilled_months (keyword_id, month, fetched_at)
SELECT kept, month, max(fetched_at) FROM backfilled_months JOIN merged_keywords ON merged_keywords.id = keyword_id
WHERE kept <> merged_keywords.id GROUP BY kept, month
ON CONFLICT DO UPDATE SET fetched_at = max(fetched_at, excluded.fetched_at);
DELETE FROM backfilled_months WHERE keyword_id IN (SELECT id FROM merged_keywords WHERE id <> kept);

-- Of several counts of a month, the newest. Keywords that are not watched have counts too.
CREATE TEMP TABLE merged_counts AS
SELECT coalesce(merged_keywords.canonical, keyword_key(month_counts.canonical), month_counts.canonical) AS canonical,
       month, papers, counted_at
FROM month_counts LEFT JOIN merged_keywords ON merged_keywords.old_canonical = month_counts.canonical;
DELETE FROM month_counts;
INSERT INTO month_counts (canonical, month, papers, counted_at)
SELECT canonical, month, papers, counted_at FROM merged_counts WHERE true ORDER BY counted_at DESC
ON CONFLICT DO NOTHING;

-- The sync continues from the earliest position. A keyword whose synced_until is NULL is not watched or not yet synced.
UPDATE keywords SET (new_since, synced_until, previous_matcher_until) = (
    SELECT min(new_since), min(synced_until), max(previous_matcher_until) FROM keywords AS other JOIN merged_keywords USING (id)
    WHERE kept = keywords.id AND synced_until IS NOT NULL)
WHERE id IN (SELECT kept FROM merged_keywords GROUP BY kept HAVING count(*) > 1)
  AND EXISTS (SELECT * FROM keywords AS other JOIN merged_keywords USING (id)
              WHERE kept = keywords.id AND synced_until IS NOT NULL);

UPDATE keywords SET shown = coalesce(
    (SELECT shown FROM subscriptions WHERE keyword_id = keywords.id ORDER BY added_at, channel_id LIMIT 1), shown);

DELETE FROM keywords WHERE id IN (SELECT id FROM merged_keywords WHERE id <> kept);
-- In two steps, because a new form can be the old one of another keyword.
UPDATE keywords SET canonical = char(0) || id;
UPDATE keywords SET canonical = (SELECT canonical FROM merged_keywords WHERE merged_keywords.id = keywords.id);

DROP TABLE merged_counts;
DROP TABLE merged_keywords;
