"""HTTP for the read that comes most: where only the path says anything, the resolver is not asked."""

from collections.abc import Mapping
from typing import Any

from aws_lambda_powertools.event_handler.api_gateway import BaseRouter
from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEventV2
from aws_lambda_powertools.utilities.typing import LambdaContext

from segmentation import access
from segmentation.api import JSON, Api


class HotApi(Api):
    """Serve one route that reads, the usual request by a short way and every other as any function does.

    The resolver takes longer than such a read. Its way stays the one that refuses, and that answers failures.
    """

    def _resolve_as_json(self, event: Mapping[str, Any], context: LambdaContext) -> dict[str, Any]:
        arguments = self._usual_arguments(event)
        if arguments is None:
            return super()._resolve_as_json(event, context)
        [route] = self._dynamic_routes
        try:
            access.admit(event["requestContext"])
            body = route.func(**arguments).model_dump_json()
        except Exception as error:
            # where the resolver puts it too: one of this object's own would stand before those of all later requests
            BaseRouter.current_event = APIGatewayProxyEventV2(dict(event))
            failure = self._call_exception_handler(error, route)
            return self._build_response(failure)  # type: ignore[arg-type] # Api has a handler for every exception
        return {"statusCode": 200, "headers": {"Content-Type": JSON}, "body": body, "isBase64Encoded": False}

    def _usual_arguments(self, event: Mapping[str, Any]) -> dict[str, Any] | None:
        """Return what the path says; None where it says nothing valid, or something else says more."""
        [route] = self._dynamic_routes
        found = route.rule.match(event["rawPath"])
        if not found or event["rawQueryString"] or event["requestContext"]["http"]["method"] != route.method:
            return None
        arguments = {}
        for parameter in route.dependant.path_params:
            arguments[parameter.name], error = parameter.validate(found[parameter.alias])
            if error:
                return None
        return arguments
