"""The page at /docs in a real browser. Every request to another host is a failure."""

import json
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from local.settings import ROOT

expect.set_options(timeout=30_000)  # milliseconds; a busy machine is slow
SCREENSHOT = ROOT / ".local" / "swagger-ui.png"


@pytest.fixture
def page(browser, base_url):
    """The page. `page.violations` has its requests to other hosts and the errors of its console."""
    opened: Page = browser.new_page(viewport={"width": 1200, "height": 900})
    opened.violations = []
    opened.on("console", lambda said: opened.violations.append(said.text) if said.type == "error" else None)
    opened.on("pageerror", lambda error: opened.violations.append(str(error)))
    opened.on("request", lambda asked: asked.url.startswith((base_url, "data:")) or opened.violations.append(asked.url))
    opened.goto(f"{base_url}/docs")
    expect(opened.locator(".opblock").first).to_be_visible()
    yield opened
    opened.close()


def open_operation(page, name):
    block = page.locator(f"[id$='-{name}']").first
    block.locator(".opblock-summary-control").click()
    return block


def test_the_page_lists_every_operation(page):
    paths = json.loads((ROOT / "docs" / "openapi.json").read_text())["paths"]

    listed = page.locator(".opblock").count()

    assert listed == sum(len(item) for item in paths.values())


def test_the_page_asks_no_other_host_and_keeps_its_content_security_policy(page):
    open_operation(page, "create_segment")

    assert page.violations == []


def test_an_operation_can_be_executed_from_the_page(page):
    block = open_operation(page, "check_health")

    block.get_by_role("button", name="Execute").click()

    expect(block.locator(".live-responses-table td.response-col_status:not(.col_header)").first).to_contain_text("200")
    expect(block.locator(".live-responses-table .highlight-code").first).to_contain_text('"status": "ok"')
    block.scroll_into_view_if_needed()
    page.screenshot(path=SCREENSHOT)


def test_a_write_can_be_executed_with_the_example_that_the_page_shows(page):
    block = open_operation(page, "create_user")

    block.get_by_role("button", name="Execute").click()

    expect(block.locator(".live-responses-table .highlight-code").first).to_contain_text('"user_id": 1000')


def test_a_write_is_sent_without_an_idempotency_key_by_default(page, base_url):
    block = open_operation(page, "create_user")

    with page.expect_request(f"{base_url}/user") as asked:
        block.get_by_role("button", name="Execute").click()

    assert "idempotency-key" not in asked.value.headers


def test_a_token_can_be_given_and_is_sent(page, base_url):
    page.locator(".btn.authorize").first.click()
    page.locator(".auth-container input").fill("a-token")
    page.locator(".auth-btn-wrapper .authorize").click()
    page.locator(".btn-done").click()
    block = open_operation(page, "list_users")

    with page.expect_request(f"{base_url}/user**") as asked:
        block.get_by_role("button", name="Execute").click()

    assert asked.value.headers["authorization"] == "Bearer a-token"


def test_the_screenshot_of_the_documentation_exists_and_is_small():
    assert 10_000 < Path(ROOT / "docs" / "swagger-ui.png").stat().st_size < 200_000
