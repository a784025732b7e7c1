"""Report jobs: a month of history, an order, its delivery, and the lines of its file."""

from functools import partial

import pytest

from functions.run_job.app import KINDS
from segmentation.contract.requests import NewReport
from segmentation.jobs import leases, worker
from segmentation.reports import month_report
from segmentation.reports.stored_file import Sizes

NO_TIME_LIMIT = {"kinds": KINDS, "time_left": lambda: True}
ROWS = 1000


@pytest.fixture
def small_batches(monkeypatch):
    """Make batches, statements and parts so small that a few rows need several."""
    monkeypatch.setattr(month_report, "SIZES", Sizes(batch_rows=70, part_bytes=10_000))


@pytest.fixture
def filled_month(owner, small_batches):
    """Write a month of a thousand rows. Several share an instant, and their file has several parts."""
    owner.execute(
        """
        insert into history (user_id, segment_id, slug, action_id, reason, actor, executed_at)
        select number, 1, (array['AVITO_30', 'AVITO_50'])[1 + number %% 2], 1 + number %% 3, 'manual', 'analyst',
               timestamptz '2023-08-01T00:00:00Z' + make_interval(hours => (number / 10)::integer)
          from generate_series(0, %s - 1) number
        """,
        (ROWS * 3 // 2,),
    )


@pytest.fixture
def order(connection, aws):
    def create(**members):
        wanted = NewReport.model_validate({"year": 2023, "month": 8, **members})
        return month_report.create_for_all(connection, wanted, actor="analyst").job_id

    return create


@pytest.fixture
def deliver(connection):
    return partial(worker.deliver, connection, kinds=KINDS)


@pytest.fixture
def deliver_to_dying_worker(connection, aws, deliver, monkeypatch):
    """Deliver a job to a worker that dies while it saves this step. End its lease."""

    def run(job_id, step):
        calls, save = iter(range(1, 1000)), leases.save

        def die_once(*arguments):
            if next(calls) == step:
                raise leases.LeaseLost
            save(*arguments)

        with monkeypatch.context() as patch:
            patch.setattr(leases, "save", die_once)
            deliver(job_id, **NO_TIME_LIMIT)
        assert leases.get(connection, job_id).status == "running", "the job ended before that step"
        connection.execute("update jobs set leased_until = now() - interval '1 s'")

    return run


@pytest.fixture
def fail(owner, deliver):
    """Use up all attempts of a job without an error, until it fails."""

    def run(job_id):
        owner.execute("update jobs set attempts = %s where job_id = %s", (leases.MAX_ATTEMPTS, job_id))
        deliver(job_id, **NO_TIME_LIMIT)

    return run


@pytest.fixture
def lines(connection, aws):
    """Read the lines of a finished job's file, without the header."""

    def read(job_id):
        result = leases.get(connection, job_id).result
        text = aws.text(result["file_name"])
        assert text.startswith("user_id,segment_slug,operation,executed_at\r\n")
        assert len(text.splitlines()) == result["rows"] + 1
        return text.splitlines()[1:]

    return read


@pytest.fixture
def expected(owner):
    """The lines that the file must have, from a plain query."""
    return [
        f"{user},{slug},{'ID'[action - 1]},{executed_at:%Y-%m-%d %H:%M:%S}"
        for user, slug, action, executed_at in owner.execute(
            """
            select user_id, slug, action_id, executed_at from history
             where action_id <= 2 order by executed_at, history_id
            """
        )
    ]
