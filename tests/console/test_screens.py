"""Every screen: accessible in both color schemes and on a phone, and usable by keyboard."""

import gzip

import pytest
from playwright.sync_api import expect

from tests.console.conftest import BUILT, DESKTOP, PHONE, visit

SCREENS = {
    "/segments": "Segments",
    "/segments/new": "New segment",
    "/segments/AVITO_NEW_SEARCH": "AVITO_NEW_SEARCH",
    "/segments/AVITO_SAFE_DEAL/members": "AVITO_SAFE_DEAL",
    "/segments/AVITO_NEW_SEARCH/schedule": "AVITO_NEW_SEARCH",
    "/segments/AVITO_NEW_SEARCH/log": "AVITO_NEW_SEARCH",
    "/segments/AVITO_SAFE_DEAL/import": "AVITO_SAFE_DEAL",
    "/segments/AVITO_SAFE_DEAL/settings": "AVITO_SAFE_DEAL",
    "/users": "Users",
    "/users/7": "User 7",
    "/users/7/history": "User 7",
    "/users/7/data": "User 7",
    "/jobs": "Reports and jobs",
    "/nowhere": "Not found",
}
PICTURES = {
    "/segments": "segments",
    "/segments/AVITO_NEW_SEARCH": "segment",
    "/segments/AVITO_SAFE_DEAL/members": "members",
}
MOST_BYTES = 200_000


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_no_screen_has_a_violation_of_accessibility(
    open_page, base_url, filled, check_accessibility, picture, viewport, scheme
):
    page = open_page(base_url, viewport=viewport, color_scheme=scheme)

    for path, heading in SCREENS.items():
        visit(page, path, heading)
        check_accessibility(page)
        if viewport == DESKTOP and scheme == "light" and path in PICTURES:
            picture(page, PICTURES[path])
    if (viewport, scheme) == (PHONE, "dark"):
        visit(page, "/segments/AVITO_NEW_SEARCH", "AVITO_NEW_SEARCH")
        picture(page, "phone")


@pytest.mark.parametrize("path", SCREENS)
def test_no_screen_is_wider_than_a_phone(open_page, base_url, filled, path):
    page = open_page(base_url, viewport=PHONE)

    visit(page, path, SCREENS[path])

    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


def test_the_page_opens_in_a_browser_with_the_locale_of_posix(browser, base_url, filled):
    page = browser.new_page()
    page.add_init_script("Object.defineProperty(Navigator.prototype, 'language', {get: () => 'en-US@posix'})")

    page.goto(f"{base_url}/console#/segments/AVITO_NEW_SEARCH")

    expect(page.get_by_role("heading", level=1)).to_have_text("AVITO_NEW_SEARCH")
    expect(page.locator(".chart canvas").first).to_be_visible()
    page.close()


def test_an_error_is_shown_beside_its_field(page, check_accessibility):
    visit(page, "/segments/new", "New segment")

    page.get_by_label("Slug").fill("a b")
    page.get_by_label("Percent of users").fill("120")
    page.get_by_role("button", name="Create the segment").click()

    slug = page.get_by_label("Slug")
    expect(slug).to_have_attribute("aria-invalid", "true")
    expect(page.locator(f"[id='{slug.get_attribute('id')}-error']")).not_to_be_empty()
    expect(page.get_by_label("Percent of users")).to_have_attribute("aria-invalid", "true")
    check_accessibility(page)


def test_a_taken_slug_is_refused_in_the_services_own_words(page):
    visit(page, "/segments/new", "New segment")

    page.get_by_label("Slug").fill("AVITO_SAFE_DEAL")
    page.get_by_role("button", name="Create the segment").click()

    expect(page.get_by_role("alert")).to_contain_text("AVITO_SAFE_DEAL")


def test_a_wrong_id_in_a_pasted_list_is_named(page):
    visit(page, "/segments/AVITO_SAFE_DEAL/members", "AVITO_SAFE_DEAL")

    page.get_by_label("User ids").fill("1 2 x3")
    page.get_by_role("button", name="Add 3 users").click()

    expect(page.get_by_text("“x3” is not a user id")).to_be_visible()


def test_what_is_typed_is_there_after_going_back(page):
    visit(page, "/segments/new", "New segment")
    page.get_by_label("Slug").fill("HALF_TYPED")
    page.get_by_role("link", name="Cancel").or_(page.get_by_role("button", name="Cancel")).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Segments")

    page.go_back()

    expect(page.get_by_label("Slug")).to_have_value("HALF_TYPED")


def test_the_search_finds_segments_by_the_beginning_of_their_slug(page):
    visit(page, "/segments", "Segments")

    page.get_by_role("searchbox").fill("AVITO_DISCOUNT_")

    expect(page.get_by_role("region", name="Segments").get_by_role("row")).to_have_count(3)
    page.get_by_role("searchbox").fill("NO_SUCH")
    expect(page.get_by_text("No slug begins with “NO_SUCH”.")).to_be_visible()


def press_until_focused(page, locator):
    for _ in range(60):
        page.keyboard.press("Tab")
        if locator.evaluate("element => element === document.activeElement"):
            return
    raise AssertionError(f"the keyboard does not reach {locator}")


def test_an_import_needs_no_mouse(page, client, tmp_path):
    client.post("/segment", json={"slug": "BY_KEYBOARD"}).raise_for_status()
    file = tmp_path / "ids.csv"
    file.write_text("user_id\n1\n2\n3\n")
    visit(page, "/segments/BY_KEYBOARD/import", "BY_KEYBOARD")

    press_until_focused(page, page.get_by_label("Drop a CSV file here"))
    with page.expect_file_chooser() as chooser:
        page.keyboard.press("Space")
    chooser.value.set_files(file)
    press_until_focused(page, page.get_by_role("button", name="Check the file"))
    page.keyboard.press("Enter")
    expect(page.get_by_text("3 lines read: 3 users would enter")).to_be_visible()
    press_until_focused(page, page.get_by_role("button", name="Apply the import"))
    page.keyboard.press("Enter")

    expect(page.get_by_text("3 users entered")).to_be_visible()
    assert client.get("/segment/BY_KEYBOARD").json()["members"] == 3


def test_the_page_is_small():
    assert len(gzip.compress(BUILT.read_bytes())) <= MOST_BYTES
