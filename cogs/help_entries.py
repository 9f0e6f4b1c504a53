"""What `/help` says about each command: what it does, and examples that can be typed as they are.

A test compares the entries with the commands: each command has one, and the options of its examples exist.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class HelpEntry:
    """One command: its effect as a sentence without a subject, and examples without the slash.

    An example names its options as people type them: `subscribe keyword:reward model category:cs.CL`.
    """

    effect: str
    examples: tuple[str, ...]
    note: str = ""


@dataclass(frozen=True, slots=True)
class HelpSection:
    """Commands and groups that the overview lists together."""

    title: str
    commands: tuple[str, ...]


# The overview lists a group of commands as a whole.
GROUPS: Final[Mapping[str, str]] = {
    "channel": "sets how and when a channel gets its papers",
    "privacy": "shows or deletes what is stored about you",
    "export": "attaches papers or settings as a file",
}

SECTIONS: Final = (
    HelpSection("Getting papers", ("subscribe", "follow", "unsubscribe", "channel")),
    HelpSection("Looking up", ("latest", "search", "paper", "cite", "why", "trending", "trend", "page", "export")),
    HelpSection("This server", ("keywords", "stats", "status", "audit", "import")),
    HelpSection("You", ("privacy",)),
)

ENTRIES: Final[Mapping[str, HelpEntry]] = {
    "subscribe": HelpEntry(
        "posts new papers for a keyword",
        (
            "subscribe keyword:reward model",
            "subscribe keyword:RLHF, reward model channel:#papers",
            "subscribe keyword:diffusion model category:cs.CV",
            "subscribe keyword:RLHF role:@rlhf-readers",
        ),
        "Only new papers are posted. Buttons below the reply also post the latest five, or undo it.",
    ),
    "follow": HelpEntry(
        "posts new papers of an author",
        (
            "follow author:Geoffrey Hinton",
            "follow author:Hinton, G channel:#papers",
            "follow author:Yann LeCun role:@vision-readers",
        ),
        "Initials, the order of the names and accents do not matter. `/unsubscribe` ends it.",
    ),
    "unsubscribe": HelpEntry(
        "stops posting them",
        ("unsubscribe keyword:reward model", "unsubscribe keyword:RLHF, reward model channel:#papers"),
    ),
    "keywords": HelpEntry("lists the keywords of the channels", ("keywords", "keywords channel:#papers")),
    "latest": HelpEntry(
        "shows the newest papers for any keyword",
        (
            "latest keyword:graph neural network",
            "latest keyword:RLHF count:10 sort:updated",
            "latest keyword:reward model when:since last week",
        ),
        "Buttons show older papers. `when` also takes days, such as `2026-11-01 to 2026-11-10`.",
    ),
    "search": HelpEntry(
        "searches all papers that the bot has stored",
        ("search query:reward model", "search query:(reward OR RLHF) AND cat:cs.CL sort:newest"),
        "The best match comes first. It never asks arXiv.",
    ),
    "paper": HelpEntry(
        "shows a paper, and where it was posted",
        ("paper paper:2403.01234", "paper paper:https://arxiv.org/abs/2403.01234 public:True"),
        "For the links in a message, use its menu: **Apps → Look up papers**.",
    ),
    "why": HelpEntry(
        "explains why a paper was posted, or why not", ("why paper:2403.01234", "why paper:2403.01234 channel:#papers")
    ),
    "audit": HelpEntry(
        "compares a channel's last days with arXiv",
        ("audit", "audit days:14 channel:#papers", "audit keyword:reward model"),
        "The reply names every difference.",
    ),
    "cite": HelpEntry("cites a paper", ("cite paper:2403.01234", "cite paper:hep-th/9901001 format:RIS")),
    "trending": HelpEntry(
        "shows a day's papers on Hugging Face", ("trending", "trending date:yesterday count:5"), "Most votes first."
    ),
    "trend": HelpEntry(
        "draws a chart of the papers per month", ("trend keyword:RLHF", "trend keyword:RLHF keyword2:reward model")
    ),
    "page": HelpEntry(
        "attaches the newest papers as a file", ("page", "page format:Markdown: as on GitHub channel:#papers")
    ),
    "stats": HelpEntry("draws a chart of the papers posted per week", ("stats",)),
    "status": HelpEntry("shows the last and the next check of arXiv", ("status",)),
    "export papers": HelpEntry(
        "attaches a channel's papers as a file",
        (
            "export papers format:BibTeX",
            "export papers format:CSV keyword:reward model since:2 weeks",
            "export papers format:RIS channel:#papers since:2026-11-01 until:yesterday",
        ),
    ),
    "export settings": HelpEntry(
        "attaches the channels' settings as a file",
        ("export settings",),
        "The file has the keywords and settings of the channels that you manage.",
    ),
    "import": HelpEntry(
        "changes settings to those in a file",
        ("import file:settings.json", "import file:settings.json remove:True"),
        "A preview shows what changes. Nothing is changed before you press **Apply**, and **Undo** restores it.",
    ),
    "privacy show": HelpEntry(
        "shows what the bot stores about you", ("privacy show",), "Everything is in a file, too. Only you see it."
    ),
    "privacy delete": HelpEntry(
        "deletes what the bot stores about you", ("privacy delete",), "It shows first what that is, and asks you."
    ),
    "help": HelpEntry("lists the commands, or explains one", ("help", "help command:channel schedule")),
    "channel style": HelpEntry(
        "chooses cards or a compact list",
        ("channel style style:compact", "channel style style:auto channel:#papers"),
        "`auto` shows cards for up to five papers, and a list for more.",
    ),
    "channel schedule": HelpEntry(
        "posts as papers arrive, daily or weekly",
        (
            "channel schedule time:08:30 zone:Europe/Berlin",
            "channel schedule time:18:00 days:Mon-Fri",
            "channel schedule time:09:00 days:Mon, Thu",
            "channel schedule time:as they come",
        ),
        "The first time needs a `zone`; later ones keep it, and the days. What arrives on other days waits.",
    ),
    "channel pause": HelpEntry("queues new papers until you resume", ("channel pause",)),
    "channel resume": HelpEntry("posts again, queued papers first", ("channel resume",)),
    "channel mention": HelpEntry(
        "pings a role with each batch, or with a keyword's papers",
        ("channel mention role:@readers", "channel mention role:@rlhf-readers keyword:RLHF", "channel mention"),
        "Without `role`, the role of the channel or of the keyword is removed. Each role is pinged once per batch.",
    ),
    "channel exclude add": HelpEntry(
        "does not post papers that match an expression",
        ("channel exclude add expression:survey", 'channel exclude add expression:au:"Hinton, G" channel:#papers'),
        "The reply counts what it would have held back in the last 30 days.",
    ),
    "channel exclude remove": HelpEntry(
        "posts papers again that match an exclusion", ("channel exclude remove expression:survey",)
    ),
    "channel exclude list": HelpEntry("lists a channel's exclusions", ("channel exclude list",)),
    "channel limit": HelpEntry(
        "limits how many papers a posting contains",
        ("channel limit papers:10", "channel limit"),
        "A button shows the rest. Without `papers`, there is no limit.",
    ),
    "channel threads": HelpEntry(
        "starts threads to discuss papers",
        ("channel threads mode:on click", "channel threads mode:per paper channel:#papers"),
        "`on click` adds a button to new posts; `per batch` and `per paper` start threads on them; `off` starts none.",
    ),
    "channel publish": HelpEntry(
        "publishes papers to followers",
        ("channel publish wanted:True", "channel publish wanted:False"),
        "Only announcement channels have followers.",
    ),
    "channel trending daily": HelpEntry(
        "posts each day's trending list",
        ("channel trending daily", "channel trending daily votes:20"),
        "`votes` leaves out papers with fewer votes on Hugging Face.",
    ),
    "channel trending off": HelpEntry("stops posting trending lists", ("channel trending off",)),
    "channel settings": HelpEntry(
        "opens a panel with all settings of a channel",
        ("channel settings", "channel settings channel:#papers"),
        "Only you see it. Its menus and buttons change the settings, as the commands do.",
    ),
    "channel show": HelpEntry(
        "shows a channel's settings and its queue", ("channel show", "channel show channel:#papers")
    ),
    "channel test": HelpEntry("posts a sample without a ping", ("channel test",)),
}
