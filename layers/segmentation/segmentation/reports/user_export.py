"""The export of a user: all that the database keeps of the user, as one JSON object a line in a file in S3."""

import gzip
import io
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import LiteralString

from psycopg import Connection
from psycopg.rows import scalar_row

from segmentation.contract.problems import UserUnknown
from segmentation.contract.responses import ReportLink
from segmentation.reports import storage, user_lock
from segmentation.runtime import metrics

PART_BYTES = 8 * 1024 * 1024
"""The size of a part. Only the last part may be under 5 MiB."""

BUFFER_BYTES = 65_536

# Postgres writes the lines, because rows and JSON would take Python longer.
LINES_OF: dict[str, LiteralString] = {
    "users": """
        select json_build_object('kind', 'user', 'user_id', users.user_id, 'ordinal', users.ordinal,
                                 'created_at', instant_as_json(users.created_at)::json)
          from users
         where users.user_id = %(user_id)s::bigint
        """,
    "memberships": """
        select json_build_object('kind', 'membership', 'user_id', memberships.user_id, 'slug', segments.slug,
                                 'source', memberships.source, 'added_at', instant_as_json(memberships.added_at)::json,
                                 'expires_at', instant_as_json(memberships.expires_at)::json)
          from memberships
          join segments on segments.segment_id = memberships.segment_id
         where memberships.user_id = %(user_id)s::bigint
        """,
    "rollout_overrides": """
        select json_build_object('kind', 'rollout_override', 'user_id', rollout_overrides.user_id,
                                 'slug', segments.slug, 'included', rollout_overrides.included)
          from rollout_overrides
          join segments on segments.segment_id = rollout_overrides.segment_id
         where rollout_overrides.user_id = %(user_id)s::bigint
        """,
    "history": """
        select json_build_object('kind', 'operation', 'user_id', history.user_id, 'slug', history.slug,
                                 'operation', coalesce(actions.operation, 'A'), 'action', actions.name,
                                 'reason', history.reason, 'actor', history.actor, 'percent', history.percent,
                                 'comment', causes.comment,
                                 'expires_at', instant_as_json(history.expires_at)::json,
                                 'executed_at', instant_as_json(history.executed_at)::json)
          from history
          left join actions on actions.action_id = history.action_id
          left join causes on causes.cause_id = history.cause_id
         where history.user_id = %(user_id)s::bigint
         order by history.executed_at, history.history_id
        """,
}
"""The lines of each table with a user_id. tests/integration/test_user_export.py names the tables that have none."""

# one statement, and therefore one snapshot
LINES: LiteralString = " union all ".join(
    [f"(select line.line::text from ({lines}) line (line))" for lines in LINES_OF.values()]  # noqa: S608 # nosec B608 -- texts of our own
)


def create(connection: Connection, user_id: int) -> ReportLink:
    """Store the export of a user, and return a link to it. A deleted user's export has the history.

    The snapshot ends before the first upload, because S3 can be slow. The lock of the user stays until the file is
    stored. Raises UserUnknown if nothing is kept of the user, and StorageUnavailable.
    """
    file_name = storage.new_export_name(user_id)
    with connection.transaction():
        user_lock.hold(connection, user_id)
        lines = _read(connection, user_id)
        if not lines.rows:
            raise UserUnknown(f"There is no user {user_id}.")
        _store(connection, file_name, lines)
    metrics.count("ReportRows", lines.rows)
    link = storage.link(file_name)
    return ReportLink(report_link=link.url, expires_at=link.expires_at, rows=lines.rows)


@dataclass(frozen=True)
class _Lines:
    """The lines of an export, compressed, because a function has no disk and a long history exceeds its memory."""

    packed: bytes
    rows: int

    def parts(self) -> Iterator[bytes]:
        """Yield the text of the lines in parts. Only the last one is smaller than the others."""
        with gzip.open(io.BytesIO(self.packed)) as text:
            while part := text.read(PART_BYTES):
                yield part


def _read(connection: Connection, user_id: int) -> _Lines:
    packed, rows = io.BytesIO(), 0
    with (
        connection.cursor(row_factory=scalar_row) as cursor,
        gzip.open(packed, "wb", compresslevel=1) as file,
        io.BufferedWriter(file, BUFFER_BYTES) as text,
    ):
        for line in cursor.stream(LINES, {"user_id": user_id}):
            text.write(line.encode() + b"\n")
            rows += 1
    return _Lines(packed.getvalue(), rows)


def _store(connection: Connection, file_name: str, lines: _Lines) -> None:
    """Store a file, at once or part by part."""
    first, *others = islice(lines.parts(), 2)
    _keep_only_the_lock(connection)
    if not others:
        storage.put(file_name, first)
        return
    upload_id = storage.begin_upload(file_name)
    try:
        tags = []
        for number, part in enumerate(lines.parts(), 1):
            tags.append(storage.upload_part(file_name, upload_id, number, part))
            _keep_only_the_lock(connection)
        storage.complete_upload(file_name, upload_id, tags)
    except Exception:
        storage.abort_upload(file_name, upload_id)
        raise


def _keep_only_the_lock(connection: Connection) -> None:
    """Close the portal of the last statement, and with it the snapshot, by a savepoint.

    The server ends a transaction that is idle for too long. The lock is then lost, and this raises OperationalError.
    """
    with connection.transaction():
        pass
