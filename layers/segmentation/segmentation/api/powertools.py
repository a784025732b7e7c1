"""The private parts of Powertools that this service needs. No other module names them.

Powertools may rename a private part in any release. A test checks that each still exists.
"""

import re
from abc import abstractmethod
from collections.abc import Callable, Mapping
from typing import Any

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.event_handler.api_gateway import BaseRouter, ResponseBuilder, Route
from aws_lambda_powertools.event_handler.middlewares import NextMiddleware
from aws_lambda_powertools.event_handler.middlewares.openapi_validation import (
    OpenAPIRequestValidationMiddleware,
    OpenAPIResponseValidationMiddleware,
)
from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEventV2
from pydantic import BaseModel


class PowertoolsApi(APIGatewayHttpResolver):
    """Powertools' resolver with hooks of its own before a request is read and after a model is returned."""

    def __init__(self, parse_body: Callable[[str], dict[str, Any]], write: Callable[[BaseModel], str]) -> None:
        super().__init__(
            enable_validation=True,
            debug=False,
            json_body_deserializer=parse_body,
            response_validation_error_http_code=500,
        )
        self._request_validation_middleware = _RequestValidation()  # type: ignore[no-untyped-call] # Powertools has no types
        self._response_validation_middleware = _ResponseWriter(write)

    @abstractmethod
    def refusal(self) -> Response[str] | None:
        """Return the answer to a request that is refused unread, or None."""

    @abstractmethod
    def check_request(self, route: Route) -> None:
        """Raise the problem of a request that Powertools would accept."""

    def _resolve(self) -> ResponseBuilder[Any]:
        if refused := self.refusal():
            return ResponseBuilder(refused)
        return super()._resolve()

    @staticmethod
    def _compile_regex(rule: str, base_regex: str = r"^{}\Z") -> re.Pattern[str]:
        """Match the whole path. The "$" of Powertools accepts a line feed at the end."""
        pattern: re.Pattern[str] = APIGatewayHttpResolver._compile_regex(rule, base_regex)
        return pattern

    def routes(self) -> tuple[Route, ...]:
        """Return the routes of this function."""
        return (*self._static_routes, *self._dynamic_routes)

    def find_route(self) -> Route | None:
        """Return the route of the current request, or None if no route matches it."""
        route: Route = self.context["_route"]
        return route if route in self.routes() else None

    def validated_body(self) -> Any:
        """Return the members that the validated body of the current request gives, or None without a body.

        They have one form for each meaning: nulls that mean absence are left out, and 10.0 is 10.
        """
        route: Route = self.context["_route"]
        bodies = [self.context["_route_args"][parameter.name] for parameter in route.dependant.body_params]
        return next((body.model_dump(mode="json", exclude_unset=True) for body in bodies if body is not None), None)

    def serialize(self, body: Any) -> str:
        """Return a body that is no model as JSON."""
        return self._serializer(body)

    def begin(self, event: Mapping[str, Any]) -> None:
        """Make an event the current one. Powertools keeps it on the class: an instance's would shadow later ones."""
        BaseRouter.current_event = APIGatewayProxyEventV2(dict(event))

    def answer_error(self, error: Exception, route: Route) -> dict[str, Any]:
        """Return what API Gateway gets for an error that a route raised."""
        failure = self._call_exception_handler(error, route)
        answer: dict[str, Any] = self._build_response(failure)  # type: ignore[arg-type] # a handler exists for every error
        return answer


class _RequestValidation(OpenAPIRequestValidationMiddleware):
    def handler(self, app: PowertoolsApi, next_middleware: NextMiddleware) -> Response[Any]:  # type: ignore[override] # ours
        if route := app.find_route():
            app.check_request(route)
        return super().handler(app, next_middleware)


class _ResponseWriter(OpenAPIResponseValidationMiddleware):
    """Serialize a model once. It was validated when it was made, so Powertools need not validate it again."""

    def __init__(self, write: Callable[[BaseModel], str]) -> None:
        super().__init__(has_response_validation_error=True)
        self._write = write

    def _handle_response(self, *, route: Route, response: Response[Any]) -> Response[Any]:
        if isinstance(response.body, BaseModel):
            response.body = self._write(response.body)
            return response
        validated: Response[Any] = super()._handle_response(route=route, response=response)
        return validated
