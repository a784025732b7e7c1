"""The server behind the pooler stops, is away, and returns. The pooler keeps running."""

import pytest

from local import settings
from segmentation.database import connection
from tests.chaos.chaos_database import assert_refused_in_time
from tests.conftest import LOGIN, OWNER, PASSWORD, Database, create_owner
from tests.e2e.waiting import eventually
from tests.fix_pooler import Pooler
from tests.functions.calls import call
from tests.functions.factories import change, create_segments, slugs_of


@pytest.fixture
def pooler(stoppable_server, tmp_path):
    database = settings.Database(
        *(stoppable_server.running.url(user=user, password=PASSWORD) for user in (LOGIN, OWNER))
    )
    pooler = Pooler(database, tmp_path / "pgbouncer")
    pooler.start()
    yield pooler
    pooler.stop()


@pytest.fixture
def pooled_database(stoppable_server, pooler):
    create_owner(stoppable_server.running)
    made = Database(stoppable_server.running, "segmentation", pooler.port)
    made.create()
    made.migrate()
    return made


def answers_until_success(send):
    """Send a request until it is answered 200. Return the earlier statuses."""
    statuses = []

    def is_successful():
        statuses.append(send().status)
        return statuses[-1] == 200

    eventually(is_successful)
    return statuses[:-1]


def test_service_reconnects_to_a_server_that_restarted_between_two_requests(service, stoppable_server):
    create_segments("AAA")

    stoppable_server.crash()

    assert {*answers_until_success(lambda: change(1, add=("AAA",)))} <= {503}
    assert slugs_of(1) == ["AAA"]


def test_request_without_a_server_is_503_in_time_until_the_server_returns(service, stoppable_server):
    create_segments("AAA")
    stoppable_server.stop()
    assert_refused_in_time(lambda: change(1, add=("AAA",)))
    assert_refused_in_time(lambda: call("list_users"))

    stoppable_server.start()

    assert {*answers_until_success(lambda: change(1, add=("AAA",)))} <= {503}
    assert slugs_of(1) == ["AAA"]


def test_environment_that_starts_while_the_server_is_away_is_answered_in_time(service, stoppable_server, pooler):
    stoppable_server.stop()
    connection.close()
    pooler.stop()
    pooler.start()

    assert_refused_in_time(lambda: call("list_users"))
    assert_refused_in_time(lambda: call("check_health"))


def test_server_that_accepts_connections_but_does_not_answer_is_503_in_time(service, stoppable_server, pooler):
    connection.close()
    pooler.stop()
    pooler.start()
    stoppable_server.freeze()
    assert_refused_in_time(lambda: call("list_users"))

    stoppable_server.thaw()

    assert {*answers_until_success(lambda: call("list_users"))} <= {503}
