"""New users: the time of an insert, by the number of percent segments that may enrol each user."""

from functools import partial

from benchmarks import writers
from benchmarks.databases import Databases
from benchmarks.results import Check, Curve, Section, Timings, cost, text
from benchmarks.timing import Say, once_each

SEGMENTS = (0, 1, 10, 100)
WRITERS = (1, 32)
NAME = "arrivals"
ARRIVE = "insert into users (user_id) values (nextval('arrivals')) on conflict do nothing;"
BARE = "alter table users disable trigger user"


def run(databases: Databases, *, scale: float, rounds: int, say: Say) -> Section:
    """Measure each number of segments on a fresh copy, with one writer and with many."""
    with databases.filled(NAME) as connection:
        connection.execute("create sequence arrivals")
        connection.execute("grant usage on sequence arrivals to segmentation_app")
        connection.execute(
            """
            insert into segments (slug, user_percent)
            select 'SEGMENT_' || number, 10 from generate_series(1, 100) number
            """
        )
    variants = {}
    for many in WRITERS:
        variants[f"bare, {many}"] = partial(_measured, databases, many, 0, BARE)
        variants |= {f"{rules}, {many}": partial(_measured, databases, many, rules, "select 1") for rules in SEGMENTS}
    found = once_each(variants, rounds=rounds, say=say)
    databases.drop(NAME)
    return Section("Arrivals", _lines(found), _checks(found), [_curve(found)])


def _measured(databases: Databases, many: int, rules: int, prepare: str) -> float:
    with databases.copy(NAME) as connection, databases.superuser(f"{NAME}_copy") as superuser:
        superuser.execute(prepare)
        connection.execute(
            """
            insert into rollouts (segment_id, last_percent)
            select segments.segment_id, 10 from segments order by segments.segment_id limit %s::integer
            """,
            (rules,),
        )
        return writers.seconds_each(databases.url(f"{NAME}_copy"), ARRIVE, writers=many, seconds=3)


def _lines(found: dict[str, Timings]) -> list[str]:
    return [
        "Inserts of new users. Each insert is its own transaction. Numbering the users locks one row until the commit,",
        "so concurrent inserts wait for each other's commits. Writes about existing users do not wait.",
        "",
        "| percent segments | one writer, time per arrival | 32 writers, time per arrival | arrivals per second |",
        "|---|---|---|---|",
        *(
            f"| {'bare insert, no trigger' if kind == 'bare' else kind} | {text(found[f'{kind}, 1'].seconds)} | "
            f"{text(found[f'{kind}, 32'].seconds)} | {1 / found[f'{kind}, 32'].seconds:,.0f} |"
            for kind in ("bare", *map(str, SEGMENTS))
        ),
    ]


def _checks(found: dict[str, Timings]) -> list[Check]:
    return [
        cost(
            f"a user arrives, {rules} percent segments, {many} writers",
            "the insert without trigger",
            found[f"{rules}, {many}"],
            found[f"bare, {many}"],
            None,
        )
        for many in WRITERS
        for rules in SEGMENTS
    ]


def _curve(found: dict[str, Timings]) -> Curve:
    seconds = {max(rules, 1): found[f"{rules}, 1"].seconds for rules in SEGMENTS[1:]}
    return Curve("arrival", "percent segments", seconds, "for information")
