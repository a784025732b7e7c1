"""The database for reads and writes: a million users, each in ten of a thousand segments."""

from psycopg import Connection, sql

from benchmarks.databases import Databases
from benchmarks.timing import Say

USERS = 1_000_000
SEGMENTS = 1_000
SEGMENTS_A_USER = 10

READ_TABLES = ("select count(*) from users", "select count(*) from memberships")
READ_INDEXES = (
    "select count(*) from (select from users order by user_id offset 0) read",
    "select count(*) from (select from memberships order by user_id, segment_id offset 0) read",
    "select count(*) from (select from memberships order by segment_id, user_id offset 0) read",
)


def users(scale: float) -> int:
    """Return the number of users at a scale. Fewer than a thousand are too few to measure."""
    return max(1_000, int(USERS * scale))


def shared(databases: Databases, scale: float, say: Say) -> str:
    """Return the name of the database. The first benchmark that needs it fills it."""
    name = "population"
    if name not in databases.shared:
        say(f"  writing {users(scale):,} users with {SEGMENTS_A_USER} memberships each")
        with databases.filled(name) as connection:
            fill(connection, users(scale))
        databases.shared.add(name)
    return name


def fill(connection: Connection, users: int) -> None:
    """Put users into segments, one segment after another.

    The rows of a user are then far apart in the table, as in a database that has grown over time.
    """
    connection.execute("insert into segments (slug) select 'SEGMENT_' || generate_series(1, %s::integer)", (SEGMENTS,))
    connection.execute("insert into users (user_id) select generate_series(1, %s::bigint)", (users,))
    connection.execute("update population set arrivals = %s::bigint", (users,))
    key, indexes = _drop_indexes(connection)
    connection.execute(
        """
        insert into memberships (user_id, segment_id, added_at, expires_at)
        select user_id, 1 + (user_id * 31 + number * 97) %% %s::integer, now() - interval '1 day',
               case when number %% 3 = 0 then now() + interval '30 days' end
          from generate_series(0, %s::integer - 1) number
         cross join generate_series(1, %s::bigint) user_id
        """,
        (SEGMENTS, SEGMENTS_A_USER, users),
    )
    connection.execute("set maintenance_work_mem = '256MB'")
    for statement in (key, *indexes):
        connection.execute(statement)


def warm(databases: Databases, name: str) -> None:
    """Read a population, or a copy, into the server's memory, as the requests of a day would."""
    with databases.superuser(name) as superuser:
        superuser.execute("set enable_bitmapscan = off; set max_parallel_workers_per_gather = 0")
        for statement in READ_TABLES:
            superuser.execute(statement)
        superuser.execute("set enable_seqscan = off")
        for statement in READ_INDEXES:
            superuser.execute(statement)


def _drop_indexes(connection: Connection) -> tuple[sql.SQL, list[sql.SQL]]:
    """Drop the indexes, and return the statements that create them again. To create them after the rows is faster."""
    [(name, definition)] = connection.execute(
        "select conname, pg_get_constraintdef(oid) from pg_constraint where conrelid = 'memberships'::regclass"
        " and contype = 'p'"
    ).fetchall()
    indexes = connection.execute(
        "select indexname, indexdef from pg_indexes where tablename = 'memberships' and indexname <> %s", (name,)
    ).fetchall()
    connection.execute(sql.SQL("alter table memberships drop constraint {}").format(sql.Identifier(name)))
    for index, _ in indexes:
        connection.execute(sql.SQL("drop index {}").format(sql.Identifier(index)))
    key = sql.SQL(f"alter table memberships add constraint {name} {definition}")
    return key, [sql.SQL(statement) for _, statement in indexes]


def slugs(user_id: int, *numbers: int) -> list[str]:
    """Return the slugs of a user's segments by number. From 10 on, the user is not in these segments."""
    return [f"SEGMENT_{1 + (user_id * 31 + number * 97) % SEGMENTS}" for number in numbers]
