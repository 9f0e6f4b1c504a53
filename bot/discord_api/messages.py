"""Posts and papers → Discord messages: first line, embeds, and the button or menu that every message of ours has.

Domain values enter; discord.py's own leave. It sends nothing. Texts that are nothing but TeX take long to draw:
`draw` belongs in a thread, while a `View` belongs to the event loop.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, assert_never

import discord

from bot.domain.channel_settings import Layout
from bot.domain.layout.card import Card, option_description, option_label
from bot.domain.layout.compact import PaperList
from bot.domain.layout.message import lay_out_message
from bot.domain.layout.trending_post import lay_out_trending_post
from bot.domain.outgoing import OutgoingMessage
from bot.domain.paper import ArxivId, Paper
from bot.domain.post import Post
from bot.domain.text import cut
from bot.domain.trending.entry import NO_TRENDING_ENTRIES, TrendingEntry, as_paper
from bot.domain.trending.post import TrendingPost
from bot.runtime.limits import THREAD_NAME_MAX

# A post's key stands in the custom_id of the one component that every message of ours has; these are its templates.
ABSTRACT_BUTTON: Final = r"abstract:(?P<arxiv_id>[^:]+):(?P<key>[\w-]+)"
ABSTRACT_MENU: Final = r"abstracts:(?P<key>[\w-]+)"
# Stands for the key in replies, which are no posts.
NO_POST_KEY: Final = "looked-up"
# Near arXiv's own red; a card should look the same in the light and in the dark theme.
CARD_COLOUR: Final = 0xB31B1B


@dataclass(frozen=True, slots=True)
class RenderedMessage:
    """A message as Discord is told of it."""

    content: str | None
    embeds: list[discord.Embed]
    components: tuple[discord.ui.Item[discord.ui.View], ...]
    allowed_mentions: discord.AllowedMentions

    @property
    def view(self) -> discord.ui.View:
        """The components as they are sent: only on the event loop discord.py believes that the view is finished."""
        return _finished(self.components)


def render(post: OutgoingMessage, *, trending_enabled: bool = True) -> RenderedMessage:
    """A message as its papers are now; `listed`: those of posts with what Hugging Face says of them."""
    match post:
        case Post():
            return _render_post(post, trending_enabled=trending_enabled)
        case TrendingPost():
            return _render_trending_post(post)
    assert_never(post)


def _render_trending_post(trending_post: TrendingPost) -> RenderedMessage:
    """A day's list; it pings nobody."""
    laid_out = lay_out_trending_post(trending_post.papers, trending_post.day)
    shown = [as_paper(each.trending_entry) for each in trending_post.papers[: laid_out.shown]]
    return RenderedMessage(
        content=trending_post.header.heading,
        embeds=[discord.Embed(description=laid_out.description, colour=CARD_COLOUR)],
        components=reading_components(shown, trending_post.key),
        allowed_mentions=discord.AllowedMentions.none(),
    )


def _render_post(post: Post, *, trending_enabled: bool) -> RenderedMessage:
    """It pings the role that the channel chose, and nobody else."""
    role = post.header.mention_role
    ping = "" if role is None else f"<@&{role}> "
    return RenderedMessage(
        content=f"{ping}{post.header.heading}".strip() or None,
        embeds=embeds(
            post.papers, post.header.layout, post.trending_entries if trending_enabled else NO_TRENDING_ENTRIES
        ),
        components=reading_components([entry.paper for entry in post.entries], post.key),
        allowed_mentions=discord.AllowedMentions(
            everyone=False, users=False, replied_user=False, roles=[] if role is None else [discord.Object(role)]
        ),
    )


def embeds(
    papers: Sequence[tuple[Paper, Sequence[str]]],
    layout: Layout,
    trending_entries: Mapping[ArxivId, TrendingEntry] = NO_TRENDING_ENTRIES,
) -> list[discord.Embed]:
    """The papers of one message: an embed each as cards, one for all as a compact list."""
    laid_out = lay_out_message(papers, layout, trending_entries)
    if isinstance(laid_out, PaperList):
        return [discord.Embed(description=laid_out.description, colour=CARD_COLOUR)]
    return [to_embed(card) for card in laid_out]


def thread_name(post: OutgoingMessage) -> str:
    """What a batch or a list is called in a forum: its first line without marks."""
    plain = discord.utils.remove_markdown(post.header.heading)
    return cut(plain, THREAD_NAME_MAX) or "New papers"


def to_embed(card: Card) -> discord.Embed:
    """A card as a Discord embed."""
    embed = discord.Embed(
        title=card.title, url=card.url, description=card.description, timestamp=card.timestamp, colour=CARD_COLOUR
    )
    if card.authors:
        embed.set_author(name=card.authors)
    return embed.set_footer(text=card.footer)


def reading_components(papers: Sequence[Paper], key: str) -> tuple[discord.ui.Item[discord.ui.View], ...]:
    """The buttons of one paper, or the menu "Read an abstract…" of several, with the key of the post."""
    if len(papers) != 1:
        return (_menu(papers, key),)
    arxiv_id = papers[0].arxiv_id
    buttons: list[discord.ui.Button[discord.ui.View]] = [
        discord.ui.Button(label="Abstract", custom_id=f"abstract:{arxiv_id}:{key}"),
        discord.ui.Button(label="PDF", url=arxiv_id.pdf_url),
    ]
    if arxiv_id.html_url is not None:
        buttons.append(discord.ui.Button(label="HTML", url=arxiv_id.html_url))
    return tuple(buttons)


def reading_view(papers: Sequence[Paper], key: str) -> discord.ui.View:
    """The same, ready to be sent with a reply."""
    return _finished(reading_components(papers, key))


def _finished(components: Sequence[discord.ui.Item[discord.ui.View]]) -> discord.ui.View:
    view = discord.ui.View(timeout=None)
    for component in components:
        view.add_item(component)
    # Answered by their custom_id, after a restart too (cogs/lookup.py): discord.py need not remember each view.
    view.stop()
    return view


def _menu(papers: Sequence[Paper], key: str) -> discord.ui.Select[discord.ui.View]:
    options = [
        discord.SelectOption(
            label=option_label(paper), value=paper.arxiv_id.value, description=option_description(paper) or None
        )
        for paper in papers
    ]
    return discord.ui.Select(custom_id=f"abstracts:{key}", placeholder="Read an abstract…", options=options)


def post_keys(message: discord.Message, author: discord.abc.User | None) -> frozenset[str]:
    """The keys in a message's components, if we wrote it."""
    if author is None or message.author.id != author.id:
        return frozenset()
    return frozenset(
        component.custom_id.rpartition(":")[2]
        for row in message.components
        if isinstance(row, discord.ActionRow)
        for component in row.children
        if component.custom_id is not None
    )
