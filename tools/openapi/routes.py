"""The routes that the handlers serve."""

import importlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from segmentation.access.permissions import required_role
from segmentation.api import idempotency
from segmentation.api.resolver import Api
from segmentation.contract.problems import Problem

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Route:
    """A route, and what the document needs of its handler."""

    path: str
    name: str
    text: str
    role: str | None
    has_body: bool
    takes_key: bool
    problems: tuple[type[Problem], ...]


def apps() -> Iterator[Api]:
    """Import every handler that serves routes."""
    for path in sorted(ROOT.glob("functions/*/app.py")):
        module = importlib.import_module(f"functions.{path.parent.name}.app")
        if hasattr(module, "app"):
            yield module.app


def routes_of(app: Api) -> dict[tuple[str, str], Route]:
    """Return the routes of an app by path and method, written as in the document."""
    return {
        (route.openapi_path, route.method.lower()): Route(
            path=route.openapi_path,
            name=route.func.__name__,
            text=" ".join((route.func.__doc__ or "").split()),
            role=required_role(f"{route.method} {route.openapi_path}"),
            has_body=route.body_field is not None,
            takes_key=f"{route.method} {route.openapi_path}" in idempotency.STORED,
            problems=vars(route.func).get("problems", ()),
        )
        for route in app.routes()
    }


def schema_of(app: Api) -> dict[str, Any]:
    """Return Powertools' description of the routes of an app."""
    schema: dict[str, Any] = json.loads(app.get_openapi_json_schema())
    return schema
