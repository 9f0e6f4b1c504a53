"""Settings from config.json and the environment, validated and frozen.

`model` defines the settings and their rules, `loading` reads them, and `faults` turns validation errors into sentences.
All faults are reported at once, one sentence each: the setting, what is wrong, what is allowed. Environment variables
override the file. The token never appears in a fault or a repr.
"""

from bot.config.loading import DEFAULT_FILE, load_settings
from bot.config.model import (
    FileSubscription,
    LimitsSettings,
    LogSettings,
    Settings,
    WebSettings,
    is_loopback,
    public_address,
)

__all__ = [
    "DEFAULT_FILE",
    "FileSubscription",
    "LimitsSettings",
    "LogSettings",
    "Settings",
    "WebSettings",
    "is_loopback",
    "load_settings",
    "public_address",
]
