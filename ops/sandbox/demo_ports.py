"""Ports for a service that another process starts, and starts again after it was killed."""

import random
import socket

# Below every system's range for outgoing connections: the kernel never lends one of these to a client in between.
_PORTS = range(10_240, 16_000)
_TRIES_MAX = 100


def free_port() -> int:
    """Return a port of 127.0.0.1 that nobody listens on and that no outgoing connection takes."""
    for port in random.sample(_PORTS, _TRIES_MAX):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise RuntimeError(f"no free port between {_PORTS.start} and {_PORTS.stop - 1}")
