"""The law of the past: reads about an instant return what was read then, and each because follows from the record.

The expected values are folded from the change log and the history, row by row.
"""

import json
from datetime import datetime
from typing import Any

from psycopg import Connection
from psycopg.rows import dict_row, tuple_row

from segmentation.domain import as_of, evidence
from tests.reads import segments_of

Row = dict[str, Any]

OF_ENTRY = {"manual": "by_hand", "percent": "by_percent", "import": "by_import"}
OF_EXIT = {
    "manual": "removed_by_hand",
    "import": "removed_by_import",
    "ttl": "expired",
    "percent": "percent_lowered",
    "user_deleted": "user_deleted",
}


def read_now(connection: Connection[Any], user_id: int) -> list[Row]:
    """Return the segments that a user is in now."""
    return [dict(found) for found in segments_of(connection, user_id)]


def read_at(connection: Connection[Any], user_id: int, at: datetime) -> list[Row]:
    """Return the segments that a user was in at an instant. Both ways to find them agree."""
    body = as_of.list_for_user(connection, user_id, at).body
    with connection.cursor(row_factory=tuple_row) as cursor:
        [(_, folded)] = cursor.execute(as_of.JSON_AT, (user_id, at, 0, 1_000)).fetchall()
    assert folded == body
    found = json.loads(body)["segments"]
    return [one | {name: _instant(one[name]) for name in ("added_at", "expires_at")} for one in found]


def explained(connection: Connection[Any], user_id: int, slug: str, at: datetime | None) -> Row:
    found: Row = json.loads(evidence.explain(connection, user_id, slug, at).body)
    return found


def _instant(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def because(superuser: Connection[Any], user_id: int, slug: str, at: datetime) -> str | None:
    """Return the `because` that follows from the change log and the history. None: no segment ever had the slug."""
    segment_id = _segment_named(superuser, slug, at)
    if segment_id is None:
        return None
    log = _rows(superuser, "select * from segment_changes where segment_id = %s order by change_id", segment_id)
    if log[0]["changed_at"] > at:
        return "segment_not_created_yet"
    if any(row["change"] == "deleted" and row["changed_at"] <= at for row in log):
        return "segment_deleted"
    operations = _operations(superuser, user_id, at)
    of_segment = [row for row in operations if row["segment_id"] == segment_id and row["operation"] in "IDU"]
    if not of_segment:
        return _because_never_entered(superuser, user_id, at, operations, _percent(log, at))
    if of_segment[-1]["operation"] == "D":
        return OF_EXIT[of_segment[-1]["reason"]]
    return OF_ENTRY[[row for row in of_segment if row["operation"] == "I"][-1]["reason"]]


def _because_never_entered(
    superuser: Connection[Any], user_id: int, at: datetime, operations: list[Row], percent: float
) -> str:
    created = _rows(superuser, "select created_at from users where user_id = %s and created_at <= %s", user_id, at)
    last = operations[-1] if operations else None
    if last and last["reason"] == "user_deleted" and not (created and created[0]["created_at"] > last["executed_at"]):
        return "user_deleted"
    if not created and not last:
        return "user_unknown"
    return "not_chosen" if percent > 0 else "never_entered"


def _segment_named(superuser: Connection[Any], slug: str, at: datetime) -> int | None:
    """Return the segment that had a slug at an instant, or the last one before, or the first one after."""
    holder: dict[str, int] = {}
    named: dict[int, str] = {}
    before: list[int] = []
    for row in _rows(superuser, "select * from segment_changes order by changed_at, change_id"):
        new = (row["after"] or {}).get("slug")
        if row["changed_at"] > at:
            if new == slug and slug not in holder and not before:
                return int(row["segment_id"])
            continue
        if new is None and row["change"] != "deleted":
            continue
        old = named.pop(row["segment_id"], None)
        if old is not None:
            del holder[old]
            before += [row["segment_id"]] if old == slug else []
        if new is not None:
            named[row["segment_id"]] = new
            holder[new] = row["segment_id"]
    return holder.get(slug, before[-1] if before else None)


def _percent(log: list[Row], at: datetime) -> float:
    percent = 0.0
    for row in log:
        if row["changed_at"] <= at and "user_percent" in (row["after"] or {}):
            percent = float(row["after"]["user_percent"] or 0)
    return percent


def _operations(superuser: Connection[Any], user_id: int, at: datetime) -> list[Row]:
    return _rows(
        superuser,
        """
        select operations.segment_id, operations.reason, operations.executed_at, actions.operation
          from operations
          join actions on actions.action_id = operations.action_id
         where operations.user_id = %s and operations.executed_at <= %s
         order by operations.executed_at, operations.place
        """,
        user_id,
        at,
    )


def _rows(superuser: Connection[Any], statement: str, *parameters: Any) -> list[Row]:
    with superuser.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(statement, parameters).fetchall()  # type: ignore[arg-type]  # constants of this module
