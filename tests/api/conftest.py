"""A local run of the service, and the tools from npm."""

import os
import subprocess
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from local.settings import INSTALLED, ROOT
from tests.e2e.conftest import base_url as base_url
from tests.e2e.conftest import local_run as local_run

NODE = INSTALLED / "node"
UNPACKED = NODE / "browser"
expect.set_options(timeout=30_000)  # milliseconds; a busy machine is slow


@pytest.fixture(scope="session")
def run_tool() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run a program of an npm package in the folder of the project."""
    path = os.pathsep.join([str(INSTALLED / "api" / "bin"), os.environ["PATH"]])

    def run(program: str, *arguments: object) -> subprocess.CompletedProcess[str]:
        return subprocess.run(  # noqa: S603 -- pinned tools
            [NODE / "node_modules" / ".bin" / program, *map(str, arguments)],
            cwd=ROOT,
            env={**os.environ, "PATH": path},
            capture_output=True,
            text=True,
            check=False,
        )

    return run


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium from npm. On a system without a build of it: the installed Chrome."""
    unpacked = UNPACKED / "chromium"
    which = {"executable_path": unpacked, "env": libraries()} if unpacked.exists() else {"channel": "chrome"}
    with sync_playwright() as playwright:
        yield playwright.chromium.launch(args=["--no-sandbox"], **which)


@pytest.fixture
def page(browser: Browser, base_url: str) -> Iterator[Page]:
    """The page at /docs. `page.violations` has its requests to other hosts and the errors of its console."""
    opened: Any = browser.new_page(viewport={"width": 1200, "height": 900})
    opened.violations = []
    opened.on("console", lambda said: opened.violations.append(said.text) if said.type == "error" else None)
    opened.on("pageerror", lambda error: opened.violations.append(str(error)))
    opened.on("request", lambda asked: asked.url.startswith((base_url, "data:")) or opened.violations.append(asked.url))
    opened.goto(f"{base_url}/docs")
    expect(opened.locator(".opblock").first).to_be_visible()
    yield opened
    opened.close()


def libraries() -> dict[str, str]:
    """The environment in which Chromium finds the libraries that a bare machine does not have."""
    return {
        **os.environ,
        "LD_LIBRARY_PATH": str(UNPACKED / "al2023" / "lib"),
        "FONTCONFIG_FILE": str(NODE / "fonts.conf"),
    }
