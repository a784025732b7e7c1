"""Lambda authorizers, asked as AWS's HTTP API asks them: payload format 2.0, simple responses, answers kept a while."""

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
OPEN = {"subject": "local", "role": "admin", "expires_at": 2**53}
"""Who everybody is where no authorizer is asked."""


class Refused(Exception):
    """API Gateway answers with this status, and the route's function is not invoked."""

    def __init__(self, status: HTTPStatus) -> None:
        super().__init__(status.phrase)
        self.status = status


@dataclass
class Authorizer:
    """One authorizer of the API: what it is asked about, and how long its answer counts for the same again."""

    function: str
    headers: list[str]
    seconds: int
    invoke: Callable[[str, bytes], Answer]
    kept: dict[tuple[str, ...], tuple[float, dict[str, Any]]] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def context(self, event: Event) -> dict[str, Any]:
        """Return what the route's function is told about the caller; raises Refused."""
        identity = tuple(event["headers"].get(name.lower(), "") for name in self.headers)
        if not all(identity):
            raise Refused(HTTPStatus.UNAUTHORIZED)
        answer = self.recall(identity) or self.ask(event, identity)
        if answer.get("isAuthorized") is not True:
            raise Refused(HTTPStatus.FORBIDDEN)
        found: dict[str, Any] = answer.get("context", {})
        return found

    def recall(self, identity: tuple[str, ...]) -> dict[str, Any] | None:
        """Return the answer kept for this identity, if there is a fresh one."""
        with self.lock:
            until, answer = self.kept.get(identity, (0.0, {}))
        return answer if until > time.monotonic() else None

    def ask(self, event: Event, identity: tuple[str, ...]) -> dict[str, Any]:
        """Invoke the function, and keep its answer; a failure is not kept."""
        answer = self.invoke(self.function, json.dumps(request(event, identity)).encode())
        if answer.failed:
            unauthorized = json.loads(answer.payload)["errorMessage"] == HTTPStatus.UNAUTHORIZED.phrase
            raise Refused(HTTPStatus.UNAUTHORIZED if unauthorized else HTTPStatus.INTERNAL_SERVER_ERROR)
        verdict: dict[str, Any] = json.loads(answer.payload)
        now = time.monotonic()
        with self.lock:
            self.kept = {key: kept for key, kept in self.kept.items() if kept[0] > now}
            self.kept[identity] = (now + self.seconds, verdict)
        return verdict


def request(event: Event, identity: tuple[str, ...]) -> Event:
    """Return what an authorizer is told: the request, without its body."""
    context = event["requestContext"]
    told = {name: value for name, value in event.items() if name not in {"body", "isBase64Encoded"}}
    path = f"{context['http']['method']}{context['http']['path']}"
    return told | {"type": "REQUEST", "routeArn": ROUTE + path, "identitySource": list(identity)}
