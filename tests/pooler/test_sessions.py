"""No state of a client stays on a server connection, and the settings of the role are in force."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from segmentation.contract.requests import MembershipChange, NewSegment
from segmentation.database import connection, migrate
from segmentation.domain import memberships, segments
from tests.functions.calls import call
from tests.functions.test_database_unavailable import KILL_LOGINS

MIGRATIONS_AT_ONCE = 8


@pytest.fixture
def two_clients(pooler, pooled_database):
    """Two environments that share one server connection."""
    pooler.start(default_pool_size=1)
    with connection.connect(pooled_database.url) as one, connection.connect(pooled_database.url) as other:
        yield one, other


def test_actor_of_one_client_does_not_reach_the_next(two_clients, owner):
    one, other = two_clients
    segments.create(one, NewSegment(slug="AAA"), actor="alice")
    memberships.change(one, MembershipChange(user_id=1, add_segments=["AAA"]), actor="alice")

    memberships.change(other, MembershipChange(user_id=2, add_segments=["AAA"]), actor="bob")
    other.execute("delete from memberships where memberships.user_id = 2")

    actors = owner.execute("select user_id, actor from history order by history_id").fetchall()
    assert actors == [(1, "alice"), (2, "bob"), (2, "segmentation_login")]


@pytest.mark.parametrize(
    ("setting", "value"),
    [(name, value) for name, value in migrate._LOGIN_SETTINGS.items()],
    ids=migrate._LOGIN_SETTINGS,
)
def test_settings_of_the_role_are_in_force(two_clients, setting, value):
    found = [client.execute("select current_setting(%s)", (setting,)).fetchall() for client in two_clients]

    assert found == [[(value,)]] * 2


def test_abandoned_transaction_is_rolled_back_before_the_connection_is_reused(two_clients):
    one, other = two_clients
    segments.create(other, NewSegment(slug="AAA"), actor="analyst")
    one.execute("begin")
    one.execute("update segments set description = 'never' where slug = 'AAA'")

    one.pgconn.finish()

    assert segments.get(other, "AAA").description is None


def test_concurrent_migrations_leave_no_lock_on_a_server_connection(pooler, pooled_database, owner):
    pooler.start()

    with ThreadPoolExecutor(MIGRATIONS_AT_ONCE) as pool:
        outcomes = list(pool.map(lambda _: pooled_database.migrate(), range(MIGRATIONS_AT_ONCE)))

    assert [outcome["applied"] for outcome in outcomes] == [[]] * MIGRATIONS_AT_ONCE
    assert owner.execute("select from pg_locks where locktype = 'advisory'").rowcount == 0


def test_service_continues_after_a_deployment_renews_the_verifiers(service, pooler, pooled_database, superuser):
    pooler.start()
    assert call("list_users").status == 200
    pooled_database.migrate()

    superuser.execute(KILL_LOGINS)

    assert call("list_users").status == 200
