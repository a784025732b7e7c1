"""Time that a busy machine hardly prolongs, for tests of how long the service waits."""

from threading import Event, Thread
from typing import Self

NAP_SECONDS = 0.01


class Stopwatch:
    """Count the naps of a thread while the block runs.

    A nap counts as a hundredth of a second, even if the machine stalls and the nap takes longer. A wait of the service,
    such as a lock timeout, counts in full. Work of the processor does not: measure it with time.thread_time().
    """

    def __init__(self) -> None:
        self._naps = 0
        self._over = Event()
        self._thread = Thread(target=self._count, daemon=True)

    @property
    def seconds(self) -> float:
        return self._naps * NAP_SECONDS

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _count(self) -> None:
        while not self._over.wait(NAP_SECONDS):
            self._naps += 1
