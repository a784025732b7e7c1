"""A machine whose clock is wrong."""

import sys
import time
from datetime import datetime, timedelta

import pytest


@pytest.fixture(params=[-300, 300], ids=["five minutes behind", "five minutes ahead"])
def wrong_clock(request, monkeypatch) -> timedelta:
    """Let the service's own clock, not that of the database, be off by so much."""
    distance, right = timedelta(seconds=request.param), time.time

    class Wrong(datetime):
        @classmethod
        def now(cls, tz=None):
            return super().now(tz) + distance

    for name, module in [*sys.modules.items()]:
        if name.startswith("segmentation.") and getattr(module, "datetime", None) is datetime:
            monkeypatch.setattr(module, "datetime", Wrong)
    monkeypatch.setattr(time, "time", lambda: right() + distance.total_seconds())
    return distance
