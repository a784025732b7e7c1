"""HTTP in front of the domain: the only module that knows API Gateway's events."""

import base64
import json
import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, TypeVar
from urllib.parse import parse_qs, urlencode

import psycopg
from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response, content_types
from aws_lambda_powertools.event_handler.api_gateway import ResponseBuilder, Route
from aws_lambda_powertools.event_handler.exceptions import NotFoundError
from aws_lambda_powertools.event_handler.middlewares import NextMiddleware
from aws_lambda_powertools.event_handler.middlewares.openapi_validation import (
    OpenAPIRequestValidationMiddleware,
    OpenAPIResponseValidationMiddleware,
)
from aws_lambda_powertools.event_handler.openapi.exceptions import RequestValidationError
from aws_lambda_powertools.utilities.data_classes.common import BaseProxyEvent
from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import BaseModel

from segmentation.access import permissions
from segmentation.api import idempotency, json_body
from segmentation.contract.problems import (
    AnswerTooLarge,
    BodyNotJson,
    InternalError,
    Problem,
    RequestInvalid,
    RouteUnknown,
)
from segmentation.contract.responses import OperationPage
from segmentation.database import connection, errors, transactions
from segmentation.runtime import log
from segmentation.runtime.log import logger

Answer = TypeVar("Answer", bound=BaseModel)

JSON = "application/json; charset=utf-8"
CHALLENGE = {"WWW-Authenticate": "Bearer"}
"""What a 401 has to carry (RFC 9110, section 15.5.2)."""
MAX_ANSWER_BYTES = 6_000_000
"""What Lambda takes from a function, 6 MiB, with room for the headers."""


class Api(APIGatewayHttpResolver):
    """Serve one function's routes as the contract says: admitted callers, validated input, problem documents, a log.

    Who calls is what the authorizer says, and nothing else in the request: without its word a route that is not
    public answers 401.
    """

    def __init__(self) -> None:
        super().__init__(
            enable_validation=True,
            debug=False,
            json_body_deserializer=self._parse_body,
            response_validation_error_http_code=500,
        )
        self._content_type = ""
        self._request_validation_middleware = _StrictValidation()  # type: ignore[no-untyped-call] # theirs has no types
        self._response_validation_middleware = _WriteOnce(has_response_validation_error=True)
        self.use([_settle])
        self.exception_handler(Problem)(self._answer_problem)
        self.exception_handler(RequestValidationError)(self._answer_invalid)
        self.exception_handler(UnicodeDecodeError)(self._answer_not_unicode)
        self.exception_handler(NotFoundError)(self._answer_unknown_route)
        self.exception_handler(psycopg.Error)(self._answer_database_error)
        self.exception_handler(Exception)(self._answer_failure)

    def resolve(self, event: Mapping[str, Any], context: LambdaContext) -> dict[str, Any]:
        """Answer an event of an HTTP API (payload format 2.0); this is the Lambda entry point."""
        invocation = log.begin_request(event, context)
        status = 500
        try:
            answer = self._resolve_as_json(event, context)
            status = answer["statusCode"]
        finally:
            invocation.end_request(event["requestContext"].get("routeKey", "$default"), status)
        answer["headers"]["x-request-id"] = event["requestContext"]["requestId"]
        return answer

    def _resolve_as_json(self, event: Mapping[str, Any], context: LambdaContext) -> dict[str, Any]:
        """Answer as if the body were declared to be JSON, whatever it is: bodies.parse says why."""
        headers: dict[str, str] = event.get("headers") or {}
        self._content_type = headers.get("content-type", "")
        answer = super().resolve({**event, "headers": {**headers, "content-type": "application/json"}}, context)
        if answer["headers"].get("Content-Type") == "application/json":
            answer["headers"]["Content-Type"] = JSON
        return answer

    def _resolve(self) -> ResponseBuilder[Any]:
        """Refuse a caller before anything of the request is read."""
        try:
            permissions.admit(self.current_event["requestContext"])
        except Problem as problem:
            return ResponseBuilder(self._answer_problem(problem))
        return super()._resolve()

    @staticmethod
    def _compile_regex(rule: str, base_regex: str = r"^{}\Z") -> re.Pattern[str]:
        """Match the whole path: Powertools' own "$" lets a line feed follow."""
        pattern: re.Pattern[str] = APIGatewayHttpResolver._compile_regex(rule, base_regex)
        return pattern

    @property
    def actor(self) -> str:
        """Return who makes this request, for the history."""
        return permissions.caller(self.current_event["requestContext"]).subject

    def answer(self, result: Answer, status: int = 200) -> Response[Answer]:
        """Answer what is done with a status, and with 202 what a job is to finish."""
        return Response(202 if hasattr(result, "job_id") else status, content_types.APPLICATION_JSON, result)

    def json_or_csv(self, accept: str, page: OperationPage, as_csv: Callable[[OperationPage], str]) -> Response[Any]:
        """Answer a page as the client's Accept header prefers; as CSV, the next page stands in the Link header."""
        if not _prefers_csv(accept):
            return Response(200, content_types.APPLICATION_JSON, page.model_dump(mode="json"))
        headers = {}
        if page.next_cursor:
            query = {**self.current_event.query_string_parameters, "cursor": page.next_cursor}
            headers["Link"] = f'<{self.current_event.path}?{urlencode(query)}>; rel="next"'
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

    def _answer_unknown_route(self, error: NotFoundError) -> Response[str]:
        return self._answer_problem(RouteUnknown())

    def _answer_database_error(self, error: psycopg.Error) -> Response[str]:
        problem = errors.problem_of(error)
        if isinstance(error, psycopg.errors.ReadOnlySqlTransaction):
            connection.close()  # the server has become a replica: the address leads to another one by now
        if problem is None:
            return self._answer_failure(error)
        if problem.status >= 500:
            logger.warning("database unavailable", error=type(error).__name__, sqlstate=error.sqlstate)
        return self._answer_problem(problem)

    def _answer_failure(self, error: Exception) -> Response[str]:
        logger.exception("request failed")
        return self._answer_problem(InternalError())


class _StrictValidation(OpenAPIRequestValidationMiddleware):
    """Refuse what Powertools would ignore, or would hand on as something else than was sent."""

    def handler(self, app: Api, next_middleware: NextMiddleware) -> Response[Any]:  # type: ignore[override] # ours
        route = app.context["_route"]
        if _is_known(app):  # else that is what is wrong with this request
            _refuse_parameters(app.current_event, {parameter.alias for parameter in route.dependant.query_params})
            body = app.current_event.body or ""
            if not route.dependant.body_params:
                _refuse_wishes(app.current_event.http_method, body)
            elif app.current_event.is_base64_encoded:
                _refuse_broken_base64(body)
        return super().handler(app, next_middleware)


def _refuse_parameters(event: BaseProxyEvent, known: set[str]) -> None:
    given = parse_qs(event["rawQueryString"], keep_blank_values=True)
    unknown = [(name, "is not a parameter of this route") for name in given if name not in known]
    repeated = [(name, "must be given only once") for name, values in given.items() if len(values) > 1]
    if wrong := unknown or repeated:
        raise RequestInvalid(*((f"query.{name}", rule) for name, rule in wrong))


def _refuse_wishes(method: str, body: str) -> None:
    """Refuse a body where none is read, except with a GET: nothing that it asks for, as an erasure, is left undone."""
    if method != "GET" and body.strip() not in {"", "{}"}:
        raise RequestInvalid(("body", "must be empty: this route reads the path and the query alone"))


def _refuse_broken_base64(text: str) -> None:
    try:
        base64.b64decode(text, validate=True)
    except ValueError:
        raise BodyNotJson("The request body is not valid JSON: it is not valid base64.") from None


def _is_known(app: Api) -> bool:
    """Tell a route from what Powertools makes up for a request that none matches."""
    return app.context["_route"] in (*app._static_routes, *app._dynamic_routes)


def _settle(app: Api, next_middleware: NextMiddleware) -> Response[Any]:
    request = _keyed_request(app)
    if request is None:
        return transactions.retry_aborted(lambda: next_middleware(app))
    carry_out = partial(_carry_out, app, next_middleware)
    answer, is_kept = transactions.retry_aborted(
        lambda: idempotency.once(connection.get_connection(), request, carry_out)
    )
    headers = answer.headers | ({"Idempotent-Replayed": "true"} if is_kept else {})
    return Response(answer.status, body=answer.body, headers=headers)


def _keyed_request(app: Api) -> idempotency.Request | None:
    event = app.current_event
    key = event["headers"].get(idempotency.HEADER.lower())
    if key is None or not idempotency.applies_to(event.http_method, event.path) or not _is_known(app):
        return None
    return idempotency.request(
        key,
        belongs_to=(app.actor, event.http_method, event.path),
        says=(event["rawQueryString"], event.json_body),
    )


def _carry_out(app: Api, next_middleware: NextMiddleware) -> idempotency.Answer:
    response = next_middleware(app)
    body: Any = response.body
    text = body if isinstance(body, str) else app._serializer(body)
    return idempotency.Answer(response.status_code, response.headers, text)


class _WriteOnce(OpenAPIResponseValidationMiddleware):
    """Let a model write itself: it was validated when it was made, and need not be again."""

    def _handle_response(self, *, route: Route, response: Response[Any]) -> Response[Any]:
        if isinstance(response.body, BaseModel):
            response.body = written(response.body)
            return response
        validated: Response[Any] = super()._handle_response(route=route, response=response)
        return validated


def written(answer: BaseModel) -> str:
    """Return an answer as JSON; raises AnswerTooLarge for what Lambda would not take, which then answers 500."""
    text = answer.model_dump_json()
    # Lambda takes it as a string in JSON: a quotation mark is two bytes there, and no character is more than four
    if len(text) > MAX_ANSWER_BYTES // 4 and len(json.dumps(text, ensure_ascii=False).encode()) > MAX_ANSWER_BYTES:
        raise AnswerTooLarge(
            f"An answer has at most {MAX_ANSWER_BYTES} bytes: ask for fewer users at once, or for a segment's users."
        )
    return text


def _prefers_csv(accept: str) -> bool:
    """Read the weights of RFC 9110, section 12.5.1; JSON where both are as welcome."""
    weights = {}
    for media_range in accept.lower().split(","):
        name, *parameters = (part.strip() for part in media_range.split(";"))
        quality = next((text[2:] for text in parameters if text.startswith("q=")), "1")
        weights[name] = float(quality) if re.fullmatch(r"[01](\.[0-9]{0,3})?", quality) else 0.0
    anything = weights.get("*/*", 0.0)
    csv = weights.get("text/csv", weights.get("text/*", anything))
    return csv > weights.get("application/json", weights.get("application/*", anything))


def _location(path: tuple[str | int, ...]) -> str:
    return ".".join(str(part) for part in path)


def _message(message: str) -> str:
    """Leave out the name of Python's exception that pydantic puts before a rule of ours."""
    return message.removeprefix("Value error, ")
