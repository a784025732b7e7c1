"""Lambda authorizers, invoked as AWS's HTTP API does: payload format 2.0, simple responses, cached answers."""

import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from local.http_event import Event
from local.runtime import Answer

ROUTE = "arn:aws:execute-api:us-east-1:123456789012:local/$default/"
LOCAL_ADMIN = {"subject": "local", "role": "admin", "expires_at": 2**53}
"""The caller of every request without a valid token when access is open."""


class Refused(Exception):
    """API Gateway answers with this status. The route's function is not invoked."""

    def __init__(self, status: HTTPStatus) -> None:
        super().__init__(status.phrase)
        self.status = status


@dataclass
class Authorizer:
    """One authorizer of the API: its function, its identity sources, and how long its answers are cached."""

    function: str
    headers: list[str]
    seconds: int
    invoke: Callable[[str, bytes], Answer]
    cache: dict[tuple[str, ...], tuple[float, dict[str, Any]]] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def context(self, event: Event) -> dict[str, Any]:
        """Return the context about the caller for the route's function; raises Refused."""
        identity = tuple(event["headers"].get(name.lower(), "") for name in self.headers)
        if not all(identity):
            raise Refused(HTTPStatus.UNAUTHORIZED)
        answer = self.cached(identity) or self.ask(event, identity)
        if answer.get("isAuthorized") is not True:
            raise Refused(HTTPStatus.FORBIDDEN)
        found: dict[str, Any] = answer.get("context", {})
        return found

    def cached(self, identity: tuple[str, ...]) -> dict[str, Any] | None:
        """Return the cached answer for this identity, unless there is none or it has expired."""
        with self.lock:
            until, answer = self.cache.get(identity, (0.0, {}))
        return answer if until > time.monotonic() else None

    def ask(self, event: Event, identity: tuple[str, ...]) -> dict[str, Any]:
        """Invoke the function, and cache its answer. A failure is not cached."""
        answer = self.invoke(self.function, json.dumps(request(event, identity)).encode())
        if answer.failed:
            unauthorized = json.loads(answer.payload)["errorMessage"] == HTTPStatus.UNAUTHORIZED.phrase
            raise Refused(HTTPStatus.UNAUTHORIZED if unauthorized else HTTPStatus.INTERNAL_SERVER_ERROR)
        verdict: dict[str, Any] = json.loads(answer.payload)
        now = time.monotonic()
        with self.lock:
            self.cache = {key: entry for key, entry in self.cache.items() if entry[0] > now}
            self.cache[identity] = (now + self.seconds, verdict)
        return verdict


def request(event: Event, identity: tuple[str, ...]) -> Event:
    """Return the event for an authorizer: the request without its body."""
    context = event["requestContext"]
    without_body = {name: value for name, value in event.items() if name not in {"body", "isBase64Encoded"}}
    path = f"{context['http']['method']}{context['http']['path']}"
    return without_body | {"type": "REQUEST", "routeArn": ROUTE + path, "identitySource": list(identity)}
