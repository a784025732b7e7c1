"""A batch that meets the statement timeout is tried again with fewer rows."""

import pytest
from psycopg.errors import QueryCanceled

from segmentation.domain import deletion, segments
from segmentation.jobs import leases
from segmentation.jobs.batch_size import BatchSize
from segmentation.reports import month_rows
from tests.fix_log import log as log
from tests.integration.fix_jobs import NO_TIME_LIMIT

MEMBERS = 50


def meet_the_timeout(connection):
    with connection.transaction():
        connection.execute("set local statement_timeout = '1ms'")
        connection.execute("select pg_sleep(60)")


def test_month_whose_batches_meet_the_timeout_is_read_in_smaller_ones(
    connection, filled_month, expected, order, deliver, lines, monkeypatch, log
):
    read = month_rows.read

    def slow(own, report, scope, place, limit):
        if limit > 10:
            meet_the_timeout(own)
        return read(own, report, scope, place, limit)

    monkeypatch.setattr(month_rows, "read", slow)
    job_id = order()

    deliver(job_id, **NO_TIME_LIMIT)

    assert lines(job_id) == expected
    assert "statement timeout" in log.text


@pytest.mark.parametrize("by_a_report", [False, True])
def test_deletion_whose_batches_meet_the_timeout_ends_in_smaller_ones(
    connection, arrive, create, aws, deliver, history, monkeypatch, by_a_report
):
    end = deletion.end_memberships

    def slow(own, segment_id, *, most):
        if most > 5:
            meet_the_timeout(own)
        return end(own, segment_id, most=most)

    monkeypatch.setattr(deletion, "MOST_MEMBERS", 0)
    monkeypatch.setattr(deletion, "BATCH_MEMBERS", 20)
    arrive(MEMBERS)
    create("LARGE", 100)
    deleted = segments.delete(connection, "LARGE", actor="analyst")
    monkeypatch.setattr(deletion, "end_memberships", slow)

    if by_a_report:
        assert sum(deletion.end_pending_deletions(connection)) == MEMBERS
    deliver(deleted.job_id, **NO_TIME_LIMIT)

    assert leases.get(connection, deleted.job_id).result == {"users_deleted": MEMBERS}


def test_batch_of_one_row_that_meets_the_timeout_is_an_error(connection):
    tried = []

    def slow(rows):
        tried.append(rows)
        meet_the_timeout(connection)

    with pytest.raises(QueryCanceled):
        BatchSize(100).fit(slow)

    assert tried == [100, 12, 1]
