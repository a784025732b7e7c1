"""The models of requests and answers, as JSON Schema."""

import json
import re
from collections.abc import Callable
from types import ModuleType
from typing import Any, Literal

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from segmentation.contract import evaluation, flags, requests, responses
from segmentation.contract.values import MAX_USER_ID
from tools.omission import Omission

Json = dict[str, Any]
Mode = Literal["validation", "serialization"]

REF = "#/components/schemas/"


class ModelsDiffer(Omission):
    """A request model and a response model have one name. The document could show only one of them."""


class ModelUnknown(Omission):
    """{name} is no model of requests, evaluation, responses or flags (contract/): define it there, with a docstring."""


def of_models_in(paths: Json) -> Json:
    """Describe the models that routes name. Pydantic describes them, because Powertools turns limits into floats."""
    named = set(re.findall(rf'"{REF}(\w+)"', json.dumps(paths)))
    asked = _models(requests, named) | _models(evaluation, named)
    answered = _models(responses, named) | _models(flags, named)
    if asked.keys() & answered.keys():
        raise ModelsDiffer
    read, written = _described(asked, "validation"), _described(answered, "serialization")
    return dict(sorted((read | {name: _complete(schema) for name, schema in written.items()}).items()))


def exact(schema: Json) -> Json:
    """Return the schema of a parameter with limits as integers. Powertools makes floats of them, too coarse for ids.

    A default with a format means absence: no cursor, or no end of a range. Clients in Go do not compile with it.
    """
    dropped = {"title", "description"} | ({"default"} if "format" in schema else set())
    return {
        name: min(int(value), MAX_USER_ID) if isinstance(value, float) else value
        for name, value in schema.items()
        if name not in dropped
    }


def name_in(schema: Json) -> str | None:
    """Return the name of the model that a schema refers to, if it refers to one."""
    return schema["$ref"].removeprefix(REF) if "$ref" in schema else None


def model(name: str, described: Json) -> Json:
    """Return the schema of a model."""
    if "description" not in described.get(name, ()):
        raise ModelUnknown(name=name)
    found: Json = described[name]
    return found


def _models(module: ModuleType, named: set[str]) -> dict[str, type[BaseModel]]:
    return {
        name: value
        for name, value in vars(module).items()
        if name in named and isinstance(value, type) and issubclass(value, BaseModel)
    }


def _described(models: dict[str, type[BaseModel]], mode: Mode) -> Json:
    _, found = models_json_schema([(model, mode) for model in models.values()], ref_template=f"{REF}{{model}}")
    member = _asked if mode == "validation" else _answered
    return {name: _plain(schema, member) for name, schema in found["$defs"].items()}


def _complete(schema: Json) -> Json:
    """Require every member: an answer has also those that a handler leaves to their defaults.

    A member whose null is hidden (SkipJsonSchema) is absent instead.
    """
    needed = schema.get("required", ())
    required = [name for name, each in schema["properties"].items() if name in needed or _has_default(each)]
    return schema | ({"required": required} if required else {})


def _has_default(schema: Json) -> bool:
    return "default" in schema or {"type": "null"} in schema.get("anyOf", ())


def _plain(schema: Json, member: Callable[[Json], Json]) -> Json:
    """Drop the titles that pydantic makes of names, and describe each member."""
    members = {name: member(each) for name, each in schema["properties"].items()}
    return {name: value for name, value in schema.items() if name != "title"} | {"properties": members}


def _answered(schema: Json) -> Json:
    """Drop the defaults that mean absence."""
    absent = schema.get("default", "") in ("", None)
    return {name: value for name, value in schema.items() if name != "title" and not (name == "default" and absent)}


def _asked(schema: Json) -> Json:
    """Move a default into the description. Generators of TypeScript require a member with a default."""
    described = {name: value for name, value in schema.items() if name not in {"title", "default"}}
    if not schema.get("default"):
        return described
    return described | {"description": f"{schema.get('description', '')} Default: {schema['default']}.".strip()}
