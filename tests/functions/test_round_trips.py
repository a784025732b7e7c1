"""Round trips on the wire: a change that is one statement holds its locks for none, with a key or without."""

import pytest

from segmentation.api import idempotency
from segmentation.database.connection import get_connection
from tests.functions.calls import call
from tests.functions.factories import add_members, create_segments, done
from tests.functions.keys import under
from tests.template_routes import ROUTES, name_of
from tests.wire import messages_of, round_trips

BODIES = {
    "change_memberships": lambda number: {"user_id": number, "add_segments": ["AAA"], "delete_segments": ["BBB"]},
    "create_user": lambda number: {"user_id": number},
    "record_action": lambda number: {"slug": "AAA", "action": "exposure"},
    "update_membership": lambda number: {"ttl": number},
}
PATHS = {"record_action": "/user/1/history", "update_membership": "/segment/user/1/AAA"}
PREPARED_AFTER = 3
"""Requests after which psycopg has prepared the statement, which takes a round trip of its own."""


@pytest.fixture
def send(service):
    """Return a function that sends the request of a function, each time another one."""
    create_segments("AAA", "BBB")
    add_members("AAA", 1)
    done(call("create_action", {"name": "exposure"}))
    numbers = iter(range(1000, 2000))

    def send_next(function, key=None):
        number = next(numbers)
        headers = under(f"{key}-{number}") if key else {"content-type": "application/json"}
        return done(call(function, BODIES[function](number), path=PATHS.get(function), headers=headers))

    return send_next


def test_routes_of_one_statement_are_tested_here():
    assert {route.function for route in ROUTES if name_of(route) in idempotency.ONE_STATEMENT} == {*BODIES}
    assert idempotency.ONE_STATEMENT <= idempotency.STORED


@pytest.mark.parametrize("key", [None, "key"])
@pytest.mark.parametrize("function", BODIES)
def test_change_is_one_round_trip_with_and_without_a_key(send, tmp_path, function, key):
    for _ in range(PREPARED_AFTER):
        send(function, key)

    with messages_of(get_connection(), tmp_path / "trace") as messages:
        send(function, key)

    assert round_trips(messages) == 1
