"""Lambda execution environments: processes that run one function, one event at a time.

On Linux, each is AWS's own runtime emulator with AWS's own runtime client. On other systems that client does not
exist, and `local/worker.py` answers the same HTTP request.
"""

import http.client
import json
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from local import ports, processes
from local.processes import Child

INVOKE = "/2015-03-31/functions/function/invocations"
ATTEMPTS = 3
REGION = "us-east-1"


class StartFailed(Exception):
    """An execution environment could not be started."""


@dataclass(frozen=True)
class Function:
    """The properties of a function in the template."""

    name: str
    runtime: str
    handler: str
    directory: Path
    layers: tuple[Path, ...]
    variables: Mapping[str, str]
    memory: int
    timeout: int
    concurrency: int

    def environment(self) -> dict[str, str]:
        """Return the variables that Lambda sets, and the template's, which take precedence."""
        return {
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "LANG": "C.UTF-8",
            "TZ": ":UTC",
            "LAMBDA_TASK_ROOT": str(self.directory),
            "PYTHONPATH": os.pathsep.join(str(layer) for layer in self.layers),
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            # the template's Python, not the local one: AWS's client measures and writes answers as that version does
            "AWS_EXECUTION_ENV": f"AWS_Lambda_{self.runtime}",
            "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
            "AWS_LAMBDA_FUNCTION_NAME": self.name,
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(self.memory),
            "AWS_LAMBDA_FUNCTION_TIMEOUT": str(self.timeout),
            "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{self.name}",
            "AWS_LAMBDA_LOG_STREAM_NAME": "local",
            # the functions must not read the developer's AWS configuration
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
            **self.variables,
        }


@dataclass(frozen=True)
class Answer:
    """The result of an invocation. `failed` means a function error, in Lambda's terms."""

    payload: bytes
    failed: bool
    cold: bool = False


@dataclass(frozen=True)
class Launcher:
    """Starts execution environments, with the emulator, or without it as a worker."""

    interpreter: Path
    emulator: Path | None
    logs: Path

    def command(self, function: Function, port: int) -> list[str | Path]:
        """Return the command that serves the function on the port."""
        if self.emulator is None:
            return [self.interpreter, Path(__file__).with_name("worker.py"), function.handler, str(port)]
        return [
            *(self.emulator, "--log-level", "warn"),
            *("--runtime-interface-emulator-address", f"{ports.HOST}:{port}"),
            *("--runtime-api-address", f"{ports.HOST}:{ports.free()}"),
            *(self.interpreter, "-m", "awslambdaric", function.handler),
        ]

    def launch(self, function: Function) -> "Runtime":
        """Start an execution environment. Try other ports if another program has taken them."""
        for _ in range(ATTEMPTS):
            try:
                return self.start(function)
            except processes.ChildFailed as failure:
                reason = failure
        raise StartFailed(str(reason))

    def start(self, function: Function) -> "Runtime":
        """Start an execution environment, and wait until it accepts events."""
        port = ports.free()
        child = processes.start(
            function.name,
            self.command(function, port),
            log=self.logs / f"{function.name}.log",
            environment=function.environment(),
            directory=function.directory,
            grace_seconds=1,
        )
        processes.wait_until_listening(child, port)
        # The emulator itself stops a handler that takes too long. A worker cannot, so the request has the time limit.
        return Runtime(child, port, function.timeout + (1 if self.emulator else 0), time.time_ns())


@dataclass(frozen=True)
class Runtime:
    """One execution environment. It handles one event at a time."""

    child: Child
    port: int
    seconds: float
    started_at: int

    def invoke(self, event: bytes) -> Answer:
        """Send the event, and return the result. Stop the environment if it does not answer."""
        connection = http.client.HTTPConnection(ports.HOST, self.port, timeout=self.seconds)
        try:
            connection.request("POST", INVOKE, event)
            response = connection.getresponse()
            return parse_answer(response.status, response.read())
        except TimeoutError:
            self.stop()
            return failure("Sandbox.Timedout", f"Task timed out after {self.seconds:.2f} seconds")
        except (OSError, http.client.HTTPException):
            self.stop()
            return failure("Runtime.ExitError", "Runtime exited without an answer")
        finally:
            connection.close()

    def running(self) -> bool:
        """Return whether the environment can handle another event."""
        return self.child.running()

    def stop(self) -> None:
        """Stop the environment, and return when it has ended."""
        self.child.stop()


def parse_answer(status: int, payload: bytes) -> Answer:
    """Return the result. The emulator gives a function error the status of a success, so its members identify it."""
    if payload.startswith(b"Task timed out"):
        return failure("Sandbox.Timedout", payload.decode())
    if status == http.HTTPStatus.OK and b'"errorType"' not in payload:
        return Answer(payload, failed=False)
    error = json.loads(payload)
    if status == http.HTTPStatus.OK and not (isinstance(error, dict) and {"errorMessage", "requestId"} <= error.keys()):
        return Answer(payload, failed=False)
    error.pop("requestId", None)  # with it, SAM CLI does not recognise the error
    return Answer(json.dumps(error).encode(), failed=True)


def failure(kind: str, message: str) -> Answer:
    """Return an error in Lambda's form."""
    return Answer(json.dumps({"errorType": kind, "errorMessage": message}).encode(), failed=True)
