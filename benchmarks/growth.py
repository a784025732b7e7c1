"""Growth of costs: reads with the memberships, writes with the users, list pages with their depth."""

from collections.abc import Callable
from functools import partial

from benchmarks import handlers, population
from benchmarks.databases import Databases
from benchmarks.results import Curve, Section, Timings
from benchmarks.timing import Say, Variant, side_by_side
from segmentation.contract.cursors import encode_cursor

CALLS = 400
STRIDE = 7_919
SIZES = (1_000, 10_000, 100_000)
"""Users. The shared population is the last and largest size."""

FLAT = "flat: ≤ 1.3"


def run(databases: Databases, *, scale: float, rounds: int, say: Say) -> Section:
    """Measure at each size in one run."""
    largest = population.users(scale)
    names = {users: f"growth_{users}" for users in SIZES if users < largest}
    for users, name in names.items():
        say(f"  writing {users:,} users")
        with databases.filled(name) as connection:
            population.fill(connection, users)
    names[largest] = population.shared(databases, scale, say)
    for name in names.values():
        population.warm(databases, name)
    say("reads")
    reads = _at_each(databases, names, _reader, rounds, say)
    say("writes")
    writes = _at_each(databases, names, partial(_writer, 20, 0), rounds, say)
    say("writes, no whole pages in the log")
    with databases.without_full_pages():
        bare_writes = _at_each(databases, names, partial(_writer, 200, 2), rounds, say)
    pages = _pages(databases, names[largest], largest, rounds, say)
    memberships = {users * population.SEGMENTS_A_USER: taken for users, taken in reads.items()}
    return Section(
        "Growth",
        [
            "Warm handlers, the median of each size. After a checkpoint, the first change of a page writes the whole",
            "page to the log. A write to one of many users changes seven such pages. With a thousand users it changes",
            "almost none. The write grows by this difference. Aurora, which the template creates, logs no whole pages.",
        ],
        curves=[
            Curve("read of a user's segments", "memberships", memberships, FLAT),
            Curve("add 3, remove 2", "users", writes, FLAT),
            Curve("add 3, remove 2, no whole pages in the log", "users", bare_writes, FLAT),
            *pages,
        ],
    )


def _at_each(
    databases: Databases, names: dict[int, str], variant: Callable[[int], Variant], rounds: int, say: Say
) -> dict[int, float]:
    """Measure the sizes in turn. Each time has a new connection, which an uncounted round warms."""
    variants = {users: variant(users) for users in names}
    found = {users: Timings() for users in names}
    for done in range(rounds):
        for users, name in names.items():
            say(f"  round {done + 1} of {rounds}, {users:,} users")
            with handlers.serving(databases.url(name)):
                once = side_by_side({"ours": variants[users]}, rounds=1, calls=CALLS, say=say, first=2 * CALLS * done)
            found[users].rounds.extend(once["ours"].rounds)
    return {users: timings.seconds for users, timings in found.items()}


def _reader(users: int) -> Variant:
    read = handlers.caller("list_memberships", "/segment/user/{}")
    return lambda number: read(1 + number * STRIDE % users)


def _writer(new: int, old: int, users: int) -> Variant:
    """Return a call that really changes a user, even when a later lap over the users repeats the user."""
    write = handlers.caller("change_memberships")

    def change(number: int) -> object:
        lap, user_id = number // users, 1 + number * STRIDE % users
        into = new + 3 * lap
        there = into - 3 if lap else old
        return write(
            body={
                "user_id": user_id,
                "add_segments": population.slugs(user_id, into, into + 1, into + 2),
                "delete_segments": population.slugs(user_id, there, there + 1),
            }
        )

    return change


def _pages(databases: Databases, name: str, users: int, rounds: int, say: Say) -> list[Curve]:
    say("pages: writing a segment with all users")
    depths = [depth for depth in (1, 10, *SIZES) if depth < users] + [users - 200]
    with databases.superuser(name) as superuser:
        superuser.execute("insert into segments (slug) values ('EVERYBODY') on conflict do nothing")
        superuser.execute("set session_replication_role = replica")
        superuser.execute(
            """
            insert into memberships (user_id, segment_id, added_at)
            select users.user_id, segments.segment_id, now()
              from users
             cross join segments
             where segments.slug = 'EVERYBODY'
                on conflict do nothing
            """
        )
        superuser.execute("vacuum (analyze) memberships")
    curves = []
    for title, function, path in (
        ("page of users", "list_users", "/user"),
        ("page of a segment's users", "list_segment_users", "/segment/EVERYBODY/users"),
    ):
        read = handlers.caller(function, path)
        variants = {
            f"{depth:,} deep": lambda _, depth=depth, read=read: read(
                query={"limit": "100", "cursor": encode_cursor(str(depth))}
            )
            for depth in depths
        }
        with handlers.serving(databases.url(name)):
            found = side_by_side(variants, rounds=rounds, calls=60, say=say)
        seconds = [timings.seconds for timings in found.values()]
        curves.append(Curve(title, "rows before it", dict(zip(depths, seconds, strict=True)), FLAT))
    return curves
