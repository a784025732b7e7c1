"""HTTP in front of the domain: the resolver that every route uses."""

import base64
import json
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, TypeVar
from urllib.parse import parse_qs, urlencode

import psycopg
from aws_lambda_powertools.event_handler import Response, content_types
from aws_lambda_powertools.event_handler.api_gateway import Route
from aws_lambda_powertools.event_handler.exceptions import NotFoundError
from aws_lambda_powertools.event_handler.middlewares import NextMiddleware
from aws_lambda_powertools.event_handler.openapi.exceptions import RequestValidationError
from aws_lambda_powertools.utilities.data_classes.common import BaseProxyEvent
from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import BaseModel

from segmentation.access import permissions
from segmentation.api import admission, caching, idempotency, json_body, negotiation, routing, unknown_routes
from segmentation.api.powertools import PowertoolsApi
from segmentation.contract.problems import (
    MAX_ANSWER_BYTES,
    AnswerTooLarge,
    BodyNotJson,
    InternalError,
    Problem,
    RequestInvalid,
    RouteUnknown,
)
from segmentation.contract.responses import JSON, Accepted, FreshJson, OperationPage
from segmentation.database import connection, errors, readers, transactions
from segmentation.runtime import log
from segmentation.runtime.log import logger

Answer = TypeVar("Answer", bound=BaseModel)
Result = TypeVar("Result")
Handler = TypeVar("Handler", bound=Callable[..., Any])

NOT_STORED = "no-store"
"""The Cache-Control of an answer that has none. Without it, a CDN applies its default, and serves stale answers."""

CHALLENGE = {"WWW-Authenticate": "Bearer"}
"""A 401 must carry this header (RFC 9110, section 15.5.2)."""


class Api(PowertoolsApi):
    """Serve one function's routes by the contract: authorized callers, validated input, problem documents, a log line.

    The authorizer alone identifies the caller. A route that is not public answers 401 without its answer.
    """

    def __init__(self) -> None:
        super().__init__(parse_body=self._parse_body, write=written)
        self._content_type = ""
        self.use([_run])
        self.exception_handler(Problem)(self._answer_problem)
        self.exception_handler(RequestValidationError)(self._answer_invalid)
        self.exception_handler(UnicodeDecodeError)(self._answer_not_unicode)
        self.exception_handler(NotFoundError)(self._answer_unknown_route)
        self.exception_handler(psycopg.Error)(self._answer_database_error)
        self.exception_handler(Exception)(self._answer_failure)

    def resolve(self, event: Mapping[str, Any], context: LambdaContext) -> dict[str, Any]:
        """Answer an event of an HTTP API (payload format 2.0). This is the Lambda entry point."""
        event = routing.routed(event)
        invocation = log.begin_request(event, context)
        status = 500
        try:
            answer = self._resolve_as_json(event, context)
            status = answer["statusCode"]
        finally:
            asked = event["requestContext"]
            invocation.end_request(asked.get("routeKey", "$default"), status, permissions.subject(asked))
        answer["headers"]["x-request-id"] = event["requestContext"]["requestId"]
        answer["headers"].setdefault("Cache-Control", NOT_STORED)
        return answer

    def _resolve_as_json(self, event: Mapping[str, Any], context: LambdaContext) -> dict[str, Any]:
        """Answer as if the body were declared as JSON. json_body.parse gives the reason."""
        headers: dict[str, str] = event.get("headers") or {}
        self._content_type = headers.get("content-type", "")
        answer = super().resolve({**event, "headers": {**headers, "content-type": "application/json"}}, context)
        if answer["headers"].get("Content-Type") == "application/json":
            answer["headers"]["Content-Type"] = JSON
        return _without_body(answer) if event["requestContext"]["http"]["method"] == "HEAD" else answer

    def refusal(self) -> Response[str] | None:
        """Return the answer to a caller without the permission for the route, or to an ambiguous path, or None."""
        try:
            admission.admit(self.current_event["requestContext"])
            _check_path(self.current_event["rawPath"])
        except Problem as problem:
            return self._answer_problem(problem)
        except psycopg.Error as error:
            return self._answer_database_error(error)
        return None

    def check_request(self, route: Route) -> None:
        """Reject what Powertools would ignore or change: unknown parameters, unread bodies, broken base64."""
        _check_parameters(self.current_event, {parameter.alias for parameter in route.dependant.query_params})
        body = self.current_event.body or ""
        if not route.dependant.body_params:
            _check_unread_body(self.current_event.http_method, body)
        elif body:
            json_body.check_encoding(self.current_event.headers.get("content-encoding", ""))
            if self.current_event.is_base64_encoded:
                _check_base64(body)

    @property
    def actor(self) -> str:
        """Return the subject of the caller. The history names it as the actor."""
        return self.caller.subject

    @property
    def caller(self) -> permissions.Caller:
        """Return the caller that the authorizer identified."""
        return permissions.caller(self.current_event["requestContext"])

    def run(self, handler: Callable[[], Result]) -> Result:
        """Run the handler without a key, and retry it if Postgres aborted its transaction.

        What it reads may come from a reader, unless the client must see the latest write.
        """
        headers = self.current_event.raw_event.get("headers") or {}
        fresh = "no-cache" in headers.get("cache-control", "").lower()
        return readers.run(partial(transactions.retry_aborted, handler), fresh=fresh)

    def answer(self, result: Answer, status: int = 200) -> Response[Answer]:
        """Return a result with a status, or with 202 if a job completes the work."""
        return Response(202 if isinstance(result, Accepted) else status, content_types.APPLICATION_JSON, result)

    def fresh(self, found: FreshJson, if_none_match: str) -> Response[str]:
        """Return an answer that its caller may keep, or 304 if the caller has it already."""
        if found.max_age is None:
            return Response(200, JSON, sendable(found.body))
        return caching.answer(sendable(found.body), found.max_age, if_none_match)

    def page(self, rule: str, **options: Any) -> Callable[[Handler], Handler]:
        """Register a function for GET, and for HEAD, which the API document leaves out."""

        def register(function: Handler) -> Handler:
            self.head(rule, include_in_schema=False)(function)
            self.get(rule, **options)(function)
            return function

        return register

    def document(self, text: str, content_type: str, headers: dict[str, str] | None = None) -> Response[str]:
        """Return a text, compressed if the client accepts that."""
        compress = negotiation.accepts_gzip(self.current_event.headers.get("accept-encoding", ""))
        return Response(200, content_type, text, {"Vary": "Accept-Encoding", **(headers or {})}, compress=compress)

    def json_or_csv(self, accept: str, page: OperationPage, as_csv: Callable[[OperationPage], str]) -> Response[Any]:
        """Return a page in the media type that the client prefers. As CSV, the Link header leads to the next page."""
        headers = {"Vary": "Accept"}
        if not negotiation.prefers_csv(accept):
            return Response(200, content_types.APPLICATION_JSON, page.model_dump(mode="json"), headers)
        if page.next_cursor:
            query = {**self.current_event.query_string_parameters, "cursor": page.next_cursor}
            path = self.current_event["requestContext"]["http"]["path"]  # as the client wrote it
            headers["Link"] = f'<{path}?{urlencode(query)}>; rel="next"'
        return Response(200, "text/csv; charset=utf-8", as_csv(page), headers)

    def _parse_body(self, text: str) -> dict[str, Any]:
        return json_body.parse(text, self._content_type)

    def _answer_problem(self, problem: Problem) -> Response[str]:
        body = problem.body()
        if problem.status >= 500:
            body["request_id"] = self.current_event["requestContext"]["requestId"]
        headers = {"Retry-After": str(problem.retry_after)} if problem.retry_after else {}
        if problem.status == 401:
            headers |= CHALLENGE
        return Response(problem.status, "application/problem+json", json.dumps(body), headers)

    def _answer_invalid(self, error: RequestValidationError) -> Response[str]:
        found = [(_location(each["loc"]), _message(each["msg"])) for each in error.errors()]
        slugs = [slug for each in error.errors() for slug in each.get("ctx", {}).get("slugs", ())]
        return self._answer_problem(RequestInvalid(*found, slugs=slugs))

    def _answer_not_unicode(self, error: UnicodeDecodeError) -> Response[str]:
        return self._answer_problem(json_body.not_utf_8(error.object, self._content_type))

    def _answer_unknown_route(self, error: NotFoundError) -> Response[Any]:
        event = self.current_event.raw_event
        if unknown_routes.is_preflight(event):
            return Response(204)
        if address := unknown_routes.without_final_slash(event):
            return Response(308, headers={"Location": address})
        return self._answer_problem(RouteUnknown())

    def _answer_database_error(self, error: psycopg.Error) -> Response[str]:
        problem = errors.problem_of(error)
        if isinstance(error, psycopg.errors.ReadOnlySqlTransaction):
            connection.close()  # after a failover this server is a replica, and the address leads to another server
        if problem is None:
            return self._answer_failure(error)
        if problem.status >= 500:
            logger.warning("database unavailable", error=type(error).__name__, sqlstate=error.sqlstate)
        return self._answer_problem(problem)

    def _answer_failure(self, error: Exception) -> Response[str]:
        logger.exception("request failed")
        return self._answer_problem(InternalError())


def _check_path(path: str) -> None:
    if path == routing.DISAGREES:
        raise RequestInvalid(("path", "must not contain an encoded question mark or number sign"))


def _check_parameters(event: BaseProxyEvent, known: set[str]) -> None:
    given = parse_qs(event["rawQueryString"], keep_blank_values=True)
    unknown = [(name, "is not a parameter of this route") for name in given if name not in known]
    repeated = [(name, "must be given only once") for name, values in given.items() if len(values) > 1]
    if wrong := unknown or repeated:
        raise RequestInvalid(*((f"query.{name}", rule) for name, rule in wrong))


def _check_unread_body(method: str, body: str) -> None:
    """Reject a body on routes that ignore bodies: silently dropping `{"erase": true}` would leave personal data behind.

    A body with GET or HEAD has no meaning in HTTP, and is ignored.
    """
    if method not in {"GET", "HEAD"} and body.lstrip(json_body.BYTE_ORDER_MARK).strip() not in {"", "{}"}:
        raise RequestInvalid(("body", "must be empty: this route reads the path and the query alone"))


def _check_base64(text: str) -> None:
    try:
        base64.b64decode(text, validate=True)
    except ValueError:
        raise BodyNotJson("The request body is not valid JSON: it is not valid base64.") from None


def _run(app: Api, next_middleware: NextMiddleware) -> Response[Any]:
    """Run the handler, and retry it if Postgres aborted its transaction. Under a key, replay a stored answer."""
    request = _keyed_request(app)
    if request is None:
        return app.run(lambda: next_middleware(app))
    run = partial(_run_keyed, app, next_middleware)
    answer, is_replay = transactions.retry_aborted(partial(_once, app, request, run))
    headers = answer.headers | ({"Idempotent-Replayed": "true"} if is_replay else {})
    return Response(answer.status, body=answer.body, headers=headers)


def _keyed_request(app: Api) -> idempotency.Request | None:
    event = app.current_event
    key = event["headers"].get(idempotency.HEADER.lower())
    if key is None or event["requestContext"]["routeKey"] not in idempotency.STORED or not app.find_route():
        return None
    return idempotency.request(
        key,
        scope=(app.actor, event.http_method, event.path),
        content=(event["rawQueryString"], app.validated_body()),
    )


def _once(
    app: Api, request: idempotency.Request, run: Callable[[], idempotency.Answer]
) -> tuple[idempotency.Answer, bool]:
    if app.current_event["requestContext"]["routeKey"] in idempotency.ONE_STATEMENT:
        return idempotency.once_in_one_statement(request, run)
    return idempotency.once(connection.get_connection(), request, run)


def _run_keyed(app: Api, next_middleware: NextMiddleware) -> idempotency.Answer:
    try:
        response = next_middleware(app)
    except Problem as problem:
        if not problem.keeps_writes:
            raise
        response = app._answer_problem(problem)
    body: Any = response.body
    text = body if isinstance(body, str) else app.serialize(body)
    return idempotency.Answer(response.status_code, response.headers, text)


def written(answer: BaseModel) -> str:
    """Return an answer as JSON. Raises AnswerTooLarge."""
    return sendable(answer.model_dump_json())


def sendable(text: str) -> str:
    """Return a text. Raises AnswerTooLarge for a text that Lambda would turn into a 500."""
    # Lambda embeds the text as a JSON string: a quotation mark takes two bytes there, and no character more than four
    if len(text) > MAX_ANSWER_BYTES // 4 and len(json.dumps(text, ensure_ascii=False).encode()) > MAX_ANSWER_BYTES:
        raise AnswerTooLarge.of_users()
    return text


def _without_body(answer: dict[str, Any]) -> dict[str, Any]:
    """Return the answer to a HEAD request: the headers of the GET, its Content-Length too (RFC 9110, section 9.3.2)."""
    body = answer["body"] or ""
    sent = base64.b64decode(body) if answer["isBase64Encoded"] else body.encode()
    headers = answer["headers"] | {"Content-Length": str(len(sent))}
    return answer | {"headers": headers, "body": "", "isBase64Encoded": False}


def _location(path: tuple[str | int, ...]) -> str:
    return ".".join(str(part) for part in path)


def _message(message: str) -> str:
    """Remove the name of Python's exception that pydantic puts before our own rules."""
    return message.removeprefix("Value error, ")
