"""Invoking a function at the Lambda endpoint."""

import http.client
import json
from typing import Any

from local import ports


class InvocationFailed(Exception):
    """The function failed, or the Lambda endpoint could not be reached."""


def invoke(lambda_port: int, function: str, event: dict[str, Any]) -> Any:
    """Return the function's answer; raises InvocationFailed."""
    connection = http.client.HTTPConnection(ports.HOST, lambda_port)
    try:
        connection.request("POST", f"/2015-03-31/functions/{function}/invocations", json.dumps(event))
        response = connection.getresponse()
        text = response.read().decode()
    except (OSError, http.client.HTTPException) as error:
        raise InvocationFailed(f"{function} could not be reached: {error}") from error
    finally:
        connection.close()
    if response.status != http.HTTPStatus.OK or response.getheader("X-Amz-Function-Error"):
        raise InvocationFailed(f"{function} failed: {reason(text)}")
    return json.loads(text)


def reason(text: str) -> str:
    """Return the message of a function error, or the whole text if it has none."""
    try:
        return str(json.loads(text)["errorMessage"])
    except (ValueError, KeyError, TypeError):
        return text
