"""The signals that stop the local run."""

import signal
from types import FrameType

STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class StopRequested(BaseException):
    """A signal asks the local run to stop."""


class Deferred:
    """A block that no signal interrupts. After a signal, the next such block raises StopRequested.

    An exception in the middle of `Popen.poll()`, for example, keeps a lock locked, and `Popen.wait()` would then
    never return.
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
    """Make the first signal raise StopRequested. Under nohup, SIGHUP stays ignored."""
    deferred.stop_requested = False
    for number in STOPPING:
        if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, request_stop)


def request_stop(_number: int, _frame: FrameType | None) -> None:
    """Raise StopRequested, at once or in the next deferred block. Ignore all further signals."""
    ignore()
    if deferred.inside:
        deferred.stop_requested = True
    else:
        raise StopRequested


def ignore() -> None:
    """Ignore further signals, so that nothing interrupts the stop."""
    for number in STOPPING:
        signal.signal(number, signal.SIG_IGN)
