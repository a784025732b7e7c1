"""A fast path for the most frequent routes. It answers usual requests without the resolver."""

import re
from collections.abc import Mapping
from functools import partial
from typing import Any
from urllib.parse import parse_qsl

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.api_gateway import Route
from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import BaseModel

from segmentation.api import admission, idempotency, json_body
from segmentation.api.resolver import Api, written
from segmentation.contract.problems import Problem
from segmentation.contract.responses import JSON

Arguments = dict[str, Any]

_NUMBERS = re.compile(r"[a-z]+=[0-9]+(?:&[a-z]+=[0-9]+)*")


class FastPathApi(Api):
    """Serve one route. A usual request takes the fast path, every other request takes the resolver.

    The resolver takes longer than such a request does. It alone rejects requests and answers errors.
    """

    def _resolve_as_json(self, event: Mapping[str, Any], context: LambdaContext) -> dict[str, Any]:
        [route] = self.routes()
        arguments = _usual_arguments(route, event)
        if arguments is None:
            return super()._resolve_as_json(event, context)
        self.begin(event)
        try:
            admission.admit(event["requestContext"])
            return _sent(self.run(partial(route.func, **arguments)))
        except Exception as error:
            return self.answer_error(error, route)


def _sent(answer: BaseModel | Response[str]) -> dict[str, Any]:
    """Return what API Gateway gets for a model, or for a response whose body is written already."""
    response = answer if isinstance(answer, Response) else Response(200, JSON, written(answer))
    return {
        "statusCode": response.status_code,
        "headers": response.headers,
        "body": response.body or "",
        "isBase64Encoded": False,
    }


def _usual_arguments(route: Route, event: Mapping[str, Any]) -> Arguments | None:
    """Return the handler's arguments from path, headers and body. Return None for an invalid or unusual request."""
    found = route.rule.match(event["rawPath"])
    query = _usual_query(event["rawQueryString"])
    if not found or query is None or event["requestContext"]["http"]["method"] != route.method:
        return None
    asked = [parameter for parameter in route.dependant.query_params if parameter.alias in query]
    if len(asked) < len(query):
        return None
    headers = event.get("headers") or {}
    parameters = [parameter for parameter in route.dependant.header_params if parameter.alias in headers]
    values = {**headers, **query, **found.groupdict()}
    if route.dependant.body_params:
        values["body"] = _usual_body(event)
        if values["body"] is None:
            return None
    return _validated([*route.dependant.path_params, *asked, *parameters, *route.dependant.body_params], values)


def _usual_query(text: str) -> dict[str, str] | None:
    """Return the parameters of a query that has only numbers, each once, or {} without a query."""
    if not text:
        return {}
    if not _NUMBERS.fullmatch(text):
        return None
    pairs = parse_qsl(text)
    found = dict(pairs)
    return found if len(found) == len(pairs) else None


def _usual_body(event: Mapping[str, Any]) -> dict[str, Any] | None:
    headers = event.get("headers") or {}
    if event["isBase64Encoded"] or idempotency.HEADER.lower() in headers or "content-encoding" in headers:
        return None
    try:
        return json_body.parse(event.get("body") or "", headers.get("content-type", ""))
    except Problem:
        return None


def _validated(parameters: list[Any], given: Mapping[str, Any]) -> Arguments | None:
    arguments = {}
    for parameter in parameters:
        arguments[parameter.name], error = parameter.validate(given[parameter.alias])
        if error:
            return None
    return arguments
