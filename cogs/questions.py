"""Asks which reading of a text was meant, with a button for each, and continues the command after a click.

The buttons work after a restart: the question is stored, because its answers are too long for a custom id. Only the
person who ran the command can use them. The command checks permissions and limits again.
"""

import re
from collections.abc import Sequence
from typing import Final, Protocol, Self

import discord
from discord import app_commands
from discord.ext import commands

from bot.discord_api.client import AnyClient
from bot.discord_api.private_replies import answer_failure, reply
from bot.discord_api.reply_ids import AnswerButtonId
from bot.domain.expressions.keywords import explain_keyword, unambiguous
from bot.domain.keyword import Keyword
from bot.domain.question import Question, QuestionCommand
from bot.domain.text import cut
from bot.runtime.errors import DailyPapersError
from bot.runtime.limits import BUTTON_LABEL_MAX
from bot.services.questions import QuestionService
from cogs.replies import PersistentItem, bold, code, cog_of, defer_if_slow, send_reply

_EXPLANATION_MAX: Final = 300
_SHOWN_MAX: Final = 100
_EXPIRED: Final = "This question has expired. Run the command again."
_OTHERS: Final = "Only the person who ran the command can use its buttons."


class Answered(Protocol):
    """Continues a command with the keywords of an answer."""

    async def __call__(
        self, interaction: discord.Interaction[AnyClient], question: Question, keywords: Sequence[Keyword], /
    ) -> None:
        """Answers the click."""


class QuestionButtons(commands.Cog):
    """Asks, and passes each answer on to the command that asked."""

    def __init__(self, question_service: QuestionService) -> None:
        self._question_service = question_service
        self._commands: dict[QuestionCommand, Answered] = {}

    def on_answer(self, command: QuestionCommand, answered: Answered) -> None:
        """Sets what continues a command."""
        self._commands[command] = answered

    async def ask(self, interaction: discord.Interaction[AnyClient], question: Question, typed: str) -> None:
        """Replies with a question; `typed` is the text that has several readings."""
        key = await defer_if_slow(interaction, self._question_service.add(question))
        await send_reply(interaction, _lines(question, typed), _buttons(question, key))

    async def ask_too(self, interaction: discord.Interaction[AnyClient], question: Question, typed: str) -> None:
        """Asks in a further message below the reply."""
        key = await self._question_service.add(question)
        content = "\n".join(_lines(question, typed))
        await interaction.followup.send(content, view=_buttons(question, key), ephemeral=True)

    async def answer(self, interaction: discord.Interaction[AnyClient], button_id: AnswerButtonId) -> None:
        """Continues the command of a question with the chosen answer."""
        question = await self._question_service.find(button_id.key, interaction.user.id)
        if question is None or button_id.answer >= len(question.answers):
            await reply(interaction, _EXPIRED)
            return
        await self._commands[question.command](interaction, question, question.answers[button_id.answer])


class AnswerButton(PersistentItem[discord.ui.Button[discord.ui.View]], template=AnswerButtonId.TEMPLATE):
    """Chooses one reading; only for the person who ran the command, also after a restart."""

    def __init__(self, custom_id: AnswerButtonId, *, label: str = "") -> None:
        super().__init__(discord.ui.Button(label=label or None, custom_id=custom_id.encode()))
        self._button_id = custom_id

    @classmethod
    def from_match(cls, match: re.Match[str]) -> Self:
        return cls(AnswerButtonId.from_match(match))

    async def callback(self, interaction: discord.Interaction[AnyClient]) -> None:
        if interaction.user.id != self._button_id.caller_id:
            await reply(interaction, _OTHERS)
            return
        try:
            await cog_of(interaction, QuestionButtons).answer(interaction, self._button_id)
        except DailyPapersError as error:
            await reply(interaction, str(error))
        except app_commands.CommandOnCooldown as error:
            await answer_failure(interaction, error)


def _lines(question: Question, typed: str) -> list[str]:
    """The question, and a line for each answer."""
    answers = [f"{number}. {_answer(answer)}" for number, answer in enumerate(question.answers, 1)]
    return [f"{bold(cut(typed, _SHOWN_MAX))} can be read in several ways. Which one do you mean?", *answers]


def _answer(keywords: Sequence[Keyword]) -> str:
    typed = ", ".join(code(unambiguous(each), _SHOWN_MAX) for each in keywords)
    return f"{typed}: {cut(explain_keyword(keywords[0]), _EXPLANATION_MAX)}" if len(keywords) == 1 else typed


def _buttons(question: Question, key: str) -> discord.ui.View:
    view = discord.ui.View(timeout=None)
    for place, answer in enumerate(question.answers):
        label = cut(f"{place + 1}. {', '.join(map(unambiguous, answer))}", BUTTON_LABEL_MAX)
        view.add_item(AnswerButton(AnswerButtonId(question.user_id, key, place), label=label))
    view.stop()  # discord.py need not remember the view: the question holds everything
    return view
