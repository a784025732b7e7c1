"""Writers name the same users and segments in opposite orders, beside requests that lock many rows.

No deadlock reaches a client. DEADLOCK_OPERATIONS sets the total number of operations.
"""

import os
import random
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

from segmentation.database import connection
from segmentation.runtime.log import logger
from tests import law
from tests.chaos.mixed_load import SLUGS, Clients
from tests.functions.factories import create_segments

OPERATIONS = int(os.environ.get("DEADLOCK_OPERATIONS", "4000"))
WRITERS = 4
OTHERS = range(3, 13)


class ConflictingClients(Clients):
    """Clients that write to the same two users, each with its own order of segments."""

    def send_one(self) -> None:
        [action] = self.chance.choices(
            [
                self.change_memberships,
                self.change_segment_users,
                self.change_lifetime,
                self.change_percent,
                self.recreate_segment,
                self.delete_user,
                self.sweep,
            ],
            [60, 20, 8, 4, 2, 4, 2],
        )
        action()

    def change_memberships(self) -> None:
        slugs = self.chance.sample(SLUGS, len(SLUGS))
        self.send(
            "change_memberships", {"user_id": self.user(), "add_segments": slugs[:3], "delete_segments": slugs[3:]}
        )

    def change_segment_users(self) -> None:
        users = self.chance.sample(OTHERS, len(OTHERS))
        body = {"add_users": [1, *users[:5]], "delete_users": [*users[5:], 2]}
        self.send("change_segment_users", body, path=f"/segment/{self.slug()}/users")

    def delete_user(self) -> None:
        self.send("delete_user", path=f"/user/{self.chance.choice((1, 2, *OTHERS))}")

    def user(self) -> int:
        return self.chance.choice((1, 2))


def write_conflicts(url: str, seed: int) -> Counter[int]:
    """Send one writer's part of the operations. Return the number of answers by status."""
    os.environ["DATABASE_URL"] = url
    logger.registered_handler.setStream(open(os.devnull, "w"))  # noqa: SIM115 -- open until this process ends
    clients = ConflictingClients(random.Random(seed))  # noqa: S311 -- reproducible, not secret
    for _ in range(OPERATIONS // WRITERS):
        clients.send_one()
    connection.close()
    return clients.tally.statuses


def test_no_deadlock_reaches_a_client(service, empty_database, owner):
    create_segments(*SLUGS)

    with ProcessPoolExecutor(WRITERS, get_context("spawn")) as pool:
        statuses = sum(pool.map(write_conflicts, [empty_database.url] * WRITERS, range(WRITERS)), Counter())

    assert {status for status in statuses if status >= 500} == set()
    assert statuses[200] > OPERATIONS / 2
    law.check(owner)
