"""Export a segment of a million members; compare with the server's own COPY to /dev/null."""

from typing import Any

from psycopg import Connection

from benchmarks.databases import Databases
from benchmarks.file_jobs import FileJob, compare
from benchmarks.results import Section
from benchmarks.timing import Say
from segmentation.jobs.leases import Kind

MEMBERS = 1_000_000
COPY = """
    copy (select memberships.user_id, memberships.added_at, memberships.expires_at, memberships.source
            from memberships
           where memberships.segment_id = 1
             and (memberships.expires_at is null or memberships.expires_at > now())
           order by memberships.user_id)
      to '/dev/null' (format csv)
    """


def fill(connection: Connection, members: int) -> None:
    """Write the members of a segment. Half of them have a lifetime. Another segment has the same members."""
    connection.execute("insert into segments (slug) values ('EXPORTED'), ('OTHER')")
    connection.execute("insert into users (user_id) select generate_series(1, %s::bigint)", (members,))
    connection.execute(
        """
        insert into memberships (user_id, segment_id, added_at, expires_at, source)
        select users.user_id, segments.segment_id, now() - make_interval(secs => users.user_id % 1000000 + 0.123456),
               case when users.user_id % 2 = 0 then now() + interval '10 days' end, 'import'
          from segments
         cross join users
         order by segments.segment_id, users.user_id
        """
    )


def find_kind() -> Kind:
    """Import the kind of job in the process that measures its memory."""
    from segmentation.reports import segment_export

    return segment_export.KIND


def parameters(file_format: str) -> dict[str, Any]:
    """Return the parameters of the job."""
    return {"segment_id": 1, "slug": "EXPORTED", "wanted": {"format": file_format}}


JOB = FileJob("export", "export", find_kind, parameters, COPY, {"csv": 0.8, "csv.gz": 0.4}, most_mib=64)


def run(databases: Databases, *, scale: float, rounds: int, say: Say) -> Section:
    """Measure the variants in turn."""
    members = int(MEMBERS * scale)
    say(f"  writing {members:,} members")
    with databases.filled(JOB.database) as connection:
        fill(connection, members)
    checks = compare(JOB, databases, rows=members, rounds=rounds, say=say)
    databases.drop(JOB.database)
    return Section(
        "Export of a segment",
        ["Written to the parts of an upload. The memory is in addition to that of a worker with finished imports."],
        checks,
    )
