"""How soon a request is answered."""

import time

from tests.chaos.chaos_database import assert_refused_in_time


def assert_refused(send):
    """Send a request, which is answered 503 in time."""
    started = time.monotonic()
    answer = send()
    assert_refused_in_time(answer, time.monotonic() - started)
