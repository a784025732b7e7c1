"""The server behind the pooler ends, is away, and comes back, while the pooler stays."""

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
def pooler(breakable, tmp_path):
    behind = settings.Database(*(breakable.running.url(user=user, password=PASSWORD) for user in (LOGIN, OWNER)))
    pooler = Pooler(behind, tmp_path / "pgbouncer")
    pooler.start()
    yield pooler
    pooler.stop()


@pytest.fixture
def pooled_database(breakable, pooler):
    create_owner(breakable.running)
    made = Database(breakable.running, "segmentation", pooler.port)
    made.create()
    made.migrate()
    return made


def answers_until_success(send):
    """Send a request again and again, and return every status but the last, which is 200."""
    statuses = []

    def is_carried_out():
        statuses.append(send().status)
        return statuses[-1] == 200

    eventually(is_carried_out)
    return statuses[:-1]


def test_server_that_recovered_between_two_requests_is_found_again(service, breakable):
    create_segments("AAA")

    breakable.crash()

    assert {*answers_until_success(lambda: change(1, add=("AAA",)))} <= {503}
    assert slugs_of(1) == ["AAA"]


def test_server_away_is_answered_in_time_and_found_when_it_is_back(service, breakable):
    create_segments("AAA")
    breakable.stop()
    assert_refused_in_time(lambda: change(1, add=("AAA",)))
    assert_refused_in_time(lambda: call("list_users"))

    breakable.start()

    assert {*answers_until_success(lambda: change(1, add=("AAA",)))} <= {503}
    assert slugs_of(1) == ["AAA"]


def test_environment_that_starts_while_the_server_is_away_is_answered_in_time(service, breakable, pooler):
    breakable.stop()
    connection.close()
    pooler.stop()
    pooler.start()

    assert_refused_in_time(lambda: call("list_users"))
    assert_refused_in_time(lambda: call("check_health"))


def test_server_that_takes_connections_and_says_nothing_is_answered_in_time(service, breakable, pooler):
    connection.close()
    pooler.stop()
    pooler.start()
    breakable.freeze()
    assert_refused_in_time(lambda: call("list_users"))

    breakable.thaw()

    assert {*answers_until_success(lambda: call("list_users"))} <= {503}
