"""What analysts and support do on the console, from the first click to the result."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from playwright.sync_api import expect

from tests.console.conftest import ZONE, settled, visit
from tests.console.world import days_ago
from tests.e2e.waiting import eventually

LIVED_IN = ("AVITO_DISCOUNT_30", "AVITO_DISCOUNT_50", "AVITO_NEW_SEARCH", "AVITO_SAFE_DEAL", "AVITO_VOICE_MESSAGES")
"""The segments of user 7 in the last thirty days."""


def moment(instant):
    """An instant as a person in the browser's time zone types it."""
    return instant.astimezone(ZoneInfo(ZONE)).strftime("%Y-%m-%dT%H:%M")


def create_segment(page, slug):
    visit(page, "/segments/new", "New segment")
    page.get_by_label("Slug").fill(slug)
    page.get_by_label("Owner").fill("growth team")
    page.get_by_role("button", name="Create the segment").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(slug)


def test_thirty_percent_for_a_week_by_schedule(page, client, picture):
    create_segment(page, "SPRING_SALE")
    visit(page, "/segments/SPRING_SALE/schedule", "SPRING_SALE")

    page.get_by_label("Percent").fill("30")
    page.get_by_role("button", name="End after a week").click()
    page.get_by_label("Comment").fill("the spring sale, MARKETING-12")
    page.get_by_role("button", name="Plan 2 steps").click()

    expect(page.get_by_role("region", name="Steps").get_by_text("pending")).to_have_count(2)
    picture(page, "schedule")
    first, second = client.get("/segment/SPRING_SALE/schedule").json()["steps"]
    assert (first["user_percent"], second["user_percent"], first["comment"]) == (30, 0, "the spring sale, MARKETING-12")
    assert datetime.fromisoformat(second["at"]) - datetime.fromisoformat(first["at"]) == timedelta(days=7)


def test_a_schedule_is_cancelled(page, client):
    create_segment(page, "CANCELLED_SALE")
    at = (days_ago(-2)).isoformat()
    client.post("/segment/CANCELLED_SALE/schedule", json={"steps": [{"at": at, "user_percent": 5}]}).raise_for_status()
    visit(page, "/segments/CANCELLED_SALE/schedule", "CANCELLED_SALE")

    page.get_by_role("button", name="Cancel 1 pending step").click()

    expect(page.get_by_role("region", name="Steps").get_by_text("cancelled")).to_have_count(1)
    expect(page.get_by_role("button", name="Plan 1 step")).to_be_visible()


def spreadsheet():
    """Five thousand ids as a spreadsheet writes them, two of them wrong."""
    ids = [str(number) for number in range(15_001, 20_001)]
    ids[41], ids[2999] = "7.0", "unknown"
    return {"name": "customers.csv", "mimeType": "text/csv", "buffer": "\r\n".join(["user_id", *ids]).encode()}


def test_five_thousand_ids_from_a_spreadsheet_two_of_them_wrong(page, client, picture):
    create_segment(page, "LOYAL_CUSTOMERS")
    visit(page, "/segments/LOYAL_CUSTOMERS/import", "LOYAL_CUSTOMERS")

    page.get_by_label("Drop a CSV file here").set_input_files(spreadsheet())
    page.get_by_label("Comment").fill("list of the loyalty team")
    page.get_by_role("button", name="Check the file").click()

    expect(page.get_by_text("5,000 lines read: 4,998 users would enter, 0 users would leave.")).to_be_visible()
    failed = page.get_by_role("region", name="Lines that failed").get_by_role("row")
    expect(failed).to_have_count(3)
    expect(failed.nth(1)).to_contain_text("7.0")
    expect(failed.nth(2)).to_contain_text("unknown")
    picture(page, "import")
    assert client.get("/segment/LOYAL_CUSTOMERS").json()["members"] == 0

    page.get_by_role("button", name="Apply the import").click()

    expect(page.get_by_text("4,998 users entered, 0 users left.")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("link", name="Download the verdict of every line").click()
    assert download.value.suggested_filename.endswith(".csv.gz")
    assert client.get("/segment/LOYAL_CUSTOMERS").json()["members"] == 4998


def test_a_wrong_id_of_two_lines_is_one_failed_line(page):
    create_segment(page, "TWO_LINES")
    visit(page, "/segments/TWO_LINES/import", "TWO_LINES")

    file = {"name": "ids.csv", "mimeType": "text/csv", "buffer": b'user_id\r\n"7\r\n,8"\r\n9\r\n'}
    page.get_by_label("Drop a CSV file here").set_input_files(file)
    page.get_by_role("button", name="Check the file").click()

    failed = page.get_by_role("region", name="Lines that failed").get_by_role("row")
    expect(failed).to_have_count(2)
    expect(failed.nth(1).get_by_role("cell").first).to_have_text("7 ,8")
    expect(failed.nth(1)).to_contain_text("must be a whole number")


def test_why_had_user_7_no_discount_on_that_day(page, picture):
    visit(page, "/users", "Users")
    page.get_by_label("User id").fill("7")
    page.get_by_role("button", name="Show the user").click()
    expect(page.get_by_role("region", name="Segments now")).to_contain_text("AVITO_SAFE_DEAL")

    why = page.get_by_role("form", name="Why or why not")
    why.get_by_label("Segment").fill("AVITO_DISCOUNT_30")
    why.get_by_label("At, or empty for now").fill(moment(days_ago(10)))
    why.get_by_role("button", name="Explain").click()

    sentence = page.locator("blockquote")
    expect(sentence).to_contain_text("not a member")
    expect(sentence).to_contain_text("when its lifetime of 9 days ended")
    picture(page, "user")


def test_the_segments_of_a_user_as_of_a_day(page):
    visit(page, "/users/7", "User 7")

    page.get_by_label("As of, or empty for now").fill(moment(days_ago(20)))

    listed = page.get_by_role("table")
    expect(listed).to_contain_text("AVITO_DISCOUNT_30")
    expect(listed).not_to_contain_text("AVITO_DISCOUNT_50")


def test_who_raised_the_rollout_and_back_to_what_it_was(page, client, picture):
    visit(page, "/segments/AVITO_NEW_SEARCH/log", "AVITO_NEW_SEARCH")
    newest = page.get_by_role("region", name="Changes, newest first").get_by_role("row").nth(1)
    expect(newest).to_contain_text("denis")
    expect(newest).to_contain_text("no complaints in two weeks")
    picture(page, "change-log")

    newest.get_by_role("button", name="Back to before this").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("10 % → 5 %: about 1,000 of 20,000 users leave, nobody enters.")
    dialog.get_by_label("Comment").fill("complaints after all")
    dialog.get_by_role("button", name="Change it back").click()

    expect(page.get_by_text("AVITO_NEW_SEARCH: 0 users entered, 1,000 users left.")).to_be_visible()
    expect(newest).to_contain_text("complaints after all")
    assert client.get("/segment/AVITO_NEW_SEARCH").json()["user_percent"] == 5
    client.patch("/segment/AVITO_NEW_SEARCH", json={"user_percent": 10}).raise_for_status()


def test_a_months_report(page, picture):
    visit(page, "/jobs", "Reports and jobs")

    page.get_by_label("Segment, or empty for all").fill("AVITO_SAFE_DEAL")
    page.get_by_role("button", name="Order the report").click()

    newest = page.get_by_role("region", name="Jobs, newest first").get_by_role("row").nth(1)
    expect(newest).to_contain_text("report of a month")
    expect(newest.get_by_text("succeeded")).to_be_visible(timeout=60_000)
    picture(page, "jobs")
    with page.expect_download() as download:
        newest.get_by_role("link", name="Download AVITO_SAFE_DEAL").click()
    assert download.value.path().read_text().startswith("user_id,segment_slug,operation,executed_at")


def test_a_percent_says_what_it_would_do_before_it_is_saved(page, client):
    create_segment(page, "SLOW_START")

    page.get_by_label("New percent").fill("25")
    expect(page.get_by_text("none → 25 %: about 5,000 of 20,000 users enter, nobody leaves.")).to_be_visible()
    page.get_by_role("button", name="Save the percent").click()

    expect(page.get_by_text("SLOW_START: 5,000 users entered, 0 users left.")).to_be_visible()
    assert client.get("/segment/SLOW_START").json()["members"] == 5000


def test_users_are_added_and_removed_by_a_pasted_list(page, client):
    create_segment(page, "PASTED")
    visit(page, "/segments/PASTED/members", "PASTED")
    longest = 2**63 - 1

    page.get_by_label("User ids").fill(f"105, 106;107\n{longest}")
    page.get_by_label("Lifetime").select_option("7 days")
    page.get_by_role("button", name="Add 4 users").click()
    listed = page.get_by_role("region", name="Members in order of id")
    expect(listed.get_by_role("link", name=str(longest), exact=True)).to_be_visible()
    listed.get_by_role("button", name="Remove user 106").click()

    expect(listed.get_by_role("row")).to_have_count(4)
    users = client.get("/segment/PASTED/users").json()["users"]
    assert [user["user_id"] for user in users] == [105, 107, longest]


def test_a_lifetime_is_changed(page, client):
    client.post("/segment/user", json={"user_id": 900, "add_segments": ["AVITO_PERFORMANCE_VAS"]}).raise_for_status()
    visit(page, "/users/900", "User 900")

    page.get_by_role("button", name="Change AVITO_PERFORMANCE_VAS").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Lifetime").select_option("1 day")
    dialog.get_by_role("button", name="Save the lifetime").click()

    expect(page.get_by_text("left").first).to_be_visible()
    [membership] = [
        each for each in client.get("/segment/user/900").json()["segments"] if each["slug"] == "AVITO_PERFORMANCE_VAS"
    ]
    assert membership["expires_at"]


def test_a_segment_is_renamed_and_then_deleted_by_its_typed_slug(page, client):
    create_segment(page, "SHORT_LIVED")
    visit(page, "/segments/SHORT_LIVED/settings", "SHORT_LIVED")
    form = page.get_by_role("form", name="Name, description, owner")
    form.get_by_label("Slug").fill("SHORTER_LIVED")
    form.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("SHORTER_LIVED")

    deletion = page.get_by_role("button", name="Delete the segment")
    expect(deletion).to_be_disabled()
    page.get_by_label("Type SHORTER_LIVED to confirm").fill("SHORTER_LIVED")
    deletion.click()

    expect(page.get_by_role("heading", level=1)).to_have_text("Segments")
    assert client.get("/segment/SHORTER_LIVED").status_code == 404


def test_an_export_of_the_members_is_downloaded(page):
    visit(page, "/segments/AVITO_VOICE_MESSAGES/settings", "AVITO_VOICE_MESSAGES")

    page.get_by_role("button", name="Make the file").click()

    link = page.get_by_role("link", name="Download AVITO_VOICE_MESSAGES")
    expect(link).to_be_visible(timeout=60_000)
    with page.expect_download() as download:
        link.click()
    assert download.value.path().read_text().startswith("user_id,added_at,expires_at,reason")


def test_a_user_is_exported_and_erased_by_an_admin(page, client):
    client.post("/segment/user", json={"user_id": 77_000, "add_segments": ["AVITO_SAFE_DEAL"]}).raise_for_status()
    visit(page, "/users/77000/data", "User 77000")

    page.get_by_role("button", name="Make the file").click()
    expect(page.get_by_role("link", name="Download the file")).to_be_visible()
    page.get_by_label("Erase the history too").check()
    page.get_by_label("Type 77000 to confirm").fill("77000")
    page.get_by_role("button", name="Erase the user").click()

    expect(page.get_by_text("User 77000 is erased. 1 membership ended.")).to_be_visible()
    eventually(lambda: client.get("/user/77000/history").json()["operations"] == [])


def test_the_timeline_of_a_user(page, picture):
    visit(page, "/users/7/history", "User 7")
    settled(page)

    timeline = page.locator(".timeline")
    for slug in LIVED_IN:
        expect(timeline.get_by_title(slug, exact=True)).to_be_visible()
    # the percents of other tests may choose this user, too
    assert timeline.locator(".bar").count() >= len(LIVED_IN)
    picture(page, "history")
