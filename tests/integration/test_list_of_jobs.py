"""Finished jobs are deleted after thirty days. What they did stays in the change log."""

import pytest
from psycopg.types.json import Jsonb

from segmentation.domain import change_log
from segmentation.jobs import list_of_jobs
from tests.integration.fix_jobs import NO_TIME_LIMIT

DELETABLE = "now() - interval '30 days 1 minute'"


@pytest.fixture
def finish(owner):
    """End a job at an instant, as SQL writes it."""

    def run(job_id, finished_at, status="succeeded"):
        owner.execute(
            f"""
            update jobs set status = %(status)s, finished_at = {finished_at}, created_at = {finished_at},
                   result = case when %(status)s = 'succeeded' then '{{}}'::jsonb end,
                   error = case when %(status)s = 'failed' then 'The job failed.' end
             where job_id = %(job_id)s
            """,  # noqa: S608 -- an expression of this file
            {"status": status, "job_id": job_id},
        )

    return run


def listed(connection):
    page = list_of_jobs.list_jobs(connection, kind=None, status=None, before="", limit=100)
    return [job.job_id for job in page.jobs]


@pytest.mark.parametrize("status", ["succeeded", "failed"])
def test_job_is_deleted_thirty_days_after_its_end(connection, order, finish, status):
    old, young = order(), order()
    finish(old, DELETABLE, status)
    finish(young, "now() - interval '29 days 23 hours'", status)

    list_of_jobs.delete_old(connection)

    assert listed(connection) == [young]


def test_unfinished_job_stays_however_old_it_is(connection, owner, order):
    job_id = order()
    owner.execute("update jobs set created_at = now() - interval '1 year', queued_at = now() - interval '1 year'")

    list_of_jobs.delete_old(connection)

    assert listed(connection) == [job_id]


def test_old_jobs_are_deleted_in_batches(connection, order, finish, monkeypatch):
    monkeypatch.setattr(list_of_jobs, "BATCH", 2)
    for _ in range(5):
        finish(order(), DELETABLE)

    list_of_jobs.delete_old(connection)

    assert listed(connection) == []


def test_one_run_deletes_a_limited_number_of_jobs(connection, order, finish, monkeypatch):
    monkeypatch.setattr(list_of_jobs, "BATCH", 1)
    monkeypatch.setattr(list_of_jobs, "MOST_BATCHES", 2)
    for _ in range(3):
        finish(order(), DELETABLE)

    list_of_jobs.delete_old(connection)

    assert len(listed(connection)) == 1


def test_message_of_a_deleted_job_changes_nothing(connection, order, finish, deliver):
    job_id = order()
    finish(job_id, DELETABLE)
    list_of_jobs.delete_old(connection)

    deliver(job_id, **NO_TIME_LIMIT)

    assert listed(connection) == []


def failed_rollout(owner, finish, progress, kind="rollout"):
    """A change whose job failed long ago, with this progress."""
    [(segment_id,)] = owner.execute("insert into segments (slug) values ('AAA') returning segment_id").fetchall()
    [(job_id,)] = owner.execute(
        "insert into jobs (kind, parameters, actor, progress) values (%s, '{}', 'alice', %s) returning job_id",
        (kind, Jsonb(progress)),
    ).fetchall()
    owner.execute("update segment_changes set job_id = %s where segment_id = %s", (job_id, segment_id))
    finish(job_id, DELETABLE, "failed")


def counts_of(connection):
    [change] = change_log.list_changes(connection, "AAA", before="", limit=10).changes
    return change.users_added, change.users_deleted


@pytest.mark.parametrize(
    ("kind", "progress", "counts"),
    [
        ("rollout", {"added": 7, "deleted": 3}, (7, 3)),
        ("rollout", {}, (0, 0)),
        ("segment_removal", {"done": 5}, (0, 5)),
    ],
)
def test_change_log_keeps_what_a_deleted_job_did_before_it_failed(connection, owner, finish, kind, progress, counts):
    failed_rollout(owner, finish, progress, kind)
    before = counts_of(connection)

    list_of_jobs.delete_old(connection)

    assert listed(connection) == []
    assert (before, counts_of(connection)) == (counts, counts)
