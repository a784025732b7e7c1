"""TCP ports of this machine: choose a free one, and look at one."""

import os
import socket
from collections import deque

HOST = "127.0.0.1"
MOST_RESERVED = 100
"""How many ports stay reserved. The process that a port is for listens on it long before so many others are chosen."""

RESERVED: deque[int] = deque()


def free() -> int:
    """Choose a port that is free, and that no local process has chosen lately for a server that does not listen yet."""
    while not reserved(port := unused()):
        pass
    while len(RESERVED) > MOST_RESERVED:
        os.close(RESERVED.popleft())
    return port


def unused() -> int:
    """Let the system choose a port."""
    with bound(0) as holder:
        return int(holder.getsockname()[1])


def reserved(port: int) -> bool:
    """Reserve a TCP port, by binding the UDP port of the same number. Return whether it was free."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as reservation:
        try:
            reservation.bind((HOST, port))
        except OSError:
            return False
        RESERVED.append(reservation.detach())
        return True


def taken(port: int) -> bool:
    """Return whether another program uses the port, on IPv4 or IPv6."""
    return listening(port, "::1") or not bindable(port)


def bindable(port: int) -> bool:
    """Return whether a server can listen on the port."""
    try:
        bound(port).close()
    except OSError:
        return False
    return True


def bound(port: int) -> socket.socket:
    """Bind the port without listening on it: a client that waits for its server would connect to us.

    SO_REUSEADDR lets the server listen even while we hold the port.
    """
    holder = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holder.bind((HOST, port))
    except OSError:
        holder.close()
        raise
    return holder


def listening(port: int, host: str = HOST) -> bool:
    """Return whether a server accepts connections on the port."""
    try:
        socket.create_connection((host, port), timeout=1).close()
    except OSError:
        return False
    return True
