"""The page at /docs fills in, folds, keeps and asks what keeps a new user from damage."""

import json
import re

import httpx
import pytest
from playwright.sync_api import expect

from local.settings import ROOT
from tests.api.swagger_page import (
    answer_of,
    authorize,
    close_operation,
    execute,
    fill_body,
    fill_parameter,
    message_of,
    open_operation,
)

DOCUMENT = json.loads((ROOT / "docs" / "openapi.json").read_text())
OPERATIONS = {
    operation["operationId"]: operation for methods in DOCUMENT["paths"].values() for operation in methods.values()
}
WITH_BODY = [name for name, operation in OPERATIONS.items() if "requestBody" in operation]
OPTIONAL = {
    name: [each["name"] for each in operation.get("parameters", ()) if "$ref" not in each and not each["required"]]
    for name, operation in OPERATIONS.items()
    if any(not each.get("required", "$ref" in each) for each in operation.get("parameters", ()))
}
DELETIONS = {
    "delete_user": None,
    "delete_segment": '{"slug": "KEPT"}',
    "change_memberships": '{"user_id": 1000, "delete_segments": ["KEPT"]}',
    "update_segment": '{"user_percent": 0}',
}


def required_members(operation):
    schema = operation["requestBody"]["content"]["application/json"]["schema"]
    return {*DOCUMENT["components"]["schemas"][schema["$ref"].rpartition("/")[2]].get("required", ())}


def body_in(block):
    return json.loads(block.locator("textarea.body-param__text").input_value())


def test_only_required_members_of_a_body_are_filled_in(page):
    filled = {}

    for name in WITH_BODY:
        block = open_operation(page, name)
        filled[name] = body_in(block).keys()
        close_operation(block)

    assert filled == {name: required_members(OPERATIONS[name]) for name in WITH_BODY}


def test_no_optional_parameter_is_filled_in(page):
    filled = {}

    for name, optional in OPTIONAL.items():
        block = open_operation(page, name)
        fields = {each: block.locator(f"tr[data-param-name={each}]").locator("input, select") for each in optional}
        filled |= {(name, each): field.input_value() for each, field in fields.items()}
        close_operation(block)

    assert filled
    assert {field: value for field, value in filled.items() if value} == {}


def test_the_example_of_an_optional_parameter_is_in_its_description(page):
    block = open_operation(page, "list_segments")

    expect(block.locator("tr[data-param-name=limit]")).to_contain_text("Example: 50. Default: 100.")


def test_the_example_of_a_body_can_be_selected(page):
    block = open_operation(page, "update_segment")

    block.locator(".examples-select-element").first.select_option("example")

    assert body_in(block) == OPERATIONS["update_segment"]["requestBody"]["content"]["application/json"]["example"]


def test_the_month_of_a_report_is_the_current_one(page):
    page.clock.install(time="2031-12-31T12:00:00Z")
    page.reload()
    of_all, of_one = open_operation(page, "create_report"), open_operation(page, "create_user_report")

    year, month = (of_one.locator(f"tr[data-param-name={name}] input").input_value() for name in ("year", "month"))

    assert body_in(of_all) == {"year": 2031, "month": 12}
    assert (year, month) == ("2031", "12")


def test_the_example_of_an_error_is_shown_on_request(page):
    block = open_operation(page, "get_segment")
    example = block.locator(".response[data-code='404'] .highlight-code")

    expect(block.locator(".response[data-code='200'] .highlight-code")).to_be_visible()
    expect(example).to_have_count(0)
    block.locator(".response[data-code='404'] + tr").get_by_role("button", name="Show example").click()

    expect(example).to_contain_text('"status": 404')


def test_a_slug_has_a_type_that_a_person_understands(page):
    block = open_operation(page, "get_segment")

    expect(block.locator("tr[data-param-name=slug] .parameter__type")).to_have_text("string")


def token_sent(page, base_url):
    with page.expect_request(f"{base_url}/user**") as asked:
        execute(open_operation(page, "list_users"))
    return asked.value.headers.get("authorization")


def test_a_token_can_be_given_and_is_sent(page, base_url):
    authorize(page, "a-token")

    assert token_sent(page, base_url) == "Bearer a-token"


def test_a_token_survives_a_reload_and_ends_with_the_tab(page, base_url):
    authorize(page, "a-token")

    page.reload()

    assert token_sent(page, base_url) == "Bearer a-token"
    assert page.evaluate("localStorage.length") == 0


def test_a_token_is_gone_after_a_logout_and_a_reload(page, base_url):
    authorize(page, "a-token")
    page.locator(".btn.authorize").first.click()
    page.get_by_role("button", name="Remove authorization").click()

    page.reload()

    assert token_sent(page, base_url) is None


def asked_before(page, name, body, *, accept):
    """Execute a deletion, answer the question, and return the question and what the page shows then."""
    questions = []
    page.once(
        "dialog", lambda dialog: (questions.append(dialog.message), dialog.accept() if accept else dialog.dismiss())
    )
    block = open_operation(page, name)
    if body:
        fill_body(block, body)
    execute(block)
    expect(message_of(block)).to_be_visible()
    return questions, message_of(block).inner_text()


@pytest.mark.parametrize("name", DELETIONS)
def test_a_deletion_that_is_not_confirmed_is_not_sent(page, name):
    sent = []
    page.on("request", lambda request: sent.append(request.url))

    [question], shown = asked_before(page, name, DELETIONS[name], accept=False)

    assert sent == []
    assert "Not sent." in shown
    assert (DELETIONS[name] or "/user/1000") in question


@pytest.mark.parametrize("name", DELETIONS)
def test_a_confirmed_deletion_is_sent(page, base_url, name):
    httpx.post(f"{base_url}/segment", json={"slug": "KEPT"})

    [_], shown = asked_before(page, name, DELETIONS[name], accept=True)

    assert re.match(r"\d{3}\b", shown)


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("change_memberships", '{"user_id": 1000, "add_segments": [], "delete_segments": []}'),
        ("update_segment", '{"user_percent": null}'),
        ("create_segment", '{"slug": "KEPT", "user_percent": 0}'),
    ],
)
def test_a_write_that_deletes_nothing_asks_nothing(page, name, body):
    questions, shown = asked_before(page, name, body, accept=False)

    assert (questions, "Not sent" in shown) == ([], False)


def test_every_operation_works_or_says_why_not(page):
    page.on("dialog", lambda dialog: dialog.accept())
    shown = {}

    for name in OPERATIONS:
        block = open_operation(page, name)
        execute(block)
        expect(message_of(block)).to_be_visible()
        shown[name] = message_of(block).inner_text()
        close_operation(block)

    silent = {name for name, text in shown.items() if not re.match(r"[1-5]\d\d\b", text)}
    assert silent == {"open_report"}
    assert "redirects to another host" in shown["open_report"]
    assert {name: text for name, text in shown.items() if re.match("(400|405|415|5..)", text)} == {}


def test_a_deletion_with_a_body_sends_it(page, base_url):
    httpx.post(f"{base_url}/segment", json={"slug": "GONE"})

    _, shown = asked_before(page, "delete_segment", '{"slug": "GONE"}', accept=True)

    assert shown.startswith("200")


def test_a_redirect_to_another_host_shows_the_command_that_follows_it(page):
    block = open_operation(page, "open_report")
    fill_parameter(block, "file_name", "user-1-2026-01-0.csv")

    execute(block)

    expect(message_of(block)).to_contain_text("--location")
    expect(block.locator(".curl-command")).to_contain_text("/segment/reports/user-1-2026-01-0.csv")


def test_a_long_answer_is_shown_completely(page):
    block = open_operation(page, "open_docs")

    execute(block)

    expect(answer_of(block)).to_contain_text(re.compile(r"</html>\s*$"))


def test_a_page_without_its_document_says_so(page):
    page.route("**/openapi.json", lambda route: route.abort())

    page.reload()

    expect(page.locator("#swagger-ui")).to_contain_text("The page cannot show openapi.json.")


def test_trying_out_keeps_the_content_security_policy(page):
    block = open_operation(page, "check_health")

    execute(block)

    expect(answer_of(block)).to_contain_text("ok")
    assert page.violations == []
