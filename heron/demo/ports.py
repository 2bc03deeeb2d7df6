"""Free TCP ports on this machine."""

from __future__ import annotations

import socket
from contextlib import closing

HOST = "127.0.0.1"


def is_free(port: int) -> bool:
    """Say whether nobody listens on a port."""
    with closing(socket.socket()) as probe:
        # As a server does it: connections that linger after a stop don't count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return True


def first_free(wanted: int) -> int:
    """Return the wanted port, or the next one above it that is free."""
    return next(port for port in range(wanted, 65536) if is_free(port))


def any_free() -> int:
    """Return a port that was free a moment ago."""
    with closing(socket.socket()) as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def answers(port: int) -> bool:
    """Say whether somebody accepts connections on a port."""
    try:
        socket.create_connection((HOST, port), timeout=1).close()
    except OSError:
        return False
    return True
