"""Actions: the kinds of history rows, built in or the company's own."""

from contextlib import suppress

from psycopg import Connection, errors
from psycopg.rows import class_row

from segmentation.contract import cursors
from segmentation.contract.problems import ActionKept, ActionTaken, ActionUnknown
from segmentation.contract.responses import Action, ActionPage
from segmentation.database import names


def list_actions(connection: Connection, *, after: str, limit: int) -> ActionPage:
    """Return the actions after a name, in order of name."""
    with connection.cursor(row_factory=class_row(Action)) as cursor:
        rows = cursor.execute(
            """
            select actions.name, actions.operation
              from actions
             where actions.name > %s::text
             order by actions.name
             limit %s::integer
            """,
            (after, limit + 1),
        ).fetchall()
    actions, next_cursor = cursors.page(rows, limit, lambda action: action.name)
    return ActionPage(actions=actions, next_cursor=next_cursor)


def create(connection: Connection, name: str) -> Action:
    """Create an action of the company's own. Raises ActionTaken. A taken name uses up no action_id."""
    with (
        suppress(errors.UniqueViolation),  # a session that does not lock names, for example of the previous version
        connection.transaction(),
        connection.cursor(row_factory=class_row(Action)) as cursor,
    ):
        names.lock(connection, name)
        created = cursor.execute(
            """
            insert into actions (name)
            select new.name
              from (values (%s::text)) new (name)
             where not exists (select from actions where actions.name = new.name)
         returning name, operation
            """,
            (name,),
        ).fetchone()
        if created is not None:
            return created
    raise ActionTaken(f"There is an action {name} already.")


def delete(connection: Connection, name: str) -> None:
    """Delete an action. Raises ActionUnknown, or ActionKept if it is built in or used in the history."""
    try:
        deleted = connection.execute("delete from actions where actions.name = %s::text", (name,)).rowcount
    except errors.IntegrityConstraintViolation:
        raise ActionKept(f"The action {name} is built in, or used in the history.") from None
    if not deleted:
        raise ActionUnknown(f"There is no action {name}.")
