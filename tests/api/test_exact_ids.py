"""The page at /docs shows and sends the digits of an id that JavaScript rounds."""

import httpx
import pytest
from playwright.sync_api import expect

from tests.api.swagger_page import answer_of, execute, fill_body, fill_parameter, open_operation

ROUNDED = 2**53 + 1
"""JavaScript reads this number as the one before it."""
IDS = [ROUNDED, 2**63 - 1]


@pytest.mark.parametrize("user_id", IDS)
def test_an_answer_shows_every_digit_of_an_id(page, base_url, user_id):
    httpx.post(f"{base_url}/segment", json={"slug": "EXACT"})
    httpx.post(f"{base_url}/segment/user", json={"user_id": user_id, "add_segments": ["EXACT"]})
    block = open_operation(page, "list_segment_users")
    fill_parameter(block, "slug", "EXACT")

    execute(block)

    expect(answer_of(block)).to_contain_text(f'"user_id": {user_id}')


@pytest.mark.parametrize("user_id", IDS)
def test_a_body_is_sent_with_every_digit_of_an_id(page, base_url, user_id):
    block = open_operation(page, "create_user")
    fill_body(block, f'{{"user_id": {user_id}}}')

    with page.expect_request(f"{base_url}/user") as asked:
        execute(block)

    assert asked.value.post_data == f'{{"user_id": {user_id}}}'
    expect(answer_of(block)).to_contain_text(f'"user_id": {user_id}')
    expect(block.locator(".curl-command")).to_contain_text(str(user_id))


@pytest.mark.parametrize("user_id", IDS)
def test_a_path_is_sent_with_every_digit_of_an_id(page, base_url, user_id):
    block = open_operation(page, "list_memberships")
    fill_parameter(block, "user_id", user_id)

    with page.expect_request(f"{base_url}/segment/user/*") as asked:
        execute(block)

    assert asked.value.url == f"{base_url}/segment/user/{user_id}"


def test_a_browser_that_cannot_keep_the_digits_shows_the_answer_as_it_came(page):
    page.add_init_script("delete JSON.rawJSON")
    page.reload()
    block = open_operation(page, "create_user")
    fill_body(block, f'{{"user_id": {ROUNDED}}}')

    execute(block)

    expect(answer_of(block)).to_have_text(f'{{"user_id":{ROUNDED}}}')


def test_the_page_shows_no_limit_with_wrong_digits(page):
    block = open_operation(page, "create_user")

    block.locator(".opblock-section-request-body").get_by_role("tab", name="Schema").click()
    block.get_by_role("button", name="Expand all").first.click()

    expect(block).not_to_contain_text("9223372036854776000")
