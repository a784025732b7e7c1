"""Faults under a mixed load through a pooler with fewer connections than processes.

CHAOS_SECONDS sets how long each fault lasts.
"""

import time

import pytest

from segmentation.contract.requests import NewSegment
from segmentation.database.connection import connect
from segmentation.domain import segments
from tests.chaos.chaos_load import SECONDS, assert_well_behaved, kill_one, under_load
from tests.chaos.mixed_load import SLUGS


@pytest.fixture
def loaded(pooler, pooled_database):
    """The database with the segments of the load, behind two server connections."""
    pooler.start(default_pool_size=2)
    with connect(pooled_database.url) as connection:
        for slug in SLUGS:
            segments.create(connection, NewSegment(slug=slug), actor="analyst")
    return pooled_database


def test_server_connections_killed_behind_the_pooler_lose_and_double_nothing(loaded):
    tally = under_load(loaded, kill_one)

    assert_well_behaved(tally)


def test_pooler_that_is_restarted_loses_and_doubles_nothing(loaded, pooler):
    def restart(_):
        time.sleep(SECONDS / 8)
        pooler.stop()
        pooler.start(default_pool_size=2)

    tally = under_load(loaded, restart)

    assert tally.statuses[503] > 0
    assert_well_behaved(tally)
