"""The console stays fluid with much data, because it asks for pages and never for all."""

import httpx
import psycopg
import pytest
from playwright.sync_api import expect

from local import postgres
from tests.console.conftest import visit
from tests.e2e.conftest import running

MEMBERS = 1_000_000
OPERATIONS = 10_000


@pytest.fixture(scope="module")
def address():
    """A local run of its own, with a segment of a million members and a user with ten thousand operations."""
    with postgres.throw_away_directory() as state, running(state) as run:
        address = f"http://localhost:{run.port}"
        httpx.post(f"{address}/segment", json={"slug": "EVERYBODY"}, trust_env=False).raise_for_status()
        with psycopg.connect(run.owner_url) as owner:
            fill(owner)
        yield address


def fill(owner):
    """Write the members without triggers, which takes less time, and then the operations."""
    owner.execute("alter table users disable trigger user")
    owner.execute("alter table memberships disable trigger user")
    owner.execute(
        "insert into users (user_id, ordinal) select number, number from generate_series(1, %s) number", (MEMBERS,)
    )
    owner.execute(
        """
        insert into memberships (user_id, segment_id, added_at, source)
        select number, segments.segment_id, now(), 'manual'
          from segments, generate_series(1, %s) number
         where segments.slug = 'EVERYBODY'
        """,
        (MEMBERS,),
    )
    owner.execute("alter table memberships enable trigger user")
    owner.execute("alter table users enable trigger user")
    owner.execute(
        """
        insert into history (user_id, segment_id, slug, action_id, reason, actor, executed_at)
        select 4711, segments.segment_id, segments.slug, 1 + number %% 2, 'manual', 'mira',
               now() - interval '6 days' + number * interval '40 s'
          from segments, generate_series(0, %s - 1) number
         where segments.slug = 'EVERYBODY'
        """,
        (OPERATIONS,),
    )


@pytest.fixture
def page(open_page, address):
    return open_page(address)


def test_a_segment_of_a_million_members_is_asked_for_pages_only(page):
    limits = []
    page.on("request", lambda asked: limits.append(asked.url) if "/EVERYBODY/users" in asked.url else None)

    visit(page, "/segments/EVERYBODY/members", "EVERYBODY")
    page.get_by_role("button", name="Next page").click()
    expect(page.get_by_role("link", name="100", exact=True)).to_be_visible()
    visit(page, "/segments/EVERYBODY", "EVERYBODY")

    expect(page.get_by_text("1,000,000", exact=True).first).to_be_visible()
    assert len(limits) == 2
    assert all("limit=50" in url for url in limits)


def test_a_user_with_ten_thousand_operations_is_asked_for_pages_only(page):
    visit(page, "/users/4711/history", "User 4711")

    expect(page.get_by_text("Only the first 1,000 operations of this time are drawn.")).to_be_visible()
    expect(page.get_by_role("region", name="Operations, oldest first").get_by_role("row")).to_have_count(101)
    page.get_by_role("button", name="Show more").click()
    expect(page.get_by_role("region", name="Operations, oldest first").get_by_role("row")).to_have_count(201)
