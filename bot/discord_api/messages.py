"""Renders posts and papers as Discord messages: headline, embeds, and the button or menu that shows abstracts.

It sends nothing. Text that is nothing but TeX takes long to render, so `render` is called in a thread; a `View` can
only be created on the event loop.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, assert_never

import discord

from bot.discord_api.custom_ids import AbstractButtonId, AbstractMenuId, CiteButtonId, PaperMenuId, RestButtonId
from bot.discord_api.discuss_ids import DiscussButtonId, DiscussMenuId
from bot.domain.channel_settings import Discussion, Layout
from bot.domain.layout.card import Card, option_description, option_label
from bot.domain.layout.compact import PaperList
from bot.domain.layout.followed import NO_MATCHED_AUTHORS, MatchedAuthors
from bot.domain.layout.message import lay_out_message
from bot.domain.layout.trending_post import lay_out_trending_post
from bot.domain.outgoing import OutgoingMessage
from bot.domain.paper import ArxivId, Paper
from bot.domain.post import Post
from bot.domain.text import cut
from bot.domain.trending.entry import NO_TRENDING_ENTRIES, TrendingEntry, as_paper
from bot.domain.trending.post import TrendingPost
from bot.runtime.limits import THREAD_NAME_MAX

# The colour of lists, close to arXiv's red; it looks alike in Discord's light and dark themes.
CARD_COLOUR: Final = 0xB31B1B


@dataclass(frozen=True, slots=True)
class RenderedMessage:
    """The parts of a Discord message."""

    content: str | None
    embeds: list[discord.Embed]
    components: tuple[discord.ui.Item[discord.ui.View], ...]
    allowed_mentions: discord.AllowedMentions

    @property
    def view(self) -> discord.ui.View:
        """The components as a view; accessed on the event loop, where discord.py accepts that it is finished."""
        return _finished_view(self.components)


def render(message: OutgoingMessage) -> RenderedMessage:
    """Renders a message from the current data of its papers."""
    match message:
        case Post():
            return _render_post(message, message.trending_entries)
        case TrendingPost():
            return _render_trending_post(message)
    assert_never(message)


def render_without_trending(message: OutgoingMessage) -> RenderedMessage:
    """Renders a message like `render`, but paper posts show no votes and code from Hugging Face."""
    return _render_post(message, NO_TRENDING_ENTRIES) if isinstance(message, Post) else render(message)


def _render_trending_post(trending_post: TrendingPost) -> RenderedMessage:
    """Renders a day's trending list, which pings nobody."""
    laid_out = lay_out_trending_post(trending_post.papers, trending_post.day)
    shown = [as_paper(each.trending_entry) for each in trending_post.papers[: laid_out.shown]]
    return RenderedMessage(
        content=trending_post.header.headline,
        embeds=[discord.Embed(description=laid_out.description, colour=CARD_COLOUR)],
        components=reading_components(shown, trending_post.key),
        allowed_mentions=discord.AllowedMentions.none(),
    )


def _render_post(post: Post, trending_entries: Mapping[ArxivId, TrendingEntry]) -> RenderedMessage:
    """Renders a paper post, which pings the roles that the channel chose, and nobody else."""
    roles = post.header.roles
    pings = "".join(f"<@&{role}> " for role in roles)
    return RenderedMessage(
        content=f"{pings}{post.header.headline}{_rest_line(post)}".strip() or None,
        embeds=embeds(post.papers, post.header.layout, trending_entries, post.matched_authors),
        components=(
            *reading_components([entry.paper for entry in post.entries], post.key),
            *_discuss_components(post),
            *_rest_components(post),
        ),
        allowed_mentions=discord.AllowedMentions(
            everyone=False, users=False, replied_user=False, roles=[discord.Object(role) for role in roles]
        ),
    )


def _discuss_components(post: Post) -> tuple[discord.ui.Item[discord.ui.View], ...]:
    """Returns the button that starts a thread for one of the papers, if the message has it."""
    if post.header.discussion is not Discussion.BUTTON:
        return ()
    return (discord.ui.Button(label="Discuss", custom_id=DiscussButtonId(post.key).encode()),)


def _rest_line(post: Post) -> str:
    return f"\n+{post.rest:,} more: **Show the rest** below" if post.rest else ""


def _rest_components(post: Post) -> tuple[discord.ui.Item[discord.ui.View], ...]:
    """Returns the button that shows what the channel's limit withheld from the batch, if it withheld anything."""
    if not post.rest:
        return ()
    custom_id = RestButtonId(post.key, 0).encode()
    return (discord.ui.Button(label=f"Show the rest (+{post.rest:,})", custom_id=custom_id),)


def embeds(
    papers: Sequence[tuple[Paper, Sequence[str]]],
    layout: Layout,
    trending_entries: Mapping[ArxivId, TrendingEntry] = NO_TRENDING_ENTRIES,
    matched_authors: MatchedAuthors = NO_MATCHED_AUTHORS,
) -> list[discord.Embed]:
    """Returns the embeds of one message: one per paper as cards, one or two for all as a compact list."""
    laid_out = lay_out_message(papers, layout, trending_entries, matched_authors)
    if isinstance(laid_out, PaperList):
        return [discord.Embed(description=each, colour=CARD_COLOUR) for each in laid_out.descriptions]
    return [to_embed(card) for card in laid_out]


def thread_name(message: OutgoingMessage) -> str:
    """Returns the name of a new forum post: the message's headline without Markdown."""
    return plain_headline(message.header.headline)


def plain_headline(headline: str) -> str:
    """Returns a headline without Markdown, for the name of a thread."""
    return cut(discord.utils.remove_markdown(headline), THREAD_NAME_MAX) or "New papers"


def to_embed(card: Card) -> discord.Embed:
    """Returns a card as a Discord embed."""
    embed = discord.Embed(title=card.title, url=card.url, description=card.description or None, colour=card.colour)
    if card.thumbnail_url is not None:
        embed.set_thumbnail(url=card.thumbnail_url)
    return embed.set_footer(text=card.footer)


def reading_components(papers: Sequence[Paper], key: str) -> tuple[discord.ui.Item[discord.ui.View], ...]:
    """Returns the buttons of one paper, or the menu of several, with the key of their post."""
    if len(papers) != 1:
        return (_menu(papers, key),)
    arxiv_id = papers[0].arxiv_id
    buttons: list[discord.ui.Button[discord.ui.View]] = [
        discord.ui.Button(label="Abstract", custom_id=AbstractButtonId(arxiv_id, key).encode()),
        discord.ui.Button(label="PDF", url=arxiv_id.pdf_url),
    ]
    if arxiv_id.html_url is not None:
        buttons.append(discord.ui.Button(label="HTML", url=arxiv_id.html_url))
    return (*buttons, _cite_button(arxiv_id))


def reading_view(papers: Sequence[Paper], key: str) -> discord.ui.View:
    """Returns `reading_components` as a view, for a reply."""
    return _finished_view(reading_components(papers, key))


def cite_view(arxiv_id: ArxivId) -> discord.ui.View:
    """Returns the button that shows a paper's citation, for a reply without other components."""
    return _finished_view([_cite_button(arxiv_id)])


def paper_menu_view(papers: Sequence[Paper]) -> discord.ui.View:
    """Returns the menu that shows one of several papers, for a reply."""
    menu: discord.ui.Select[discord.ui.View] = discord.ui.Select(
        custom_id=PaperMenuId().encode(), placeholder="Show a paper…", options=_options(papers)
    )
    return _finished_view([menu])


def discuss_menu_view(papers: Sequence[Paper], key: str) -> discord.ui.View:
    """Returns the menu that starts a thread for one of several papers, for a reply."""
    menu: discord.ui.Select[discord.ui.View] = discord.ui.Select(
        custom_id=DiscussMenuId(key).encode(), placeholder="Discuss a paper…", options=_options(papers)
    )
    return _finished_view([menu])


def _cite_button(arxiv_id: ArxivId) -> discord.ui.Button[discord.ui.View]:
    return discord.ui.Button(label="Cite", custom_id=CiteButtonId(arxiv_id).encode())


def _finished_view(components: Sequence[discord.ui.Item[discord.ui.View]]) -> discord.ui.View:
    view = discord.ui.View(timeout=None)
    for component in components:
        view.add_item(component)
    # Components are routed by their custom_id, after a restart too: discord.py need not remember each view.
    view.stop()
    return view


def _menu(papers: Sequence[Paper], key: str) -> discord.ui.Select[discord.ui.View]:
    return discord.ui.Select(
        custom_id=AbstractMenuId(key).encode(), placeholder="Read an abstract…", options=_options(papers)
    )


def _options(papers: Sequence[Paper]) -> list[discord.SelectOption]:
    return [
        discord.SelectOption(
            label=option_label(paper), value=paper.arxiv_id.value, description=option_description(paper) or None
        )
        for paper in papers
    ]
