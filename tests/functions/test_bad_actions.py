"""Invalid requests for actions. The built-in actions cannot be deleted."""

import base64

import pytest

from tests.functions.calls import PROBLEM, call
from tests.functions.factories import action_names, ask_actions, delete_action

BUILT_IN = {"added": "I", "deleted": "D", "lifetime_changed": "U"}
BAD_NAMES = [
    pytest.param("", id="empty"),
    pytest.param("x" * 65, id="65-characters"),
    pytest.param("1st", id="digit-first"),
    pytest.param("_a", id="underscore-first"),
    pytest.param(" a", id="leading-space"),
    pytest.param("a ", id="trailing-space"),
    pytest.param("a b", id="inner-space"),
    pytest.param("a\n", id="trailing-newline"),
    pytest.param("a\x00", id="NUL"),
    pytest.param("=a", id="formula-equals"),
    pytest.param("@a", id="formula-at"),
    pytest.param("a,b", id="comma"),
    pytest.param('a"b', id="quote"),
    pytest.param("a';--", id="sql"),
    pytest.param("а", id="cyrillic-confusable"),  # noqa: RUF001 -- the test needs a confusable letter
    pytest.param("á", id="accent"),
    pytest.param("a\u0661", id="arabic-digit"),
    pytest.param("a\ud800", id="lone-surrogate"),
    pytest.param(None, id="null"),
    pytest.param(1, id="number"),
    pytest.param(True, id="true"),
    pytest.param(["a"], id="array"),
]


@pytest.fixture(autouse=True)
def only_built_in_actions(shared_service) -> None:
    shared_service.execute("delete from actions where operation = 'A'")


def test_built_in_actions_are_listed_with_their_letters():
    answer = ask_actions()

    assert {action["name"]: action["operation"] for action in answer.json["actions"]} == BUILT_IN
    assert answer.json["next_cursor"] is None


@pytest.mark.parametrize("name", BUILT_IN)
def test_built_in_action_is_kept(name):
    answer = delete_action(name)

    assert (answer.status, answer.json["type"]) == (409, "urn:segmentation:problem:action-kept")
    assert set(action_names(ask_actions())) == set(BUILT_IN)


def test_unknown_action_is_404():
    answer = delete_action("exposure")

    assert (answer.status, answer.headers["content-type"]) == (404, PROBLEM)
    assert answer.json["type"] == "urn:segmentation:problem:action-unknown"


@pytest.mark.parametrize("function", ["create_action", "delete_action"])
@pytest.mark.parametrize("name", BAD_NAMES)
def test_name_beyond_the_grammar_is_422(function, name):
    answer = call(function, {"name": name})

    assert (answer.status, answer.locations) == (422, ["body.name"])
    assert set(action_names(ask_actions())) == set(BUILT_IN)


@pytest.mark.parametrize("key", ["\x00", "a\x00b", "x" * 65, "1st", "a b", "'--", ""])
def test_cursor_of_no_action_name_is_422(key):
    cursor = base64.urlsafe_b64encode(key.encode()).decode().rstrip("=")

    answer = ask_actions(cursor=cursor)

    assert (answer.status, answer.locations) == (422, ["query.cursor"])


@pytest.mark.parametrize("cursor", ["x", "*", "é", "w6k"])
def test_text_that_is_no_cursor_is_422(cursor):
    answer = ask_actions(cursor=cursor)

    assert (answer.status, answer.locations) == (422, ["query.cursor"])


@pytest.mark.parametrize("function", ["create_action", "delete_action"])
def test_query_parameter_of_a_route_without_parameters_is_422(function):
    answer = call(function, {"name": "exposure"}, query={"force": "true"})

    assert (answer.status, answer.locations) == (422, ["query.force"])
