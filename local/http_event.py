"""Events as AWS's HTTP API makes them (payload format 2.0). SAM CLI's differ in headers, bodies, times and more."""

import base64
import time
import uuid
from typing import Any

from werkzeug.wrappers import Request

TEXT_TYPES = {"application/json", "application/javascript", "application/xml"}
DEFAULT_ROUTE = "$default"
ACCOUNT = "123456789012"
API = "local"

Event = dict[str, Any]


def from_request(request: Request, route_key: str, path_parameters: dict[str, str]) -> Event:
    """Make the event of a request. As on AWS, a member without a value is absent."""
    body, encoded = encode(request)
    event = {
        "version": "2.0",
        "routeKey": route_key,
        "rawPath": request.path,
        "rawQueryString": request.query_string.decode(errors="replace"),
        "cookies": [f"{name}={value}" for name, value in request.cookies.items(multi=True)],
        "headers": headers(request),
        "queryStringParameters": {name: ",".join(values) for name, values in request.args.lists()},
        "requestContext": context(request, route_key),
        "pathParameters": path_parameters,
        "body": body,
    }
    required = {"rawQueryString", "headers"}
    return {name: value for name, value in event.items() if value or name in required} | {"isBase64Encoded": encoded}


def encode(request: Request) -> tuple[str, bool]:
    """Return the body and whether it is in base64. Only a valid text of a text type is not."""
    body = request.get_data()
    if is_text(request):
        try:
            return body.decode(), False
        except UnicodeDecodeError:
            pass
    return base64.b64encode(body).decode(), bool(body)


def is_text(request: Request) -> bool:
    """Return whether API Gateway passes the body on as text."""
    if "Content-Encoding" in request.headers:
        return False
    return request.mimetype.startswith("text/") or request.mimetype in TEXT_TYPES


def headers(request: Request) -> dict[str, str]:
    """Return the headers in lower case, without cookies, with the headers that API Gateway adds."""
    sent = {name.lower(): value for name, value in request.headers.items()}
    sent.pop("cookie", None)
    added = {
        "x-forwarded-for": request.remote_addr or "",
        "x-forwarded-port": request.environ["SERVER_PORT"],
        "x-forwarded-proto": request.scheme,
        "x-amzn-trace-id": f"Root=1-{int(time.time()):08x}-{uuid.uuid4().hex[:24]}",
    }
    return added | sent


def context(request: Request, route_key: str) -> Event:
    """Return the request context of the event."""
    now = time.time()
    return {
        "accountId": ACCOUNT,
        "apiId": API,
        "domainName": request.host,
        "domainPrefix": API,
        "http": {
            "method": request.method,
            "path": request.path,
            "protocol": request.environ.get("SERVER_PROTOCOL", "HTTP/1.1"),
            "sourceIp": request.remote_addr or "",
            "userAgent": request.user_agent.string,
        },
        "requestId": str(uuid.uuid4()),
        "routeKey": route_key,
        "stage": DEFAULT_ROUTE,
        "time": time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime(now)),
        "timeEpoch": int(now * 1000),
    }
