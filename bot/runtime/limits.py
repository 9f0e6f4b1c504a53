"""Limits that other systems impose, grouped by system, each with its source.

It holds no constant of our own (those are at the top of the module that uses them) and no setting (`bot/config`).
"""

from datetime import date, timedelta
from typing import Final

# --- arXiv -----------------------------------------------------------------------------------------
# "no more than one request every three seconds", over one connection (info.arxiv.org/help/api/tou.html).
ARXIV_REQUEST_INTERVAL_S: Final = 3.0
# arXiv's code stops at 10,000 results and answers 5xx past that (arxiv/arxiv-search on GitHub).
ARXIV_RESULT_CAP: Final = 10_000
# The announcement calendar (info.arxiv.org/help/availability.html): 20:00 US Eastern, for papers submitted by 14:00.
ARXIV_ZONE: Final = "America/New_York"
ANNOUNCEMENT_HOUR: Final = 20
SUBMISSION_CUTOFF_HOUR: Final = 14

# --- Discord: messages (discord.com/developers/docs, resources/message) ----------------------------
EMBEDS_PER_MESSAGE: Final = 10
EMBED_TOTAL_MAX: Final = 6000
EMBED_TITLE_MAX: Final = 256
EMBED_DESCRIPTION_MAX: Final = 4096
# Not documented; Discord's OpenAPI specification has it (RichEmbed.url).
EMBED_URL_MAX: Final = 2048
CONTENT_MAX: Final = 2000
NONCE_MAX: Final = 25
# Alternative text of an attachment (resources/message#attachment-object).
ALT_TEXT_MAX: Final = 1024
# Name of a thread or forum post (resources/channel#channel-object).
THREAD_NAME_MAX: Final = 100

# Where the files of attachments are (reference#image-formatting, and the URLs of attachment objects).
ATTACHMENT_HOSTS: Final = frozenset(("cdn.discordapp.com", "media.discordapp.net"))

# --- Discord: components and interactions ----------------------------------------------------------
SELECT_OPTION_MAX: Final = 100
SELECT_OPTIONS_MAX: Final = 25
CUSTOM_ID_MAX: Final = 100
BUTTON_LABEL_MAX: Final = 80
# Buttons next to each other (components/reference#action-row).
BUTTONS_PER_ROW: Final = 5
# Texts of a form, which Discord calls a modal (components/reference#text-input, #label).
TEXT_INPUT_MAX: Final = 4000
FORM_TITLE_MAX: Final = 45
FORM_LABEL_MAX: Final = 45
FORM_HINT_MAX: Final = 100
AUTOCOMPLETE_CHOICES_MAX: Final = 25
# How long an interaction can be answered and its reply edited (interactions/receiving-and-responding).
INTERACTION_TOKEN_S: Final = 15 * 60.0

# --- Discord: gateway ------------------------------------------------------------------------------
# At most `max_concurrency` sessions start in this time (events/gateway#session-start-limit-object).
IDENTIFY_INTERVAL_S: Final = 5.0

# --- Discord: ids ----------------------------------------------------------------------------------
# A snowflake holds the milliseconds since 2015 above 22 bits (reference#snowflakes): at least 17 digits, 63 bits.
SNOWFLAKE_MIN: Final = 10**16
SNOWFLAKE_MAX: Final = 2**63 - 1
SNOWFLAKE_EPOCH_MS: Final = 1_420_070_400_000  # the start of 2015
SNOWFLAKE_TIME_SHIFT: Final = 22
# The most messages that one request returns (resources/message#get-channel-messages).
HISTORY_PAGE_SIZE: Final = 100

# --- Hugging Face's daily papers -------------------------------------------------------------------
# A request returns at most 100 entries, 50 by default (huggingface.co/docs/hub/api).
TRENDING_PAGE_SIZE: Final = 100
TRENDING_PAGE_DEFAULT: Final = 50
# Papers older than 7 days cannot be put on a list (huggingface/huggingface_hub, issue 2745); one more day for the
# time zone.
TRENDING_MAX_PAPER_AGE: Final = timedelta(days=8)
# The first lists date from May 2023.
TRENDING_FIRST_DAY: Final = date(2023, 5, 1)
