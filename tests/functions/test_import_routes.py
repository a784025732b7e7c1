"""Imports through the real handlers: create, upload, start, and the result of the job."""

import importlib
import json
from types import SimpleNamespace

import pytest

from tests.functions.calls import PROBLEM, call, sample
from tests.functions.factories import create_segments, done, history_of, patch_segment, users_in
from tests.functions.keys import KEY, under

UNKNOWN = "53dc4d37-cffa-4f76-80c9-8b7d4a4d2eaa"
INVALID = [
    pytest.param({"mode": "add"}, "body.slug", id="no-slug"),
    pytest.param({"slug": "AAA"}, "body.mode", id="no-mode"),
    pytest.param({"slug": "AAA", "mode": "merge"}, "body.mode", id="mode"),
    pytest.param({"slug": "AAA", "mode": "add", "ttl": 0}, "body.ttl", id="ttl-0"),
    pytest.param(
        {"slug": "AAA", "mode": "add", "ttl": 1, "expires_at": "2099-01-01T00:00:00Z"}, "body", id="lifetimes"
    ),
    pytest.param({"slug": "AAA", "mode": "add", "expires_at": "2020-01-01T00:00:00Z"}, "body.expires_at", id="over"),
    pytest.param({"slug": "AAA", "mode": "add", "dry_run": "yes"}, "body.dry_run", id="dry-run"),
    pytest.param({"slug": "AAA", "mode": "replace", "max_deletions": -1}, "body.max_deletions", id="max"),
    pytest.param({"slug": "AAA", "mode": "add", "comment": ""}, "body.comment", id="comment-empty"),
    pytest.param({"slug": "AAA", "mode": "add", "comment": "x" * 501}, "body.comment", id="comment-long"),
    pytest.param({"slug": "AAA", "mode": "add", "comment": "a\tb"}, "body.comment", id="comment-tab"),
    pytest.param({"slug": "AAA", "mode": "add", "users": []}, "body.users", id="unknown-member"),
]


@pytest.fixture(autouse=True)
def local_aws(service, aws):
    """Give every test the service and local substitutes of S3 and SQS."""


@pytest.fixture
def upload(aws):
    def put(import_id, text="1\n2\n"):
        aws.s3.put_object(Bucket="reports", Key=f"imports/{import_id}", Body=text.encode())

    return put


@pytest.fixture
def run_jobs(aws):
    def run():
        event = sample("run_job")
        [record] = event["Records"]
        event["Records"] = [{**record, "body": json.dumps({"job_id": job_id})} for job_id in aws.messages()]
        context = SimpleNamespace(get_remaining_time_in_millis=lambda: 300_000)
        importlib.import_module("functions.run_job.app").handler(event, context)

    return run


def create(**members):
    return call("create_import", {"slug": "AAA", "mode": "add", **members}, actor="mira")


def start(import_id, **sender):
    return call("start_import", path=f"/import/{import_id}", **({"actor": "mira"} | sender))


def test_an_uploaded_file_is_imported_and_its_creator_gets_the_verdicts(upload, run_jobs):
    create_segments("AAA")
    import_id = done(create())["import_id"]
    upload(import_id, "1\n2\n1\nx\n")

    job_id = start(import_id).json["job_id"]
    run_jobs()
    job = call("show_job", path=f"/job/{job_id}", actor="mira").json

    assert (job["kind"], job["status"], job["done"], job["total"]) == ("import", "succeeded", 4, 4)
    assert [*job["result"]["verdicts"].items()] == [
        ("added", 2), ("already", 0), ("removed", 0), ("absent", 0), ("duplicate", 1), ("invalid", 1)
    ]  # fmt: skip
    assert [*job["result"]] == [
        "lines", "verdicts", "users_added", "users_deleted", "verdicts_link", "expires_at", "dry_run",
    ]  # fmt: skip
    assert job["result"]["verdicts_link"].startswith("http")
    assert users_in("AAA") == [1, 2]


def test_comment_of_an_import_is_kept_with_each_entry_and_exit(upload, run_jobs):
    create_segments("AAA")
    for ids, mode, comment in (("1\n2\n", "add", "ticket 4711"), ("1\n", "replace", None)):
        import_id = done(create(mode=mode, comment=comment))["import_id"]
        upload(import_id, ids)
        start(import_id)
        run_jobs()

    assert [(each["action"], each["actor"], each["comment"]) for each in history_of(2)] == [
        ("added", "mira", "ticket 4711"), ("deleted", "mira", None)
    ]  # fmt: skip


def test_the_upload_link_is_for_the_file_of_this_import_alone():
    create_segments("AAA")

    created = done(create())

    assert f"/imports/{created['import_id']}?" in created["upload_link"]
    assert created["expires_at"].endswith("Z")


def test_the_job_of_an_import_is_the_same_after_a_second_start(upload):
    create_segments("AAA")
    import_id = done(create())["import_id"]
    upload(import_id)

    first, second = start(import_id), start(import_id)

    assert (first.status, first.json) == (202, second.json)


def test_an_import_without_a_file_is_409():
    create_segments("AAA")

    answer = start(done(create())["import_id"])

    assert (answer.status, answer.headers["content-type"]) == (409, PROBLEM)


@pytest.mark.parametrize("import_id", [UNKNOWN, "1"])
def test_an_unknown_import_is_404(import_id):
    assert start(import_id).status == 404


def test_an_unknown_slug_is_404():
    answer = create()

    assert (answer.status, answer.json["slugs"]) == (404, ["AAA"])


def test_replacement_of_a_segment_with_a_percent_is_409_and_names_it():
    create_segments("AAA")
    patch_segment("AAA", {"user_percent": 10})

    answer = create(mode="replace")

    assert (answer.status, answer.json["slugs"]) == (409, ["AAA"])


@pytest.mark.parametrize(("body", "location"), INVALID)
def test_an_invalid_import_names_the_member(body, location):
    create_segments("AAA")

    answer = call("create_import", body)

    assert (answer.status, answer.locations) == (422, [location])


def test_an_import_under_a_key_is_created_once():
    create_segments("AAA")
    body = {"slug": "AAA", "mode": "add"}

    first, second = (call("create_import", body, headers=under(KEY)) for _ in range(2))

    assert done(first)["import_id"] == done(second)["import_id"]
