"""The console in a real browser, against a local run with the data of tests/console/world.py."""

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from local import ports, postgres
from local.settings import INSTALLED, ROOT
from tests.api.conftest import browser as browser
from tests.console import world
from tests.e2e.conftest import LocalRun, running
from tests.e2e.conftest import base_url as base_url
from tests.e2e.conftest import client as client
from tests.e2e.conftest import local_run as local_run
from tests.e2e.waiting import eventually

ZONE = "Europe/Moscow"
DESKTOP = {"width": 1200, "height": 800}
PHONE = {"width": 390, "height": 844}
BUILT = ROOT / "functions" / "open_console" / "console.html"
AXE = INSTALLED / "node" / "node_modules" / "axe-core" / "axe.min.js"
SCREENSHOTS = Path(os.environ.get("CONSOLE_SCREENSHOTS") or ROOT / ".local" / "console-screenshots")
PASSWORD = "correct horse battery staple"  # noqa: S105 -- of these tests
TALLEST = 1800
"""The height of a page from which a picture shows only what is in sight."""

NETWORK = "Failed to load resource"
"""What the browser says of an answer above 399, which the page shows itself."""


@pytest.fixture(scope="session")
def filled(local_run: LocalRun, client: httpx.Client) -> Iterator[psycopg.Connection]:
    """The world of these tests, with counted sizes. Return a connection of the owner."""
    with psycopg.connect(local_run.owner_url, autocommit=True, prepare_threshold=None) as owner:
        world.build(owner, client)
        eventually(lambda: is_counted(client), seconds=120)
        yield owner


def is_counted(client: httpx.Client) -> bool:
    days = client.get("/segment/AVITO_SAFE_DEAL/size").json()["days"]
    return len(days) > 28 and days[-1]["members"] == client.get("/segment/AVITO_SAFE_DEAL").json()["members"]


@pytest.fixture(scope="session")
def with_access() -> Iterator[LocalRun]:
    """A local run that asks for tokens, with an account for each role."""
    with postgres.throw_away_directory() as state, running(state, "--auth") as run:
        admin = json.loads((state / "gateway.json").read_text())["function_variables"]["ApplyMigrations"]["FIRST_ADMIN"]
        with httpx.Client(base_url=f"http://localhost:{run.port}", timeout=60, trust_env=False) as client:
            token = client.post("/auth/sign-in", json=json.loads(admin)).json()["token"]
            client.headers["Authorization"] = f"Bearer {token}"
            for role in ("reader", "editor", "admin"):
                account = {"username": f"{role}-of-tests", "password": PASSWORD, "role": role}
                client.post("/auth/sign-up", json=account).raise_for_status()
            client.post("/segment", json={"slug": "AVITO_DISCOUNT_30", "owner": "growth team"}).raise_for_status()
        yield run


@pytest.fixture
def open_page(browser: Browser) -> Iterator[Callable[..., Page]]:
    """Open the console of an address. At the end, no page has broken its policy or left its origin."""
    contexts: list[BrowserContext] = []
    violations: list[str] = []

    def opened(address: str, **options: Any) -> Page:
        chosen = {"viewport": DESKTOP, "timezone_id": ZONE, "locale": "en-GB", "color_scheme": "light"} | options
        contexts.append(context := browser.new_context(**chosen))
        page = context.new_page()
        watch(page, address, violations)
        page.goto(f"{address}/console")
        return page

    yield opened
    for context in contexts:
        context.close()
    assert violations == []


def watch(page: Page, address: str, violations: list[str]) -> None:
    """Collect the errors of the page, and its requests to other origins than its own and that of the storage."""
    storage = f"http://{ports.HOST}:{int(address.rpartition(':')[2]) + 2}/reports-bucket/imports/"
    own = (address, storage, storage.replace("/imports/", "/reports/"), "data:", "blob:")
    page.on("pageerror", lambda error: violations.append(str(error)))
    page.on("request", lambda asked: asked.url.startswith(own) or violations.append(asked.url))
    page.on(
        "console",
        lambda said: violations.append(said.text) if said.type == "error" and NETWORK not in said.text else None,
    )


@pytest.fixture
def page(open_page: Callable[..., Page], base_url: str, filled: psycopg.Connection) -> Page:
    return open_page(base_url)


@pytest.fixture
def picture() -> Callable[[Page, str], None]:
    """Keep a picture of the page for the documentation."""

    def take(page: Page, name: str) -> None:
        settled(page)
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        is_short = page.evaluate("document.documentElement.scrollHeight") < TALLEST
        page.screenshot(path=SCREENSHOTS / f"{name}.png", full_page=is_short, animations="disabled")

    return take


@pytest.fixture
def check_accessibility() -> Callable[[Page], None]:
    """Let axe look for violations on the page as it is."""
    source = AXE.read_text("utf-8")

    def check(page: Page) -> None:
        settled(page)
        page.evaluate(source)
        found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")["violations"]
        assert [(each["id"], [node["html"][:200] for node in each["nodes"]]) for each in found] == []

    return check


def visit(page: Page, path: str, heading: str) -> None:
    """Go to a screen by its address."""
    page.evaluate("path => { location.hash = path }", f"#{path}")
    expect(page.get_by_role("heading", level=1)).to_have_text(heading)
    settled(page)


def settled(page: Page) -> None:
    """Wait until nothing on the screen is loading."""
    expect(page.locator("[aria-busy=true]")).to_have_count(0)
    page.wait_for_load_state("networkidle")
