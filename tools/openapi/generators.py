"""What generators of clients need of the document, beyond what OpenAPI demands."""

import json
import re
from typing import Any

Json = dict[str, Any]

MAX_INT32 = 2**31 - 1
SERVERS = [
    {"url": "http://localhost:8080", "description": "A local run (`make run`)."},
    {
        "url": "https://{api}.execute-api.{region}.amazonaws.com",
        "description": "A deployment: the stack's output ApiUrl.",
        "variables": {"api": {"default": "API_ID"}, "region": {"default": "eu-central-1"}},
    },
]
"""A generator makes http://localhost of a server without a host."""


def adapted(document: Json) -> Json:
    """Give every number its format, and every model a name that no generator makes itself."""
    sized: Json = _sized(document)
    names = "|".join(name for name in document["components"]["schemas"] if published_name(name) != name)
    named: Json = json.loads(re.sub(rf'(?<=["/])({names})(?=")', _published, json.dumps(sized)))
    return named


def published_name(model: str) -> str:
    """Return the name of a model in the document. A generator of Go makes a function NewUser for a model User."""
    return f"{model.removeprefix('New')}Creation" if model.startswith("New") else model


def model_name(published: str) -> str:
    """Return the name of the model that the document calls so."""
    return f"New{published.removesuffix('Creation')}" if published.endswith("Creation") else published


def _published(match: re.Match[str]) -> str:
    return published_name(match[0])


def _sized(value: Any) -> Any:
    if isinstance(value, list):
        return [_sized(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {name: _sized(member) for name, member in value.items()} | _format(value)


def _format(schema: Json) -> Json:
    """Return the format of a number. Without one, generators take 32 bits for an id and a float for a percent."""
    if schema.get("type") == "number":
        return {"format": "double"}
    if schema.get("type") == "integer":
        return {"format": "int32" if schema.get("maximum", MAX_INT32 + 1) <= MAX_INT32 else "int64"}
    return {}
