"""A clock that a test sets, in place of a module's "time"."""

import time


class FakeClock:
    """The wall clock of an environment. It was frozen, so its other clock stands still."""

    def __init__(self, now: float | None = None) -> None:
        """Begin at an instant: the present one if none is given."""
        self.now = time.time() if now is None else now

    def time(self) -> float:
        """Return the instant."""
        return self.now

    def monotonic(self) -> float:
        """Return always the same."""
        return 1000.0
