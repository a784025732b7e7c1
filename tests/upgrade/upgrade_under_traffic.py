"""Migrations run forward while the previous code serves: no request fails for them, and nothing is lost or doubled.

UPGRADE_SECONDS sets how long the load lasts.
"""

import os
import pickle
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial, reduce
from pathlib import Path

import psycopg
import pytest

from segmentation.database import migrate
from segmentation.database.connection import connect
from tests import law
from tests.bookkeeping import assert_exactly_once
from tests.chaos.mixed_load import SLUGS, Tally
from tests.conftest import Database
from tests.functions.conftest import service as service
from tests.functions.factories import change, create_segments
from tests.stopwatch import Stopwatch
from tests.upgrade.previous import Previous, migrate_with, run

SECONDS = float(os.environ.get("UPGRADE_SECONDS", "9"))
ENVIRONMENTS = 3
SLOWEST_SECONDS = 3
LIVE = """
import pickle, sys
from tests.chaos.mixed_load import run_load
with open(sys.argv[1], "wb") as told:
    pickle.dump(run_load(sys.argv[2], int(sys.argv[3]), float(sys.argv[4])), told)
"""


@pytest.fixture
def old_schema(code_before, postgres_server) -> Database:
    """A database as the previous code made it, with the segments that the load is about."""
    made = Database(postgres_server, "before")
    made.create()
    migrate_with(code_before, made)
    with connect(made.owner_url) as owner:
        owner.execute("insert into segments (slug) select unnest(%s::text[])", (SLUGS,))
    return made


def under_load(code: Previous, of: Database, folder: Path) -> Tally:
    """Serve a load by the previous code, and migrate meanwhile."""
    files = [folder / str(seed) for seed in range(ENVIRONMENTS)]
    with ThreadPoolExecutor() as pool:
        serving = [pool.submit(run, code, LIVE, file, of.url, seed, SECONDS) for seed, file in enumerate(files)]
        time.sleep(SECONDS / 2)
        assert of.migrate()["applied"] != []
    assert [one.result() for one in serving] == [None] * ENVIRONMENTS
    return reduce(Tally.join, (pickle.loads(file.read_bytes()) for file in files))  # noqa: S301 -- we wrote them


def test_previous_code_serves_on_while_the_schema_moves_forward(code_before, old_schema, tmp_path):
    tally = under_load(code_before, old_schema, tmp_path)

    assert {status for status in tally.statuses if status >= 500} == set()
    assert tally.statuses[200] > 5 * SECONDS
    assert tally.slowest < SLOWEST_SECONDS
    with connect(old_schema.url) as connection:
        assert_exactly_once(connection, tally.told)
        law.check(connection)


def test_migration_that_waits_for_a_table_in_use_makes_no_request_fail(service, empty_database, owner, monkeypatch):
    create_segments("AAA")
    step = migrate.Migration("9999_column.sql", "alter table memberships add column note text")
    monkeypatch.setattr(migrate, "migrations", lambda: [step])
    monkeypatch.setattr(migrate, "LOCK_TRIES", 3)
    raised = []
    migrating = threading.Thread(target=partial(keep_error, empty_database.migrate, raised))

    with owner.transaction():
        owner.execute("select from memberships")
        migrating.start()
        answers = [timed_change(user_id) for user_id in while_alive(migrating)]

    assert [type(error) for error in raised] == [psycopg.errors.LockNotAvailable]
    assert {status for status, _ in answers} == {200}
    assert 0.1 < max(seconds for _, seconds in answers) < SLOWEST_SECONDS
    law.check(owner)


def keep_error(work, raised):
    try:
        work()
    except psycopg.Error as error:
        raised.append(error)


def while_alive(thread):
    number = 0
    while thread.is_alive():
        number += 1
        yield number


def timed_change(user_id):
    with Stopwatch() as stopwatch:
        answer = change(user_id, add=("AAA",))
    return answer.status, stopwatch.seconds
