"""The connection breaks at every statement of every writing request and of a scheduled step, COMMIT included.

It breaks before the statement or its response arrives. All or nothing has happened, and a repeat has the effect of one
request.
"""

import itertools
from collections.abc import Callable
from contextlib import suppress

import psycopg
import pytest

from segmentation.api import idempotency
from segmentation.database import connection
from tests import law, schedules
from tests.chaos.postgres_proxy import Moment, postgres_proxy
from tests.emptying import empty
from tests.functions.calls import Answer, answer_of, invoke, sample
from tests.functions.factories import create_samples_import, create_samples_world
from tests.functions.keys import KEYED, everything, is_replayed, send_sample
from tests.samples import CREATES, USE_AWS
from tests.template_routes import ROUTES, name_of

LEAST_STATEMENTS = 4
"""BEGIN, the claim of the key, the stored response, COMMIT."""

ONE_STATEMENT = {route.function for route in ROUTES if name_of(route) in idempotency.ONE_STATEMENT}

WRITES = sorted(
    {route.function for route in ROUTES if route.method not in {"GET", "HEAD"}} - {"sign_in", "change_password"}
)
"""All routes that write. A sign-in writes only failures. Without a key, a changed password is wrong in the repeat."""


def send_without_a_key(function: str) -> Answer:
    return answer_of(invoke(function, sample(function)))


@pytest.fixture
def proxy(service, request, function, empty_database, monkeypatch):
    if function in USE_AWS:
        request.getfixturevalue("aws")
    with postgres_proxy(empty_database.port) as proxy:
        url = empty_database.url.replace(f":{empty_database.port}/", f":{proxy.port}/")
        monkeypatch.setenv("DATABASE_URL", f"{url}?sslmode=disable&gssencmode=disable")
        yield proxy
        connection.close()


@pytest.fixture
def prepare_sample(owner, proxy):
    """Empty the database and prepare it for a function's sample."""

    def run(function: str) -> tuple[int, ...]:
        empty(owner)
        if function not in CREATES:
            create_samples_world()
        if function == "start_import":
            create_samples_import(owner)
        if function == "delete_action":
            owner.execute("insert into actions (name) values ('conversion')")
        return everything(owner)

    return run


@pytest.fixture
def break_everywhere(proxy, owner, prepare_sample):
    """Send a request until it succeeds, and break the connection one statement later each time.

    Return the number of statements. Each attempt before is answered 503 and leaves no row.
    """

    def run(send: Callable[[str], Answer], function: str, moment: Moment, then: tuple[int, ...]) -> int:
        before = prepare_sample(function)
        for statement in itertools.count(1):
            answer, has_disconnected = send_and_disconnect(proxy, send, function, statement, moment)
            law.check(owner)
            if not has_disconnected or everything(owner) == then != before:
                return statement
            assert (answer.status, "retry-after" in answer.headers) == (503, True)
            assert everything(owner) == before

    return run


def send_and_disconnect(proxy, send, function, statement, moment) -> tuple[Answer, bool]:
    """Return the answer and whether the proxy disconnected. Retry a 409: the last request may hold its key."""
    while True:
        proxy.disconnect_at(statement, moment)
        answer = send(function)
        if answer.status != 409:
            return answer, proxy.reset()


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("function", KEYED)
def test_repeat_under_a_key_gets_the_one_answer_wherever_the_connection_broke(
    function, moment, prepare_sample, break_everywhere, owner
):
    prepare_sample(function)
    undisturbed, then = send_sample(function), everything(owner)

    statements = break_everywhere(send_sample, function, moment, then)
    repeated = send_sample(function)

    assert statements >= (1 if function in ONE_STATEMENT else LEAST_STATEMENTS)
    assert (repeated.status, repeated.json.keys()) == (undisturbed.status, undisturbed.json.keys())
    assert is_replayed(repeated)
    assert everything(owner) == then


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("function", WRITES)
def test_all_or_nothing_happened_wherever_the_connection_broke(
    function, moment, prepare_sample, break_everywhere, owner
):
    prepare_sample(function)
    assert send_without_a_key(function).status < 300
    then = everything(owner)

    break_everywhere(send_without_a_key, function, moment, then)

    assert everything(owner) == then


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("function", ["plan_steps"])
def test_step_is_applied_once_wherever_the_connection_of_its_run_broke(function, moment, prepare_sample, proxy, owner):
    has_disconnected, statements = True, itertools.count(1)
    while has_disconnected:
        prepare_sample(function)
        assert send_without_a_key(function).status == 201
        owner.execute("update segment_steps set due_at = now() where step_id = 1")
        proxy.disconnect_at(next(statements), moment)

        with suppress(psycopg.OperationalError):
            schedules.run(connection.get_connection())
        has_disconnected = proxy.reset()
        schedules.run(connection.get_connection())

        assert owner.execute("select status from segment_steps order by step_id").fetchall() == [
            ("applied",),
            ("pending",),
        ]
        assert owner.execute("select step_id from segment_changes where step_id is not null").fetchall() == [(1,)]
        law.check(owner)
    assert next(statements) > LEAST_STATEMENTS
