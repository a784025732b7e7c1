"""Delete a segment of a million members: the response, and the job that writes the exits."""

from collections.abc import Callable
from functools import partial
from uuid import UUID

from psycopg import Connection

from benchmarks.databases import Databases
from benchmarks.results import Section, cost, speed
from benchmarks.timing import Say, once_each, seconds
from functions.run_job.app import KINDS
from segmentation.domain import deletion, segments
from segmentation.jobs import queue, worker

MEMBERS = 1_000_000
NAME = "delete_segment"
SLUG = "AVITO_DISCOUNT_30"
ANOTHER = "AVITO_DISCOUNT_50"

BATCH = """
    delete from memberships
     where memberships.ctid = any (array(
           select doomed.ctid from memberships doomed where doomed.segment_id = 1
            order by doomed.user_id limit 10000))
    """


def fill(connection: Connection, members: int) -> None:
    """Put every user into one segment, in random order."""
    connection.execute("insert into segments (slug) values (%s), (%s)", (SLUG, ANOTHER))
    connection.execute("insert into users (user_id) select generate_series(1, %s::bigint)", (members,))
    connection.execute(
        """
        insert into memberships (user_id, segment_id, added_at)
        select number, 1, now() - interval '1 day'
          from generate_series(1, %s::bigint) number
         order by hashint8(number)
        """,
        (members,),
    )
    connection.execute("create table baseline (user_id bigint primary key)")
    connection.execute("grant insert on baseline to segmentation_app")


def run(databases: Databases, *, scale: float, rounds: int, say: Say) -> Section:
    """Measure the response, the job, and the same batches in bare SQL."""
    members = max(int(MEMBERS * scale), deletion.MOST_MEMBERS + 1)  # fewer members make no job
    queue.request_worker = lambda job_id: None  # the benchmark delivers the job itself
    say(f"  writing {members:,} members")
    with databases.filled(NAME) as connection:
        fill(connection, members)
    found = once_each(
        {
            "one row": partial(_on_copy, databases, _one_row),
            "answer": partial(_on_copy, databases, _answer),
            "batches": partial(_on_copy, databases, _batches),
            "job": partial(_on_copy, databases, _job),
        },
        rounds=rounds,
        say=say,
    )
    databases.drop(NAME)
    job = f"delete a segment of {members:,} members"
    return Section(
        "Delete a segment",
        [
            "The request checks whether the segment has more members than a request deletes itself. It marks the",
            "segment, which hides it from every read, and creates a job. The job deletes the memberships in",
            f"transactions of {deletion.BATCH_MEMBERS:,}. The baseline deletes the same batches with the same history,",
            "and does nothing else.",
        ],
        [
            cost(f"{job}, the response", "one row inserted and committed", found["answer"], found["one row"], 20),
            speed(f"{job}, the job", "the same batches in bare SQL", found["job"], found["batches"], 0.8),
        ],
    )


def _on_copy(databases: Databases, variant: Callable[[Connection], float]) -> float:
    with databases.copy(NAME) as connection:
        connection.execute("set statement_timeout = 0")
        return variant(connection)


def _one_row(connection: Connection) -> float:
    connection.execute("insert into baseline values (0)")  # the first call of a connection plans
    return seconds(lambda: connection.execute("insert into baseline values (%s)", (1,)))


def _answer(connection: Connection) -> float:
    segments.delete(connection, ANOTHER, actor="analyst")  # the first call of a connection plans
    return seconds(lambda: segments.delete(connection, SLUG, actor="analyst"))


def _batches(connection: Connection) -> float:
    connection.execute("update segments set deleted_at = now(), deleted_by = 'analyst'")

    def delete_all() -> None:
        while connection.execute(BATCH).rowcount:
            pass

    return seconds(delete_all)


def _job(connection: Connection) -> float:
    segment = segments.delete(connection, SLUG, actor="analyst")
    job_id = UUID(str(segment.model_dump()["job_id"]))
    return seconds(lambda: worker.deliver(connection, job_id, kinds=KINDS, time_left=lambda: True))
