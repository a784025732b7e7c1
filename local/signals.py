"""The signals that stop the local run."""

import signal
from types import FrameType

STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Told(BaseException):
    """A signal told us to stop."""


def listen() -> None:
    """Turn the first of the signals into an exception; a hang-up that was to be ignored (nohup) still is."""
    for number in STOPPING:
        if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, tell)


def tell(_number: int, _frame: FrameType | None) -> None:
    """Raise, once."""
    ignore()
    raise Told


def ignore() -> None:
    """Let nothing interrupt the stopping."""
    for number in STOPPING:
        signal.signal(number, signal.SIG_IGN)
