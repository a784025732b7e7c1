"""The report of a user's month: entries and exits as a CSV file in S3."""

import functools
import io
from collections.abc import Iterator
from datetime import datetime

from psycopg import Connection, sql
from psycopg.rows import dict_row

from segmentation.contract import csv_text
from segmentation.contract.responses import ReportLink
from segmentation.contract.values import Columns
from segmentation.reports import storage, user_lock
from segmentation.reports.months import Month
from segmentation.reports.requested_month import requested_month
from segmentation.runtime import metrics

_PLAIN_COLUMNS = ("user_id", "segment_slug", "operation", "executed_at")
COLUMNS: dict[Columns, tuple[str, ...]] = {
    "plain": _PLAIN_COLUMNS,
    "extended": (*_PLAIN_COLUMNS, "action", "reason", "actor", "comment", "expires_at"),
}
PLAIN_OPERATIONS = ("I", "D")

_ROWS_OF_USER = sql.SQL(
    """
    select operations.user_id, operations.slug as segment_slug, actions.operation, operations.executed_at,
           actions.name as action, operations.reason, operations.actor,
           (select causes.comment from causes where causes.cause_id = operations.cause_id) as comment,
           operations.expires_at
      from operations
      join actions on actions.action_id = operations.action_id
     where operations.user_id = %s::bigint
       and operations.executed_at >= {} and operations.executed_at < {}
     order by operations.executed_at, operations.history_id
    """
)


def create_for_user(
    connection: Connection, user_id: int, year: int, month: int, *, report_format: Columns, delimiter: str
) -> ReportLink:
    """Store the report of a user's month, and return a link to it.

    The report includes exits that are due but not yet swept. A month without rows gives only the header. Raises
    RequestInvalid for a month in the future, and StorageUnavailable.
    """
    wanted = requested_month(connection, year, month, location="query")
    columns = COLUMNS[report_format]
    file_name = storage.new_file_name(storage.subject_of_user(user_id), wanted, "csv")
    with connection.transaction():
        user_lock.hold(connection, user_id)
        cells = (
            [row[name] for name in columns]
            for row in rows_of_user(connection, user_id, wanted)
            if report_format == "extended" or row["operation"] in PLAIN_OPERATIONS
        )
        body, rows = _file(columns, cells, delimiter)
        storage.put(file_name, body)
    metrics.count("ReportRows", rows)
    link = storage.link(file_name)
    return ReportLink(report_link=link.url, expires_at=link.expires_at, rows=rows)


def _file(columns: tuple[str, ...], cells: Iterator[list[object]], delimiter: str) -> tuple[bytes, int]:
    """Return the bytes of a file, and its number of rows."""
    file = io.BytesIO()
    with io.TextIOWrapper(file, encoding="utf-8", newline="") as text:
        rows = csv_text.write(text, columns, cells, delimiter)
        text.flush()
        return file.getvalue(), rows


def rows_of_user(connection: Connection, user_id: int, month: Month) -> Iterator[dict[str, object]]:
    """Yield the operations of a user in a month, oldest first.

    Each row is converted only when needed. All rows at once would take several times the memory of libpq's result.
    """
    with connection.cursor(row_factory=dict_row) as cursor:
        for row in cursor.execute(rows_statement(month), (user_id,)):
            row["executed_at"] = _second(row["executed_at"])
            row["expires_at"] = _second(row["expires_at"])
            yield row


@functools.lru_cache(maxsize=24)
def rows_statement(month: Month) -> bytes:
    """Return the statement for one month. The bounds of the month are literals in it.

    Postgres then caches a plan with only the partition of this month. A generic plan for any month contains all
    partitions. Postgres takes it for too costly and plans each call again, which takes longer than the execution.
    """
    return _ROWS_OF_USER.format(sql.Literal(month.begins_at), sql.Literal(month.ends_at)).as_bytes(None)


def _second(moment: datetime | None) -> str | None:
    """Return an instant as text, cut to its second. The session returns it in UTC."""
    return moment.isoformat(" ", "seconds")[:19] if moment else None
