"""Add a user to three segments and remove the user from two: one client, 32 writers, and network latency."""

import statistics
from collections.abc import Callable
from functools import partial

from psycopg import Connection

from benchmarks import delay, handlers, naive, population, writers
from benchmarks.databases import Databases
from benchmarks.results import Check, Section, Timings, cost, speed
from benchmarks.timing import Say, latest, once_each, seconds, side_by_side
from segmentation.contract.requests import MembershipChange
from segmentation.database.connection import connect
from segmentation.domain import memberships

NAME = "population"
COPY = f"{NAME}_copy"
CALLS = 300
WRITERS = 32
ONE_WAY = 0.00025
STRIDE = 7_919

ROWS_ALONE = "only the rows and their history"

NOTHING = "select 1"
KEEP_PLANS = "set plan_cache_mode = force_generic_plan"
"""The function sets this too. It also applies to the triggers."""

WITHOUT_DISK = f"alter database {COPY} set synchronous_commit = off;"

Change = Callable[[int, list[str], list[str]], None]

OURS = """
    select * from change_user_segments(:user, array['SEGMENT_' || :a, 'SEGMENT_' || :b, 'SEGMENT_' || :c],
                                       array['SEGMENT_' || :d, 'SEGMENT_' || :e], null, null, null, null, 'analyst');
    """

ROWS = """
    with gone as (
        delete from memberships
         where memberships.user_id = %s::bigint and memberships.segment_id = any (%s::integer[]))
    insert into memberships (user_id, segment_id, added_at)
    select %s::bigint, unnest(%s::integer[]), now()
    """
"""The least work of any variant: the rows and their history. The ids of the segments are known in advance."""

PGBENCH_ROWS = """
    with gone as (
        delete from memberships where user_id = :user and segment_id = any (array[:d, :e]::integer[]))
    insert into memberships (user_id, segment_id, added_at)
    select :user, unnest(array[:a, :b, :c]::integer[]), now() on conflict do nothing;
    """
"""The same for many concurrent writers, which may repeat a user."""

LOCKED = "only the rows and their history, segments and user looked up and locked"

PGBENCH_LOCKED = """
    with found as materialized (
        select segment.segment_id, named.is_added
          from (values ('SEGMENT_' || :a, true), ('SEGMENT_' || :b, true), ('SEGMENT_' || :c, true),
                       ('SEGMENT_' || :d, false), ('SEGMENT_' || :e, false)) named (slug, is_added)
         cross join lateral (
               select segments.segment_id
                 from segments
                where segments.slug = named.slug and segments.deleted_at is null
               offset 0
                  for share) segment),
    held as materialized (select users.user_id from users where users.user_id = :user for no key update),
    gone as (
        delete from memberships
         where memberships.user_id = (select held.user_id from held)
           and memberships.segment_id = any (array(select found.segment_id from found where not found.is_added)))
    insert into memberships (user_id, segment_id, added_at)
    select held.user_id, found.segment_id, now() from held cross join found where found.is_added
        on conflict do nothing;
    """
"""The least work of a correct variant in one statement, without known ids. It returns no result."""

DRAW = "\\set user random(1, :users)\n" + "".join(
    f"\\set {name} 1 + (:user * 31 + {number} * 97) % {population.SEGMENTS}\n"
    for name, number in zip("abcde", (20, 21, 22, 0, 1), strict=True)
)


def run(databases: Databases, *, scale: float, rounds: int, say: Say) -> Section:
    """Measure one variant after another, each on a new copy of the population."""
    population.shared(databases, scale, say)
    return Section(
        "Write",
        [
            "Each call really changes five memberships, with their history. In the variant with five statements, a row",
            "trigger writes the same history. The 32 writers are pgbench clients that run the one statement of the",
            "function. The variant of only the rows knows the ids of the segments: it looks up nothing, locks nothing",
            "and returns nothing. The variant that also looks up and locks still returns nothing. With 0.5 ms of",
            "network latency, both sides are Python with psycopg and one connection. Their commits do not wait for the",
            "disk, because both sides would wait once. Connections are warm: the first seconds do not count.",
            "[The notes](benchmarks-notes.md#a-write) have a breakdown of the time of the one statement.",
        ],
        [
            *_one_client(databases, population.users(scale), rounds, say),
            *_many_writers(databases, population.users(scale), rounds, say),
            *_over_network(databases, population.users(scale), rounds, say),
        ],
    )


def _one_client(databases: Databases, users: int, rounds: int, say: Say) -> list[Check]:
    say("one client: the handler, and one row inserted and committed")
    write = handlers.caller("change_memberships")
    with databases.copy(NAME) as connection:
        with databases.superuser(COPY) as superuser:
            superuser.execute("create table baseline (user_id bigint primary key, added_at timestamptz)")
            superuser.execute("grant insert on baseline to segmentation_app")
        population.warm(databases, COPY)
        with handlers.serving(databases.url(COPY)), connect(databases.url(COPY)) as other:
            other.execute(KEEP_PLANS)
            found = side_by_side(
                {
                    "ours": lambda number: write(body=_body(_user(number, users))),
                    "rows alone": lambda number: other.execute(ROWS, _ids(*_change(_user(number, users)))),
                    "one row": lambda number: connection.execute("insert into baseline values (%s, now())", (number,)),
                },
                rounds=rounds,
                calls=CALLS,
                say=say,
            )
    baseline = "one row inserted and committed"
    return [
        cost("add 3, remove 2, warm handler, one client", baseline, found["ours"], found["one row"], 3),
        cost(f"{ROWS_ALONE}, one client", baseline, found["rows alone"], found["one row"], None),
    ]


def _many_writers(databases: Databases, users: int, rounds: int, say: Say) -> list[Check]:
    say(f"{WRITERS} writers: one statement and statement triggers, and five statements and a row trigger")
    variants = {
        "ours": (OURS, NOTHING),
        "rows alone": (PGBENCH_ROWS, f"alter database {COPY} {KEEP_PLANS}"),
        "rows and locks": (PGBENCH_LOCKED, f"alter database {COPY} {KEEP_PLANS}"),
        "five statements": (naive.PGBENCH, naive.ROW_TRIGGERS),
    }

    def measured(script: str, prepare: str) -> float:
        with databases.copy(NAME):
            _prepare(databases, prepare)
            population.warm(databases, COPY)
            return writers.seconds_each(databases.url(COPY), DRAW + script, writers=WRITERS, users=users)

    found = once_each({name: partial(measured, *variant) for name, variant in variants.items()}, rounds=rounds, say=say)
    job = f"add 3, remove 2, {WRITERS} writers, time per write"
    five = "five statements, row trigger"
    return [
        speed(job, five, found["ours"], found["five statements"], 1.8),
        speed(f"{ROWS_ALONE}, {WRITERS} writers", five, found["rows alone"], found["five statements"], None),
        speed(f"{LOCKED}, {WRITERS} writers", five, found["rows and locks"], found["five statements"], None),
    ]


def _over_network(databases: Databases, users: int, rounds: int, say: Say) -> list[Check]:
    say("0.5 ms of network latency")
    found = {"ours": Timings(), "five statements": Timings()}
    for _ in range(rounds):
        for name, (make, prepare) in {
            "ours": (_ours, WITHOUT_DISK),
            "five statements": (naive.change, WITHOUT_DISK + naive.ROW_TRIGGERS),
        }.items():
            say(f"  {name}")
            with databases.copy(NAME), delay.proxy(databases.server.port, ONE_WAY) as port:
                _prepare(databases, prepare)
                url = databases.url(COPY).replace(f":{databases.server.port}/", f":{port}/")
                taken = _calls(url, make, users)
            found[name].rounds.append(statistics.median(taken))
            found[name].calls.extend(taken)
        say(f"  {latest(found)}")
    job = "add 3, remove 2, 0.5 ms of network latency"
    return [cost(job, "five statements, row trigger", found["ours"], found["five statements"], 0.4)]


def _calls(url: str, make: Callable[[Connection], Change], users: int) -> list[float]:
    with connect(url) as connection:
        change = make(connection)
        return [seconds(partial(change, *_change(_user(number, users)))) for number in range(CALLS)]


def _prepare(databases: Databases, statements: str) -> None:
    with databases.superuser(COPY) as superuser:
        superuser.execute(statements)


def _ours(connection: Connection) -> Change:
    def change(user_id: int, add: list[str], delete: list[str]) -> None:
        wanted = MembershipChange(user_id=user_id, add_segments=add, delete_segments=delete)
        memberships.change(connection, wanted, actor="analyst")

    return change


def _ids(user_id: int, add: list[str], delete: list[str]) -> tuple[int, list[int], int, list[int]]:
    return user_id, _numbers(delete), user_id, _numbers(add)


def _numbers(slugs: list[str]) -> list[int]:
    return [int(slug.removeprefix("SEGMENT_")) for slug in slugs]


def _user(number: int, users: int) -> int:
    return 1 + number * STRIDE % users


def _change(user_id: int) -> tuple[int, list[str], list[str]]:
    return user_id, population.slugs(user_id, 20, 21, 22), population.slugs(user_id, 0, 1)


def _body(user_id: int) -> dict[str, object]:
    _, add, delete = _change(user_id)
    return {"user_id": user_id, "add_segments": add, "delete_segments": delete}
