"""Jobs with a real queue and a real worker, and with failures of both."""

import gzip
import json
import os
import shutil
import signal
import subprocess
import sys
from contextlib import suppress

import boto3
import pytest

from local import supervisor
from local.settings import CREDENTIALS, ROOT
from tests.e2e.process_tree import descendants, runs_function
from tests.e2e.waiting import eventually

pytestmark = pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")


@pytest.fixture
def order(client):
    def post(**members):
        answer = client.post("/report", json=members)
        assert answer.status_code == 202, answer.text
        return answer.json()["job_id"]

    return post


@pytest.fixture
def history(owner):
    """Writes the rows of a past month, which no request can."""

    def write(rows):
        owner.execute(
            """
            insert into history (user_id, slug, action_id, reason, actor, executed_at)
            select row, 'AVITO_50', 1, 'manual', 'local', timestamptz '2023-08-01 00:00Z' + row * interval '1 s'
              from generate_series(1, %s) row
            """,
            [rows],
        )
        owner.execute("analyze history")  # autovacuum would take a minute
        return {"year": 2023, "month": 8}

    return write


@pytest.fixture
def kill_workers(local_run):
    def kill():
        workers = [each for each in descendants(local_run.process.pid) if runs_function(each, "RunJob")]
        for worker in workers:
            with suppress(ProcessLookupError):  # it ends with its parent, which may be killed before
                os.kill(worker, signal.SIGKILL)
        return workers

    return kill


@pytest.fixture
def files(local_run):
    """Lists the stored reports."""
    return lambda: set((local_run.state / "data" / "s3" / "reports-bucket" / "reports").glob("*"))


@pytest.fixture
def sqs(local_run):
    return boto3.client(
        "sqs",
        endpoint_url=f"http://127.0.0.1:{local_run.port + 3}",
        region_name="us-east-1",
        aws_access_key_id=CREDENTIALS[0],
        aws_secret_access_key=CREDENTIALS[1],
    )


def test_a_report_is_created_and_downloaded(history, order, finished, download):
    job = finished(order(**history(10)))

    assert (job["status"], job["done"], job["total"]) == ("succeeded", 10, 10)
    lines = download(job["result"]["report_link"]).body.decode().splitlines()
    assert lines[1] == "1,AVITO_50,I,2023-08-01 00:00:01"
    assert len(lines) == 1 + job["result"]["rows"] == 11


def test_a_compressed_report_is_a_gzip_file(history, order, finished, download):
    job = finished(order(**history(10), format="csv.gz"))

    found = download(job["result"]["report_link"])

    assert found.headers["content-disposition"] == 'attachment; filename="all-users-2023-08.csv.gz"'
    assert len(gzip.decompress(found.body).splitlines()) == 11


@pytest.mark.skipif(not supervisor.LINUX, reason="finds processes in /proc")
def test_another_worker_finishes_the_job_of_a_killed_one(
    history, order, show, finished, owner, kill_workers, files, download
):
    job_id = order(**history(500_000))
    eventually(lambda: show(job_id)["done"])
    with owner.transaction():
        owner.execute("lock table history in access exclusive mode")  # blocks the worker
        assert show(job_id)["status"] == "running"
        assert kill_workers()
        seen_before = files()
    # end the lease, so that the schedule sends the message again
    owner.execute("update jobs set leased_until = now(), queued_at = now() - interval '1 hour'")

    job = finished(job_id)

    assert (job["status"], job["done"], job["total"]) == ("succeeded", 500_000, 500_000)
    assert len(files() - seen_before) == 1
    users = [int(line.partition(b",")[0]) for line in download(job["result"]["report_link"]).body.splitlines()[1:]]
    assert users == [*range(1, 500_001)]


def test_a_message_that_comes_twice_changes_nothing(history, order, show, finished, sqs, files):
    before = finished(order(**history(10)))
    seen_before = files()
    url = sqs.get_queue_url(QueueName="JobsQueue")["QueueUrl"]

    sqs.send_message(QueueUrl=url, MessageBody=json.dumps({"job_id": before["job_id"]}))

    eventually(lambda: messages_in(sqs, url) == 0)
    assert show(before["job_id"])["finished_at"] == before["finished_at"]
    assert files() == seen_before


def messages_in(sqs, url):
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    counted = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
    return sum(int(number) for number in counted.values())


@pytest.fixture
def dead_letters(sqs):
    """Empty the dead-letter queue. A job that waited too long for the lock of another test leaves a letter."""
    waiting, letters = (sqs.get_queue_url(QueueName=name)["QueueUrl"] for name in ("JobsQueue", "JobsDeadLetters"))
    eventually(lambda: messages_in(sqs, waiting) == 0)
    while found := sqs.receive_message(QueueUrl=letters).get("Messages"):
        sqs.delete_message(QueueUrl=letters, ReceiptHandle=found[0]["ReceiptHandle"])
    return letters


def test_a_message_that_makes_no_sense_becomes_a_dead_letter(sqs, dead_letters):
    url = sqs.get_queue_url(QueueName="JobsQueue")["QueueUrl"]

    sqs.send_message(QueueUrl=url, MessageBody="poison")

    [letter] = eventually(lambda: sqs.receive_message(QueueUrl=dead_letters).get("Messages"))
    sqs.delete_message(QueueUrl=dead_letters, ReceiptHandle=letter["ReceiptHandle"])
    assert letter["Body"] == "poison"
    assert messages_in(sqs, url) == 0


@pytest.fixture
def last_try(owner, sqs):
    """Orders a report that has one attempt left."""

    def order(**month):
        [[job_id]] = owner.execute(
            """
            insert into jobs (kind, parameters, actor, attempts) values ('month_report', %s, 'local', 4)
            returning job_id::text
            """,
            [json.dumps({**month, "slug": None, "format": "csv"})],
        ).fetchall()
        url = sqs.get_queue_url(QueueName="JobsQueue")["QueueUrl"]
        sqs.send_message(QueueUrl=url, MessageBody=json.dumps({"job_id": job_id}))
        return job_id

    return order


@pytest.mark.usefixtures("dead_letters")
def test_a_job_that_failed_succeeds_when_its_dead_letter_is_replayed(history, last_try, finished, local_run, download):
    bucket = local_run.state / "data" / "s3" / "reports-bucket"
    away = bucket.rename(bucket.with_name("away"))
    failed = finished(last_try(**history(10)))
    away.rename(bucket)

    replay = [sys.executable, "-m", "local.replay", "--port", str(local_run.port)]
    said = subprocess.run(replay, cwd=ROOT, capture_output=True, text=True, timeout=30)  # noqa: S603 -- our own

    eventually(lambda: finished(failed["job_id"])["status"] == "succeeded")
    assert (failed["status"], said.stdout[:28]) == ("failed", "Sent again: 1 dead letters. ")
    assert len(download(finished(failed["job_id"])["result"]["report_link"]).body.splitlines()) == 11


def test_the_terminal_shows_the_progress_of_a_job(client, owner, local_run):
    ordered = client.post("/report", json={"year": 2023, "month": 8}).json()["job_id"]

    eventually(lambda: f"job {ordered[:8]} month_report succeeded" in local_run.output)

    assert " POST " in local_run.output
