"""How costs grow: the read with the memberships, the write with the users, the list pages with their depth."""

from collections.abc import Callable

from benchmarks import handlers, population
from benchmarks.databases import Databases
from benchmarks.results import Curve, Section
from benchmarks.timing import Say, Way, side_by_side
from segmentation.pages import encode_cursor

CALLS = 400
STRIDE = 7_919
SIZES = (1_000, 10_000, 100_000)
"""Users; the shared population is the last and largest size."""

FLAT = "flat: ≤ 1.3"


def run(databases: Databases, *, scale: float, rounds: int, say: Say) -> Section:
    """Measure at each size; the shares of a size that are compared are of one run."""
    largest = population.users(scale)
    names = {users: f"growth_{users}" for users in SIZES if users < largest}
    for users, name in names.items():
        with databases.filled(name) as connection:
            population.fill(connection, users)
    names[largest] = population.shared(databases, scale, say)
    reads = _at_each(databases, names, _reader, rounds, say)
    writes = _at_each(databases, names, _writer, rounds, say)
    pages = _pages(databases, names[largest], largest, rounds, say)
    memberships = {users * population.SEGMENTS_A_USER: taken for users, taken in reads.items()}
    return Section(
        "Growth",
        ["Warm handlers, the median of each size."],
        curves=[
            Curve("read of a user's segments", "memberships", memberships, FLAT),
            Curve("add 3, remove 2", "users", writes, FLAT),
            *pages,
        ],
    )


def _at_each(
    databases: Databases, names: dict[int, str], way: Callable[[int], Way], rounds: int, say: Say
) -> dict[int, float]:
    taken = {}
    for users, name in names.items():
        with handlers.serving(databases.url(name)):
            found = side_by_side({f"{users:,} users": way(users)}, rounds=rounds, calls=CALLS, say=say)
        taken[users] = found[f"{users:,} users"].seconds
    return taken


def _reader(users: int) -> Way:
    read = handlers.caller("list_memberships", "/segment/user/{}")
    return lambda number: read(1 + number * STRIDE % users)


def _writer(users: int) -> Way:
    write = handlers.caller("change_memberships")

    def change(number: int) -> object:
        user_id = 1 + number * STRIDE % users
        there, other = population.slugs(user_id, 0, 1), population.slugs(user_id, 20, 21, 22)
        return write(body={"user_id": user_id, "add_segments": other, "delete_segments": there})

    return change


def _pages(databases: Databases, name: str, users: int, rounds: int, say: Say) -> list[Curve]:
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
        ways = {
            f"{depth:,} deep": lambda _, depth=depth, read=read: read(
                query={"limit": "100", "cursor": encode_cursor(str(depth))}
            )
            for depth in depths
        }
        with handlers.serving(databases.url(name)):
            found = side_by_side(ways, rounds=rounds, calls=60, say=say)
        seconds = [timings.seconds for timings in found.values()]
        curves.append(Curve(title, "rows before it", dict(zip(depths, seconds, strict=True)), FLAT))
    return curves
