"""The signals that stop the local run."""

import signal
from types import FrameType

STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Told(BaseException):
    """A signal told us to stop."""


class Later:
    """A block that no signal interrupts: the next such block raises instead.

    For what must not be left half-done: an exception in the middle of `Popen.poll()`, say, keeps the lock for which
    `Popen.wait()` then waits for ever.
    """

    inside = False
    told = False

    def __enter__(self) -> None:
        if self.told:
            raise Told
        self.inside = True

    def __exit__(self, *_: object) -> None:
        self.inside = False


later = Later()


def listen() -> None:
    """Turn the first of the signals into an exception; a hang-up that was to be ignored (nohup) still is."""
    later.told = False
    for number in STOPPING:
        if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, tell)


def tell(_number: int, _frame: FrameType | None) -> None:
    """Raise, once."""
    ignore()
    if later.inside:
        later.told = True
    else:
        raise Told


def ignore() -> None:
    """Let nothing interrupt the stopping."""
    for number in STOPPING:
        signal.signal(number, signal.SIG_IGN)
