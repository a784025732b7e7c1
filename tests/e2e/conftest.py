"""The whole service, started as `make run` starts it, with new data. Tests send real HTTP requests."""

import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from local import ports, postgres
from local.settings import ROOT
from segmentation.runtime import settings
from tests.e2e.waiting import eventually
from tests.emptying import empty

START_SECONDS = 120  # the first start on a machine compiles its imports


@dataclass(frozen=True)
class LocalRun:
    """A local run in a process of its own."""

    process: subprocess.Popen[str]
    port: int
    state: Path

    @property
    def output(self) -> str:
        return (self.state / "output").read_text()

    @property
    def lambda_url(self) -> str:
        return f"http://{ports.HOST}:{self.port + 1}"

    @cached_property
    def owner_url(self) -> str:
        gateway = json.loads((self.state / "gateway.json").read_text())
        return str(gateway["function_variables"]["ApplyMigrations"]["DATABASE_OWNER_URL"])

    def wait_until_ready(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while "Ready after" not in self.output:
            assert self.process.poll() is None, self.output
            assert time.monotonic() < deadline, self.output
            time.sleep(0.05)

    def stop(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise


def free_ports() -> int:
    """Return the first of four consecutive free ports."""
    candidates = (random.randrange(20000, 30000) for _ in range(100))  # noqa: S311 - not for security
    return next(first for first in candidates if all(is_free(first + offset) for offset in range(4)))


def is_free(port: int) -> bool:
    return not ports.taken(port) and ports.reserved(port)


def launch(state: Path, port: int, *options: str, environment: Mapping[str, str] | None = None) -> LocalRun:
    command = [sys.executable, "-m", "local", "--port", str(port), "--state", str(state), *options]
    if settings.database_is_pooled():
        command.append("--pooler")
    with (state / "output").open("w") as output:
        process = subprocess.Popen(  # noqa: S603 - our own
            command,
            cwd=ROOT,
            env={**os.environ, **(environment or {})},
            stdout=output,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
    return LocalRun(process, port, state)


@contextmanager
def running(state: Path, *options: str) -> Iterator[LocalRun]:
    run = launch(state, free_ports(), *options)
    try:
        run.wait_until_ready()
        yield run
    finally:
        run.stop()


@pytest.fixture(scope="session")
def local_run() -> Iterator[LocalRun]:
    with postgres.throw_away_directory() as state, running(state, "--minute", "2") as run:
        yield run


@pytest.fixture
def state() -> Iterator[Path]:
    """A folder for a run that one test starts."""
    with postgres.throw_away_directory() as directory:
        yield directory


@pytest.fixture
def start(state: Path) -> Iterator[Callable[..., LocalRun]]:
    """Starts runs, and stops them before their folder is removed."""
    started: list[LocalRun] = []

    def start_one(state: Path, port: int | None = None, *options: str, **environment: str) -> LocalRun:
        started.append(launch(state, port or free_ports(), *options, environment=environment))
        return started[-1]

    yield start_one
    for run in started:
        run.stop()


@pytest.fixture(scope="session")
def base_url(local_run: LocalRun) -> str:
    return f"http://localhost:{local_run.port}"


@pytest.fixture(scope="session")
def client(base_url: str) -> Iterator[httpx.Client]:
    limits = httpx.Limits(max_connections=100)
    with httpx.Client(base_url=base_url, timeout=60, limits=limits, trust_env=False) as opened:
        yield opened


@pytest.fixture
def owner(local_run: LocalRun) -> Iterator[psycopg.Connection]:
    """A connection of the schema's owner to an emptied database."""
    with psycopg.connect(local_run.owner_url, autocommit=True, prepare_threshold=None) as connection:
        empty(connection, keep=("accounts",))
        connection.execute("delete from accounts where username <> 'admin'")
        yield connection


@pytest.fixture
def segment(client: httpx.Client, owner: psycopg.Connection) -> Callable[[str], str]:
    def create(slug: str) -> str:
        client.post("/segment", json={"slug": slug}).raise_for_status()
        return slug

    return create


@pytest.fixture
def change(client: httpx.Client) -> Callable[..., httpx.Response]:
    def post(user_id: int, **members: object) -> httpx.Response:
        return client.post("/segment/user", json={"user_id": user_id, **members})

    return post


@pytest.fixture
def slugs_of(client: httpx.Client) -> Callable[[int], list[str]]:
    def get(user_id: int) -> list[str]:
        return [segment["slug"] for segment in client.get(f"/segment/user/{user_id}").json()["segments"]]

    return get


@dataclass(frozen=True)
class Download:
    """The file that curl has saved, with the headers of the last response."""

    status: int
    headers: dict[str, str]
    body: bytes


@pytest.fixture
def download(tmp_path: Path) -> Callable[[str], Download]:
    """Downloads with curl, so that a link must contain all that it needs."""

    def run_curl(url: str) -> Download:
        saved = tmp_path / "saved"
        headers = ["--write-out", '{"status": %{http_code}, "headers": %{header_json}}']
        command = ["curl", "--silent", "--show-error", "--location", *headers, "--output", saved, url]
        done = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603 - our own links
        answer = json.loads(done.stdout)
        joined = {name: values[-1] for name, values in answer["headers"].items()}
        return Download(answer["status"], joined, saved.read_bytes())

    return run_curl


@pytest.fixture
def this_month() -> dict[str, int]:
    now = datetime.now(UTC)
    return {"year": now.year, "month": now.month}


@pytest.fixture
def show(client: httpx.Client) -> Callable[[str], dict[str, Any]]:
    return lambda job_id: client.get(f"/job/{job_id}").json()


@pytest.fixture
def finished(show: Callable[[str], dict[str, Any]]) -> Callable[[str], dict[str, Any]]:
    """Waits for the end of a job, and returns the job."""

    def wait(job_id: str) -> dict[str, Any]:
        eventually(lambda: show(job_id)["status"] in {"succeeded", "failed"})
        return show(job_id)

    return wait
