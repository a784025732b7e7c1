"""The export of a user: all that the database keeps of the user, as one JSON object a line in a file in S3."""

from typing import LiteralString

from psycopg import Connection
from psycopg.rows import scalar_row

from segmentation.contract.problems import UserUnknown
from segmentation.contract.responses import ReportLink
from segmentation.reports import storage, user_lock
from segmentation.runtime import metrics

PART_BYTES = 8 * 1024 * 1024
"""The size from which a part is uploaded. Only the last part may be under 5 MiB."""

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

    Raises UserUnknown if nothing is kept of the user, and StorageUnavailable.
    """
    file = _File(storage.new_export_name(user_id))
    with connection.transaction():
        user_lock.hold(connection, user_id)
        with connection.cursor(row_factory=scalar_row) as cursor:
            for line in cursor.stream(LINES, {"user_id": user_id}):
                file.add(line)
        if not file.rows:
            raise UserUnknown(f"There is no user {user_id}.")
        file.end()
    metrics.count("ReportRows", file.rows)
    link = storage.link(file.name)
    return ReportLink(report_link=link.url, expires_at=link.expires_at, rows=file.rows)


class _File:
    """A file that is stored part by part, so that memory holds one part. A small file is stored at once.

    The bucket aborts an upload that was not completed after a day.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.rows = 0
        self._part = bytearray()
        self._upload_id = ""
        self._tags: list[str] = []

    def add(self, line: str) -> None:
        """Append a line."""
        self._part += line.encode() + b"\n"
        self.rows += 1
        if len(self._part) >= PART_BYTES:
            self._upload()

    def end(self) -> None:
        """Store the rest, and make the file visible."""
        if not self._upload_id:
            storage.put(self.name, bytes(self._part))
            return
        if self._part:
            self._upload()
        storage.complete_upload(self.name, self._upload_id, self._tags)

    def _upload(self) -> None:
        self._upload_id = self._upload_id or storage.begin_upload(self.name)
        self._tags.append(storage.upload_part(self.name, self._upload_id, len(self._tags) + 1, bytes(self._part)))
        self._part.clear()
