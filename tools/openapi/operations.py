"""One operation of the document: what Powertools reads from the types, and what else a client needs."""

import re
from typing import Any

from aws_lambda_powertools.event_handler.openapi.constants import DEFAULT_OPENAPI_RESPONSE_DESCRIPTION

from tools.omission import Omission
from tools.openapi import errors, examples, keys, ofrep, schemas
from tools.openapi.routes import Route

Json = dict[str, Any]

TAGS = {
    "Users": "The members of segments. A user appears with the first write that names it.",
    "Segments": "Named sets of users.",
    "Memberships": "Which user is in which segment, and until when.",
    "OpenFeature": "Segments as boolean flags, by OFREP 0.3. Errors of these routes have the bodies of that protocol.",
    "History": "Every entry, exit and changed lifetime, written by the database itself. Also actions of your own.",
    "Imports": "A file of users to add to a segment or to remove from it, with a verdict for every line.",
    "Reports": "A month of the history or the members of a segment as a file, and the jobs that write the large files.",
    "Access": "Accounts, and the tokens that they get by signing in.",
    "Operations": "The health and the metrics of the service, and the description of its API.",
}
TAG_OF_PATH = {
    "/user": "Users",
    "/user/{user_id}/history": "History",
    "/segment": "Segments",
    "/segment/user": "Memberships",
    "/ofrep": "OpenFeature",
    "/segment/history": "Reports",
    "/segment/reports": "Reports",
    "/report": "Reports",
    "/job": "Reports",
    "/import": "Imports",
    "/action": "History",
    "/event": "History",
    "/auth": "Access",
    "/account": "Access",
    "/health": "Operations",
    "/metrics": "Operations",
    "/console": "Operations",
    "/docs": "Operations",
    "/openapi.json": "Operations",
}
"""The tag of a path. The longest prefix that fits decides."""


class TagMissing(Omission):
    """{path} has no tag: add its prefix to TAG_OF_PATH in tools/openapi/operations.py."""


class AnswerUndescribed(Omission):
    """{name} answers no model: return one of responses.py, or describe the answer in api/openapi.py."""


def complete(given: Json, route: Route, described: Json) -> Json:
    """Return an operation with its name, its role, its examples and all its answers."""
    members: Json = {
        "operationId": route.name,
        "tags": [_tag(route.path)],
        "summary": re.split(r"[.:;,]", route.text)[0],
        "description": f"{route.text}\n\nRole: {route.role or 'none, this route is public'}.",
        "x-role": route.role or "public",
        "security": [{"bearer": []}] if route.role else [],
        "parameters": [_parameter(parameter) for parameter in given.get("parameters", ())] + keys.parameters(route),
        "requestBody": _request_body(given["requestBody"], described) if route.has_body else None,
        "responses": _successes(given["responses"], described, route) | _failures(route),
    }
    return {name: value for name, value in members.items() if value or name == "security"}


def _tag(path: str) -> str:
    fitting = [prefix for prefix in TAG_OF_PATH if path.startswith(prefix)]
    if not fitting:
        raise TagMissing(path=path)
    return TAG_OF_PATH[max(fitting, key=len)]


def _parameter(given: Json) -> Json:
    schema = schemas.exact(given["schema"])
    if given["name"] == "cursor":  # a client never writes a cursor itself
        return {**given, "schema": schema}
    return {**given, "schema": schema, "example": examples.of_parameter(given["name"], schema)}


def _request_body(given: Json, described: Json) -> Json:
    """Return the body. Powertools describes an optional body as the model or null; the null is dropped."""
    [(media_type, content)] = given["content"].items()
    schema = next(each for each in content["schema"].get("anyOf", [content["schema"]]) if "$ref" in each)
    body = {"schema": schema, "example": examples.of(schema, described)}
    return {"required": given.get("required", False), "content": {media_type: body}}


def _successes(given: Json, described: Json, route: Route) -> Json:
    return {
        status: _success(answer, described, route)
        for status, answer in sorted(given.items())
        if status < errors.FIRST_STATUS
    }


def _success(given: Json, described: Json, route: Route) -> Json:
    contents = {media_type: _content(content, described) for media_type, content in given.get("content", {}).items()}
    answer = {
        "description": _description(given, contents, described, route),
        "headers": {"x-request-id": errors.REQUEST_ID} | keys.headers(route) | given.get("headers", {}),
    }
    return (
        answer | ({"content": contents} if contents else {}) | ({"links": given["links"]} if "links" in given else {})
    )


def _description(given: Json, contents: Json, described: Json, route: Route) -> str:
    """Return the handler's own description of the answer, or that of its model."""
    text: str = given["description"]
    if text != DEFAULT_OPENAPI_RESPONSE_DESCRIPTION:
        return text
    names = [schemas.name_in(content["schema"]) for content in contents.values()]
    if len(names) != 1 or names[0] is None:
        raise AnswerUndescribed(name=route.name)
    return str(schemas.model(names[0], described)["description"])


def _content(given: Json, described: Json) -> Json:
    return given | ({"example": examples.of(given["schema"], described)} if "$ref" in given["schema"] else {})


def _failures(route: Route) -> Json:
    problems = {status: errors.name_of(kinds) for status, kinds in errors.by_status(route).items()}
    named = {"429": errors.THROTTLED} | problems
    if ofrep.serves(route):
        named = ofrep.failures(route, named)
    return {status: {"$ref": f"#/components/responses/{name}"} for status, name in sorted(named.items())}
