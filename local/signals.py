"""The signals that stop the local run."""

import signal
from types import FrameType

STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class StopRequested(BaseException):
    """A signal stop_requested us to stop."""


class Deferred:
    """A block that no signal interrupts: the next such block raises instead.

    For what must not be left half-done: an exception in the middle of `Popen.poll()`, say, keeps the lock for which
    `Popen.wait()` then waits for ever.
    """

    inside = False
    stop_requested = False

    def __enter__(self) -> None:
        if self.stop_requested:
            raise StopRequested
        self.inside = True

    def __exit__(self, *_: object) -> None:
        self.inside = False


deferred = Deferred()


def listen() -> None:
    """Turn the first of the signals into an exception; a hang-up that was to be ignored (nohup) still is."""
    deferred.stop_requested = False
    for number in STOPPING:
        if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, request_stop)


def request_stop(_number: int, _frame: FrameType | None) -> None:
    """Raise, once."""
    ignore()
    if deferred.inside:
        deferred.stop_requested = True
    else:
        raise StopRequested


def ignore() -> None:
    """Let nothing interrupt the stopping."""
    for number in STOPPING:
        signal.signal(number, signal.SIG_IGN)
