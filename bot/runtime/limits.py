"""Every number with its source. What an operator chooses lives in `bot/config`, not here."""

from datetime import date, timedelta
from typing import Final

# --- arXiv: manners -----------------------------------------------------------------------------
# "no more than one request every three seconds", one connection (terms of use: info.arxiv.org/help/api/tou.html)
ARXIV_REQUEST_INTERVAL_S: Final = 3.0
# Slow first bytes of over 60 s were reported; a healthy 1,000-entry page takes a few seconds.
ARXIV_CONNECT_TIMEOUT_S: Final = 15.0
ARXIV_TOTAL_TIMEOUT_S: Final = 90.0
# A recorded entry is about 2.3 kB; a page of 500 stays near 1.2 MB, with 60 papers of large collaborations near 5 MB.
# Anything beyond is not a feed of ours.
ARXIV_BODY_MAX_BYTES: Final = 6 * 1024 * 1024
# A recorded feed is 4 elements deep, an entry has about 15 and two an author; large collaborations have 1,500 authors,
# and a page may hold 40 papers of theirs.
FEED_DEPTH_MAX: Final = 20
FEED_ELEMENTS_MAX: Final = 150_000
# A recorded entry has about 20, its authors none; feedparser takes 0.2 ms for each.
FEED_ATTRIBUTES_MAX: Final = 50_000
# Documented: 2,000 a slice, "keep under 1,000" (user manual). Smaller pages keep people's look-ups short.
ARXIV_PAGE_SIZE: Final = 500
# arXiv's code stops at 10,000 results, 5xx past that (arXiv/arxiv-search).
ARXIV_RESULT_CAP: Final = 10_000
# Ours: one query may hold so many keywords; form POST has no length limit that we know, 414 is for GET.
ARXIV_KEYWORDS_PER_QUERY: Final = 40
# Backoff: the floor holds for `Retry-After: 0` too (seen in the field).
ARXIV_BACKOFF_FLOOR_S: Final = 30.0
# The same floor where a look failed without an answer that says how long.
ARXIV_BACKOFF_FLOOR: Final = timedelta(seconds=ARXIV_BACKOFF_FLOOR_S)
ARXIV_BACKOFF_CEILING_S: Final = 3600.0
# A stored mark further ahead than this is a clock gone wrong, not arXiv's wish.
ARXIV_BACKOFF_KEPT_MAX: Final = timedelta(hours=24)

# --- arXiv: what is read -------------------------------------------------------------------------
# Moderation held a paper for 13 days (submitted 30 October, announced 12 November).
INITIAL_SYNC_PERIOD: Final = timedelta(days=30)
POLL_OVERLAP: Final = timedelta(days=7)
# A page may come short for minutes; after so many re-reads the slice is narrowed.
WINDOW_RETRIES: Final = 3
WINDOW_MIN: Final = timedelta(hours=1)

# --- Charts: papers a month ----------------------------------------------------------------------
# Moderation held a paper for 13 days (see above): a month counted a day later than that has all its papers.
TOTAL_FINAL_AFTER: Final = timedelta(days=14)
# The result of a query changes at most once a day (terms of use).
TOTAL_GOOD_FOR: Final = timedelta(days=1)
# Ours: how long a keyword may be in a chart's legend; three stand beside each other.
CHART_NAME_MAX: Final = 26
# Ours: a picture takes 1 s, the first of an installation, which looks for fonts, some seconds on a slow machine.
CHART_TIMEOUT_S: Final = 30.0
# Five lines can be told apart, seven stacked keywords and the rest; a first chart of five is 60 requests.
TREND_KEYWORDS: Final = 5
TREND_MONTHS: Final = 12
STATS_KEYWORDS: Final = 7
STATS_WEEKS: Final = 12
# Ours: while a chart fills, its reply is edited every so many counts, which are 3 s apart; Discord's alt text ends at
# 1,024 characters (resources/message#attachment-object).
CHART_EDITED_EVERY: Final = 4
ALT_TEXT_MAX: Final = 1024
# Ours: so many charts are filled at once, each slows the others down; and so many may be asked for by one person.
CHARTS_FILLED_AT_ONCE: Final = 3
CHARTS_PER_MINUTE: Final = 3

# --- arXiv: its calendar (info.arxiv.org/help/availability.html) -------------------------------------
ARXIV_ZONE: Final = "America/New_York"
ANNOUNCEMENT_HOUR: Final = 20
SUBMISSION_CUTOFF_HOUR: Final = 14
# Ours: the first probe half an hour after the announcement, then every half hour until the batch is there.
PROBE_DELAY: Final = timedelta(minutes=30)
PROBE_EVERY: Final = timedelta(minutes=30)
# Batches fill gradually (recordings at 05:06-05:49 UTC): read once more.
SECOND_READING_AFTER: Final = timedelta(hours=4)
NO_ANNOUNCEMENT_HOUR_UTC: Final = 14
# The API held every recorded batch by 06:00 UTC (05:06-05:49); later than that is late.
BATCH_USUAL_HOUR_UTC: Final = 6
# Ours: after a night without an announcement, a late batch is looked for so often until the next night.
LATE_PROBE_EVERY: Final = timedelta(hours=2)

# --- Papers ----------------------------------------------------------------------------------------
# Far beyond what arXiv takes (abstracts: 1,920 characters, info.arxiv.org/help/prep.html; older ones are longer).
PAPER_TITLE_MAX: Final = 1000
PAPER_ABSTRACT_MAX: Final = 20_000
PAPER_FIELD_MAX: Final = 2000

# --- The page ----------------------------------------------------------------------------------------
# As many papers as the known page of daily papers shows for a keyword.
PAGE_PAPERS: Final = 100
# The known page shows a comment up to this long as it is, and of a longer one the first few characters.
PAGE_COMMENT_MAX: Final = 20
PAGE_COMMENT_SHOWN: Final = 5
# Ours: so many authors are named on the page, the others are counted; a collaboration has thousands.
PAGE_AUTHORS: Final = 3
# Ours: more authors than this are "and others" in a BibTeX entry, as bibliographies print them.
PAGE_BIBTEX_AUTHORS: Final = 30
# Ours: what the HTML page may weigh. 500 papers with their abstracts and BibTeX come near it; beyond it, the oldest
# papers' BibTeX is a link to arXiv's own.
PAGE_HTML_BYTES: Final = 990_000
# Ours: pages of channels, in their forms, that are kept drawn; one of 500 papers is 1 MB.
PAGES_KEPT: Final = 8
# Ours: how long a browser, a reader of feeds or a cache between shows a page without asking again.
PAGE_FRESH_S: Final = 300
# Ours: when somebody whom no page could be shown may try again.
PAGE_RETRY_S: Final = 60
# Ours: what /page answers takes up to a second of drawing.
PAGES_PER_MINUTE: Final = 5

# --- Keywords --------------------------------------------------------------------------------------
KEYWORD_MAX: Final = 200

# --- Discord: messages (discord.com/developers/docs, resources/message) ----------------------------
EMBEDS_PER_MESSAGE: Final = 10
EMBED_TOTAL_MAX: Final = 6000
EMBED_TITLE_MAX: Final = 256
EMBED_DESCRIPTION_MAX: Final = 4096
EMBED_FOOTER_MAX: Final = 2048
EMBED_AUTHOR_MAX: Final = 256
CONTENT_MAX: Final = 2000
SELECT_OPTION_MAX: Final = 100
CUSTOM_ID_MAX: Final = 100
SELECT_OPTIONS_MAX: Final = 25
AUTOCOMPLETE_CHOICES_MAX: Final = 25
NONCE_MAX: Final = 25

# --- How a batch is laid out -------------------------------------------------------------------------
# Ours: more papers than this are a list where the channel leaves it to us, a backlog longer than that everywhere.
AUTO_CARDS_MAX: Final = 5
BACKLOG_CARDS_MAX: Final = 50

# --- Discord: sending --------------------------------------------------------------------------------
# 50 requests a second a bot (topics/rate-limits); ours leaves room for people's commands.
SENDS_PER_SECOND: Final = 40
# Nonces are checked "in the past few minutes" (Create Message); beyond this the history is read instead.
NONCE_TRUSTED_S: Final = 60.0
HISTORY_BEFORE_FIRST_ATTEMPT: Final = timedelta(seconds=60)
# Past this a nonce is surely forgotten; until then an absent message may still be on its way, and keeps its nonce.
NONCE_REMEMBERED: Final = timedelta(minutes=10)
# A forum post has no nonce: so long after an attempt its absence from the forum is believed.
ABSENCE_BELIEVED_AFTER: Final = timedelta(seconds=60)
# Ours: how often changed papers are looked for, to draw their messages anew; and the name of a forum's post.
EDIT_INTERVAL_S: Final = 60.0
# Ours: a message that may not be edited, as in a locked thread, is tried again so seldom: each is an invalid request.
BLOCKED_EDIT_RETRY: Final = timedelta(hours=1)
THREAD_NAME_MAX: Final = 100
# Ours: channels served side by side; more would only queue at the pace above.
CHANNELS_AT_ONCE: Final = 50
# Ours: how soon a channel that cannot be posted in is looked at again (from the gateway's cache, no request).
BLOCKED_RECHECK: Final = timedelta(minutes=1)
# A channel that Discord refused although the gateway tells of no reason, or does not tell of it at all, is tried again
# so seldom: each time may be an invalid request.
REJECTION_RECHECK: Final = timedelta(minutes=10)
# 10,000 invalid requests (401, 403, 429) in 10 minutes ban the address (topics/rate-limits). Past 0.4 % ours
# rest; with those under way, one a channel served at once, they stay below 1 %.
INVALID_REQUESTS_MAX: Final = 40
INVALID_REQUESTS_WINDOW_S: Final = 600.0
# Ours: how long a posted message follows its papers' new versions.
EDITED_FOR: Final = timedelta(days=30)
# Ours: one notice a channel a day, however often its permissions come and go; how soon one that failed is tried again.
NOTICE_EVERY: Final = timedelta(hours=24)
NOTICE_RETRY_S: Final = 60.0
# Ours: how long the subscriptions of a deleted channel or a left server are kept, and how often that is looked at.
GONE_KEPT: Final = timedelta(days=30)
JANITOR_INTERVAL_S: Final = 3600.0
# Ours: a channel whose answers stay away.
SEND_BACKOFF_FLOOR_S: Final = 2.0
SEND_BACKOFF_CEILING_S: Final = 300.0
# Ours: longer than discord.py's own retries of one request take; beyond it the answer counts as missing.
SEND_TIMEOUT_S: Final = 60.0
HISTORY_TIMEOUT_S: Final = 120.0
# discord.py counts as ready once no server was announced for so long (its default: 2 s); a channel of a server that
# comes later is asked for by REST meanwhile.
GUILDS_QUIET_S: Final = 0.5
# discord.py waits out a rate limit up to this long, then raises RateLimited.
RATELIMIT_WAIT_MAX_S: Final = 30.0

# --- Discord: interactions (interactions/receiving-and-responding) -----------------------------------
# A follow-up may be sent for 15 minutes; ours stops editing a little before.
INTERACTION_TOKEN_S: Final = 14 * 60.0
# Ours: how long a reply waits for arXiv before it says that reading is queued.
REPLY_WAIT_S: Final = 20.0
# Ours: the newest papers that a reply to /subscribe names.
PREVIEW_PAPERS: Final = 3
# Ours: more papers a week than this are called broad, and so many narrower ideas are offered, none of which keeps
# more than this share of the papers.
BROAD_PER_WEEK: Final = 100
NARROWER_IDEAS: Final = 3
NARROWER_SHARE: Final = 0.75
# Ours: how many of the last papers are posted on request when a channel subscribes.
PAST_POSTED: Final = 5
# Ours: the candidates that a look-up asks for, to find ten that match; and how many answers are kept in memory.
LOOKUP_CANDIDATES: Final = 100
LOOKUPS_KEPT: Final = 100
LOOKUP_KEPT: Final = timedelta(minutes=10)
# Ours: how much of what arXiv or a loop says of a failure is shown.
RESULT_MAX: Final = 300
LATEST_PER_MINUTE: Final = 5
LATEST_MAX: Final = 10

# --- The run ---------------------------------------------------------------------------------------
# An orderly end within 5 s: what docker stop and systemd wait for is more.
SHUTDOWN_GRACE_S: Final = 4.0
# Ours: how often the event loop's lag is measured.
LAG_MEASURED_EVERY_S: Final = 0.5
# A thread's turn while others wait. Of Python's own 5 ms, three threads that compute keep the event loop for too long.
THREAD_TURN_S: Final = 0.001
# Ours: when a half counts as failing. A healthy night has a look at least once a day; a message leaves in seconds,
# and an outage of Discord's is over in minutes.
READING_LATE: Final = timedelta(hours=26)
POSTING_LATE: Final = timedelta(minutes=30)
# Of the 5 s, for saying goodbye to Discord.
CLOSE_TIMEOUT_S: Final = 0.5
RESTART_BACKOFF_FLOOR_S: Final = 1.0
RESTART_BACKOFF_CEILING_S: Final = 300.0
# A loop that failed is spoken of until its next try has held this long.
PROBLEM_SHOWN: Final = timedelta(minutes=1)

# --- The database ----------------------------------------------------------------------------------
# How long a statement waits for another process's lock before it counts as unavailable for now.
DATABASE_BUSY_TIMEOUT_S: Final = 5.0
# Ours: how long the claim of a file is tried for; bringing it up to date takes another command some milliseconds.
DATABASE_CLAIM_PATIENCE_S: Final = 0.5
# Looks at arXiv are kept this long: the schedule needs a night, people a week.
POLLS_KEPT: Final = timedelta(days=14)
# Equal looks closer than this are one run (fixed polling): only its first and last are kept; the calendar's are
# further apart.
POLLS_OF_ONE_RUN: Final = timedelta(minutes=10)

# --- Hugging Face's daily papers ----------------------------------------------------------------------
# A call answers at most 100 entries, 50 unless asked (huggingface.co/docs/hub/api); a recorded one has up to 7 kB.
TRENDING_PAGE_SIZE: Final = 100
TRENDING_PAGE_DEFAULT: Final = 50
TRENDING_BODY_MAX_BYTES: Final = 1024 * 1024
# Ours: commas and brackets. A recorded entry has 150 at most; JSON's reader lets nothing else run meanwhile, and takes
# 20 ms for more than these.
TRENDING_MAX_VALUES: Final = 60_000
# Recorded titles have 151 characters at most, abstracts 1,917: arXiv takes 1,920 (info.arxiv.org/help/prep.html).
TRENDING_TITLE_MAX: Final = 300
TRENDING_SUMMARY_MAX: Final = 3000
# Ours: no page of 100 has more entries, no count more votes, no recorded paper more authors (75), no address is longer.
TRENDING_ENTRIES_MAX: Final = 1000
TRENDING_COUNT_MAX: Final = 10**9
TRENDING_AUTHORS_MAX: Final = 1000
TRENDING_URL_MAX: Final = 200
# Ours: recorded days have up to 50 papers; a list that goes on for ever ends here.
TRENDING_PAGES_MAX: Final = 20
# Ours: a list whose pages overlap, because votes moved papers between them, is read again so often.
TRENDING_READS_MAX: Final = 3
HUGGING_FACE_TIMEOUT_S: Final = 30.0
# Ours: 500 calls in 5 minutes are allowed to anonymous callers (huggingface.co/docs/hub/rate-limits).
HUGGING_FACE_BACKOFF_FLOOR_S: Final = 30.0
HUGGING_FACE_BACKOFF_CEILING_S: Final = 3600.0
HUGGING_FACE_WAIT_MAX_S: Final = 6 * 3600.0
# Ours: how often the lists of today and the two days before are read, and how often is looked whether one is due.
TRENDING_POLL_INTERVAL: Final = timedelta(hours=3)
TRENDING_CHECK_INTERVAL_S: Final = 300.0
TRENDING_POLL_DAYS: Final = 3
# Papers older than 7 days cannot be put on a list (huggingface/huggingface_hub, issue 2745).
TRENDING_MAX_PAPER_AGE: Final = timedelta(days=8)
# Ours: for three days after a list began people vote; then it is as good as final.
TRENDING_FINAL_AFTER: Final = timedelta(days=4)
# Ours: how old a list may be that is shown to somebody who asks for it, and to somebody who turns its pages.
TRENDING_FRESH_FOR: Final = timedelta(minutes=10)
TRENDING_PAGE_FRESH_FOR: Final = timedelta(hours=1)
# Weekends have no lists; with a holiday beside them that makes three days.
TRENDING_LOOKBACK_DAYS: Final = 4
# Hugging Face's first lists are of May 2023.
TRENDING_FIRST_DAY: Final = date(2023, 5, 1)
TRENDING_PER_PAGE: Final = 10
TRENDING_PER_MINUTE: Final = 10
# Ours: how long a day's list is kept after it was read last.
TRENDING_KEPT: Final = timedelta(days=60)
# Ours: messages follow votes that have grown by half since they were drawn, and by so many: ten edits to reach 200.
VOTES_MIN_INCREASE: Final = 5
VOTES_MIN_GROWTH: Final = 0.5
# Ours: how long a day's list can be posted to channels: Friday's until Tuesday, where a long weekend has no lists.
TRENDING_POST_WINDOW: Final = timedelta(days=4)
# Ours: how often it is looked whether a day's list is to be posted; one that was read rings.
TRENDING_POST_CHECK_INTERVAL_S: Final = 60.0

# --- Settings --------------------------------------------------------------------------------------
# What arXiv shows changes once a day (terms of use); a fixed interval shorter than this only repeats questions.
ARXIV_POLL_INTERVAL_MIN_S: Final = 600.0
LOOPBACK_POLL_INTERVAL_MIN_S: Final = 1.0
# A snowflake holds the milliseconds since 2015 above 22 bits (reference#snowflakes): 17 digits at least, 63 bits.
SNOWFLAKE_MIN: Final = 10**16
SNOWFLAKE_MAX: Final = 2**63 - 1

# --- Commands of the operator -----------------------------------------------------------------------
# Ours: how long `daily-papers check` waits for arXiv's turn and for Discord.
CHECK_TIMEOUT_S: Final = 45.0
# `daily-papers backfill`: a month read so long after its end has all its papers (moderation: see above); one that was
# read earlier is read again, but not twice a day (the result of a query changes once), by a daily timer's clock.
ARCHIVE_FINAL_AFTER: Final = timedelta(days=14)
ARCHIVE_GOOD_FOR: Final = timedelta(hours=20)
# Ours: papers a transaction, so that a running bot gets its turn long before its busy timeout.
ARCHIVE_PAPERS_PER_WRITE: Final = 500
# Ours: nothing but trouble with arXiv for so long ends it; the next start goes on.
BACKFILL_PATIENCE: Final = timedelta(hours=2)
# Ours: how often it says how far it is where no bar can be drawn.
BACKFILL_TOLD_EVERY_S: Final = 30.0
