"""Each failed job has one dead letter, which restarts the job once."""

from functools import partial

import pytest
from botocore.exceptions import EndpointConnectionError

from segmentation.contract.problems import StorageUnavailable
from segmentation.domain import deletion, segments
from segmentation.domain.rollouts import job as rollout_job
from segmentation.domain.rollouts import percent
from segmentation.jobs import leases, queue, worker
from segmentation.reports import storage
from tests.integration.fix_jobs import NO_TIME_LIMIT

USERS = 40


@pytest.fixture
def receive(connection):
    return lambda letter: worker.receive(connection, queue.read(letter), **NO_TIME_LIMIT)


@pytest.fixture
def fail_at_s3(monkeypatch, deliver):
    """Make a report fail because S3 refuses a part."""

    def run(job_id):
        with monkeypatch.context() as patched:
            patched.setattr(storage, "upload_part", refuse)
            for _ in range(leases.MAX_ATTEMPTS - 1):
                with pytest.raises(StorageUnavailable):
                    deliver(job_id, **NO_TIME_LIMIT)
            deliver(job_id, **NO_TIME_LIMIT)

    return run


def refuse(*_):
    raise StorageUnavailable("The report storage answered AccessDenied.")


def test_failed_job_leaves_one_dead_letter(filled_month, order, fail_at_s3, deliver, aws):
    job_id = order()

    fail_at_s3(job_id)
    deliver(job_id, **NO_TIME_LIMIT)

    [letter] = aws.dead_letters()
    assert queue.read(letter).job_id == job_id


def test_resent_dead_letter_completes_the_job(
    connection, filled_month, expected, order, fail_at_s3, receive, aws, lines
):
    job_id = order()
    fail_at_s3(job_id)

    receive(*aws.dead_letters())

    job = leases.get(connection, job_id)
    assert (job.status, job.error) == ("succeeded", None)
    assert lines(job_id) == expected
    assert (len(aws.names()), aws.uploads()) == (1, [])


def test_dead_letter_delivered_twice_does_the_work_once(connection, filled_month, order, fail_at_s3, receive, aws):
    job_id = order()
    fail_at_s3(job_id)
    [letter] = aws.dead_letters()
    receive(letter)
    finished = leases.get(connection, job_id)

    receive(letter)

    assert leases.get(connection, job_id) == finished
    assert len(aws.names()) == 1


def test_dead_letter_delivered_concurrently_does_the_work_once(filled_month, order, fail_at_s3, at_once, aws):
    job_id = order()
    fail_at_s3(job_id)
    [letter] = aws.dead_letters()

    at_once(*[partial(worker.receive, message=queue.read(letter), **NO_TIME_LIMIT)] * 4)

    assert (len(aws.names()), aws.uploads()) == (1, [])


def test_job_that_fails_again_leaves_a_new_dead_letter_and_the_old_one_has_no_effect(
    connection, filled_month, order, fail_at_s3, fail, receive, aws
):
    job_id = order()
    fail_at_s3(job_id)
    [old] = aws.dead_letters()
    leases.restart(connection, job_id, queue.read(old).failed_at)
    fail(job_id)

    receive(old)

    assert leases.get(connection, job_id).status == "failed"
    assert [letter != old for letter in aws.dead_letters()] == [True]


def test_message_older_than_the_failure_does_not_revive_the_job(connection, filled_month, order, fail_at_s3, deliver):
    job_id = order()
    fail_at_s3(job_id)

    deliver(job_id, **NO_TIME_LIMIT)

    assert leases.get(connection, job_id).status == "failed"


def test_dead_letter_that_sqs_refused_is_sent_with_the_next_delivery(
    filled_month, order, fail_at_s3, deliver, aws, monkeypatch
):
    def refuse_connection(*_):
        raise EndpointConnectionError(endpoint_url="sqs")

    job_id = order()
    with monkeypatch.context() as patched:
        patched.setattr(queue, "send_dead_letter", refuse_connection)
        with pytest.raises(EndpointConnectionError):
            fail_at_s3(job_id)

    deliver(job_id, **NO_TIME_LIMIT)

    assert (len(aws.dead_letters()), aws.uploads()) == (1, [])


def test_upload_that_could_not_be_aborted_is_aborted_with_the_next_delivery(
    filled_month, order, fail_at_s3, deliver, aws, monkeypatch
):
    job_id = order()
    with monkeypatch.context() as patched:
        patched.setattr(storage, "abort_uploads", refuse)
        with pytest.raises(StorageUnavailable):
            fail_at_s3(job_id)

    deliver(job_id, **NO_TIME_LIMIT)

    assert (len(aws.dead_letters()), aws.uploads()) == (1, [])


@pytest.fixture
def small_jobs(monkeypatch):
    monkeypatch.setattr(percent, "MOST_CHANGES", 10)
    monkeypatch.setattr(rollout_job, "BATCH_CHANGES", 5)
    monkeypatch.setattr(deletion, "MOST_MEMBERS", 10)
    monkeypatch.setattr(deletion, "BATCH_MEMBERS", 5)


def test_rollout_that_failed_half_way_continues_there(
    connection, small_jobs, arrive, create, automatic_members, deliver, fail, receive, aws
):
    arrive(USERS)
    job_id = create("ROLLOUT", 50).job_id
    deliver(job_id, time_left=lambda: False)
    fail(job_id)

    receive(*aws.dead_letters())

    assert leases.get(connection, job_id).result == {"users_added": USERS // 2, "users_deleted": 0}
    assert len(automatic_members("ROLLOUT")) == USERS // 2


def test_deletion_that_failed_half_way_continues_there(
    connection, small_jobs, arrive, create, deliver, fail, receive, aws, history
):
    arrive(USERS)
    deliver(create("ROLLOUT", 100).job_id, **NO_TIME_LIMIT)
    job_id = segments.delete(connection, "ROLLOUT", actor="analyst").job_id
    deliver(job_id, time_left=lambda: False)
    fail(job_id)

    receive(*aws.dead_letters())

    assert leases.get(connection, job_id).result == {"users_deleted": USERS}
    assert sorted(row["user_id"] for row in history() if row["operation"] == "D") == [*range(1, USERS + 1)]
