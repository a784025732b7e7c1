"""The OpenAPI document: Powertools' merge of what the handlers' types say, completed to what a client needs."""

import tomllib
from typing import Any

from aws_lambda_powertools.event_handler.openapi.merge import OpenAPIMerge

from docs.generator import errors, keys, operations, schemas
from docs.generator.routes import ROOT, Route, apps, routes_of, schema_of

Json = dict[str, Any]

DESCRIPTION = """\
Which user is in which segment, from when until when, and why.

A write is one transaction: all of it happened, or none of it. Instants are RFC 3339 in UTC. Lists come in pages: pass
`next_cursor` back as `cursor` until it is null. Errors are problem documents (RFC 9457). Every answer has an
`x-request-id`, by which the log knows the request.
"""
CONTACT = {"name": "The maintainers of segmentation"}
LICENSE = {"name": "Proprietary"}
BEARER = {
    "type": "http",
    "scheme": "bearer",
    "bearerFormat": "JWT",
    "description": "A token of `POST /auth/sign-in`, or of the company's own identity provider.",
}


def build() -> Json:
    """Make the document from the handlers."""
    routes, merged = _merged()
    described = schemas.of_models_in(merged["paths"])
    info = merged["info"] | {"description": DESCRIPTION, "contact": CONTACT, "license": LICENSE}
    return {
        "openapi": merged["openapi"],
        "info": info,
        "servers": merged["servers"],
        "tags": [{"name": name, "description": text} for name, text in operations.TAGS.items()],
        "paths": _paths(merged["paths"], routes, described),
        "components": {
            "schemas": described | {"ProblemDocument": errors.PROBLEM_DOCUMENT},
            "parameters": keys.PARAMETERS,
            "headers": errors.HEADERS | keys.HEADERS,
            "responses": errors.RESPONSES | _failures(routes),
            "securitySchemes": {"bearer": BEARER},
        },
    }


def _merged() -> tuple[dict[tuple[str, str], Route], Json]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    merge = OpenAPIMerge(title=project["name"], version=project["version"], on_conflict="error")
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
    sets = [kinds for route in routes.values() for kinds in errors.by_status(route).values()]
    return {errors.name_of(kinds): errors.answer(kinds) for kinds in sorted(sets, key=errors.name_of)}
