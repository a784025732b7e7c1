"""The execution environments of each function. A new one starts when all others are busy; idle ones are reused."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from local import sources
from local.runtime import Answer, Function, Launcher, Runtime


class Throttled(Exception):
    """All environments of the function stayed busy."""


@dataclass
class FunctionEnvironments:
    """The environments of one function."""

    slots: threading.BoundedSemaphore
    idle: list[Runtime] = field(default_factory=list)


class Pool:
    """All execution environments. Unlike Lambda, an invocation waits for a free one when the limit is reached."""

    def __init__(self, launcher: Launcher, wait_seconds: float) -> None:
        self.launcher = launcher
        self.wait_seconds = wait_seconds
        self.functions: dict[str, FunctionEnvironments] = {}
        self.lock = threading.Lock()
        self.started: list[Runtime] = []
        self.stopped = False

    def invoke(self, function: Function, event: bytes) -> Answer:
        """Invoke the function in a free environment; raises Throttled."""
        with self.slots(function) as environments:
            runtime, cold = self.environment(environments, function)
            answer = runtime.invoke(event)
            if runtime.running():
                environments.idle.append(runtime)
            return replace(answer, cold=cold)

    @contextmanager
    def slots(self, function: Function) -> Iterator[FunctionEnvironments]:
        """Occupy one of the function's environments during the block; raises Throttled."""
        with self.lock:
            environments = self.functions.setdefault(
                function.name, FunctionEnvironments(threading.BoundedSemaphore(function.concurrency))
            )
        if not environments.slots.acquire(timeout=self.wait_seconds):
            raise Throttled(function.name)
        try:
            yield environments
        finally:
            environments.slots.release()

    def environment(self, environments: FunctionEnvironments, function: Function) -> tuple[Runtime, bool]:
        """Return the most recently used environment with the current code, or a new one, and whether it is new."""
        changed_at = sources.changed_at(function.directory, *function.layers)
        while environments.idle:
            try:
                runtime = environments.idle.pop()
            except IndexError:
                break  # another thread has taken it
            if runtime.running() and runtime.started_at > changed_at:
                return runtime, False
            runtime.stop()
        return self.launch(function), True

    def launch(self, function: Function) -> Runtime:
        """Start an environment, and register it for `stop`."""
        runtime = self.launcher.launch(function)
        with self.lock:
            self.started = [known for known in self.started if known.running()] + [runtime]
        if self.stopped:
            runtime.stop()
        return runtime

    def stop(self) -> None:
        """Stop all environments, and return when they have ended."""
        with self.lock:
            self.stopped = True
            started = list(self.started)
        for runtime in started:
            runtime.child.ask_to_stop()
        for runtime in started:
            runtime.stop()
