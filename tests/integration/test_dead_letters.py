"""Dead letters: one for each job that has failed, and each lets its job begin anew, once."""

from functools import partial

import pytest
from botocore.exceptions import EndpointConnectionError

from segmentation.contract.problems import StorageUnavailable
from segmentation.domain import deletion, segments
from segmentation.domain.rollouts import job as rollout_job
from segmentation.domain.rollouts import percent
from segmentation.jobs import leases, queue, worker
from segmentation.reports import storage
from tests.integration.fix_jobs import NEVER_OVER

USERS = 40


@pytest.fixture
def receive(connection):
    return lambda letter: worker.receive(connection, queue.read(letter), **NEVER_OVER)


@pytest.fixture
def refused(monkeypatch, deliver):
    """Let a report fail because S3 refuses a part of it."""

    def run(job_id):
        with monkeypatch.context() as patched:
            patched.setattr(storage, "upload_part", refuse)
            for _ in range(leases.MAX_ATTEMPTS - 1):
                with pytest.raises(StorageUnavailable):
                    deliver(job_id, **NEVER_OVER)
            deliver(job_id, **NEVER_OVER)

    return run


def refuse(*_):
    raise StorageUnavailable("The store of reports answered AccessDenied.")


def test_job_that_has_failed_leaves_one_dead_letter(filled, order, refused, deliver, aws):
    job_id = order()

    refused(job_id)
    deliver(job_id, **NEVER_OVER)

    [letter] = aws.dead_letters()
    assert queue.read(letter).job_id == job_id


def test_dead_letter_that_is_sent_again_lets_the_job_succeed(
    connection, filled, expected, order, refused, receive, aws, lines
):
    job_id = order()
    refused(job_id)

    receive(*aws.dead_letters())

    job = leases.get(connection, job_id)
    assert (job.status, job.error) == ("succeeded", None)
    assert lines(job_id) == expected
    assert (len(aws.names()), aws.uploads()) == (1, [])


def test_dead_letter_that_comes_twice_does_the_work_once(connection, filled, order, refused, receive, aws):
    job_id = order()
    refused(job_id)
    [letter] = aws.dead_letters()
    receive(letter)
    finished = leases.get(connection, job_id)

    receive(letter)

    assert leases.get(connection, job_id) == finished
    assert len(aws.names()) == 1


def test_dead_letters_that_come_at_once_do_the_work_once(filled, order, refused, at_once, aws):
    job_id = order()
    refused(job_id)
    [letter] = aws.dead_letters()

    at_once(*[partial(worker.receive, message=queue.read(letter), **NEVER_OVER)] * 4)

    assert (len(aws.names()), aws.uploads()) == (1, [])


def test_job_that_fails_again_leaves_another_letter_and_the_old_one_is_void(
    connection, filled, order, refused, fail, receive, aws
):
    job_id = order()
    refused(job_id)
    [old] = aws.dead_letters()
    leases.revive(connection, job_id, queue.read(old).failed_at)
    fail(job_id)

    receive(old)

    assert leases.get(connection, job_id).status == "failed"
    assert [letter != old for letter in aws.dead_letters()] == [True]


def test_message_older_than_the_failure_brings_nothing_back(connection, filled, order, refused, deliver):
    job_id = order()
    refused(job_id)

    deliver(job_id, **NEVER_OVER)

    assert leases.get(connection, job_id).status == "failed"


def test_letter_that_the_queue_did_not_take_is_sent_with_the_next_delivery(
    filled, order, refused, deliver, aws, monkeypatch
):
    def away(*_):
        raise EndpointConnectionError(endpoint_url="sqs")

    job_id = order()
    with monkeypatch.context() as patched:
        patched.setattr(queue, "send_dead_letter", away)
        with pytest.raises(EndpointConnectionError):
            refused(job_id)

    deliver(job_id, **NEVER_OVER)

    assert (len(aws.dead_letters()), aws.uploads()) == (1, [])


def test_upload_that_could_not_be_forgotten_is_with_the_next_delivery(
    filled, order, refused, deliver, aws, monkeypatch
):
    job_id = order()
    with monkeypatch.context() as patched:
        patched.setattr(storage, "abort_uploads", refuse)
        with pytest.raises(StorageUnavailable):
            refused(job_id)

    deliver(job_id, **NEVER_OVER)

    assert (len(aws.dead_letters()), aws.uploads()) == (1, [])


@pytest.fixture
def small_jobs(monkeypatch):
    monkeypatch.setattr(percent, "MOST_CHANGES", 10)
    monkeypatch.setattr(rollout_job, "BATCH_CHANGES", 5)
    monkeypatch.setattr(deletion, "MOST_MEMBERS", 10)
    monkeypatch.setattr(deletion, "BATCH_MEMBERS", 5)


def test_rollout_that_failed_half_way_goes_on_there(
    connection, small_jobs, arrive, create, taken, deliver, fail, receive, aws
):
    arrive(USERS)
    job_id = create("ROLLOUT", 50).job_id
    deliver(job_id, time_left=lambda: False)
    fail(job_id)

    receive(*aws.dead_letters())

    assert leases.get(connection, job_id).result == {"users_added": USERS // 2, "users_deleted": 0}
    assert len(taken("ROLLOUT")) == USERS // 2


def test_removal_that_failed_half_way_goes_on_there(
    connection, small_jobs, arrive, create, deliver, fail, receive, aws, history
):
    arrive(USERS)
    deliver(create("ROLLOUT", 100).job_id, **NEVER_OVER)
    job_id = segments.delete(connection, "ROLLOUT", actor="analyst").job_id
    deliver(job_id, time_left=lambda: False)
    fail(job_id)

    receive(*aws.dead_letters())

    assert leases.get(connection, job_id).result == {"users_deleted": USERS}
    assert sorted(row["user_id"] for row in history() if row["operation"] == "D") == [*range(1, USERS + 1)]
