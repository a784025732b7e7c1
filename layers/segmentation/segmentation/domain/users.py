"""Users: create, list and delete them. The caller or the database chooses the id."""

from psycopg import Connection, Rollback
from psycopg.rows import class_row, scalar_row

from segmentation.contract import cursors
from segmentation.contract.problems import UserUnknown
from segmentation.contract.responses import User, UserDeleted, UserPage
from segmentation.database import one_statement, transactions
from segmentation.runtime import metrics

_CREATION = one_statement.Change(
    call="create_user(%(user_id)s::bigint, %(actor)s::text)",
    body="""format('{"user_id":%%s}', changed.user_id)""",
    status="case when changed.is_new then 201 else 200 end",
)


def create(connection: Connection, user_id: int | None, *, actor: str) -> tuple[int, bool]:
    """Create a user. Return the id and whether the user is new. Without an id, choose a free one.

    The database decides in the same transaction which percent segments enrol a new user.
    """
    [created] = one_statement.run(connection, _CREATION, {"user_id": user_id, "actor": actor})
    return created["user_id"], created["is_new"]


def list_users(connection: Connection, *, after: int, limit: int) -> UserPage:
    """Return the users after an id, in order of id."""
    with connection.cursor(row_factory=class_row(User)) as cursor:
        rows = cursor.execute(
            """
            select users.user_id, users.created_at
              from users
             where users.user_id > %s::bigint
             order by users.user_id
             limit %s::integer
            """,
            (after, limit + 1),
        ).fetchall()
    users, next_cursor = cursors.page(rows, limit, lambda user: user.user_id)
    return UserPage(users=users, next_cursor=next_cursor)


def delete(connection: Connection, user_id: int, *, erase: bool = False, actor: str) -> UserDeleted:
    """End a user's memberships and delete the user. The history stays, unless the caller erases it too.

    Raises UserUnknown if there is no user to delete and no history to erase.
    """
    with transactions.transaction(connection, actor=actor, reason="user_deleted"):
        found = _lock(connection, user_id)
        # a user who arrives now stays, because a deletion without the row lock can deadlock with writers
        ended = _delete_user(connection, user_id) if found else 0
        erased = _erase_history(connection, user_id) if erase else 0
        if not found and not erased:
            raise UserUnknown(f"There is no user {user_id}.")
    metrics.count("MembershipsRemoved", ended)
    return UserDeleted(segments_deleted=ended)


def _lock(connection: Connection, user_id: int) -> bool:
    """Lock a user's segments, the percents and the user, in the order of other writers. Return whether the user exists.

    If the user enters another segment meanwhile, release the locks and begin again: a session that is setting its
    percent has locked that segment, and waits for the percents.
    """
    while True:
        with connection.transaction() as attempt:
            locked = _lock_segments_of(connection, user_id)
            connection.execute("select hold_percents()")
            user = "select from users where users.user_id = %s::bigint for update"
            found = bool(connection.execute(user, (user_id,)).rowcount)
            if not found or _segments_of(connection, user_id) <= locked:
                return found
            raise Rollback(attempt)


def _lock_segments_of(connection: Connection, user_id: int) -> set[int]:
    """Lock a user's segments as every writer does, so that none is deleted before this transaction ends.

    Otherwise an exit could be dated after the deletion of its segment.
    """
    connection.execute("select pg_advisory_xact_lock_shared(0, 0)")
    rows = connection.execute(
        """
        select segments.segment_id
          from segments
         where segments.segment_id in (
               select memberships.segment_id from memberships where memberships.user_id = %s::bigint)
           for share
        """,
        (user_id,),
    )
    return {segment_id for (segment_id,) in rows}


def _segments_of(connection: Connection, user_id: int) -> set[int]:
    rows = connection.execute(
        "select memberships.segment_id from memberships where memberships.user_id = %s::bigint", (user_id,)
    )
    return {segment_id for (segment_id,) in rows}


def _delete_user(connection: Connection, user_id: int) -> int:
    """Delete a user that the caller has locked, and return how many active memberships ended."""
    with connection.cursor(row_factory=scalar_row) as cursor:
        [ended] = cursor.execute("select delete_user(%s::bigint)", (user_id,)).fetchall()
    return int(ended)


def _erase_history(connection: Connection, user_id: int) -> int:
    with connection.cursor(row_factory=scalar_row) as cursor:
        [erased] = cursor.execute("select erase_history(%s::bigint)", (user_id,)).fetchall()
    return int(erased)
