"""The database's clock steps back: no job, lock of a username or idempotency key depends on it for long."""

import pytest

from segmentation.access import lockout
from segmentation.api import idempotency
from segmentation.api.idempotency import Answer, Request
from segmentation.contract.problems import TooManyFailures
from segmentation.database import clock
from segmentation.jobs import leases
from tests.fix_clock import step_clock as step_clock

HOUR = 3600
REQUEST = Request(scope=b"scope", fingerprint=b"fingerprint")


@pytest.fixture
def job_id(connection):
    return leases.create(connection, "month_report", {}, actor="analyst")


@pytest.fixture
def fail_job(connection, owner, job_id):
    def run():
        owner.execute("update jobs set attempts = %s", (leases.MAX_ATTEMPTS,))
        assert leases.fail_exhausted(connection, job_id)

    return run


@pytest.fixture
def locked(connection):
    """Lock the username alice."""
    for _ in range(lockout.MAX_FAILURES):
        lockout.count_attempt(connection, "alice")


@pytest.mark.usefixtures("locked")
def test_lock_of_a_username_does_not_last_until_the_clock_has_caught_up(connection, step_clock):
    step_clock(-HOUR)

    lockout.count_attempt(connection, "alice")


@pytest.mark.usefixtures("locked")
def test_lock_of_a_username_outlasts_a_small_step(connection, step_clock):
    step_clock(-5)

    with pytest.raises(TooManyFailures):
        lockout.count_attempt(connection, "alice")


def test_job_of_a_lost_worker_is_taken_over_after_a_step_back(connection, job_id, step_clock):
    leases.claim(connection, job_id)

    step_clock(-HOUR)

    assert leases.claim(connection, job_id)


def test_lease_of_a_living_worker_outlasts_a_small_step(connection, job_id, step_clock):
    leases.claim(connection, job_id)

    step_clock(-5)

    assert leases.claim(connection, job_id) is None


def test_lost_job_is_queued_after_a_step_back(connection, job_id, step_clock):
    step_clock(-HOUR)

    assert [leases.requeue_lost(connection), leases.requeue_lost(connection)] == [[job_id], []]


def test_job_that_fails_after_a_step_back_has_its_dead_letter_to_come(connection, job_id, fail_job, step_clock):
    step_clock(-HOUR)

    fail_job()

    assert not leases.find_failure(connection, job_id).is_reported


def test_dead_letter_that_is_sent_after_a_step_back_is_sent_once(connection, job_id, fail_job, step_clock):
    fail_job()

    step_clock(-HOUR)
    leases.mark_reported(connection, job_id, leases.find_failure(connection, job_id).finished_at)

    assert leases.find_failure(connection, job_id).is_reported


def test_key_that_is_stored_while_the_clock_is_behind_is_kept_for_a_day(connection, step_clock):
    clock.next_moment(connection)
    step_clock(-HOUR)
    idempotency.once(connection, REQUEST, lambda: Answer(200, {}, ""))
    step_clock(HOUR)

    step_clock(23.5 * HOUR)

    assert idempotency.once(connection, REQUEST, lambda: Answer(201, {}, ""))[0].status == 200
