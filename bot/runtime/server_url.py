"""The URL of a PostgreSQL database, whose password no text shows."""

import re
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import parse_qs, quote, quote_plus, unquote, urlsplit

_SCHEMES: Final = ("postgresql", "postgres")
# The other form of connection strings (libpq-connect.html): it is no path, and contains the password, too.
_KEY_VALUES: Final = re.compile(r"\s*(host|hostaddr|port|dbname|user|password|passfile|service|sslmode)\s*=")
# The longest part of a name between dots (RFC 1035, section 2.3.4).
_LABEL_MAX: Final = 63
# The options in a URL that are secret: the password of the user, and the one of the key of a client certificate.
SECRET_OPTIONS: Final = ("password", "sslpassword")


@dataclass(frozen=True, slots=True)
class ServerUrl:
    """The URL of a database on a server; `str` and `repr` show it without user and password."""

    secret: str = field(repr=False)

    @classmethod
    def parse(cls, text: str) -> "ServerUrl":
        """Returns the URL. Raises ValueError, without the URL, if it is not one of a database."""
        try:
            parts = urlsplit(text)
            is_valid = (
                parts.scheme in _SCHEMES
                and parts.port != 0  # libpq would use its default
                and len(parts.path) > 1
                and "/" not in parts.path[1:]
                and not parts.fragment
                and not parts.netloc.endswith(":")
                and parts.netloc.count("@") <= 1  # the rest of the password would count as the host
                and "%00" not in text  # libpq would end there
                and all(map(_is_host, (parts.hostname or "", *parse_qs(parts.query).get("host", ()))))
            )
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
        """Whether a setting is meant as a server, not as the path of a file; it may be no valid URL."""
        is_url = text.strip().lower().startswith(tuple(f"{scheme}:" for scheme in _SCHEMES)) or "://" in text
        return is_url or _KEY_VALUES.match(text) is not None

    @property
    def passwords(self) -> tuple[str, ...]:
        """The passwords as the server receives them, and in every form in which a URL can contain them."""
        parts = urlsplit(self.secret)
        query = parse_qs(parts.query)
        written = [parts.netloc.rpartition("@")[0].partition(":")[2]]
        plain = [unquote(each) for each in written] + [each for name in SECRET_OPTIONS for each in query.get(name, [])]
        forms = [form(each) for each in plain for form in (str, quote, quote_plus, _quote_all, _quote_as_sqlalchemy)]
        return tuple(dict.fromkeys(each for each in (*written, *forms) if each))

    def __str__(self) -> str:
        parts = urlsplit(self.secret)
        query = parse_qs(parts.query)
        host = parts.netloc.rpartition("@")[2] or ":".join(query.get("host", [])[:1] + query.get("port", [])[:1])
        return f"{parts.path[1:]} at {host or 'the default socket'}"


def _is_host(text: str) -> bool:
    """Whether a host is a path, or a name that can be looked up: no label is empty, or longer than 63 characters."""
    labels = [] if text.startswith("/") else text.removesuffix(".").split(".")
    return labels == [""] or all(0 < len(label.encode("idna")) <= _LABEL_MAX for label in labels)


def _quote_all(text: str) -> str:
    return quote(text, safe="")


def _quote_as_sqlalchemy(text: str) -> str:
    return quote(text, safe=" +")
