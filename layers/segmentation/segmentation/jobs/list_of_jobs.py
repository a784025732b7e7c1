"""The list of jobs: its pages, and the deletion of jobs that ended long ago."""

from psycopg import Connection
from psycopg.rows import class_row

from segmentation.contract import cursors
from segmentation.contract.responses import Job, JobPage

KEPT_DAYS = 30
"""The days that a job stays in the list after its end."""

BATCH = 1000
"""Jobs that a transaction deletes."""

MOST_BATCHES = 10

_NEWEST = "infinity ffffffff-ffff-ffff-ffff-ffffffffffff"


def list_jobs(connection: Connection, *, kind: str | None, status: str | None, before: str, limit: int) -> JobPage:
    """Return the jobs before a place in the list, newest first."""
    created_at, job_id = (before or _NEWEST).split(" ")
    with connection.cursor(row_factory=class_row(Job)) as cursor:
        rows = cursor.execute(
            """
            select jobs.job_id, jobs.kind, jobs.status, jobs.done, jobs.total, jobs.created_at, jobs.finished_at,
                   jobs.actor, jobs.result, jobs.error
              from jobs
             where (jobs.created_at, jobs.job_id) < (%(created_at)s::timestamptz, %(job_id)s::uuid)
               and (%(kind)s::text is null or jobs.kind = %(kind)s::text)
               and (%(status)s::text is null or jobs.status = %(status)s::text)
             order by jobs.created_at desc, jobs.job_id desc
             limit %(most)s::integer
            """,
            {"created_at": created_at, "job_id": job_id, "kind": kind, "status": status, "most": limit + 1},
        ).fetchall()
    jobs, next_cursor = cursors.page(rows, limit, _place_of)
    return JobPage(jobs=jobs, next_cursor=next_cursor)


def delete_old(connection: Connection) -> None:
    """Delete the jobs that ended long ago, in a limited number of batches. The next run deletes the rest."""
    for _ in range(MOST_BATCHES):
        if _delete_batch(connection) < BATCH:
            break


def _delete_batch(connection: Connection) -> int:
    return connection.execute(
        """
        delete from jobs
         where jobs.ctid = any (array(
               select old.ctid
                 from jobs old
                where old.finished_at < now() - make_interval(days => %s::integer)
                order by old.finished_at
                limit %s::integer
                  for update skip locked))
        """,
        (KEPT_DAYS, BATCH),
    ).rowcount


def _place_of(job: Job) -> str:
    return f"{job.created_at.isoformat()} {job.job_id}"
