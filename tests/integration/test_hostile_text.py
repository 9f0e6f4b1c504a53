"""Hostile texts in papers and keywords, rendered by the real code and checked as Discord would accept and show them.

Each message is built as the bot builds it, validated by the sandbox's Discord, and read by a reader of Discord's
Markdown: no mentions, no links except the bot's own and those to trusted hosts, no formatting, no message over a
limit, no exceptions, and no lost letters.
"""

import asyncio
import random
import re
import unicodedata
from collections.abc import Iterable, Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.discord_api.messages import render, to_embed
from bot.domain.categories import ARCHIVES, CATEGORIES
from bot.domain.channel_settings import Layout
from bot.domain.expressions.splitting import split_list
from bot.domain.keyword import Keyword
from bot.domain.layout.card import full_abstract
from bot.domain.layout.message import BatchKind, headline
from bot.domain.matching import match
from bot.domain.paper import Paper
from bot.domain.post import MessageHeader, OutboxEntry, Post
from bot.domain.queries import initial_sync_window, keywords_query
from bot.domain.tex.convert import tex_to_text
from bot.runtime.errors import InvalidKeyword
from cogs.replies import bold
from sandbox.arxiv import LocalArxiv, SandboxPaper
from sandbox.arxiv.query import parse
from sandbox.discord.checks.messages import CREATE_KEYS, check_message
from sandbox.discord.mentions import resolve_pings
from sandbox.discord.primitives import Payload, as_mapping
from tests.support.builders import paper
from tests.support.markdown import Shown, read
from tests.support.running import RunningSandbox, running_bot, running_sandbox
from tests.support.store import NOW

BRIEFLY = settings(max_examples=8, suppress_health_check=list(HealthCheck))
AT_LENGTH = settings(max_examples=100, suppress_health_check=list(HealthCheck))
BATCHES = tuple(BatchKind)
# Hosts that links in a comment may lead to.
TRUSTED = re.compile(
    r"https?://(?:[a-z0-9-]+\.)?(?:github\.com|github\.io|huggingface\.co|zenodo\.org|doi\.org|arxiv\.org)(?:/[^\s<>()]*)?"
)
# The only formatted text in messages about invalid keywords.
CODES = (*ARCHIVES, *CATEGORIES)
ZERO_WIDTH = "\u200b"
NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
PIECES = [
    *"aZ 1.,;:!?\\*_~`|[](){}<>#@$^&%-+=/'\"\n\t\0\x7f",
    "@everyone", "@here", "<@1>", "<@!12>", "<@&123>", "<#5>", "<t:1:R>", "<t:-1>", "<:a:1>", "<a:b:2>", "</x y:1>",
    "<id:guide>", "<+4930>", "<a@b.de>", "http://evil.example/a_b", "https://evil.example", "<https://evil.example>",
    "[x](http://evil.example)", "](http://evil.example) [", "](http://evil.example)", "[", "]", "](", "https://",
    "discord://x/y", "steam://run/1", "https://github.com/a_b/c", "https://github.com.evil.example/x",
    "https://github.com/a](http://evil.example)", "https://doi.org/10.1/(2)3", "https://arxiv.org/abs/1",
    "# ", "## ", "-# ", "> ", ">>> ", "- ", "+ ", "1. ", "23) ", "**", "__", "~~", "||", "```", "***", "\\\\", "\\[",
    "$x^2$", "$\\frac{a}{b}$", "\\textbf{", "\\href{http://evil.example}{x}", "\\'e", "{\\it ", "$$", "$10",
    "\\url{@here}", "\u200b", "\u200d", "\u202e", "\u2066", "\ufeff", "\u0301", "e\u0301" * 20, "\ud800", "\ufffe",
    "\U000e0041", "\u3164", "😀", "👩\u200d👩\u200d👧", "🇩🇪", "日本語", "العربية", "ﬁ", "Ǆ", "\u2028", "\u00a0",
    "word ", "models ",
    "@\u200beveryone", "<@\u200b1>", "＠everyone", "@\\everyone", "<\\@1>", "@every\u00adone", "@ev\u200beryone",
]  # fmt: skip
HOSTILE = st.lists(st.sampled_from(PIECES), max_size=12).map("".join)
TEXTS = st.builds(str.__mul__, HOSTILE | st.text(max_size=40), st.sampled_from([1, 1, 1, 40, 300]))
NAMES = st.lists(TEXTS, max_size=4).map(tuple) | st.builds(lambda name: (name,) * 3000, HOSTILE)
PARTS = st.fixed_dictionaries(
    {"title": TEXTS, "abstract": TEXTS, "comment": st.none() | TEXTS, "authors": NAMES,
     "journal_ref": st.none() | TEXTS, "doi": st.none() | HOSTILE}
)  # fmt: skip
MESSAGES = st.lists(st.tuples(PARTS, st.lists(TEXTS, max_size=3)), min_size=1, max_size=10)

MessagePapers = Sequence[tuple[Paper, Sequence[str]]]


def built(parts: Iterable[tuple[dict[str, object], list[str]]]) -> MessagePapers:
    """Returns papers with distinct ids."""
    return [
        (paper(f"2611.{number:05}", **fields), keywords)  # type: ignore[arg-type]  # built by PARTS
        for number, (fields, keywords) in enumerate(parts)
    ]


async def body_of(message: MessagePapers, layout: Layout) -> Payload:
    """Returns the JSON of the message that is sent to Discord."""
    entries = tuple(
        OutboxEntry(number, each, tuple(keywords), alone=False) for number, (each, keywords) in enumerate(message)
    )
    all_keywords = [keyword for _, keywords in message for keyword in keywords]
    header = MessageHeader(layout, headline(len(message), all_keywords, NOW, BATCHES[len(all_keywords) % len(BATCHES)]))
    rendered = render(Post("a-key-of-12-c", 1, "0" * 24, NOW, NOW, entries, header))
    return {
        "content": rendered.content,
        "embeds": [embed.to_dict() for embed in rendered.embeds],
        "components": rendered.view.to_components(),
        "nonce": "0" * 24,
        "enforce_nonce": True,
        "allowed_mentions": rendered.allowed_mentions.to_dict(),
    }


def accepted(body: Payload) -> tuple[str, list[Payload]]:
    """Returns content and embeds as Discord stores them; fails if it would reject the message."""
    draft = check_message(body, CREATE_KEYS)
    content = draft.content or ""
    assert not resolve_pings(content, body, may_mention_everyone=True)
    return content, draft.embeds or []


def inner(embed: Payload, part: str, key: str) -> str:
    return str(as_mapping(embed.get(part)).get(key, ""))


def check_safe(shown: Shown, papers: Iterable[Paper], *, formatted: Iterable[str] = ()) -> None:
    """Checks that there are only links to these papers and trusted hosts, and only expected formatting."""
    assert shown.special == []
    assert shown.blocks == []
    assert {each.replace(ZERO_WIDTH, "") for each in shown.formatted} <= {
        "withdrawn",
        *(each.replace(ZERO_WIDTH, "") for each in formatted),
    }
    ids = [each.arxiv_id for each in papers]
    expected_urls = {url for each in ids for url in (each.abs_url, each.pdf_url, each.html_url)}
    assert not [url for _, url in shown.links if url not in expected_urls and not TRUSTED.fullmatch(url)]


def without_subtext(embed: Payload) -> str:
    """Returns a card's description without the bot's own mark at the beginning of the line of authors."""
    return str(embed.get("description", "")).removeprefix("-# ")


def check_plain(text: str) -> None:
    """Checks plain text, which must not look like a mention either."""
    assert not re.search(r"@everyone|@here|<@[!&]?\d", text)
    assert "\n" not in text


def letters(text: str) -> list[str]:
    # The modifier letter stands for an underscore in the label of a link.
    return [char for char in unicodedata.normalize("NFKC", text) if char.isalpha() and char != "\u02cd"]


def check_no_letter_lost(shown: str, original: str) -> None:
    """Checks that all letters are there, in order; if the text was cut, all those before the cut."""
    kept, whole = letters(shown), letters(tex_to_text(original))
    assert kept == whole[: len(kept)]
    assert len(kept) == len(whole) or "…" in shown


def check_heading(content: str) -> None:
    """Checks that the headline is one line, in which only the number of papers is bold."""
    shown = read(content)
    assert (shown.special, shown.links, shown.blocks) == ([], [], [])
    (counted,) = shown.formatted
    assert re.fullmatch(r"\d+ (?:new |more |earlier )?papers?", counted)
    assert "\n" not in content


def check_cards(message: MessagePapers) -> None:
    content, embeds = accepted(asyncio.run(body_of(message, Layout.CARDS)))
    check_heading(content)
    assert [embed["url"] for embed in embeds] == [each.arxiv_id.abs_url for each, _ in message]
    for embed, (each, _) in zip(embeds, message, strict=True):
        title, description = read(str(embed["title"])), read(without_subtext(embed))
        check_safe(title, ())
        check_safe(description, [each])
        assert (("PDF", each.arxiv_id.pdf_url) in description.links) == (len(message) > 1)
        check_plain(inner(embed, "footer", "text"))
        if letters(tex_to_text(each.title)):
            check_no_letter_lost(title.text, each.title)


def check_list(message: MessagePapers) -> None:
    content, embeds = accepted(asyncio.run(body_of(message, Layout.COMPACT)))
    check_heading(content)
    items = [item.split("\n") for embed in embeds for item in str(embed["description"]).split("\n\n")]
    assert len(items) == len(message)
    for (title, details), (each, _) in zip(items, message, strict=True):
        shown = read(title)
        ((label, url),) = shown.links
        assert url == each.arxiv_id.abs_url
        check_safe(shown, [each], formatted=[label])
        assert title.startswith("**[")
        assert title.endswith(f"]({url})**")
        assert details.startswith("-# ")
        check_safe(read(details.removeprefix("-# ")), [each])
        if letters(tex_to_text(each.title)):
            check_no_letter_lost(label, each.title)


def check_replies(message: MessagePapers) -> None:
    for each, keywords in message:
        _, (embed,) = accepted({"embeds": [to_embed(full_abstract(each)).to_dict()]})
        check_safe(read(str(embed["title"])), ())
        check_safe(read(without_subtext(embed)), [each])
        for keyword in keywords:
            try:
                typed = Keyword.parse(keyword)
            except InvalidKeyword as error:
                check_safe(read(str(error)), (), formatted=CODES)
            else:
                check_safe(read(bold(typed.shown)), (), formatted=[typed.shown])


@pytest.mark.slow
@BRIEFLY
@given(MESSAGES)
def test_messages_with_any_papers_are_accepted_and_safe(
    parts: list[tuple[dict[str, object], list[str]]],
) -> None:
    message = built(parts)
    check_cards(message)
    check_list(message)
    check_replies(message)


@pytest.mark.slow
@AT_LENGTH
@given(MESSAGES)
def test_messages_with_very_many_papers_are_accepted_and_safe(
    parts: list[tuple[dict[str, object], list[str]]],
) -> None:
    message = built(parts)
    check_cards(message)
    check_list(message)
    check_replies(message)


@BRIEFLY
@given(st.lists(TEXTS, min_size=1, max_size=4).map(", ".join))
def test_any_keyword_is_rejected_safely_or_gives_a_valid_query(typed: str) -> None:
    for piece in split_list(typed):
        try:
            keyword = Keyword.parse(piece)
        except InvalidKeyword as error:
            check_safe(read(str(error)), (), formatted=CODES)
            continue
        assert Keyword.parse(keyword.shown) == keyword
        parse(keywords_query([keyword], initial_sync_window(NOW)).search)
        match([paper(title=typed[:500])], [keyword])


# The following tests run the real bot against the sandbox.


def hostile_paper(rng: random.Random, number: int) -> SandboxPaper:
    """Returns a matching paper with any other text that XML allows."""

    def text(pieces: int) -> str:
        joined = "".join(rng.choice(PIECES) for _ in range(rng.randint(0, pieces)))
        return NOT_XML.sub("", joined)

    return SandboxPaper(
        title=f"Reward model {number} {text(20)}",
        abstract=f"{text(60)} {text(200)}",
        authors=tuple(text(4) or "A" for _ in range(rng.choice([1, 3, 40]))),
        comment=text(15),
        journal_ref=text(5),
    )


async def post_hostile_papers(sandbox: RunningSandbox, seed: int, count: int) -> None:
    rng = random.Random(seed)
    await sandbox.subscribe("reward model")
    urls = {publish(sandbox.arxiv, hostile_paper(rng, number)) for number in range(count)}
    posts = await sandbox.wait_for_papers("papers", count)
    assert set(sandbox.posted_urls("papers")) == urls
    assert not [post for post in posts if post.pings]
    papers = [paper(url.rpartition("/")[2]) for url in urls]
    for post in posts:
        if post.content:  # the first message of a batch has a headline
            check_heading(post.content)
        for embed in post.embeds:
            check_safe(read(str(embed.get("title", ""))), ())
            for line in str(embed.get("description", "")).split("\n"):
                shown = read(line.removeprefix("-# "))
                check_safe(shown, papers, formatted=[label for label, _ in shown.links])
    assert not [request for request in sandbox.discord.requests if request.status == 400]


def publish(arxiv: LocalArxiv, submitted: SandboxPaper) -> str:
    return f"https://arxiv.org/abs/{arxiv.add_paper(submitted).arxiv_id}"


@pytest.mark.slow
async def test_hostile_papers_are_all_posted_without_rejections(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox, running_bot(sandbox):
        await post_hostile_papers(sandbox, seed=1, count=25)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2, 4))
async def test_very_many_hostile_papers_are_all_posted(tmp_path: Path, seed: int) -> None:
    async with running_sandbox(tmp_path) as sandbox, running_bot(sandbox):
        await post_hostile_papers(sandbox, seed, count=150)
