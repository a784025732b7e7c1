"""The worker of an export or an import is killed at each of its requests. The next delivery completes the job.

They are not in chaos_worker.py, so that two processes can share the work.
"""

import pytest

from tests.chaos.killed_jobs import (
    MOMENTS,
    check_delivered_at_once,
    check_killed_at_any_request,
    export,
    import_file,
    import_replacement,
)
from tests.chaos.killed_jobs import world as world

ORDERS = {"export": export, "import": import_file, "import_replacement": import_replacement}


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("order", ORDERS.values(), ids=ORDERS)
def test_job_of_a_worker_killed_at_any_request_is_completed_by_the_next(world, order, moment):
    check_killed_at_any_request(world, order, moment)


@pytest.mark.parametrize("order", ORDERS.values(), ids=ORDERS)
def test_job_delivered_to_several_workers_at_once_and_again_is_done_once(world, order):
    check_delivered_at_once(world, order)
