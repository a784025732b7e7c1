"""Fill the database before the day begins, by SQL of its owner. The triggers write the history."""

from typing import Any

import psycopg

from tests.load.world import BRIEF, LASTING, ROLLED_OUT

SEGMENTS_A_USER = 5


def fill(owner_url: str, people: int) -> None:
    """Insert users, each in a few segments."""
    with psycopg.connect(owner_url) as owner:
        owner.execute("select set_config('segmentation.actor', 'import', true)")
        owner.execute("insert into segments (slug) select unnest(%s::text[])", (LASTING + BRIEF + ROLLED_OUT,))
        owner.execute("insert into users (user_id) select generate_series(1, %s::bigint)", (people,))
        enter(owner)
    with psycopg.connect(owner_url, autocommit=True) as owner:
        owner.execute("analyze")


def enter(owner: Any) -> None:
    owner.execute(
        """
        insert into memberships (user_id, segment_id, added_at, source)
        select users.user_id, entered.segment_id, clock_timestamp(), 'import'
          from generate_series(1, %s::integer) number
         cross join users
          join segments entered on entered.slug = (%s::text[])[1 + (users.user_id * 7 + number * 31) %% %s::integer]
        """,
        (SEGMENTS_A_USER, LASTING, len(LASTING)),
    )
