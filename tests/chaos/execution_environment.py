"""Execution environments with the runtime of AWS, which can be frozen, and which enforce a function's timeout."""

import json
import os
import platform
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from local.runtime import Answer, Function, Launcher, Runtime
from local.settings import INSTALLED, ROOT
from tests.e2e.process_tree import descendants
from tests.e2e.waiting import eventually

ARCHITECTURES = {"aarch64": "arm64", "x86_64": "x86_64"}
SECONDS = 8
"""The default timeout of a function: long enough for its start on a busy machine."""


class Environment:
    """The execution environment of one function."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    def invoke(self, event: dict[str, Any]) -> Answer:
        return self._runtime.invoke(json.dumps(event).encode())

    def invoke_route(self, event: dict[str, Any]) -> dict[str, Any]:
        """Invoke a route's function, and return its response."""
        answer: dict[str, Any] = json.loads(self.invoke(event).payload)
        return answer

    def kill(self) -> None:
        """Kill the function's process, as the kernel does when memory runs out."""
        for process in self._processes():
            with suppress(ProcessLookupError):  # it ended together with another one
                os.kill(process, signal.SIGKILL)

    @contextmanager
    def frozen(self) -> Iterator[None]:
        for process in self._processes():
            os.kill(process, signal.SIGSTOP)
        yield
        for process in self._processes():
            os.kill(process, signal.SIGCONT)

    def _processes(self) -> list[int]:
        return descendants(self._runtime.child.supervisor.pid)


class Environments:
    """The execution environments that a test starts."""

    def __init__(self, logs: Path, variables: dict[str, str]) -> None:
        name = f"aws-lambda-rie-{ARCHITECTURES[platform.machine()]}"
        [emulator] = INSTALLED.glob(f"sam/lib/*/site-packages/samcli/local/rapid/{name}")
        self.launcher = Launcher(Path(sys.executable), emulator, logs)
        self.variables = variables
        self.started: list[Runtime] = []

    def start(self, name: str, harmless: dict[str, Any], *, seconds: int = SECONDS) -> Environment:
        """Start an environment, and initialise it with an event that changes nothing."""
        function = Function(
            name=name,
            runtime="python3.13",
            handler="app.handler",
            directory=ROOT / "functions" / name,
            layers=(ROOT / "layers" / "segmentation",),
            variables=self.variables,
            memory=1024,
            timeout=seconds,
            concurrency=1,
        )
        self.started.append(self.launcher.launch(function))
        environment = Environment(self.started[-1])
        eventually(lambda: not environment.invoke(harmless).failed)
        return environment

    def stop(self) -> None:
        for runtime in self.started:
            runtime.stop()
