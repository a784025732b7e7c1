"""A worker is killed at each of its requests to Postgres, S3 and SQS. The next delivery completes the job."""

import pytest

from tests.chaos.killed_jobs import (
    MOMENTS,
    check_delivered_at_once,
    check_killed_at_any_request,
    compressed_report,
    enrol,
    release,
    remove,
    report,
)
from tests.chaos.killed_jobs import world as world

ORDERS = {"enrol": enrol, "release": release, "remove": remove, "csv": report, "csv.gz": compressed_report}


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("order", ORDERS.values(), ids=ORDERS)
def test_job_of_a_worker_killed_at_any_request_is_completed_by_the_next(world, order, moment):
    check_killed_at_any_request(world, order, moment)


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("order", [enrol, report])
def test_job_of_a_worker_killed_while_releasing_it_is_completed_by_the_next(world, order, moment):
    *killed, undisturbed = world.outcomes(order, moment, milliseconds=0)

    assert undisturbed.job[0] == "succeeded"
    assert [outcome for outcome in killed if outcome != undisturbed] == []


@pytest.mark.parametrize("order", ORDERS.values(), ids=ORDERS)
def test_job_delivered_to_several_workers_at_once_and_again_is_done_once(world, order):
    check_delivered_at_once(world, order)
