"""TCP ports of this machine: free, taken, listening."""

import socket
import threading

HOST = "127.0.0.1"
LOCK = threading.Lock()
GIVEN_OUT: set[int] = set()


def free() -> int:
    """Choose a port that nobody listens on, and never the same one twice: its taker may not listen yet."""
    with LOCK:
        while (port := unused()) in GIVEN_OUT:
            pass
        GIVEN_OUT.add(port)
        return port


def unused() -> int:
    """Let the system choose a port."""
    with socket.create_server((HOST, 0)) as server:
        return int(server.getsockname()[1])


def taken(port: int) -> bool:
    """Tell whether another program has the port, on either family of localhost."""
    return listening(port, "::1") or not bindable(port)


def bindable(port: int) -> bool:
    """Tell whether we could listen on the port."""
    try:
        socket.create_server((HOST, port)).close()
    except OSError:
        return False
    return True


def listening(port: int, host: str = HOST) -> bool:
    """Tell whether somebody accepts connections on the port."""
    try:
        socket.create_connection((host, port), timeout=1).close()
    except OSError:
        return False
    return True
