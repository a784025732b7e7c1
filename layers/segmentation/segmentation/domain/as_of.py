"""As of: the segments that a user was in at a past instant."""

from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import LiteralString

from psycopg import Connection
from psycopg.rows import class_row

from segmentation.contract.responses import FreshJson
from segmentation.domain import instants

# The database writes the body, as for the current segments (memberships.JSON_OF_USER).
JSON_AT: LiteralString = """
    select (select clock_now()) as clock,
           format('{"segments":[%%s]}', string_agg(
               format(
                   '{"slug":"%%s","added_at":%%s,"expires_at":%%s}',
                   found.slug, instant_as_json(found.added_at), instant_as_json(found.expires_at)),
               ',' order by found.slug collate "C")) as body
      from memberships_at(%s::bigint, %s::timestamptz, %s::integer, %s::integer) found
    """


MOST_UNDONE = 1_000
MOST_FOLDED = 2_500
"""The answer undoes at most MOST_UNDONE operations since the instant. If there are more, it folds the operations before
the instant from the beginning, at most MOST_FOLDED."""

RECENT_SECONDS = 30
"""How long a caller may keep an answer about the last minute. It is the same as for an answer about now."""


@dataclass(frozen=True)
class _Past:
    clock: datetime
    body: str


def list_for_user(connection: Connection, user_id: int, at: datetime) -> FreshJson:
    """Return the segments that a user was in at an instant (UserSegments) as JSON, in order of slug.

    added_at of a member who has left is null if the month of the entry was dropped. Raises RequestInvalid if the
    instant is in the future, or InstantUnsettled.
    """
    past = instants.read_at(connection, at, partial(_read, connection, user_id, at))
    return FreshJson(past.body, instants.max_age(at, past.clock) or RECENT_SECONDS)


def _read(connection: Connection, user_id: int, at: datetime) -> _Past:
    with connection.cursor(row_factory=class_row(_Past)) as cursor:
        [past] = cursor.execute(JSON_AT, (user_id, at, MOST_UNDONE, MOST_FOLDED)).fetchall()
    return past
