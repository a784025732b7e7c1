"""The local run for the load, and the page of its results."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg
import pytest

from local import passwords, postgres
from local.database import LOGIN
from local.settings import ROOT
from tests.e2e.conftest import LocalRun, running
from tests.load import page as pages
from tests.load import population
from tests.load.scale import IS_WHOLE

LOOK_SECONDS = 0.05
CONNECTIONS = "select count(*) from pg_stat_activity where usename = %s"
ABOUT = pytest.StashKey[dict[str, pages.Section]]()
END_SESSIONS = "select pg_terminate_backend(pid, 5000) from pg_stat_activity where usename = %s"


@contextmanager
def filled_run(people: int, *options: str) -> Iterator[LocalRun]:
    """Run the service with some users. A minute of its schedules takes five seconds."""
    with postgres.throw_away_directory() as state, running(state, "--minute", "5", *options) as run:
        population.fill(run.owner_url, people)
        yield run


def gateway_log(run: LocalRun) -> str:
    """Return the log of the gateway, which explains responses that are not from functions."""
    return (run.state / "log" / "gateway.log").read_text()


@pytest.fixture(scope="module")
def owner(run: LocalRun) -> Iterator[psycopg.Connection]:
    with psycopg.connect(run.owner_url, autocommit=True) as connection:
        yield connection


@contextmanager
def counting_connections(run: LocalRun) -> Iterator[list[int]]:
    """Count the connections of the service repeatedly while the block runs."""
    counts: list[int] = []
    over = threading.Event()

    def count() -> None:
        with psycopg.connect(run.owner_url, autocommit=True) as connection:
            while not over.wait(LOOK_SECONDS):
                counts.extend(number for (number,) in connection.execute(CONNECTIONS, (LOGIN,)))

    thread = threading.Thread(target=count)
    thread.start()
    try:
        yield counts
    finally:
        over.set()
        thread.join()


@contextmanager
def few_connections(run: LocalRun, limit: int) -> Iterator[None]:
    """End the connections of the service, and limit their number while the block runs."""
    superuser = passwords.load(run.state / "data" / "passwords.json").superuser
    with psycopg.connect(run.owner_url, user="postgres", password=superuser, autocommit=True) as connection:
        connection.execute(f"alter role {LOGIN} connection limit {limit}")
        connection.execute(END_SESSIONS, (LOGIN,))
        try:
            yield
        finally:
            connection.execute(f"alter role {LOGIN} connection limit -1")


@pytest.fixture(scope="session")
def report(pytestconfig: pytest.Config) -> Callable[[str, pages.Section], None]:
    """A function that records the results of a scenario."""
    return pytestconfig.stash.setdefault(ABOUT, {}).__setitem__


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, exitstatus: pytest.ExitCode, config: pytest.Config
) -> None:
    """Print the results if no test failed. A whole run writes docs/load.md."""
    about = config.stash.get(ABOUT, {})
    if exitstatus == pytest.ExitCode.OK and len(about) == pages.SCENARIOS:
        text = pages.write(about)
        terminalreporter.write(f"\n{text}")
        if IS_WHOLE:
            (ROOT / "docs" / "load.md").write_text(text, "utf-8")
