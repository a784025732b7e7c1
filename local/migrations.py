"""The database schema of the local run, applied as a deployment does it: by invoking the function."""

import http.client
import json
from typing import Any

from local import ports
from local.processes import ChildFailed

FUNCTION = "ApplyMigrations"
PATH = f"/2015-03-31/functions/{FUNCTION}/invocations"


def apply(lambda_port: int) -> dict[str, Any]:
    """Invoke the function and return what it says; raise what went wrong."""
    connection = http.client.HTTPConnection(ports.HOST, lambda_port)
    try:
        connection.request("POST", PATH, "{}", {"Content-Type": "application/json"})
        response = connection.getresponse()
        text = response.read().decode()
    finally:
        connection.close()
    if response.status != http.HTTPStatus.OK or response.getheader("X-Amz-Function-Error"):
        raise ChildFailed(f"{FUNCTION} failed: {text}")
    answer: dict[str, Any] = json.loads(text)
    return answer
