"""config.json and the environment → frozen settings, or every fault at once.

A path and the environment enter; `Settings` leave, or InvalidSettings with one sentence a fault: where it stands, what
is wrong, what is allowed. The environment goes before the file. The token never stands in a fault or a repr.

`model` says what can be set and what is allowed, `loading` reads it, `faults` puts what is wrong into words.
"""

from bot.config.loading import DEFAULT_FILE, load_settings
from bot.config.model import (
    FileSubscription,
    LogSettings,
    Settings,
    WebSettings,
    is_loopback,
    public_address,
)

__all__ = [
    "DEFAULT_FILE",
    "FileSubscription",
    "LogSettings",
    "Settings",
    "WebSettings",
    "is_loopback",
    "load_settings",
    "public_address",
]
