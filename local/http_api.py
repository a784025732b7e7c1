"""SAM CLI's local API Gateway, with its differences from AWS's HTTP API evened out.

Runs in SAM CLI's own environment.
"""

import functools
import json
import sys
import time
import traceback
import uuid
from typing import Any

from flask import Flask, Response, abort, g, jsonify, request
from werkzeug.exceptions import HTTPException
from werkzeug.routing import Rule

from local import authorizer, http_event, template
from local.authorizer import Authorizer
from local.functions import Functions
from local.pool import Throttled
from local.request_log import RequestLog
from local.runtime import Answer
from local.sam import CatchAllPathConverter, LambdaResponseParseException, LocalApigwService, PathConverter, Route

BODY_LIMIT = 10 * 1024 * 1024
RETRY_SECONDS = "1"
EVENT_LIMIT = 6 * 1024 * 1024  # Lambda's: a body between the two is refused as well
MESSAGES = {
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    413: "Request Too Long",
    500: "Internal Server Error",
    503: "Service Unavailable",
}
# the contract's own words, where a function would have them for the same refusal
PROBLEMS = {
    401: ("urn:segmentation:problem:unauthenticated", "A valid token is needed."),
    403: ("urn:segmentation:problem:role-too-low", "The caller's role does not reach."),
}


class AnyPath(CatchAllPathConverter):  # type: ignore[misc] # mypy does not see SAM CLI
    """The rest of a path, line feeds in it included."""

    regex = r"[\s\S]+"
    part_isolating = False  # werkzeug would take a pattern that names no slash for one segment


class ExactRule(Rule):
    """A route that answers the methods it names, where Flask would add HEAD to GET."""

    def __init__(self, path: str, methods: list[str], **options: Any) -> None:
        super().__init__(path, methods=methods, **options)
        self.methods = set(methods)


class HttpApi(LocalApigwService):  # type: ignore[misc] # mypy does not see SAM CLI
    """The HTTP API of the template."""

    def __init__(self, api: Any, functions: Functions, port: int, host: str) -> None:
        super().__init__(api=api, lambda_runner=functions.runner, port=port, host=host)
        self.functions = functions
        self.authorizers: dict[str, Authorizer] = {}

    def create(self) -> None:
        """Make the application; paths match exactly, as on AWS: no trailing slash comes or goes."""
        self._app = app = Flask(__name__, static_folder=None)
        app.url_rule_class = ExactRule  # type: ignore[assignment] # Flask invites to replace it
        app.url_map.merge_slashes = False
        app.url_map.converters["path"] = AnyPath
        app.config["MAX_CONTENT_LENGTH"] = BODY_LIMIT
        for route in self.api.routes:
            self.register_authorizer(route)
            self.add(route)
        app.register_error_handler(HTTPException, answer_http_error)
        app.register_error_handler(Exception, answer_exception)
        app.before_request(start_clock)
        app.after_request(report)

    def register_authorizer(self, route: Route) -> None:
        """Ask the route's authorizer ourselves: SAM CLI would keep no answer, and answer in other words than AWS."""
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
        """Make the event, in AWS's form instead of SAM CLI's."""
        if route.is_default_route:
            event = http_event.from_request(flask_request, http_event.DEFAULT_ROUTE, {})
        else:
            event = http_event.from_request(flask_request, f"{method} {route.path}", flask_request.view_args)
        g.request_id = event["requestContext"]["requestId"]
        if route.authorizer_name:
            event["requestContext"]["authorizer"] = {"lambda": self.authorize(route.authorizer_name, event)}
        return event

    def authorize(self, name: str, event: dict[str, Any]) -> dict[str, Any]:
        """Return what the authorizer says about the caller; everybody is the same where access is open."""
        if not self.functions.settings.auth:
            return authorizer.OPEN
        try:
            return self.authorizers[name].context(event)
        except authorizer.Refused as refused:
            abort(refused.status)

    def invoke(self, name: str, event: bytes) -> Answer:
        """Invoke a function, unless all its places stay taken."""
        try:
            return self.functions.invoke(name, event)
        except Throttled:
            abort(503)

    def _invoke_lambda_function(self, name: str, event: dict[str, Any], _tenant: str | None = None) -> str:
        """Invoke the function, and answer in its place when it fails."""
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
        """Read the function's response, and answer in its place when it is none."""
        try:
            return LocalApigwService._parse_v2_payload_format_lambda_output(output, binary_types, flask_request)
        except LambdaResponseParseException:
            abort(500)


def answer_http_error(error: HTTPException) -> Response:
    """Word a refusal as API Gateway does; a wrong method is an unknown route there."""
    code = error.code or 500
    return message(404 if code == 405 else code)


def answer_exception(error: Exception) -> Response:
    """Say nothing about what went wrong here, except in the log."""
    sys.stderr.write("".join(traceback.format_exception(error)))
    return message(500)


def message(code: int) -> Response:
    """Make one of API Gateway's own answers: its message, as a problem document like every other answer here."""
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
    """Return the request's id; one that reached no function gets its own here."""
    if "request_id" not in g:
        g.request_id = str(uuid.uuid4())
    return str(g.request_id)


@functools.cache
def request_log() -> RequestLog:
    """Return the one log of this process, begun with its first request."""
    return RequestLog()


def start_clock() -> None:
    """Remember when the request came."""
    g.started_at = time.monotonic()


def report(response: Response) -> Response:
    """Name the request to the client, and write a line about it to the terminal."""
    response.headers["apigw-requestid"] = request_id()
    response.headers.setdefault("x-request-id", request_id())
    took = (time.monotonic() - g.started_at) * 1000
    by = f"{g.function} {'cold' if g.cold else 'warm'}" if "function" in g else "gateway"
    request_log().add(request.method, request.path, response.status_code, took, by)
    return response
