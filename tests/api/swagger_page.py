"""What a person does on the page at /docs."""

from playwright.sync_api import Locator, Page, expect


def open_operation(page: Page, name: str) -> Locator:
    block = page.locator(f"[id$='-{name}']").first
    block.locator(".opblock-summary-control").click()
    expect(block.get_by_role("button", name="Execute")).to_be_visible()
    return block


def close_operation(block: Locator) -> None:
    block.locator(".opblock-summary-control").click()


def execute(block: Locator) -> None:
    block.get_by_role("button", name="Execute").click()


def fill_body(block: Locator, body: str) -> None:
    block.locator("textarea.body-param__text").fill(body)


def fill_parameter(block: Locator, name: str, value: object) -> None:
    block.locator(f"tr[data-param-name={name}] input").fill(str(value))


def answer_of(block: Locator) -> Locator:
    """The body of the service's answer."""
    return block.locator(".live-responses-table .highlight-code code").first


def message_of(block: Locator) -> Locator:
    """The code of the service's answer and its text, or why there is no answer."""
    return block.locator(".live-responses-table tbody tr").first


def authorize(page: Page, token: str) -> None:
    page.locator(".btn.authorize").first.click()
    page.locator(".auth-container input").fill(token)
    page.locator(".auth-btn-wrapper .authorize").click()
    page.locator(".btn-done").click()
