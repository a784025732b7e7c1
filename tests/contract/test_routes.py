"""Template, handlers, events, samples and tests name the same routes. A failure says which file lacks what."""

import importlib
import json
import re

import pytest

from local.settings import ROOT
from local.template import ALIAS
from tests.samples import ANSWERS_CSV, ANSWERS_HTML, ANSWERS_METRICS, EXPECTED

ROUTES = {
    "create_user": {"POST /user"},
    "list_users": {"GET /user"},
    "delete_user": {"DELETE /user/{user_id}"},
    "create_segment": {"POST /segment"},
    "list_segments": {"GET /segment"},
    "get_segment": {"GET /segment/{slug}"},
    "update_segment": {"PATCH /segment/{slug}"},
    "delete_segment": {"DELETE /segment", "DELETE /segment/{slug}"},
    "list_segment_changes": {"GET /segment/{slug}/history"},
    "list_segment_users": {"GET /segment/{slug}/users"},
    "export_user": {"GET /user/{user_id}/export"},
    "show_segment_size": {"GET /segment/{slug}/size"},
    "change_segment_users": {"POST /segment/{slug}/users"},
    "plan_steps": {"POST /segment/{slug}/schedule"},
    "list_steps": {"GET /segment/{slug}/schedule"},
    "cancel_steps": {"DELETE /segment/{slug}/schedule"},
    "change_memberships": {"POST /segment/user"},
    "list_memberships": {"GET /segment/user/{user_id}"},
    "batch_list_memberships": {"POST /segment/user/batch"},
    "explain_membership": {"GET /segment/user/{user_id}/{slug}"},
    "evaluate_flag": {"POST /ofrep/v1/evaluate/flags/{key}"},
    "evaluate_flags": {"POST /ofrep/v1/evaluate/flags"},
    "update_membership": {"PATCH /segment/user/{user_id}/{slug}"},
    "create_user_report": {"GET /segment/history/{user_id}"},
    "open_report": {"GET /segment/reports/{file_name}"},
    "create_report": {"POST /report"},
    "create_export": {"POST /segment/{slug}/export"},
    "create_import": {"POST /import"},
    "start_import": {"POST /import/{import_id}"},
    "list_jobs": {"GET /job"},
    "show_job": {"GET /job/{job_id}"},
    "list_user_history": {"GET /user/{user_id}/history"},
    "record_action": {"POST /user/{user_id}/history"},
    "list_events": {"GET /event"},
    "list_actions": {"GET /action"},
    "create_action": {"POST /action"},
    "delete_action": {"DELETE /action"},
    "sign_up": {"POST /auth/sign-up"},
    "sign_in": {"POST /auth/sign-in"},
    "change_password": {"POST /auth/password"},
    "list_accounts": {"GET /account"},
    "update_account": {"PATCH /account/{username}"},
    "delete_account": {"DELETE /account/{username}"},
    "check_health": {"GET /health", "HEAD /health"},
    "open_console": {"GET /console", "HEAD /console", "GET /", "HEAD /"},
    "open_docs": {f"{method} {page}" for page in ("/docs", "/swagger/index.html") for method in ("GET", "HEAD")},
    "show_openapi": {"GET /openapi.json", "HEAD /openapi.json"},
    "show_metrics": {"GET /metrics"},
    "reject_route": {"$default"},
}
UNROUTED = {"apply_migrations", "authorize_request", "expire_memberships", "run_job"}

FOLDERS = {path.parent.name for path in ROOT.glob("functions/*/app.py")}
OF_ALL_FUNCTIONS = {"test_imports.py", "test_sample_events.py"}
"""Tests that go through a table of functions. They do not count as the tests of one function."""

HANDLER_TESTS = "\n".join(
    path.read_text("utf-8") for path in ROOT.glob("tests/functions/test_*.py") if path.name not in OF_ALL_FUNCTIONS
)
EVERY_FUNCTION = pytest.mark.parametrize("function", sorted(FOLDERS | ROUTES.keys() | UNROUTED))
EVERY_ROUTED_FUNCTION = pytest.mark.parametrize("function", sorted(FOLDERS - UNROUTED))


def resource_name(function):
    return function.title().replace("_", "")


def route_key(path, method):
    return path if path == "$default" else f"{method.upper()} {path}"


@pytest.fixture(scope="module")
def api(translated):
    return translated["Resources"]["HttpApi"]["Properties"]["Body"]


@pytest.fixture(scope="module")
def operations(api):
    return {
        route_key(path, method): operation
        for path, methods in api["paths"].items()
        for method, operation in methods.items()
    }


def test_the_api_serves_the_routes_of_the_table_and_no_other(operations):
    expected = {
        route: f"functions/${{{resource_name(function)}{ALIAS}}}/invocations"
        for function, routes in ROUTES.items()
        for route in routes
    }

    integrations = {key: each["x-amazon-apigateway-integration"] for key, each in operations.items()}

    assert integrations.keys() == expected.keys(), "template.yaml and ROUTES of this file differ"
    for route, integration in integrations.items():
        assert integration["uri"]["Fn::Sub"].endswith(expected[route])


@pytest.mark.parametrize("function", sorted(ROUTES.keys() - {"reject_route"}))
def test_a_handler_registers_its_routes_and_no_other(function):
    app = importlib.import_module(f"functions.{function}.app").app

    registered = {f"{route.method} {route.openapi_path}" for route in app.routes()}

    assert registered == ROUTES[function]


def test_the_handler_of_unknown_routes_registers_no_route():
    app = importlib.import_module("functions.reject_route.app").app

    assert app.routes() == ()


@EVERY_FUNCTION
def test_a_function_has_a_handler(function):
    assert function in FOLDERS, f"{function} has no handler: add functions/{function}/app.py"


@EVERY_FUNCTION
def test_a_function_is_in_the_table_of_routes(function):
    assert function in ROUTES.keys() | UNROUTED, (
        f"{function} is in no table: add its routes to ROUTES in tests/contract/test_routes.py"
    )


@EVERY_FUNCTION
def test_a_function_is_a_resource_of_the_template(template, function):
    resource = template["Resources"].get(resource_name(function), {"Properties": {}})

    assert resource["Properties"].get("CodeUri") == f"functions/{function}/", (
        f"template.yaml has no function {resource_name(function)} with the CodeUri functions/{function}/: "
        "add it, a copy of GetSegment with its own name, folder and route"
    )


@EVERY_FUNCTION
def test_a_function_has_a_sample_event(function):
    assert (ROOT / "events" / f"{function}.json").is_file(), (
        f"{function} has no sample event: add events/{function}.json, "
        "a copy of events/get_segment.json with its own route, path and requestId"
    )


@EVERY_ROUTED_FUNCTION
def test_the_answer_to_a_sample_event_is_known(function):
    assert function in EXPECTED.keys() | ANSWERS_CSV | ANSWERS_HTML | ANSWERS_METRICS, (
        f"tests/samples.py has no answer to events/{function}.json: "
        "add its status and the names of its members to EXPECTED"
    )


@EVERY_ROUTED_FUNCTION
def test_a_function_has_a_test_of_its_handler(function):
    assert re.search(rf'["\.]{function}["\.]', HANDLER_TESTS), (
        f'no test of a handler calls {function}: add one with call("{function}", …) to the file of its resource '
        "in tests/functions"
    )


def test_every_resource_and_every_event_has_its_function(template):
    functions = {name for name, each in template["Resources"].items() if each["Type"] == "AWS::Serverless::Function"}
    events = {path.stem for path in ROOT.glob("events/*.json")}

    assert functions - {resource_name(function) for function in FOLDERS} == set()
    assert events - FOLDERS == set()
    assert {*EXPECTED} - FOLDERS == set()


@pytest.mark.parametrize("function", sorted(ROUTES))
def test_a_sample_event_has_a_route_of_its_function(function):
    event = json.loads((ROOT / "events" / f"{function}.json").read_text("utf-8"))

    assert event["version"] == "2.0"
    assert event["routeKey"] in ROUTES[function]
    assert event["requestContext"]["routeKey"] == event["routeKey"]
