"""A few execution environments a function: started when all others are busy, kept for the next event."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from local import sources
from local.runtime import Answer, Function, Launcher, Runtime


class Throttled(Exception):
    """All environments of the function stayed busy for as long as a request waits here."""


@dataclass
class FunctionEnvironments:
    """The environments of one function."""

    slots: threading.BoundedSemaphore
    idle: list[Runtime] = field(default_factory=list)


class Pool:
    """All execution environments; who finds none free waits for a while, where Lambda waits for nobody."""

    def __init__(self, launcher: Launcher, wait_seconds: float) -> None:
        self.launcher = launcher
        self.wait_seconds = wait_seconds
        self.functions: dict[str, FunctionEnvironments] = {}
        self.lock = threading.Lock()
        self.started: list[Runtime] = []
        self.stopped = False

    def invoke(self, function: Function, event: bytes) -> Answer:
        """Run the function on the event, after waiting for a free environment where the limit is reached."""
        with self.slots(function) as environments:
            runtime, cold = self.environment(environments, function)
            answer = runtime.invoke(event)
            if runtime.running():
                environments.idle.append(runtime)
            return replace(answer, cold=cold)

    @contextmanager
    def slots(self, function: Function) -> Iterator[FunctionEnvironments]:
        """Hold one of the function's places."""
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
        """Return the most recently used environment that runs today's code, or a new one."""
        changed_at = sources.changed_at(function.directory, *function.layers)
        while environments.idle:
            try:
                runtime = environments.idle.pop()
            except IndexError:
                break  # another thread was quicker
            if runtime.running() and runtime.started_at > changed_at:
                return runtime, False
            runtime.stop()
        return self.launch(function), True

    def launch(self, function: Function) -> Runtime:
        """Start an environment that `stop` will know about."""
        runtime = self.launcher.launch(function)
        with self.lock:
            self.started = [known for known in self.started if known.running()] + [runtime]
        if self.stopped:
            runtime.stop()
        return runtime

    def stop(self) -> None:
        """End all environments, and return when they are gone."""
        with self.lock:
            self.stopped = True
            started = list(self.started)
        for runtime in started:
            runtime.child.ask_to_stop()
        for runtime in started:
            runtime.stop()
