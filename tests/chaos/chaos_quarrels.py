"""Writers who name the same few users and segments in opposite orders, beside all that locks many rows: no deadlock
reaches a client.

QUARREL_OPERATIONS sets how many operations there are in all.
"""

import os
import random
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

from segmentation.database import connection
from segmentation.runtime.log import logger
from tests import law
from tests.chaos.environment import SLUGS, Clients
from tests.functions.factories import create_segments

OPERATIONS = int(os.environ.get("QUARREL_OPERATIONS", "4000"))
WRITERS = 4


class Quarrellers(Clients):
    """Clients who all want to write the same two users, each in an order of their own."""

    def do_something(self) -> None:
        [action] = self.chance.choices(
            [self.change, self.patch, self.roll_out, self.remake, self.delete, self.tick], [80, 8, 4, 2, 4, 2]
        )
        action()

    def change(self) -> None:
        slugs = self.chance.sample(SLUGS, len(SLUGS))
        self.insist(
            "change_memberships", {"user_id": self.user(), "add_segments": slugs[:3], "delete_segments": slugs[3:]}
        )

    def user(self) -> int:
        return self.chance.choice((1, 2))


def quarrel(url: str, seed: int) -> Counter[int]:
    """Send a writer's part of the operations, and return how often which status was answered."""
    os.environ["DATABASE_URL"] = url
    logger.registered_handler.setStream(open(os.devnull, "w"))  # noqa: SIM115 -- for the life of this process
    clients = Quarrellers(random.Random(seed))  # noqa: S311 -- any will do, and the same again
    for _ in range(OPERATIONS // WRITERS):
        clients.do_something()
    connection.close()
    return clients.tally.statuses


def test_no_deadlock_reaches_a_client(service, empty_database, owner):
    create_segments(*SLUGS)

    with ProcessPoolExecutor(WRITERS, get_context("spawn")) as pool:
        statuses = sum(pool.map(quarrel, [empty_database.url] * WRITERS, range(WRITERS)), Counter())

    assert {status for status in statuses if status >= 500} == set()
    assert statuses[200] > OPERATIONS / 2
    law.check(owner)
