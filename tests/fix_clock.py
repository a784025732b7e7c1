"""A machine with a wrong clock."""

import sys
import time
from datetime import datetime, timedelta

import pytest

from tests.stepping import step


@pytest.fixture(params=[-300, 300], ids=["five minutes behind", "five minutes ahead"])
def wrong_clock(request, monkeypatch) -> timedelta:
    """Change the clock of the service by some minutes, but not the clock of the database."""
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


@pytest.fixture
def step_clock(superuser):
    """Step the clock of the database by so many seconds."""
    return lambda seconds: step(superuser, timedelta(seconds=seconds))
