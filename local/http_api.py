"""SAM CLI's local API Gateway, corrected where it differs from AWS's HTTP API. Runs in SAM CLI's environment."""

import functools
import json
import sys
import time
import traceback
import uuid
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path
from typing import Any

from flask import Flask, Response, abort, g, jsonify, request
from werkzeug.exceptions import HTTPException
from werkzeug.routing import Rule

from local import authorizer, cors, function_log, http_event, template
from local.authorizer import Authorizer
from local.functions import Functions
from local.pool import Throttled
from local.request_log import RequestLog
from local.runtime import Answer
from local.sam import CatchAllPathConverter, LambdaResponseParseException, LocalApigwService, PathConverter, Route

BODY_LIMIT = 10 * 1024 * 1024
RETRY_SECONDS = "1"
EVENT_LIMIT = 6 * 1024 * 1024  # of Lambda, lower than the limit of the API
MESSAGES = {
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    413: "Request Too Long",
    500: "Internal Server Error",
    503: "Service Unavailable",
}
# the contract's problem types: a function answers the same errors with them
PROBLEMS = {
    401: ("urn:segmentation:problem:unauthenticated", "The request needs a valid token."),
    403: ("urn:segmentation:problem:role-too-low", "The caller's role does not permit this."),
}


class AnyPath(CatchAllPathConverter):  # type: ignore[misc] # mypy does not see SAM CLI
    """The rest of a path, line feeds included."""

    regex = r"[\s\S]+"
    part_isolating = False  # werkzeug takes a pattern without a slash for one path segment


class ExactRule(Rule):
    """A route that answers only its own methods. Flask would add HEAD to GET."""

    def __init__(self, path: str, methods: list[str], **options: Any) -> None:
        super().__init__(path, methods=methods, **options)
        self.methods = set(methods)


class HttpApi(LocalApigwService):  # type: ignore[misc] # mypy does not see SAM CLI
    """The HTTP API of the template."""

    def __init__(
        self, api: Any, functions: Functions, port: int, host: str, cors_configuration: dict[str, Any]
    ) -> None:
        super().__init__(api=api, lambda_runner=functions.runner, port=port, host=host)
        self.functions = functions
        self.logs = Path(functions.settings.logs)
        self.cors_configuration = cors_configuration
        self.authorizers: dict[str, Authorizer] = {}

    def create(self) -> None:
        """Make the application. As on AWS, a path with a trailing slash is another path."""
        self._app = app = Flask(__name__, static_folder=None)
        app.url_rule_class = ExactRule  # type: ignore[assignment] # Flask allows to replace it
        app.url_map.merge_slashes = False
        app.url_map.converters["path"] = AnyPath
        app.config["MAX_CONTENT_LENGTH"] = BODY_LIMIT
        # $default first: a route of its own for "/" takes the place of $default there
        for route in sorted(self.api.routes, key=lambda route: bool(route.path != http_event.DEFAULT_ROUTE)):
            self.register_authorizer(route)
            self.add(route)
        app.register_error_handler(HTTPException, answer_http_error)
        app.register_error_handler(Exception, answer_exception)
        app.before_request(start_clock)
        cors.answer(app, self.cors_configuration, self.functions.settings.cors_origins)
        app.after_request(report)

    def register_authorizer(self, route: Route) -> None:
        """Take the authorizer from SAM CLI, which caches no answer and words its refusals in another way than AWS."""
        found, route.authorizer_object = route.authorizer_object, None
        if found and found.authorizer_name not in self.authorizers:
            self.authorizers[found.authorizer_name] = Authorizer(
                function=found.lambda_name,
                headers=[source.identity_source for source in found.identity_sources],
                seconds=template.authorizer_seconds(self.functions.template, found.authorizer_name),
                invoke=self.invoke,
            )

    def add(self, route: Route) -> None:
        """Add a route of the template."""
        if route.path == http_event.DEFAULT_ROUTE:
            self._add_catch_all_path(Route.ANY_HTTP_METHODS, "/", route)
            self._add_catch_all_path(Route.ANY_HTTP_METHODS, "/<path:any_path>", route)
            return
        path = PathConverter.convert_path_to_flask(route.path)
        self._dict_of_routes.update(dict.fromkeys(self._generate_route_keys(route.methods, path), route))
        self._app.add_url_rule(
            path,
            endpoint=path,
            view_func=self._request_handler,
            methods=route.methods,
            provide_automatic_options=False,
        )

    def _generate_lambda_event(self, flask_request: Any, route: Route, method: str, endpoint: str) -> dict[str, Any]:
        """Make the event as AWS does, instead of SAM CLI's."""
        if route.is_default_route:
            event = http_event.from_request(flask_request, http_event.DEFAULT_ROUTE, {})
        else:
            event = http_event.from_request(flask_request, f"{method} {route.path}", flask_request.view_args)
        g.request_id = event["requestContext"]["requestId"]
        if route.authorizer_name:
            event["requestContext"]["authorizer"] = {"lambda": self.authorize(route.authorizer_name, event)}
        return event

    def authorize(self, name: str, event: dict[str, Any]) -> dict[str, Any]:
        """Return the authorizer's context about the caller. With open access, a caller without a token is an admin."""
        is_open = not self.functions.settings.auth
        if is_open and "authorization" not in event["headers"]:
            return authorizer.LOCAL_ADMIN
        try:
            return self.authorizers[name].context(event)
        except authorizer.Refused as refused:
            if is_open:  # for example a token of an earlier run, which a browser still sends
                return authorizer.LOCAL_ADMIN
            abort(refused.status)

    def invoke(self, name: str, event: bytes) -> Answer:
        """Invoke a function. Answer 503 if all its environments stay busy."""
        try:
            answer = self.functions.invoke(name, event)
        except Throttled:
            abort(503)
        g.log = self.logs / f"{name}.log"
        if answer.failed:
            g.cause = error_of(answer.payload)
        return answer

    def _invoke_lambda_function(self, name: str, event: dict[str, Any], _tenant: str | None = None) -> str:
        """Invoke the function, and return its response. Answer 500 if it fails."""
        payload = json.dumps(event).encode()
        if len(payload) > EVENT_LIMIT:
            abort(413)
        answer = self.invoke(name, payload)
        g.function, g.cold = name, answer.cold
        if answer.failed:
            sys.stderr.write(f"{name}: {answer.payload.decode()}\n")
            abort(500)
        return answer.payload.decode()

    @staticmethod
    def _parse_v2_payload_format_lambda_output(output: str, binary_types: Any, flask_request: Any) -> Any:
        """Parse the function's response. Answer 500 if it is invalid."""
        try:
            return LocalApigwService._parse_v2_payload_format_lambda_output(output, binary_types, flask_request)
        except LambdaResponseParseException as error:
            g.cause = f"{type(error).__name__}: {error}"
            abort(500)


def answer_http_error(error: HTTPException) -> Response:
    """Answer an HTTP error as API Gateway does. There, a wrong method is an unknown route."""
    code = error.code or 500
    return message(404 if code == 405 else code)


def answer_exception(error: Exception) -> Response:
    """Answer 500. The details of an error of the gateway itself go to its log and the terminal only."""
    sys.stderr.write("".join(traceback.format_exception(error)))
    g.cause = traceback.format_exception_only(error)[-1].strip()
    return message(500)


def message(code: int) -> Response:
    """Make one of API Gateway's own responses: its message, in a problem document."""
    text = MESSAGES.get(code, "Bad Request")
    kind, title = PROBLEMS.get(code, ("about:blank", text))
    problem = {"type": kind, "title": title, "status": code, "detail": title, "message": text}
    if code >= 500:
        problem["request_id"] = request_id()
    response = jsonify(problem)
    if code == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    if code == 503:
        response.headers["Retry-After"] = RETRY_SECONDS
    response.status_code = code
    response.content_type = "application/problem+json"
    return response


def request_id() -> str:
    """Return the request's id. A request that reached no function gets one here."""
    if "request_id" not in g:
        g.request_id = str(uuid.uuid4())
    return str(g.request_id)


@functools.cache
def request_log() -> RequestLog:
    """Return the request log of this process."""
    return RequestLog()


def start_clock() -> None:
    """Remember the start of the request."""
    g.started_at = time.monotonic()


def report(response: Response) -> Response:
    """Add the request's id to the response, and write a line about the request to the terminal."""
    response.headers["apigw-requestid"] = request_id()
    response.headers.setdefault("x-request-id", request_id())
    took = (time.monotonic() - g.started_at) * 1000
    by = f"{g.function} {'cold' if g.cold else 'warm'}" if "function" in g else "gateway"
    request_log().add(request.method, request.path, response.status_code, took, by)
    if response.status_code == HTTPStatus.INTERNAL_SERVER_ERROR:
        request_log().explain(explanation())
    return response


def explanation() -> Callable[[], str]:
    """Return a function that describes the cause of this 500. It runs in another thread, without Flask's context."""
    cause, log, failed_request = g.get("cause"), g.get("log", "gateway.log"), request_id()

    def explain() -> str:
        found = cause or function_log.wait_for_exception(log, failed_request) or "No exception is logged."
        return f"{found} (see {log})"

    return explain


def error_of(payload: bytes) -> str:
    """Return the type and the message of a function error."""
    error = json.loads(payload)
    return f"{error['errorType']}: {error['errorMessage']}"
