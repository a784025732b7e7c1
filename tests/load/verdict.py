"""Check that the database has all confirmed changes, and no others."""

import math
from typing import Any

from tests import law
from tests.bookkeeping import Told, assert_exactly_once
from tests.load.findings import Findings
from tests.load.world import CAMPAIGN, ROLLED_OUT


def assert_nothing_lost_or_doubled(owner: Any, phases: list[Findings], people: int) -> None:
    told = Told()
    for phase in phases:
        told = told.join(phase.told)
    assert_exactly_once(owner, told)
    assert_users(owner, {*range(1, people + 1), *told.users, *(user_id for phase in phases for user_id in phase.named)})
    assert_campaigns(owner, {slug for phase in phases for slug in phase.campaigns})
    for slug in ROLLED_OUT:
        assert_share(owner, slug)
        assert_taken_out(owner, slug, sum(phase.taken_out[slug] for phase in phases))
    law.check(owner)


def assert_users(owner: Any, expected: set[int]) -> None:
    """The users are those of the start, the registered ones, and those named by a change."""
    assert {user_id for (user_id,) in owner.execute("select user_id from users")} == expected


def assert_campaigns(owner: Any, expected: set[str]) -> None:
    """The campaigns are the segments that were created and not deleted."""
    rows = owner.execute(
        "select slug from segments where deleted_at is null and starts_with(slug, %s)", (CAMPAIGN,)
    ).fetchall()
    assert [slug for (slug,) in sorted(rows)] == sorted(expected)


def assert_share(owner: Any, slug: str) -> None:
    """The segment has exactly its percent of all users, after all changes of the percent and all arrivals."""
    [(members, share)] = owner.execute(
        """
        select (select count(*) from memberships where memberships.segment_id = segments.segment_id),
               coalesce(segments.user_percent, 0) / 100 * (select count(*) from users)
          from segments
         where segments.slug = %s
        """,
        (slug,),
    ).fetchall()
    assert members in {math.floor(share), math.ceil(share)}


def assert_taken_out(owner: Any, slug: str, expected: int) -> None:
    """Lowered percents removed as many users as the responses say."""
    [(exits,)] = owner.execute(
        "select count(*) from history where slug = %s and reason = 'percent' and action_id = 2", (slug,)
    ).fetchall()
    assert exits == expected
