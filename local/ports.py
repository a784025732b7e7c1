"""TCP ports of this machine: free, taken, listening."""

import os
import socket
from collections import deque

HOST = "127.0.0.1"
MOST_RESERVED = 100
"""Long before so many more are given out, the taker of a port listens on it."""

RESERVED: deque[int] = deque()


def free() -> int:
    """Choose a port that nobody listens on, and that no process here gave out lately: its taker may not listen yet."""
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
    """Keep others here from giving out the same TCP port, by holding the UDP port of that number."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as reservation:
        try:
            reservation.bind((HOST, port))
        except OSError:
            return False
        RESERVED.append(reservation.detach())
        return True


def taken(port: int) -> bool:
    """Tell whether another program has the port, on either family of localhost."""
    return listening(port, "::1") or not bindable(port)


def bindable(port: int) -> bool:
    """Tell whether we could listen on the port."""
    try:
        bound(port).close()
    except OSError:
        return False
    return True


def bound(port: int) -> socket.socket:
    """Hold the port without listening on it: who waits for its taker would find us, and send us what is for the taker.

    The option lets the taker listen even while we hold it.
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
    """Tell whether somebody accepts connections on the port."""
    try:
        socket.create_connection((host, port), timeout=1).close()
    except OSError:
        return False
    return True
