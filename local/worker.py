"""An execution environment without AWS's runtime client. It answers the same HTTP request as AWS's emulator.

It is a script. It starts in the function's folder, with the handler's name and the port as arguments.
"""

import functools
import importlib
import json
import os
import sys
import time
import traceback
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

Handler = Callable[[Any, "Context"], Any]


@dataclass(frozen=True)
class Context:
    """The context that Lambda passes to a handler."""

    function_name: str = os.environ.get("AWS_LAMBDA_FUNCTION_NAME", "")
    function_version: str = "$LATEST"
    memory_limit_in_mb: str = os.environ.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "")
    log_group_name: str = os.environ.get("AWS_LAMBDA_LOG_GROUP_NAME", "")
    log_stream_name: str = os.environ.get("AWS_LAMBDA_LOG_STREAM_NAME", "")
    aws_request_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    identity: None = None
    client_context: None = None
    started_at: float = field(default_factory=time.monotonic)

    @property
    def invoked_function_arn(self) -> str:
        """Return the function's ARN."""
        return f"arn:aws:lambda:{os.environ['AWS_REGION']}:012345678912:function:{self.function_name}"

    def get_remaining_time_in_millis(self) -> int:
        """Return the time that the handler has left."""
        timeout = float(os.environ["AWS_LAMBDA_FUNCTION_TIMEOUT"])
        return max(0, int(1000 * (timeout - (time.monotonic() - self.started_at))))


class Invocations(BaseHTTPRequestHandler):
    """Handles invocations, one after another."""

    def do_POST(self) -> None:
        """Run the handler on the event of the body."""
        event = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        payload = json.dumps(answer(event)).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(payload)))
        self.end_headers()
        self.wfile.write(payload)

    def log_message(self, *_: object) -> None:
        """Write nothing: the log belongs to the handler."""


def answer(event: object) -> object:
    """Return the handler's answer, or its exception in Lambda's form."""
    context = Context()
    try:
        return load(sys.argv[1])(event, context)
    except Exception as error:  # every exception of a handler is an answer
        traceback.print_exc()
        return {
            "errorMessage": str(error),
            "errorType": type(error).__name__,
            "requestId": context.aws_request_id,
            "stackTrace": traceback.format_tb(error.__traceback__),
        }


@functools.cache
def load(name: str) -> Handler:
    """Import the handler at the first event, so that a failure becomes the answer to that event."""
    module, _, attribute = name.rpartition(".")
    handler: Handler = getattr(importlib.import_module(module), attribute)
    return handler


if __name__ == "__main__":
    sys.path[0] = os.getcwd()  # the function's folder, not this script's
    HTTPServer(("127.0.0.1", int(sys.argv[2])), Invocations).serve_forever()
