"""Template, handlers, folders, events and the contract name the same routes."""

import importlib
import json
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
ROUTES = {
    "create_user": {"POST /user"},
    "list_users": {"GET /user"},
    "delete_user": {"DELETE /user/{user_id}"},
    "create_segment": {"POST /segment"},
    "list_segments": {"GET /segment"},
    "get_segment": {"GET /segment/{slug}"},
    "update_segment": {"PATCH /segment/{slug}"},
    "delete_segment": {"DELETE /segment", "DELETE /segment/{slug}"},
    "list_segment_users": {"GET /segment/{slug}/users"},
    "change_memberships": {"POST /segment/user"},
    "list_memberships": {"GET /segment/user/{user_id}"},
    "batch_list_memberships": {"POST /segment/user/batch"},
    "update_membership": {"PATCH /segment/user/{user_id}/{slug}"},
    "create_user_report": {"GET /segment/history/{user_id}"},
    "open_report": {"GET /segment/reports/{file_name}"},
    "create_report": {"POST /report"},
    "show_job": {"GET /job/{job_id}"},
    "list_user_history": {"GET /user/{user_id}/history"},
    "record_action": {"POST /user/{user_id}/history"},
    "list_actions": {"GET /action"},
    "create_action": {"POST /action"},
    "delete_action": {"DELETE /action"},
    "sign_up": {"POST /auth/sign-up"},
    "sign_in": {"POST /auth/sign-in"},
    "check_health": {"GET /health"},
    "open_docs": {"GET /docs"},
    "show_openapi": {"GET /openapi.json"},
    "show_metrics": {"GET /metrics"},
    "reject_route": {"$default"},
}
UNROUTED = {"apply_migrations", "authorize_request", "expire_memberships", "run_job"}


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


def test_the_api_serves_the_contracts_routes_and_no_other(operations):
    expected = {
        route: f"functions/${{{resource_name(function)}.Arn}}/invocations"
        for function, routes in ROUTES.items()
        for route in routes
    }

    integrations = {key: each["x-amazon-apigateway-integration"] for key, each in operations.items()}

    assert integrations.keys() == expected.keys()
    for route, integration in integrations.items():
        assert integration["uri"]["Fn::Sub"].endswith(expected[route])


@pytest.mark.parametrize("function", sorted(ROUTES.keys() - {"reject_route"}))
def test_a_handler_registers_its_routes_and_no_other(function):
    app = importlib.import_module(f"functions.{function}.app").app

    # Powertools has no public way to ask a resolver for its routes
    registered = {f"{route.method} {route.openapi_path}" for route in app.routes()}

    assert registered == ROUTES[function]


def test_the_handler_of_unknown_routes_registers_none():
    app = importlib.import_module("functions.reject_route.app").app

    assert app.routes() == ()


def test_folders_resources_and_events_name_the_same_functions(template):
    functions = ROUTES.keys() | UNROUTED

    folders = {path.parent.name for path in PROJECT.glob("functions/*/app.py")}
    events = {path.stem for path in PROJECT.glob("events/*.json")}
    code = {
        name: resource["Properties"]["CodeUri"]
        for name, resource in template["Resources"].items()
        if resource["Type"] == "AWS::Serverless::Function"
    }

    assert folders == functions
    assert events == functions
    assert code == {resource_name(function): f"functions/{function}/" for function in functions}


@pytest.mark.parametrize("function", sorted(ROUTES))
def test_an_event_is_one_of_its_functions_route(function):
    event = json.loads((PROJECT / "events" / f"{function}.json").read_text())

    assert event["version"] == "2.0"
    assert event["routeKey"] in ROUTES[function]
    assert event["requestContext"]["routeKey"] == event["routeKey"]
