"""GET /job: the jobs, newest first."""

import base64
import importlib
from types import SimpleNamespace

import pytest

from functions.run_job.app import KINDS
from tests.functions.calls import answer_of, call, caller, invoke, sample
from tests.functions.factories import create_segments
from tests.functions.fix_jobs import run_jobs as run_jobs

pytestmark = pytest.mark.usefixtures("service", "aws")
MEMBERS = {"job_id", "kind", "status", "done", "total", "created_at", "finished_at", "actor", "result", "error"}
NOT_A_CURSOR = ["x", "MQ", "Mg", "MjAyMy0wOC0yOFQwMDowMDowMFogeA", "bm90IGEgdGltZSA1"]


def ask(**query):
    return call("list_jobs", query=query).json


def order_report(actor="alice"):
    return call("create_report", {"year": 2023, "month": 8}, actor=actor).json["job_id"]


def order_export():
    return call("create_export", {}, path="/segment/AAA/export").json["job_id"]


def ids(page):
    return [job["job_id"] for job in page["jobs"]]


def test_jobs_are_listed_newest_first_with_their_actor():
    first, second = order_report("alice"), order_report("bob")

    page = ask()

    assert ids(page) == [second, first]
    assert [job["actor"] for job in page["jobs"]] == ["bob", "alice"]
    assert all(job.keys() == MEMBERS for job in page["jobs"])


def test_list_without_jobs_is_empty():
    assert ask() == {"jobs": [], "next_cursor": None}


def test_pages_join_to_the_whole_list_although_a_job_is_ordered_between_them():
    ordered = [order_report() for _ in range(3)]

    first = ask(limit="2")
    order_report()
    second = ask(limit="2", cursor=first["next_cursor"])

    assert ids(first) + ids(second) == ordered[::-1]
    assert second["next_cursor"] is None


def test_jobs_of_one_instant_are_each_on_one_page(owner):
    ordered = {order_report() for _ in range(4)}
    owner.execute("update jobs set created_at = '2023-08-28T10:25:25Z'")
    found, cursor = [], {}

    while cursor is not None:
        page = ask(limit="1", **cursor)
        found += ids(page)
        cursor = page["next_cursor"] and {"cursor": page["next_cursor"]}

    assert len(found) == 4
    assert set(found) == ordered


def test_kind_selects_jobs():
    create_segments("AAA")
    order_report()
    export = order_export()

    page = ask(kind="segment_export")

    assert ids(page) == [export]


def test_status_selects_jobs(run_jobs):
    done = order_report()
    run_jobs()
    queued = order_report()

    assert ids(ask(status="succeeded")) == [done]
    assert ids(ask(status="queued")) == [queued]
    assert ids(ask(status="failed")) == []


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_job_can_be_selected(kind):
    assert ask(kind=kind) == {"jobs": [], "next_cursor": None}


@pytest.mark.parametrize(
    ("query", "location"),
    [({"kind": "repair"}, "query.kind"), ({"status": "done"}, "query.status"), ({"limit": "0"}, "query.limit")],
)
def test_invalid_selection_names_the_parameter(query, location):
    answer = call("list_jobs", query=query)

    assert (answer.status, answer.locations) == (422, [location])


@pytest.mark.parametrize("cursor", NOT_A_CURSOR)
def test_text_that_is_no_cursor_is_422(cursor):
    answer = call("list_jobs", query={"cursor": cursor})

    assert (answer.status, answer.locations) == (422, ["query.cursor"])


def test_cursor_with_a_job_id_alone_is_422():
    cursor = base64.urlsafe_b64encode(b"53dc4d37-cffa-4f76-80c9-8b7d4a4d2eaa").decode().rstrip("=")

    assert call("list_jobs", query={"cursor": cursor}).status == 422


def test_finished_report_has_a_link(run_jobs):
    order_report()
    run_jobs()

    [job] = ask()["jobs"]

    assert job["result"].keys() == {"report_link", "expires_at", "rows"}


def test_list_shows_a_job_as_its_own_route_does(run_jobs):
    job_id = order_report()
    run_jobs()

    [listed] = ask()["jobs"]
    shown = call("show_job", path=f"/job/{job_id}").json

    for result in (listed["result"], shown["result"]):
        result.pop("report_link")
        result.pop("expires_at")
    assert listed == shown


def as_reader(actor):
    event = sample("list_jobs")
    event["requestContext"] |= caller(actor, "reader")
    return answer_of(invoke("list_jobs", event))


@pytest.mark.parametrize(("actor", "has_link"), [("mira", True), ("bob", False)])
def test_link_to_the_verdicts_of_an_import_is_for_its_creator_alone(aws, run_jobs, actor, has_link):
    create_segments("AAA")
    import_id = call("create_import", {"slug": "AAA", "mode": "add"}, actor="mira").json["import_id"]
    aws.s3.put_object(Bucket="reports", Key=f"imports/{import_id}", Body=b"1\n2\n")
    call("start_import", path=f"/import/{import_id}", actor="mira")
    run_jobs()

    [job] = as_reader(actor).json["jobs"]

    assert (job["kind"], bool(job["result"]["verdicts_link"])) == ("import", has_link)


def test_schedule_deletes_a_job_thirty_days_after_its_end(owner, run_jobs):
    order_report()
    run_jobs()
    owner.execute("update jobs set finished_at = now() - interval '30 days'")
    context = SimpleNamespace(get_remaining_time_in_millis=lambda: 60_000)

    importlib.import_module("functions.expire_memberships.app").handler(sample("expire_memberships"), context)

    assert ask()["jobs"] == []
