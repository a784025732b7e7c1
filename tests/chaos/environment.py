"""An environment under load: a process with the real handlers, and clients who repeat what was not answered."""

import os
import random
import time
from collections import Counter
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import psycopg

from functions.expire_memberships.app import handler as sweep
from segmentation.runtime.log import logger
from tests.bookkeeping import Told
from tests.functions.calls import NO_BODY, Answer, call
from tests.functions.keys import IN_USE, under
from tests.stopwatch import Stopwatch

USERS = range(1000, 1020)
SLUGS = [f"SEGMENT_{number}" for number in range(6)]
PATIENCE_SECONDS = 60


@dataclass
class Tally:
    """What the clients of an environment were answered in the end, and how often, and how late at worst."""

    told: Told = field(default_factory=Told)
    statuses: Counter[int] = field(default_factory=Counter)
    slowest: float = 0

    def join(self, other: "Tally") -> "Tally":
        return Tally(
            self.told.join(other.told),
            self.statuses + other.statuses,
            max(self.slowest, other.slowest),
        )


def live(url: str, seed: int, seconds: float) -> Tally:
    """Serve a mixed load for so many seconds."""
    os.environ["DATABASE_URL"] = url
    logger.registered_handler.setStream(open(os.devnull, "w"))  # noqa: SIM115 -- for the life of this process
    clients = Clients(random.Random(seed))  # noqa: S311 -- any will do, and the same again
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        clients.do_something()
    return clients.tally


class Clients:
    """Clients who send every write under a key, until they know what became of it."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.tally = Tally()

    def do_something(self) -> None:
        [action] = self.chance.choices(
            [self.read, self.change, self.register, self.patch, self.roll_out, self.remake, self.delete, self.tick],
            [30, 40, 10, 10, 3, 2, 3, 2],
        )
        action()

    def read(self) -> None:
        self.insist("list_memberships", path=f"/segment/user/{self.user()}")

    def change(self) -> None:
        slugs = self.chance.sample(SLUGS, 3)
        user_id = self.user()
        body = {"user_id": user_id, "add_segments": slugs[:2], "delete_segments": slugs[2:]}
        answer = self.insist("change_memberships", body)
        if answer.status == 200:
            self.tally.told.change(user_id, answer.json)

    def register(self) -> None:
        self.tally.told.users.append(self.insist("create_user").json["user_id"])

    def patch(self) -> None:
        user_id = self.user()
        answer = self.insist("update_membership", {"ttl": 3600}, path=f"/segment/user/{user_id}/{self.slug()}")
        self.tally.told.lifetimes[user_id] += answer.status == 200

    def roll_out(self) -> None:
        percent = self.chance.choice([None, 25, 50, 100])
        self.insist("update_segment", {"user_percent": percent}, path=f"/segment/{self.slug()}")

    def remake(self) -> None:
        slug = self.slug()
        self.insist("delete_segment", {"slug": slug})
        self.insist("create_segment", {"slug": slug})

    def delete(self) -> None:
        self.insist("delete_user", path=f"/user/{self.user()}")

    def tick(self) -> None:
        try:
            sweep({}, SimpleNamespace(get_remaining_time_in_millis=lambda: 60_000))
        except (psycopg.OperationalError, psycopg.InternalError):
            return  # the next minute's run does the work

    def insist(self, function: str, body: Any = NO_BODY, path: str | None = None) -> Answer:
        """Send a request until it is answered for good, always under the same key."""
        key = f"{self.chance.getrandbits(128):x}"
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            with Stopwatch() as stopwatch:
                answer = call(function, body, path=path, headers=under(key))
            self.tally.slowest = max(self.tally.slowest, stopwatch.seconds)
            self.tally.statuses[answer.status] += 1
            if answer.status != 503 and not (answer.status == 409 and answer.json["type"] == IN_USE):
                return answer
            time.sleep(0.02)  # not what Retry-After says: the faults come faster, too
        raise AssertionError(f"{function} was not answered within {PATIENCE_SECONDS} s")

    def user(self) -> int:
        return self.chance.choice(USERS)

    def slug(self) -> str:
        return self.chance.choice(SLUGS)
