"""One operation of the document: what Powertools found in the types, and what else a client asks."""

import re
from typing import Any

from aws_lambda_powertools.event_handler.openapi.constants import DEFAULT_OPENAPI_RESPONSE_DESCRIPTION

from docs.generator import errors, examples, keys, schemas
from docs.generator.routes import Route

Json = dict[str, Any]

TAGS = {
    "Users": "Who can be in a segment. A user appears with the first write that names it.",
    "Segments": "Named sets of users.",
    "Memberships": "Who is in which segment, and until when.",
    "History": "Every entry, exit and change, as the database itself wrote it; and actions of your own.",
    "Reports": "A month of the history as a file, and the jobs that make the large ones.",
    "Access": "Accounts, and the tokens that they sign in for.",
    "Operations": "Whether the service answers, and what it can do.",
}
TAG_OF_PATH = {
    "/user": "Users",
    "/user/{user_id}/history": "History",
    "/segment": "Segments",
    "/segment/user": "Memberships",
    "/segment/history": "Reports",
    "/segment/reports": "Reports",
    "/report": "Reports",
    "/job": "Reports",
    "/action": "History",
    "/auth": "Access",
    "/health": "Operations",
    "/metrics": "Operations",
    "/docs": "Operations",
    "/openapi.json": "Operations",
}
"""The longest beginning of a path decides."""


def complete(given: Json, route: Route, described: Json) -> Json:
    """Return an operation with its name, role, examples and everything that it can answer."""
    members: Json = {
        "operationId": route.name,
        "tags": [_tag(route.path)],
        "summary": re.split(r"[.:;,]", route.text)[0],
        "description": f"{route.text}\n\nRole: {route.role or 'none, this route is public'}.",
        "x-role": route.role or "public",
        "security": [{"bearer": []}] if route.role else [],
        "parameters": [_parameter(parameter) for parameter in given.get("parameters", ())] + keys.parameters(route),
        "requestBody": _request_body(given["requestBody"], described) if route.has_body else None,
        "responses": _successes(given["responses"], described, keys.headers(route)) | _failures(route),
    }
    return {name: value for name, value in members.items() if value or name == "security"}


def _tag(path: str) -> str:
    return TAG_OF_PATH[max((start for start in TAG_OF_PATH if path.startswith(start)), key=len)]


def _parameter(given: Json) -> Json:
    schema = schemas.exact(given["schema"])
    if given["name"] == "cursor":  # no client makes one up, and what stands for none is none
        return {**given, "schema": {name: value for name, value in schema.items() if name != "default"}}
    return {**given, "schema": schema, "example": examples.of_parameter(given["name"])}


def _request_body(given: Json, described: Json) -> Json:
    """Leave out the null that Powertools writes for a body that may be absent."""
    [(media_type, content)] = given["content"].items()
    schema = next(each for each in content["schema"].get("anyOf", [content["schema"]]) if "$ref" in each)
    body = {"schema": schema, "example": examples.of(schema, described)}
    return {"required": given.get("required", False), "content": {media_type: body}}


def _successes(given: Json, described: Json, headers: Json) -> Json:
    return {
        status: _success(answer, described, headers)
        for status, answer in sorted(given.items())
        if status < errors.FIRST_STATUS
    }


def _success(given: Json, described: Json, headers: Json) -> Json:
    contents = {media_type: _content(content, described) for media_type, content in given.get("content", {}).items()}
    answer = {
        "description": _description(given, contents, described),
        "headers": {"x-request-id": errors.REQUEST_ID} | headers | given.get("headers", {}),
    }
    return (
        answer | ({"content": contents} if contents else {}) | ({"links": given["links"]} if "links" in given else {})
    )


def _description(given: Json, contents: Json, described: Json) -> str:
    """Prefer what a handler says of the answer itself to what its model is."""
    text: str = given["description"]
    if text != DEFAULT_OPENAPI_RESPONSE_DESCRIPTION:
        return text
    [content] = contents.values()
    return str(described[content["schema"]["$ref"].removeprefix(schemas.REF)]["description"])


def _content(given: Json, described: Json) -> Json:
    return given | ({"example": examples.of(given["schema"], described)} if "$ref" in given["schema"] else {})


def _failures(route: Route) -> Json:
    problems = {status: errors.name_of(kinds) for status, kinds in errors.by_status(route).items()}
    named = sorted(({"429": errors.THROTTLED} | problems).items())
    return {status: {"$ref": f"#/components/responses/{name}"} for status, name in named}
