"""Enrol ten percent of a million users: in one statement, and as the job that so many users need."""

import time
from collections.abc import Callable
from functools import partial

from psycopg import Connection

from benchmarks import naive
from benchmarks.databases import Databases
from benchmarks.results import Section, cost, speed
from benchmarks.timing import Say, once_each, seconds
from functions.run_job.app import KINDS
from segmentation.database import transactions
from segmentation.domain.rollouts import enrolment, percent
from segmentation.domain.rollouts import job as rollout_job
from segmentation.domain.rollouts.enrolment import Remaining, Rollout
from segmentation.jobs import leases, worker

USERS = 1_000_000
PERCENT = 10
NAME = "enrol"
LEAST_ROUNDS = 5
"""A variant takes seconds, and the speed of the machine changes within seconds."""


SAME_ROWS = """
    insert into memberships (user_id, segment_id, added_at, source)
    select users.user_id, 1, now(), 'percent'
      from users
     where users.user_id %% 10 = %s::integer
    """
SAME_HISTORY = """
    insert into history (user_id, segment_id, slug, action_id, reason, actor, executed_at)
    select memberships.user_id, 1, 'ROLLOUT', 1, 'percent', 'analyst', memberships.added_at
      from memberships
    """
AT_RANDOM = """
    insert into memberships (user_id, segment_id, added_at, source)
    select users.user_id, 1, now(), 'percent'
      from users
     order by random()
     limit %s::bigint
    """


def fill(connection: Connection, users: int) -> None:
    """Insert users, and a percent segment without members."""
    connection.execute(
        "insert into users (user_id, ordinal) select number, number - 1 from generate_series(1, %s::bigint) number",
        (users,),
    )
    connection.execute("select setval('population_ordinals', %s::bigint, false)", (users,))
    connection.execute("insert into segments (slug, user_percent) values ('ROLLOUT', %s)", (PERCENT,))
    connection.execute("insert into rollouts (segment_id) select segments.segment_id from segments")


def run(databases: Databases, *, scale: float, rounds: int, say: Say) -> Section:
    """Measure each variant on a new copy."""
    users = int(USERS * scale)
    members = users * PERCENT // 100
    say(f"  writing {users:,} users")
    with databases.filled(NAME) as connection:
        fill(connection, users)
    on_copy = partial(_on_copy, databases, members)
    found = once_each(
        {
            "the same rows": partial(on_copy, _same_rows, naive.NO_TRIGGERS),
            "the same rows and history": partial(on_copy, _same_rows_and_history, naive.NO_TRIGGERS),
            "one statement": partial(on_copy, partial(_one_statement, users), None),
            "job": partial(on_copy, partial(_job, users), None),
            "at random": partial(on_copy, partial(_at_random, members), naive.ROW_TRIGGERS),
        },
        rounds=max(rounds, LEAST_ROUNDS),
        say=say,
    )
    databases.drop(NAME)
    checks = []
    for ours in ("one statement", "job"):
        job = f"enrol {members:,} of {users:,} users, {ours}"
        checks += [
            cost(job, "INSERT…SELECT, no history", found[ours], found["the same rows"], 1.7),
            speed(job, "INSERT…SELECT, with history", found[ours], found["the same rows and history"], 0.6),
            cost(job, "ORDER BY random() LIMIT, row trigger", found[ours], found["at random"], 0.55),
        ]
    return Section(
        "Enrolment by percent",
        [
            f"A request enrols up to {percent.MOST_CHANGES:,} users in one statement. A job enrols more, in",
            f"transactions of {rollout_job.BATCH_CHANGES:,}. Its last transaction counts the users who are left,",
            "and makes the share exact. All baselines enrol without the rule. Two insert every tenth user in index",
            "order, with the triggers off. The third takes the users in random order, and a row trigger writes its",
            "history.",
        ],
        checks,
    )


class Miscounted(Exception):
    """A variant enrolled a wrong number of users."""


def _on_copy(databases: Databases, members: int, variant: Callable[[Connection], object], prepare: str | None) -> float:
    with databases.copy(NAME) as connection:
        if prepare:
            with databases.superuser(f"{NAME}_copy") as superuser:
                superuser.execute(prepare)
                superuser.execute("grant insert on history to segmentation_app")
                superuser.execute("grant usage on sequence history_ids to segmentation_app")
        connection.execute("set statement_timeout = 0")
        taken = seconds(lambda: variant(connection))
        [(found,)] = connection.execute("select count(*) from memberships").fetchall()
        if found != members:
            raise Miscounted(f"{found} members instead of {members}")
    return taken


def _same_rows(connection: Connection) -> None:
    connection.execute(SAME_ROWS, (7,))


def _same_rows_and_history(connection: Connection) -> None:
    with connection.transaction():
        connection.execute(SAME_ROWS, (7,))
        connection.execute(SAME_HISTORY)


def _one_statement(users: int, connection: Connection) -> None:
    wanted = users * PERCENT // 100
    with transactions.transaction(connection, actor="analyst", reason="percent"):
        enrolment.enrol_or_release(connection, Rollout(1, time.time_ns(), users, PERCENT), Remaining(wanted, users))


def _job(users: int, connection: Connection) -> None:
    parameters = {"segment_id": 1, "wanted": users * PERCENT // 100}
    job_id = leases.create(connection, percent.ROLLOUT, parameters, actor="analyst")
    connection.execute("update rollouts set base_arrivals = %s::bigint, job_id = %s::uuid", (users, job_id))
    worker.deliver(connection, job_id, kinds=KINDS, time_left=lambda: True)


def _at_random(members: int, connection: Connection) -> None:
    connection.execute(AT_RANDOM, (members,))
