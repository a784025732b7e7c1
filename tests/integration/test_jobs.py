"""A job is done once, however often it is delivered and whatever interrupts it."""

from dataclasses import replace
from functools import partial
from uuid import UUID, uuid4

import pytest
from botocore.exceptions import EndpointConnectionError

from segmentation.contract.problems import JobUnknown, StorageUnavailable
from segmentation.jobs import leases, queue, worker
from segmentation.reports import month_report, storage
from tests.integration.fix_jobs import NO_TIME_LIMIT, ROWS


def test_job_is_queued_until_a_worker_takes_it(connection, order, aws):
    job_id = order()

    job = leases.get(connection, job_id)

    assert (job.kind, job.status, job.done, job.total) == ("month_report", "queued", 0, None)
    assert aws.messages() == [str(job_id)]


def test_second_delivery_changes_nothing(connection, filled_month, order, deliver, aws):
    job_id = order()
    deliver(job_id, **NO_TIME_LIMIT)
    finished = leases.get(connection, job_id)

    deliver(job_id, **NO_TIME_LIMIT)

    assert leases.get(connection, job_id) == finished
    assert len(aws.names()) == 1


def test_concurrent_deliveries_do_the_work_once(filled_month, order, at_once, aws):
    job_id = order()

    at_once(*[partial(worker.deliver, job_id=job_id, **NO_TIME_LIMIT)] * 5)

    assert len(aws.names()) == 1
    assert aws.uploads() == []


@pytest.mark.parametrize("file_format", ["csv", "csv.gz"])
def test_worker_without_time_stops_and_the_next_continues_there(
    connection, filled_month, expected, order, deliver, aws, lines, file_format, monkeypatch
):
    monkeypatch.setattr(month_report, "SIZES", replace(month_report.SIZES, part_bytes=100))
    job_id = order(format=file_format)
    deliveries = 0

    while aws.messages():
        deliver(job_id, time_left=lambda: False)
        deliveries += 1

    assert deliveries >= 3
    assert leases.get(connection, job_id).status == "succeeded"
    assert lines(job_id) == expected


class Killed(BaseException):
    """Ends the worker at this point."""


@pytest.mark.parametrize("call", range(14))
def test_job_of_a_worker_killed_at_any_step_is_completed_by_the_next(
    connection, owner, filled_month, expected, order, deliver, aws, lines, monkeypatch, call
):
    job_id = order()
    calls = iter(range(100))

    def killing(function):
        def run(*args, **named):
            answer = function(*args, **named)
            if next(calls) == call:
                raise Killed
            return answer

        return run

    with monkeypatch.context() as patched:
        for module, name in [
            (storage, "begin_upload"),
            (storage, "upload_part"),
            (storage, "abort_uploads"),
            (storage, "complete_upload"),
            (leases, "save"),
        ]:
            patched.setattr(module, name, killing(getattr(module, name)))
        with pytest.raises(Killed):
            deliver(job_id, **NO_TIME_LIMIT)
    owner.execute("update jobs set leased_until = now() - interval '1 second'")

    deliver(job_id, **NO_TIME_LIMIT)

    assert leases.get(connection, job_id).status == "succeeded"
    assert lines(job_id) == expected
    assert (len(aws.names()), aws.uploads()) == (1, [])


def test_job_with_a_valid_lease_is_not_taken_over(connection, filled_month, order, deliver, aws):
    job_id = order()
    held = leases.claim(connection, job_id)

    deliver(job_id, **NO_TIME_LIMIT)

    assert leases.get(connection, job_id).status == "running"
    assert held is not None
    assert aws.names() == []


def test_worker_that_lost_its_lease_changes_nothing(connection, owner, filled_month, order, deliver):
    job_id = order()
    first = leases.claim(connection, job_id)
    owner.execute("update jobs set leased_until = now() - interval '1 second'")
    deliver(job_id, **NO_TIME_LIMIT)
    finished = leases.get(connection, job_id)

    for late in (
        partial(leases.save, connection, first, leases.Step(1, 1, {})),
        partial(leases.release, connection, first),
        partial(leases.succeed, connection, first, {}),
        partial(leases.retry_or_fail, connection, first, "no"),
    ):
        with pytest.raises(leases.LeaseLost):
            late()

    assert leases.get(connection, job_id) == finished


def refuse(*_, **__):
    raise StorageUnavailable("The report storage answered SlowDown.")


def test_refused_part_is_retried_and_then_fails_the_job(connection, filled_month, order, deliver, aws, monkeypatch):
    job_id = order()
    monkeypatch.setattr(storage, "upload_part", refuse)

    for _ in range(leases.MAX_ATTEMPTS - 1):
        with pytest.raises(StorageUnavailable):
            deliver(job_id, **NO_TIME_LIMIT)
    deliver(job_id, **NO_TIME_LIMIT)

    job = leases.get(connection, job_id)
    assert (job.status, job.error) == ("failed", "The report storage answered SlowDown.")
    assert (aws.names(), aws.uploads()) == ([], [])


def test_internal_failure_is_not_explained_to_the_client(connection, order, deliver, monkeypatch):
    job_id = order()
    monkeypatch.setattr(storage, "begin_upload", lambda _: 1 // 0)

    for _ in range(leases.MAX_ATTEMPTS - 1):
        with pytest.raises(ZeroDivisionError):
            deliver(job_id, **NO_TIME_LIMIT)
    deliver(job_id, **NO_TIME_LIMIT)

    assert leases.get(connection, job_id).error == "The job failed. The log has the cause under its job_id."


def test_job_whose_workers_are_always_killed_fails_and_leaves_no_upload(
    connection, owner, filled_month, order, deliver, aws
):
    job_id = order()
    for _ in range(leases.MAX_ATTEMPTS):
        lease = leases.claim(connection, job_id)
        owner.execute("update jobs set leased_until = now() - interval '1 second'")
    upload = storage.begin_upload("x.csv")
    owner.execute(
        "update jobs set progress = jsonb_build_object('file_name', 'x.csv', 'upload_id', %s::text)", (upload,)
    )

    deliver(job_id, **NO_TIME_LIMIT)

    assert lease is not None
    assert leases.get(connection, job_id).error == "The job was interrupted 5 times without progress."
    assert aws.uploads() == []


def refuse_connection(_):
    raise EndpointConnectionError(endpoint_url="sqs")


def test_message_that_sqs_refused_is_sent_by_the_schedule(connection, owner, order, aws, monkeypatch):
    with monkeypatch.context() as patched:
        patched.setattr(queue, "send", refuse_connection)
        job_id = order()
    owner.execute("update jobs set queued_at = now() - make_interval(secs => %s)", (leases.REQUEUE_SECONDS + 1,))

    assert leases.requeue_lost(connection) == [job_id]
    assert leases.requeue_lost(connection) == []


def test_job_whose_next_message_sqs_refused_is_requeued(connection, owner, filled_month, order, deliver, monkeypatch):
    job_id = order()
    with monkeypatch.context() as patched:
        patched.setattr(queue, "send", refuse_connection)
        deliver(job_id, time_left=lambda: False)
    owner.execute("update jobs set queued_at = now() - make_interval(secs => %s)", (leases.REQUEUE_SECONDS + 1,))

    assert leases.requeue_lost(connection) == [job_id]


def test_leased_job_is_not_requeued(connection, owner, order):
    job_id = order()
    leases.claim(connection, job_id)
    owner.execute("update jobs set queued_at = now() - interval '1 day'")

    assert leases.requeue_lost(connection) == []


def test_unknown_job_is_not_found(connection, deliver):
    deliver(uuid4(), **NO_TIME_LIMIT)

    with pytest.raises(JobUnknown):
        leases.get(connection, uuid4())


def test_result_is_presented_with_a_link(connection, filled_month, order, deliver):
    job_id = order()
    deliver(job_id, **NO_TIME_LIMIT)

    shown = month_report.with_link(leases.get(connection, job_id)).result

    assert shown["rows"] == ROWS
    assert "all-users-2023-08-" in shown["report_link"]
    assert isinstance(job_id, UUID)
