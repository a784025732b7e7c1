"""More clients than server connections. Clients share them, and a request without one is answered 503 in time."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager

from segmentation.database.connection import connect
from tests.chaos.chaos_database import assert_refused_in_time
from tests.functions.calls import call
from tests.functions.factories import change, create_segments, done, rows, slugs_of
from tests.functions.test_database_unavailable import KILL_LOGINS
from tests.reads import segments_of

CLIENTS = 500
AT_ONCE = 32
SERVER_CONNECTIONS = """
select from pg_stat_activity where usename = 'segmentation_login' and datname = current_database()
"""


@contextmanager
def busy(of, connections):
    """Hold this many server connections, as long transactions do."""
    with ExitStack() as stack:
        for _ in range(connections):
            stack.enter_context(stack.enter_context(connect(of.url)).transaction())
        yield


def test_pool_without_a_free_connection_is_answered_in_time_and_writes_nothing(service, pooler, pooled_database, owner):
    pooler.start(default_pool_size=2)
    create_segments("AAA")
    with busy(pooled_database, 2):
        assert_refused_in_time(lambda: change(1, add=("AAA",)))
        assert rows(owner) == (0, 1, 0, 0)

    done(change(1, add=("AAA",)))

    assert slugs_of(1) == ["AAA"]


def test_request_that_waits_briefly_for_a_connection_is_served(service, pooler, pooled_database):
    pooler.start(default_pool_size=1)

    with busy(pooled_database, 1) as held:
        assert held is None
        answers = []
        waiting = threading.Thread(target=lambda: answers.append(call("list_users")))
        waiting.start()
        time.sleep(0.5)
    waiting.join(10)

    assert [answer.status for answer in answers] == [200]


def test_client_above_the_connection_limit_is_answered_in_time(service, pooler, pooled_database):
    pooler.start(max_client_conn=2)

    with connect(pooled_database.url), connect(pooled_database.url):
        assert_refused_in_time(lambda: call("list_users"))

    assert call("list_users").status == 200


def test_five_hundred_clients_share_a_handful_of_connections(service, pooler, pooled_database, superuser):
    pooler.start()
    create_segments("AAA")
    superuser.execute(KILL_LOGINS)  # the connections of the pooler of other tests

    with ExitStack() as stack, ThreadPoolExecutor(AT_ONCE) as pool:
        opened = list(pool.map(lambda _: connect(pooled_database.url), range(CLIENTS)))
        for connection in opened:
            stack.enter_context(connection)
        counts = list(pool.map(lambda user: segments_of(*user), zip(opened, range(CLIENTS), strict=True)))
        shared = superuser.execute(SERVER_CONNECTIONS).rowcount

    assert counts == [[]] * CLIENTS
    assert 1 <= shared <= 4
