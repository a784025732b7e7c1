"""Call the real handlers. Each call sends the function's sample event with the changes of a test."""

import base64 as base64_codec
import importlib
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode

from segmentation.access import authorizer
from tests.functions.openapi_document import assert_documented
from tests.template_routes import ROUTES

EVENTS = Path(__file__).parents[2] / "events"
PROBLEM = "application/problem+json"
NO_BODY = object()
WITH_BODY = {
    "create_user": "/user",
    "create_segment": "/segment",
    "update_segment": "/segment/AAA",
    "delete_segment": "/segment",
    "change_memberships": "/segment/user",
    "change_segment_users": "/segment/AAA/users",
    "batch_list_memberships": "/segment/user/batch",
    "evaluate_flag": "/ofrep/v1/evaluate/flags/AAA",
    "evaluate_flags": "/ofrep/v1/evaluate/flags",
    "update_membership": "/segment/user/1/AAA",
    "record_action": "/user/1/history",
    "create_report": "/report",
    "create_export": "/segment/AAA/export",
    "plan_steps": "/segment/AAA/schedule",
    "create_import": "/import",
    "create_action": "/action",
    "delete_action": "/action",
    "sign_up": "/auth/sign-up",
    "sign_in": "/auth/sign-in",
    "change_password": "/auth/password",
    "update_account": "/account/bob",
}
"""The functions that take a body, with an example path."""

OFREP = {"evaluate_flag", "evaluate_flags"}
"""The functions whose errors have the bodies of OFREP."""


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)

    @property
    def locations(self) -> list[str]:
        """The locations of the errors of an invalid request."""
        return [error["location"] for error in self.json["errors"]]


def sample(function: str) -> dict[str, Any]:
    path = EVENTS / f"{function}.json"
    assert path.is_file(), f"{function} has no sample event: add events/{path.name}, a copy of events/get_segment.json"
    return json.loads(path.read_text("utf-8"))


def caller(subject: str, role: str = "admin") -> dict[str, Any]:
    """Return what the authorizer adds to a request's context."""
    return {"authorizer": {"lambda": {"subject": subject, "role": role, "expires_at": 4102444800}}}


def identified(token: str) -> Any:
    """Return what the authorizer says of a token."""
    return authorizer.authorize({"headers": {"authorization": f"Bearer {token}"}})["context"]


def invoke(function: str, event: dict[str, Any]) -> Any:
    return importlib.import_module(f"functions.{function}.app").handler(event, None)


def call(
    function: str,
    body: Any = NO_BODY,
    *,
    method: str | None = None,
    path: str | None = None,
    query: dict[str, str] | str = "",
    headers: dict[str, str] | None = None,
    base64: bool = False,
    broken_base64: bool = False,
    actor: str | None = None,
    token: str | None = None,
) -> Answer:
    """Call a function. A body that is no text is sent as JSON. None keeps the sample's method, path or caller."""
    event = sample(function)
    event.pop("body", None)
    if path is not None:
        event["rawPath"] = event["requestContext"]["http"]["path"] = path
    if method is not None:
        event["requestContext"]["http"]["method"] = method
    event |= route_of(function, event)
    event |= query_of(query if isinstance(query, str) else urlencode(query))
    event["headers"] = without_body_headers(event["headers"]) | (headers or {"content-type": "application/json"})
    if actor is not None:
        event["requestContext"] |= caller(actor)
    if token is not None:
        event["requestContext"]["authorizer"] = {"lambda": identified(token)}
    if body is not NO_BODY:
        event |= payload(body, base64=base64)
    if broken_base64:
        event["isBase64Encoded"] = True
    answer = answer_of(invoke(function, event))
    http = event["requestContext"]["http"]
    assert_documented(http["method"], http["path"], answer.status, answer.headers.get("content-type", ""))
    return answer


def route_of(function: str, event: dict[str, Any]) -> dict[str, Any]:
    """Return the route of the function that API Gateway would choose for the event, and its path parameters."""
    http = event["requestContext"]["http"]
    for route in ROUTES:
        pattern = re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", re.escape(route.path))
        found = re.fullmatch(pattern, event["rawPath"])
        if found and (route.function, route.method) == (function, http["method"]):
            event["requestContext"]["routeKey"] = f"{route.method} {route.path}"
            return {"routeKey": f"{route.method} {route.path}", "pathParameters": found.groupdict()}
    return {"routeKey": "$default"}


def query_of(text: str) -> dict[str, Any]:
    """Parse a query string as API Gateway does: it joins the values of a repeated name."""
    parameters = parse_qs(text, keep_blank_values=True)
    return {
        "rawQueryString": text,
        "queryStringParameters": {name: ",".join(values) for name, values in parameters.items()},
    }


def without_body_headers(headers: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if not name.startswith("content-")}


def payload(body: Any, *, base64: bool) -> dict[str, Any]:
    if isinstance(body, bytes) or base64:
        octets = body if isinstance(body, bytes) else as_text(body).encode()
        return {"body": base64_codec.b64encode(octets).decode(), "isBase64Encoded": True}
    return {"body": as_text(body), "isBase64Encoded": False}


def as_text(body: Any) -> str:
    return body if isinstance(body, str) else json.dumps(body)


def answer_of(answer: dict[str, Any]) -> Answer:
    headers = {name.lower(): value for name, value in answer["headers"].items()}
    return Answer(answer["statusCode"], headers, answer["body"])
