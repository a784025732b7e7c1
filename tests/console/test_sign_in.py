"""Sign in: the role decides which buttons are there, and an expired token costs nothing that was typed."""

import pytest
from playwright.sync_api import expect

from tests.console.conftest import PASSWORD, visit

ADDRESS = "http://localhost:{}"


@pytest.fixture
def address(with_access):
    return ADDRESS.format(with_access.port)


def sign_in(page, role, password=PASSWORD):
    form = page.get_by_role("form", name="Sign in")
    form.get_by_label("Username").fill(f"{role}-of-tests")
    form.get_by_label("Password").fill(password)
    form.get_by_role("button", name="Sign in").click()


@pytest.fixture
def page_as(open_page, address):
    def opened(role):
        page = open_page(address)
        sign_in(page, role)
        expect(page.get_by_role("link", name="AVITO_DISCOUNT_30")).to_be_visible()
        return page

    return opened


def test_the_page_asks_for_a_sign_in(open_page, address, picture, check_accessibility):
    page = open_page(address)

    expect(page.get_by_role("dialog", name="Sign in")).to_be_visible()
    check_accessibility(page)
    picture(page, "sign-in")


def test_a_wrong_password_is_refused_with_the_services_own_words(open_page, address):
    page = open_page(address)

    sign_in(page, "reader", "wrong password")

    expect(page.get_by_role("alert")).to_contain_text("username or the password")


@pytest.mark.parametrize(
    ("role", "may_write", "may_erase"), [("reader", False, False), ("editor", True, False), ("admin", True, True)]
)
def test_the_role_decides_which_buttons_are_there(page_as, role, may_write, may_erase):
    page = page_as(role)

    expect(page.get_by_role("button", name="New segment")).to_have_count(int(may_write))
    visit(page, "/segments/AVITO_DISCOUNT_30/members", "AVITO_DISCOUNT_30")
    expect(page.get_by_role("form", name="Add or remove users")).to_have_count(int(may_write))
    expect(page.get_by_role("link", name="Import")).to_have_count(int(may_write))
    visit(page, "/users/7", "User 7")
    expect(page.get_by_role("link", name="Export and erase")).to_have_count(int(may_erase))


def test_an_expired_token_asks_again_and_loses_nothing(page_as):
    page = page_as("editor")
    visit(page, "/segments/new", "New segment")
    page.get_by_label("Slug").fill("TYPED_BEFORE")
    page.evaluate("() => sessionStorage.setItem('segmentation.token', 'e30.e30.x')")
    page.reload()
    expect(page.get_by_label("Slug")).to_have_value("TYPED_BEFORE")

    page.get_by_role("button", name="Create the segment").click()
    expect(page.get_by_text("The session has ended.")).to_be_visible()
    sign_in(page, "editor")

    expect(page.get_by_role("heading", level=1)).to_have_text("TYPED_BEFORE")


def test_a_token_ends_with_the_tab(page_as, open_page, address):
    page = page_as("reader")
    page.reload()
    expect(page.get_by_role("link", name="AVITO_DISCOUNT_30")).to_be_visible()

    other = open_page(address)

    expect(other.get_by_role("dialog", name="Sign in")).to_be_visible()
    assert page.evaluate("localStorage.length") == 0


def test_sign_out_forgets_the_token(page_as):
    page = page_as("reader")

    page.get_by_role("button", name="Sign out").click()

    expect(page.get_by_role("dialog", name="Sign in")).to_be_visible()
    assert page.evaluate("sessionStorage.length") == 0
