"""Wrong input for every command that takes text: one clear sentence, and nothing is changed."""

from pathlib import Path
from typing import Final

import pytest

from sandbox.discord.primitives import Payload, as_mappings
from tests.support.running import running_bot, running_sandbox

pytestmark = pytest.mark.slow

TEXT: Final = 3
NESTING: Final = (1, 2)
MISTAKES: Final[tuple[tuple[str, dict[str, object], str], ...]] = (
    ("subscribe", {"keyword": "[cs.CL]"}, "cs.CL"),
    ("subscribe", {"keyword": "graph", "category": "cs.XX"}, "No such arXiv category"),
    ("subscribe", {"keyword": "2401.12345"}, "not ids of papers"),
    ("follow", {"author": "Geoffrey Hinton, Yann LeCun"}, "Follow one at a time"),
    ("unsubscribe", {"keyword": "never subscribed"}, "never subscribed"),
    ("latest", {"keyword": "graph, tree"}, "takes one keyword"),
    ("latest", {"keyword": "graph", "when": "yesteryear"}, "yesteryear"),
    ("search", {"query": "graph AND ("}, "There is no `)` for this `(`"),
    ("trend", {"keyword": "[cs.CL]"}, "cs.CL"),
    ("channel schedule", {"time": "25:70", "zone": "UTC"}, "Not a time of day"),
    ("channel schedule", {"time": "08:30"}, "Please also set `zone`"),
    ("channel schedule", {"time": "08:30", "zone": "Mars"}, "Unknown time zone"),
    ("channel schedule", {"time": "as they come", "zone": "UTC"}, "need a time of day"),
    ("channel mention", {"keyword": "never subscribed"}, "has no keyword **never subscribed**"),
    ("channel mention", {"keyword": "[cs.CL]"}, "cs.CL"),
    ("channel mention", {"keyword": ""}, "keyword"),
    ("channel exclude add", {"expression": "-survey"}, "leave out `-` in front of it"),
    ("channel exclude remove", {"expression": "never excluded"}, "It has no exclusions."),
    ("channel publish", {"wanted": True}, "isn't an announcement channel"),
    ("trending", {"date": "2026-13-45"}, "2026-13-45"),
    ("help", {"command": "no such"}, "There is no command `no such`."),
    ("paper", {"paper": "not a paper"}, "arXiv"),
    ("why", {"paper": "not a paper"}, "arXiv"),
    ("audit", {"keyword": "graph AND ("}, "There is no `)` for this `(`"),
    ("cite", {"paper": "9999.99999"}, "9999.99999"),
    ("export papers", {"format": "bibtex", "since": "yesteryear"}, "yesteryear"),
    ("export papers", {"format": "ris", "keyword": "llm and agents"}, "can be read in several ways"),
    ("export papers", {"format": "csv", "since": "2026-11-10", "until": "2026-11-01"}, "2026-11"),
)


def text_commands(options: list[Payload], name: str) -> list[str]:
    """The names of the commands that take text without choices."""
    inner = [option for option in options if option["type"] in NESTING]
    if inner:
        return [
            each
            for option in inner
            for each in text_commands(as_mappings(option.get("options")), f"{name} {option['name']}")
        ]
    takes_text = any(option["type"] == TEXT and not option.get("choices") for option in options)
    return [name] if takes_text else []


async def test_wrong_input_is_answered_with_one_sentence_and_changes_nothing(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox, running_bot(sandbox, DAILY_PAPERS_HUGGINGFACE__ENABLED="true"):
        before = await sandbox.reply_to("channel show"), await sandbox.reply_to("keywords")
        for name, options, expected in MISTAKES:
            invocation = await sandbox.command(name, options)
            assert invocation.reply is not None
            assert invocation.reply.is_ephemeral, name
            assert expected in invocation.reply.content, (name, options)
            assert "went wrong" not in invocation.reply.content
            assert len(invocation.reply.content) < 400, (name, options)
        assert before == (await sandbox.reply_to("channel show"), await sandbox.reply_to("keywords"))
        registered = [command for command in sandbox.discord.commands if command["type"] == 1]
        taking_text = {
            each
            for command in registered
            for each in text_commands(as_mappings(command.get("options")), str(command["name"]))
        }
        assert taking_text <= {name for name, _, _ in MISTAKES}
