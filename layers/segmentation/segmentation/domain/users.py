"""Users: numbered by their owners, or by us where they ask."""

from psycopg import Connection
from psycopg.rows import class_row, scalar_row

from segmentation.contract import cursors
from segmentation.contract.problems import UserUnknown
from segmentation.contract.responses import User, UserDeleted, UserPage
from segmentation.database import transactions
from segmentation.runtime import metrics


def create(connection: Connection, user_id: int | None, *, actor: str) -> tuple[int, bool]:
    """Register a user and return the id and whether it is new; without an id, choose a free one.

    The database enrols a new user into the percent segments whose turn it is.
    """
    if user_id is not None:
        return user_id, _insert(connection, user_id, actor)
    while True:
        with connection.cursor(row_factory=scalar_row) as cursor:
            [free] = cursor.execute("select allocate_user_id()").fetchall()
        if _insert(connection, free, actor):  # else a caller's own number came in between
            return free, True


def list_users(connection: Connection, *, after: int, limit: int) -> UserPage:
    """Return the users that follow an id, in order of id."""
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


def delete(connection: Connection, user_id: int, *, erase: bool, actor: str) -> UserDeleted:
    """End a user's memberships and forget the user; the history stays, unless it is to be erased too.

    Raises UserUnknown where there is nothing to delete and, when asked to, nothing to erase.
    """
    with transactions.transaction(connection, actor=actor, reason="user_deleted"):
        found = connection.execute("select from users where users.user_id = %s::bigint for update", (user_id,)).rowcount
        # an unknown one who arrives now is left alone: without their lock, what follows can deadlock with their writers
        ended = _remove(connection, user_id) if found else 0
        erased = _erase_history(connection, user_id) if erase else 0
        if not found and not erased:
            raise UserUnknown(f"There is no user {user_id}.")
    metrics.count("MembershipsRemoved", ended)
    return UserDeleted(segments_deleted=ended)


def _remove(connection: Connection, user_id: int) -> int:
    """Remove a user whom the caller has locked, and return how many memberships that ended."""
    [(ended,)] = connection.execute(
        """
        with gone as (
            delete from memberships where memberships.user_id = %s::bigint
         returning memberships.segment_id, memberships.expires_at)
        select count(*)
          from gone
          join segments on segments.segment_id = gone.segment_id
         where segments.deleted_at is null and (gone.expires_at is null or gone.expires_at > clock_timestamp())
        """,
        (user_id,),
    ).fetchall()
    connection.execute("delete from users where users.user_id = %s::bigint", (user_id,))
    return int(ended)


def _insert(connection: Connection, user_id: int, actor: str) -> bool:
    return bool(
        connection.execute(
            """
            with announced as materialized (select set_config('segmentation.actor', %s::text, true))
            insert into users (user_id)
            select %s::bigint from announced
                on conflict do nothing
            """,
            (actor, user_id),
        ).rowcount
    )


def _erase_history(connection: Connection, user_id: int) -> int:
    with connection.cursor(row_factory=scalar_row) as cursor:
        [erased] = cursor.execute("select erase_history(%s::bigint)", (user_id,)).fetchall()
    return int(erased)
