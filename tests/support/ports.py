"""Ports for servers that have to be told theirs."""

import socket
from random import SystemRandom
from typing import Final

# Below the range from which Linux gives out ports by itself, to every connection and to whoever asks for port 0
# (net.ipv4.ip_local_port_range): nobody takes the port between this look and the server's start.
_OURS: Final = range(20_000, 32_768)
_ANY = SystemRandom()  # tests seed the common one, alike in all workers


def free_port() -> int:
    """A port of this machine on which nobody listens."""
    while True:
        port = _ANY.choice(_OURS)
        try:
            with socket.create_server(("127.0.0.1", port)):
                return port
        except OSError:
            continue
