"""The connection breaks at every statement of every request that writes, COMMIT included, before the statement
arrives or before its answer does: all has happened, or nothing, and a repeat ends with what one request does."""

import itertools
from collections.abc import Callable

import pytest

from segmentation.database import connection
from tests import law
from tests.chaos.line import Moment, line_to
from tests.emptying import empty
from tests.functions.calls import Answer, answer_of, invoke, sample
from tests.functions.factories import create_samples_world
from tests.functions.keys import KEYED, everything, is_replayed, send_sample
from tests.samples import CREATES
from tests.template_routes import ROUTES

LEAST_STATEMENTS = 4
"""BEGIN, the claim, the answer kept, COMMIT."""

WRITES = sorted({route.function for route in ROUTES if route.method != "GET"} - {"sign_in"})
"""Signing in writes down failures alone."""


def send_without_a_key(function: str) -> Answer:
    return answer_of(invoke(function, sample(function)))


@pytest.fixture
def line(service, request, function, empty_database, monkeypatch):
    if function == "create_report":
        request.getfixturevalue("aws")
    with line_to(empty_database.port) as line:
        url = empty_database.url.replace(f":{empty_database.port}/", f":{line.port}/")
        monkeypatch.setenv("DATABASE_URL", f"{url}?sslmode=disable&gssencmode=disable")
        yield line
        connection.close()


@pytest.fixture
def rehearse(owner, line):
    """Empty the database and prepare it for a function's sample, again and again."""

    def prepare(function: str) -> tuple[int, ...]:
        empty(owner)
        if function not in CREATES:
            create_samples_world()
        if function == "delete_action":
            owner.execute("insert into actions (name) values ('conversion')")
        return everything(owner)

    return prepare


@pytest.fixture
def break_everywhere(line, owner, rehearse):
    """Send a request by a line that breaks at one statement after the other, until it is carried out; return how many
    statements that took. Up to then each is answered 503, and has left nothing."""

    def run(send: Callable[[str], Answer], function: str, moment: Moment, then: tuple[int, ...]) -> int:
        before = rehearse(function)
        for statement in itertools.count(1):
            answer, broke = send_by_a_breaking_line(line, send, function, statement, moment)
            law.check(owner)
            if not broke or everything(owner) == then != before:
                return statement
            assert (answer.status, "retry-after" in answer.headers) == (503, True)
            assert everything(owner) == before

    return run


def send_by_a_breaking_line(line, send, function, statement, moment) -> tuple[Answer, bool]:
    """Return the answer and whether the line broke; wait where the server has not noticed the break before."""
    while True:
        line.break_at(statement, moment)
        answer = send(function)
        if answer.status != 409:
            return answer, line.mend()


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("function", KEYED)
def test_repeat_under_a_key_is_given_the_one_answer_wherever_the_line_broke(
    function, moment, rehearse, break_everywhere, owner
):
    rehearse(function)
    undisturbed, then = send_sample(function), everything(owner)

    statements = break_everywhere(send_sample, function, moment, then)
    repeated = send_sample(function)

    assert statements >= LEAST_STATEMENTS
    assert (repeated.status, repeated.json.keys()) == (undisturbed.status, undisturbed.json.keys())
    assert is_replayed(repeated)
    assert everything(owner) == then


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("function", WRITES)
def test_all_or_nothing_has_happened_wherever_the_line_broke(function, moment, rehearse, break_everywhere, owner):
    rehearse(function)
    assert send_without_a_key(function).status < 300
    then = everything(owner)

    break_everywhere(send_without_a_key, function, moment, then)

    assert everything(owner) == then
