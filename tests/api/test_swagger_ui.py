"""The page at /docs in a real browser. Every request to another host is a failure."""

import json
from pathlib import Path

from playwright.sync_api import expect

from local.settings import ROOT
from tests.api.swagger_page import answer_of, execute, open_operation

SCREENSHOT = ROOT / ".local" / "swagger-ui.png"


def test_the_page_lists_every_operation(page):
    paths = json.loads((ROOT / "docs" / "openapi.json").read_text())["paths"]

    listed = page.locator(".opblock").count()

    assert listed == sum(len(item) for item in paths.values())


def test_the_page_asks_no_other_host_and_keeps_its_content_security_policy(page):
    open_operation(page, "create_segment")

    assert page.violations == []


def test_an_operation_can_be_executed_from_the_page(page):
    block = open_operation(page, "check_health")

    execute(block)

    expect(block.locator(".live-responses-table td.response-col_status:not(.col_header)").first).to_contain_text("200")
    expect(answer_of(block)).to_contain_text('"status": "ok"')
    block.scroll_into_view_if_needed()
    page.screenshot(path=SCREENSHOT)


def test_a_write_can_be_executed_with_what_the_page_fills_in(page):
    block = open_operation(page, "create_user")

    execute(block)

    expect(answer_of(block)).to_contain_text('"user_id": ')


def test_a_write_is_sent_without_an_idempotency_key_by_default(page, base_url):
    block = open_operation(page, "create_user")

    with page.expect_request(f"{base_url}/user") as asked:
        execute(block)

    assert "idempotency-key" not in asked.value.headers


def test_the_screenshot_of_the_documentation_exists_and_is_small():
    assert 10_000 < Path(ROOT / "docs" / "swagger-ui.png").stat().st_size < 200_000
