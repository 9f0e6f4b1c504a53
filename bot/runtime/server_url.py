"""The URL of a PostgreSQL database, whose password no text shows."""

from dataclasses import dataclass, field
from typing import Final
from urllib.parse import parse_qs, unquote, urlsplit

_SCHEMES: Final = ("postgresql", "postgres")


@dataclass(frozen=True, slots=True)
class ServerUrl:
    """The URL of a database on a server; `str` and `repr` show it without user and password."""

    secret: str = field(repr=False)

    @classmethod
    def parse(cls, text: str) -> "ServerUrl":
        """Returns the URL. Raises ValueError, without the URL, if it is not one of a database."""
        try:
            parts = urlsplit(text)
            _ = parts.port
            is_valid = parts.scheme in _SCHEMES and len(parts.path) > 1 and "/" not in parts.path[1:]
        except ValueError:
            is_valid = False
        if not is_valid or not text.isprintable() or " " in text:
            raise ValueError(
                "is not the URL of a PostgreSQL database; allowed: postgresql://user:password@host:port/name "
                "(special characters in the password are percent-encoded)"
            )
        return cls(text)

    @classmethod
    def is_server(cls, text: str) -> bool:
        """Whether a setting is meant as the URL of a server, not as the path of a file."""
        return text.strip().lower().startswith(tuple(f"{scheme}:" for scheme in _SCHEMES)) or "://" in text

    @property
    def passwords(self) -> tuple[str, ...]:
        """The password as it is written in the URL, and as the server receives it."""
        parts = urlsplit(self.secret)
        encoded = [parts.netloc.rpartition("@")[0].partition(":")[2], *parse_qs(parts.query).get("password", [])]
        return tuple({text for each in encoded if each for text in (each, unquote(each))})

    def __str__(self) -> str:
        parts = urlsplit(self.secret)
        host = parts.netloc.rpartition("@")[2] or "".join(parse_qs(parts.query).get("host", [])[:1])
        return f"{parts.path[1:]} at {host or 'the default socket'}"
