"""A scheduler that sends the events of the template's schedules to their functions, as EventBridge does.

Run by `.local/venv/bin/python -m local.scheduler template.yaml LAMBDA_PORT SECONDS_A_MINUTE`.
"""

import re
import signal
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from local import banner, invocation
from local.template import resources

MINUTES = {"minute": 1, "hour": 60, "day": 24 * 60}
RATE = re.compile(r"rate\((\d+) (minute|hour|day)s?\)")


class UnknownSchedule(Exception):
    """Only schedules of the form rate(1 minute) are supported."""


@dataclass(frozen=True)
class Schedule:
    """A function, and how often it is invoked."""

    name: str
    function: str
    minutes: int

    def event(self, moment: datetime) -> dict[str, Any]:
        """Return the event that EventBridge sends at a moment."""
        return {
            "version": "0",
            "id": str(uuid.uuid4()),
            "detail-type": "Scheduled Event",
            "source": "aws.events",
            "account": "123456789012",
            "time": moment.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "region": "us-east-1",
            "resources": [f"arn:aws:events:us-east-1:123456789012:rule/{self.name}"],
            "detail": {},
        }


def schedules(template: Path) -> Iterator[Schedule]:
    """Return the schedules of the template's functions; raises UnknownSchedule."""
    for function, resource in resources(template).items():
        for name, event in resource.get("Properties", {}).get("Events", {}).items():
            if event["Type"] == "Schedule":
                yield Schedule(f"{function}{name}", function, _minutes(event["Properties"]["Schedule"]))


def _minutes(expression: str) -> int:
    rate = RATE.fullmatch(expression)
    if rate is None:
        raise UnknownSchedule(f"{UnknownSchedule.__doc__} Not {expression}.")
    return int(rate[1]) * MINUTES[rate[2]]


def keep(schedule: Schedule, lambda_port: int, seconds_a_minute: float) -> None:
    """Send the schedule's events until this process ends. The first is sent at once."""
    due = time.monotonic()
    while True:
        send(schedule, lambda_port)
        due += schedule.minutes * seconds_a_minute
        time.sleep(max(0.0, due - time.monotonic()))


def send(schedule: Schedule, lambda_port: int) -> None:
    """Invoke the function with the event. Print a failure; the next event is sent all the same."""
    try:
        invocation.invoke(lambda_port, schedule.function, schedule.event(datetime.now(UTC)))
    except invocation.InvocationFailed as failure:
        banner.say(f"{schedule.name}: {failure}")


def main(template: str, lambda_port: str, seconds_a_minute: str) -> None:
    """Run each schedule in a thread of its own, so that a slow function delays no other."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    for schedule in [*schedules(Path(template))]:
        arguments = (schedule, int(lambda_port), float(seconds_a_minute))
        threading.Thread(target=keep, args=arguments, daemon=True).start()
    threading.Event().wait()


if __name__ == "__main__":
    main(*sys.argv[1:])
