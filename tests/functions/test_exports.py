"""Exports of a segment, through the real handlers."""

import gzip
from uuid import UUID

import pytest

from tests.fix_log import log as log
from tests.functions.calls import NO_BODY, call
from tests.functions.factories import add_members, create_segments
from tests.functions.fix_jobs import run_jobs as run_jobs


@pytest.fixture(autouse=True)
def local_aws(service, aws):
    """Give every test the service and local substitutes of S3 and SQS."""


def order(body=None, slug="AVITO_30"):
    return call("create_export", {} if body is None else body, path=f"/segment/{slug}/export")


def show_job(job_id):
    return call("show_job", path=f"/job/{job_id}").json


def file_of(aws, job):
    name = job["result"]["report_link"].split("?")[0].rpartition("/")[2]
    return name, aws.body(name)


def test_export_is_a_job_whose_result_has_a_link_its_expiry_and_its_rows(aws, run_jobs):
    create_segments("AVITO_30")
    add_members("AVITO_30", 1, 2)

    answer = order()
    run_jobs()

    job = show_job(answer.json["job_id"])
    assert (answer.status, answer.json.keys()) == (202, {"job_id"})
    assert (job["kind"], job["status"], job["done"], job["total"]) == ("segment_export", "succeeded", 2, 2)
    assert job["result"].keys() == {"report_link", "expires_at", "at", "rows"}
    assert job["result"]["rows"] == 2
    assert job["result"]["at"].endswith("Z")
    assert "X-Amz-Expires=900" in job["result"]["report_link"]


def test_export_names_members_as_the_list_of_members_does(aws, run_jobs):
    create_segments("AVITO_30")
    add_members("AVITO_30", 2, 1)
    listed = call("list_segment_users", path="/segment/AVITO_30/users").json["users"]

    job_id = order({"format": "csv.gz", "delimiter": ";"}).json["job_id"]
    run_jobs()

    name, body = file_of(aws, show_job(job_id))
    header, *lines = gzip.decompress(body).decode().splitlines()
    assert name.endswith(".csv.gz")
    assert header == "user_id;added_at;expires_at;reason"
    assert [line.split(";")[0] for line in lines] == [str(member["user_id"]) for member in listed]
    assert lines[0].split(";")[2:] == ["", "manual"]


def test_file_of_an_export_has_a_permanent_address(aws, run_jobs):
    create_segments("AVITO_30")
    job_id = order().json["job_id"]
    run_jobs()
    name, _ = file_of(aws, show_job(job_id))

    answer = call("open_report", path=f"/segment/reports/{name}")

    assert answer.status == 302


def test_export_without_a_body_is_csv(run_jobs, aws):
    create_segments("AVITO_30")

    job_id = order(NO_BODY).json["job_id"]
    run_jobs()

    name, body = file_of(aws, show_job(job_id))
    assert name.endswith(".csv")
    assert body == b"user_id,added_at,expires_at,reason\r\n"


def test_export_of_a_past_instant_says_so_in_its_result_and_name(aws, run_jobs):
    create_segments("AVITO_30")
    add_members("AVITO_30", 1)

    job_id = order({"at": "2023-08-28T13:25:25.5+03:00"}).json["job_id"]
    run_jobs()

    job = show_job(job_id)
    name, body = file_of(aws, job)
    assert (job["status"], job["result"]["at"], job["result"]["rows"]) == (
        "succeeded",
        "2023-08-28T10:25:25.500000Z",
        0,
    )
    assert name.startswith("AVITO_30-2023-08-28-")
    assert body == b"user_id,added_at,expires_at,reason\r\n"


def test_null_instant_is_now(aws, run_jobs):
    create_segments("AVITO_30")
    add_members("AVITO_30", 1)

    job_id = order({"at": None}).json["job_id"]
    run_jobs()

    assert show_job(job_id)["result"]["rows"] == 1


@pytest.mark.parametrize(
    ("body", "location"),
    [
        ({"format": "xlsx"}, "body.format"),
        ({"format": 1}, "body.format"),
        ({"delimiter": "|"}, "body.delimiter"),
        ({"at": "2999-08-28T10:25:25Z"}, "body.at"),
        ({"at": "1999-12-31T23:59:59Z"}, "body.at"),
        ({"at": "2023-08-28T10:25:25"}, "body.at"),
        ({"at": "2023-08-28"}, "body.at"),
        ({"at": 1693218325}, "body.at"),
        ({"columns": "plain"}, "body.columns"),
    ],
)
def test_invalid_order_names_the_member_and_creates_no_job(aws, owner, body, location):
    create_segments("AVITO_30")

    answer = order(body)

    assert (answer.status, answer.locations) == (422, [location])
    assert (aws.messages(), owner.execute("select from jobs").rowcount) == ([], 0)


def test_export_of_an_unknown_segment_is_404_and_creates_no_job(aws):
    answer = order()

    assert (answer.status, answer.json["slugs"]) == (404, ["AVITO_30"])
    assert aws.messages() == []


def test_export_of_a_segment_that_is_deleted_before_it_runs_fails_at_once(run_jobs, aws):
    create_segments("AVITO_30")
    job_id = order().json["job_id"]
    call("delete_segment", {"slug": "AVITO_30"})

    result = run_jobs()

    job = show_job(job_id)
    assert result == {"batchItemFailures": []}
    assert (job["status"], job["error"]) == (
        "failed",
        "The segment AVITO_30 was deleted before the export was complete.",
    )
    assert aws.dead_letters() == []


def test_log_says_why_an_export_was_rejected(run_jobs, log):
    create_segments("AVITO_30")
    job_id = UUID(order().json["job_id"])
    call("delete_segment", {"slug": "AVITO_30"})

    run_jobs()

    [line] = [line for line in log.lines if line["message"] == "job rejected"]
    assert (line["job_id"], line["kind"]) == (str(job_id), "segment_export")
    assert "AVITO_30 was deleted" in line["reason"]
