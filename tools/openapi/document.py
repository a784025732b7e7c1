"""The OpenAPI document: Powertools reads the handlers' types, this package adds what else a client needs."""

from typing import Any

from aws_lambda_powertools.event_handler.openapi.merge import OpenAPIMerge

from segmentation.contract.version import VERSION
from tools.openapi import errors, generators, keys, ofrep, operations, schemas
from tools.openapi.routes import Route, apps, routes_of, schema_of

Json = dict[str, Any]

DESCRIPTION = """\
Which user is in which segment, from when until when, and why.

A write is one transaction: it happens completely or not at all. Instants are RFC 3339 in UTC. Lists come in pages:
pass `next_cursor` back as `cursor` until it is null. Errors are problem documents (RFC 9457). Every answer has an
`x-request-id`, and the log names the request by it.
"""
CONTACT = {"name": "The maintainers of segmentation"}
LICENSE = {"name": "Apache License 2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"}
"""With a URL, because generators of OpenAPI 3.0 do not know an identifier."""
BEARER = {
    "type": "http",
    "scheme": "bearer",
    "bearerFormat": "JWT",
    "description": "A token from `POST /auth/sign-in` or from the company's identity provider.",
}


def build() -> Json:
    """Build the document from the handlers."""
    routes, merged = _merged()
    described = schemas.of_models_in(merged["paths"])
    info = merged["info"] | {"description": DESCRIPTION, "contact": CONTACT, "license": LICENSE}
    document = {
        "openapi": merged["openapi"],
        "info": info,
        "servers": generators.SERVERS,
        "tags": [{"name": name, "description": text} for name, text in operations.TAGS.items()],
        "paths": _paths(merged["paths"], routes, described),
        "components": {
            "schemas": described
            | {
                "ProblemDocument": errors.PROBLEM_DOCUMENT,
                "ThrottledMessage": errors.THROTTLED_MESSAGE,
                "EvaluationFailure": ofrep.FAILURE,
            },
            "parameters": keys.PARAMETERS,
            "headers": errors.HEADERS | keys.HEADERS,
            "responses": errors.RESPONSES | ofrep.RESPONSES | _failures(routes),
            "securitySchemes": {"bearer": BEARER},
        },
    }
    return generators.adapted(document)


def _merged() -> tuple[dict[tuple[str, str], Route], Json]:
    merge = OpenAPIMerge(title="segmentation", version=VERSION, on_conflict="error")
    routes: dict[tuple[str, str], Route] = {}
    for app in apps():
        routes |= routes_of(app)
        merge.add_schema(schema_of(app))
    return routes, merge.get_openapi_schema()


def _paths(merged: Json, routes: dict[tuple[str, str], Route], described: Json) -> Json:
    return {
        path: {
            method: operations.complete(given, routes[path, method], described)
            for method, given in sorted(merged[path].items())
        }
        for path in sorted(merged)
    }


def _failures(routes: dict[tuple[str, str], Route]) -> Json:
    others = [route for route in routes.values() if not ofrep.serves(route)]
    sets = [kinds for route in others for kinds in errors.by_status(route).values()]
    return {errors.name_of(kinds): errors.answer(kinds) for kinds in sorted(sets, key=errors.name_of)}
