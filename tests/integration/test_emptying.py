"""The tests empty their database while a service reads it."""

from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from tests.emptying import empty
from tests.integration.test_write_order import await_blocked

TABLES = {"users", "segments", "memberships", "history"}


@pytest.mark.parametrize("first", sorted(TABLES))
def test_emptying_waits_for_readers_and_joins_no_deadlock(make_segments, change, empty_database, superuser, first):
    make_segments("ONE")
    change(1, add_segments=["ONE"])

    with psycopg.connect(empty_database.owner_url, autocommit=True) as own, ThreadPoolExecutor(1) as pool:
        with superuser.transaction():
            superuser.execute(f"table {first}")
            waiting = pool.submit(empty, own)
            await_blocked(superuser, waiting)
            for table in TABLES - {first}:
                assert superuser.execute(f"select count(*) from {table}").fetchone() == (1,)  # noqa: S608
        waiting.result(timeout=30)

    assert superuser.execute("select count(*) from users").fetchone() == (0,)
