"""A mixed load on the real handlers in one process, with clients that repeat a request until it is answered."""

import os
import random
import time
from collections import Counter
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import psycopg

from functions.expire_memberships.app import handler as run_schedule
from segmentation.runtime.log import logger
from tests.bookkeeping import AT_ONCE, Told
from tests.functions.calls import NO_BODY, Answer, call
from tests.functions.keys import IN_USE, under
from tests.stopwatch import Stopwatch

USERS = range(1000, 1020)
SLUGS = [f"SEGMENT_{number}" for number in range(6)]
ANSWERED_SECONDS = 60
WEIGHTS = {
    "list_memberships": 30,
    "change_memberships": 40,
    "change_segment_users": 10,
    "create_user": 10,
    "change_lifetime": 10,
    "change_percent": 3,
    "recreate_segment": 2,
    "delete_user": 3,
    "sweep": 2,
}
"""The actions of the clients. Those with a greater number are more frequent."""


@dataclass
class Tally:
    """The clients' final answers, the number of answers by status, and the longest time of an answer."""

    told: Told = field(default_factory=Told)
    statuses: Counter[int] = field(default_factory=Counter)
    slowest: float = 0

    def join(self, other: "Tally") -> "Tally":
        return Tally(
            self.told.join(other.told),
            self.statuses + other.statuses,
            max(self.slowest, other.slowest),
        )


def run_load(url: str, seed: int, seconds: float) -> Tally:
    """Serve a mixed load for this many seconds."""
    os.environ["DATABASE_URL"] = url
    logger.registered_handler.setStream(open(os.devnull, "w"))  # noqa: SIM115 -- open until this process ends
    clients = Clients(random.Random(seed))  # noqa: S311 -- reproducible, not secret
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        clients.send_one()
    return clients.tally


class Clients:
    """Clients that send every write under an idempotency key until they have its final answer."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.tally = Tally()

    def send_one(self) -> None:
        [action] = self.chance.choices([*WEIGHTS], [*WEIGHTS.values()])
        getattr(self, action)()

    def list_memberships(self) -> None:
        self.send("list_memberships", path=f"/segment/user/{self.user()}")

    def change_memberships(self) -> None:
        slugs = self.chance.sample(SLUGS, 3)
        user_id = self.user()
        body = {"user_id": user_id, "add_segments": slugs[:2], "delete_segments": slugs[2:]}
        answer = self.send("change_memberships", body)
        if answer.status == 200:
            self.tally.told.change(user_id, answer.json)

    def change_segment_users(self) -> None:
        users = self.chance.sample(USERS, 10)
        body = {"add_users": users[:7], "delete_users": users[7:]}
        answer = self.send("change_segment_users", body, path=f"/segment/{self.slug()}/users", actor=AT_ONCE)
        if answer.status == 200:
            self.tally.told.change_at_once(answer.json)

    def create_user(self) -> None:
        self.tally.told.users.append(self.send("create_user").json["user_id"])

    def change_lifetime(self) -> None:
        user_id = self.user()
        answer = self.send("update_membership", {"ttl": 3600}, path=f"/segment/user/{user_id}/{self.slug()}")
        self.tally.told.lifetimes[user_id] += answer.status == 200

    def change_percent(self) -> None:
        percent = self.chance.choice([None, 25, 50, 100])
        self.send("update_segment", {"user_percent": percent}, path=f"/segment/{self.slug()}")

    def recreate_segment(self) -> None:
        slug = self.slug()
        self.send("delete_segment", {"slug": slug})
        self.send("create_segment", {"slug": slug})

    def delete_user(self) -> None:
        self.send("delete_user", path=f"/user/{self.user()}")

    def sweep(self) -> None:
        try:
            run_schedule({}, SimpleNamespace(get_remaining_time_in_millis=lambda: 60_000))
        except (psycopg.OperationalError, psycopg.InternalError):
            return  # the next run does the work

    def send(self, function: str, body: Any = NO_BODY, path: str | None = None, actor: str | None = None) -> Answer:
        """Send a request under one key until its answer is final."""
        key = f"{self.chance.getrandbits(128):x}"
        deadline = time.monotonic() + ANSWERED_SECONDS
        while time.monotonic() < deadline:
            with Stopwatch() as stopwatch:
                answer = call(function, body, path=path, headers=under(key), actor=actor)
            self.tally.slowest = max(self.tally.slowest, stopwatch.seconds)
            self.tally.statuses[answer.status] += 1
            if answer.status != 503 and not (answer.status == 409 and answer.json["type"] == IN_USE):
                return answer
            time.sleep(0.02)  # shorter than Retry-After, because the faults are more frequent, too
        raise AssertionError(f"{function} had no final answer within {ANSWERED_SECONDS} s, but {answer}")

    def user(self) -> int:
        return self.chance.choice(USERS)

    def slug(self) -> str:
        return self.chance.choice(SLUGS)
