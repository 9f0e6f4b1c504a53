-- Papers published until then were compared by the matcher of the previous release: what only the present one finds
-- among them counts as seen. NULL for keywords whose initial sync used the present matcher.
ALTER TABLE keywords ADD COLUMN previous_matcher_until TEXT;
UPDATE keywords SET previous_matcher_until = synced_until;
