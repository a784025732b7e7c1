"""HTTP for the requests that come most: what is as usual does not ask the resolver."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from aws_lambda_powertools.event_handler.api_gateway import BaseRouter, Route
from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEventV2
from aws_lambda_powertools.utilities.typing import LambdaContext

from segmentation.access import permissions
from segmentation.api import idempotency, json_body
from segmentation.api.resolver import JSON, Api, written
from segmentation.contract.problems import Problem
from segmentation.database import transactions

Arguments = dict[str, Any]


class FastPathApi(Api):
    """Serve one route, the usual request by a short way and every other as any function does.

    The resolver takes longer than such a request. Its way stays the one that refuses, and that answers failures.
    """

    def _resolve_as_json(self, event: Mapping[str, Any], context: LambdaContext) -> dict[str, Any]:
        [route] = (*self._static_routes, *self._dynamic_routes)
        arguments = _usual_arguments(route, event)
        if arguments is None:
            return super()._resolve_as_json(event, context)
        # where the resolver puts it too: one of this object's own would stand before those of all later requests
        BaseRouter.current_event = APIGatewayProxyEventV2(dict(event))
        try:
            permissions.admit(event["requestContext"])
            body = written(transactions.retry_aborted(partial(route.func, **arguments)))
        except Exception as error:
            failure = self._call_exception_handler(error, route)
            return self._build_response(failure)  # type: ignore[arg-type] # Api has a handler for every exception
        return {"statusCode": 200, "headers": {"Content-Type": JSON}, "body": body, "isBase64Encoded": False}


def _usual_arguments(route: Route, event: Mapping[str, Any]) -> Arguments | None:
    """Return what path and body say; None where one says nothing valid, or something else says more."""
    found = route.rule.match(event["rawPath"])
    if not found or event["rawQueryString"] or event["requestContext"]["http"]["method"] != route.method:
        return None
    if not route.dependant.body_params:
        return _valid(route.dependant.path_params, found.groupdict())
    body = _usual_body(event)
    return None if body is None else _valid(route.dependant.body_params, {"body": body})


def _usual_body(event: Mapping[str, Any]) -> dict[str, Any] | None:
    headers = event.get("headers") or {}
    if event["isBase64Encoded"] or idempotency.HEADER.lower() in headers:
        return None
    try:
        return json_body.parse(event.get("body") or "", headers.get("content-type", ""))
    except Problem:
        return None


def _valid(parameters: list[Any], given: Mapping[str, Any]) -> Arguments | None:
    arguments = {}
    for parameter in parameters:
        arguments[parameter.name], error = parameter.validate(given[parameter.alias])
        if error:
            return None
    return arguments
