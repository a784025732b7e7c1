"""New users: the time of an insert, by the number of percent segments that may enrol each user."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import cycle
from statistics import median

from psycopg import Connection

from benchmarks import writers
from benchmarks.databases import Databases
from benchmarks.results import Check, Curve, Section, Timings, cost, figure, text
from benchmarks.timing import Say, once_each, seconds
from segmentation.contract.requests import SegmentChange
from segmentation.database.connection import connect
from segmentation.domain import segments

SEGMENTS = (0, 1, 10, 100)
WRITERS = (1, 32)
AT_MOST = {1: (2.0, 2.0, 2.0, 2.0), 32: (2.0, 2.0, 2.5, 3.0)}
USERS = 100_000
"""Users from the beginning. The baseline checks foreign keys of an almost empty table by reading all of it."""
SIZES = (1_000, 100_000, 10_000_000)
TOGETHER = 10_000
CHANGING_SECONDS = 40
NAME = "arrivals"

ARRIVE = "insert into users (user_id) values (nextval('arrivals')) on conflict do nothing;"
BARE = """
    with arrived as (
        insert into users (user_id, ordinal) values (nextval('arrivals'), 0) on conflict do nothing returning user_id)
    insert into memberships (user_id, segment_id, added_at, source)
    select arrived.user_id, number, clock_timestamp(), 'percent'
      from arrived
     cross join generate_series(1, {rules}) number
     where (arrived.user_id + number) % 10 = 0;
    """
"""The same rows by a rule that costs nothing: each segment takes every tenth user. Their history is written too."""

TOGETHER_ARRIVE = "insert into users (user_id) select nextval('arrivals') from generate_series(1, %s)"
TOGETHER_BARE = """
    with arrived as (
        insert into users (user_id, ordinal) select nextval('arrivals'), 0 from generate_series(1, %(users)s)
        returning user_id)
    insert into memberships (user_id, segment_id, added_at, source)
    select arrived.user_id, number, clock_timestamp(), 'percent'
      from arrived
     cross join generate_series(1, 10) number
     where (arrived.user_id + number) %% 10 = 0
    """

WITHOUT_RULE = "alter table users disable trigger user"
WITH_RULE = "select 1"


def run(databases: Databases, *, scale: float, rounds: int, say: Say) -> Section:
    """Measure each number of segments on a fresh copy, with one writer and with many."""
    with databases.filled(NAME) as connection:
        connection.execute("create sequence arrivals start 1000000000")
        connection.execute("grant usage on sequence arrivals to segmentation_app")
        connection.execute("insert into users (user_id) select generate_series(1, %s::bigint)", (int(USERS * scale),))
        connection.execute(
            """
            insert into segments (slug, user_percent)
            select 'SEGMENT_' || number, 10 from generate_series(1, 100) number;
            insert into rollouts (segment_id, last_percent) select segments.segment_id, 10 from segments
            """
        )
    variants = {}
    for many in WRITERS:
        for rules in SEGMENTS:
            variants[f"bare {rules}, {many}"] = partial(_measured, databases, many, rules, WITHOUT_RULE)
            variants[f"{rules}, {many}"] = partial(_measured, databases, many, rules, WITH_RULE)
    variants["together, bare"] = partial(_together, databases, TOGETHER_BARE, WITHOUT_RULE)
    variants["together"] = partial(_together, databases, TOGETHER_ARRIVE, WITH_RULE)
    sizes = [max(1000, int(size * scale)) for size in SIZES]
    for size in sizes:
        variants[f"beside {size}"] = partial(_beside, databases, size)
    found = once_each(variants, rounds=rounds, say=say)
    waits = _longest_waits(databases)
    databases.drop(NAME)
    longest = figure(
        "longest arrival while a percent is set, 32 writers, median", median(waits["during"]) * 1000, "ms", 50
    )
    curves = [
        _curve(found),
        Curve("arrival", "users", {size: found[f"beside {size}"].seconds for size in sizes}, "≤ 1.2"),
    ]
    return Section("Arrivals", _lines(found, waits), [*_checks(found), longest], curves)


def _prepared(databases: Databases, rules: int, prepare: str) -> Connection:
    superuser = databases.superuser(f"{NAME}_copy")
    superuser.execute(prepare)
    superuser.execute("update segments set user_percent = null where segments.segment_id > %s::integer", (rules,))
    superuser.execute("vacuum analyze segments")
    return superuser


def _measured(databases: Databases, many: int, rules: int, prepare: str) -> float:
    script = ARRIVE if prepare == WITH_RULE else BARE.format(rules=rules)
    with databases.copy(NAME), _prepared(databases, rules, prepare):
        return writers.seconds_each(databases.url(f"{NAME}_copy"), script, writers=many, seconds=3)


def _together(databases: Databases, statement: str, prepare: str) -> float:
    """Insert users together, three times. The first time plans the statements."""
    with databases.copy(NAME) as connection, _prepared(databases, 10, prepare):
        arguments = {"users": TOGETHER} if statement == TOGETHER_BARE else (TOGETHER,)
        connection.execute(statement, arguments)
        return median(seconds(partial(connection.execute, statement, arguments)) for _ in range(3))


def _beside(databases: Databases, users: int) -> float:
    """Measure an arrival in a database that has this number of users."""
    with databases.copy(NAME), _prepared(databases, 10, WITH_RULE) as superuser:
        superuser.execute("set session_replication_role = replica")
        superuser.execute("truncate users cascade")
        superuser.execute(
            "insert into users (user_id, ordinal) select number, number from generate_series(1, %s::bigint) number",
            (users,),
        )
        superuser.execute("select setval('population_ordinals', %s::bigint)", (users,))
        superuser.execute("vacuum analyze users")
        superuser.execute("checkpoint")
        return writers.seconds_each(databases.url(f"{NAME}_copy"), ARRIVE, writers=1, seconds=3)


def _longest_waits(databases: Databases) -> dict[str, list[float]]:
    """Set percents while 32 writers let users arrive. Return the longest arrival during each change, and between them.

    The time between two changes is as long as the change before it.
    """
    url = databases.url(f"{NAME}_copy")
    found: dict[str, list[float]] = {"during": [], "between": []}
    with (
        databases.copy(NAME) as own,
        _prepared(databases, 10, WITH_RULE),
        connect(url) as other,
        ThreadPoolExecutor(2) as pool,
    ):
        busy = pool.submit(writers.seconds_each, url, ARRIVE, writers=32, seconds=CHANGING_SECONDS)
        percents = cycle((10, 11))
        while not busy.done():
            begun = time.perf_counter()
            change = SegmentChange(user_percent=next(percents))
            setting = pool.submit(segments.update, other, "SEGMENT_1", change, actor="analyst")
            found["during"].append(_longest(own, setting.done))
            setting.result()
            end = 2 * time.perf_counter() - begun
            found["between"].append(_longest(own, partial(_is_past, end)))
    return found


def _longest(connection: Connection, is_over: Callable[[], bool]) -> float:
    """Let users arrive until the time is over. Return the seconds of the longest arrival."""
    longest = 0.0
    while not is_over():
        longest = max(longest, seconds(lambda: connection.execute(ARRIVE)))
    return longest


def _is_past(end: float) -> bool:
    return time.perf_counter() > end


def _lines(found: dict[str, Timings], waits: dict[str, list[float]]) -> list[str]:
    during, between = text(median(waits["during"])), text(median(waits["between"]))
    return [
        "Inserts of new users. Each insert is its own transaction. A sequence numbers the users. A function of the",
        "number decides which percent segments enrol them, so arrivals do not wait for each other. The baseline",
        "inserts the same users without this rule: each segment takes every tenth user. It writes the same history.",
        "",
        "A change of a percent blocks arrivals for a moment. One more connection lets users arrive beside the 32",
        f"writers, while a percent changes {len(waits['during'])} times between 10 and 11. The longest arrival takes",
        f"{during} during a change, and {between} in as long a time without one (medians).",
        "",
        "| percent segments | one writer, time per arrival | 32 writers, time per arrival | arrivals per second |",
        "|---|---|---|---|",
        *(
            f"| {rules}{kind} | {text(found[f'{name}{rules}, 1'].seconds)} | "
            f"{text(found[f'{name}{rules}, 32'].seconds)} | {1 / found[f'{name}{rules}, 32'].seconds:,.0f} |"
            for rules in SEGMENTS
            for kind, name in ((", bare", "bare "), ("", ""))
        ),
    ]


def _checks(found: dict[str, Timings]) -> list[Check]:
    checks = [
        cost(
            f"a user arrives, {rules} percent segments, {many} writers",
            "the same rows without the rule",
            found[f"{rules}, {many}"],
            found[f"bare {rules}, {many}"],
            at_most,
        )
        for many in WRITERS
        for rules, at_most in zip(SEGMENTS, AT_MOST[many], strict=True)
    ]
    together = f"{TOGETHER:,} users arrive in one statement, 10 percent segments"
    return [
        *checks,
        cost(together, "the same rows without the rule", found["together"], found["together, bare"], 1.5),
    ]


def _curve(found: dict[str, Timings]) -> Curve:
    seconds_of = {max(rules, 1): found[f"{rules}, 1"].seconds for rules in SEGMENTS[1:]}
    return Curve("arrival", "percent segments", seconds_of, "for information")
