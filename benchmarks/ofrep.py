"""Evaluate one flag and all flags of a user through the warm handlers; compare with SELECTs of the rows in psycopg."""

from benchmarks import handlers, population
from benchmarks.databases import Databases
from benchmarks.results import Section, cost
from benchmarks.timing import Say, side_by_side
from segmentation.database.connection import connect
from segmentation.domain.flags import DECIDED
from segmentation.domain.memberships import SEGMENTS_OF_USER

CALLS = 1_000
CALLS_OF_ALL = 50
STRIDE = 7_919
"""Coprime to the number of users, so that each call reads another user."""

PATH = "/ofrep/v1/evaluate/flags"
ROWS = f"{DECIDED} order by segments.slug"


def run(databases: Databases, *, scale: float, rounds: int, say: Say) -> Section:
    """Measure the variants in turn. One flag is that of a member, and of a user outside the segment."""
    url = databases.url(population.shared(databases, scale, say))
    one, every = handlers.caller("evaluate_flag", f"{PATH}/{{}}"), handlers.caller("evaluate_flags", PATH)

    def user(number: int) -> int:
        return 1 + number * STRIDE % population.users(scale)

    def evaluate(number: int, place: int) -> object:
        [slug] = population.slugs(user(number), place)
        return one(slug, body=_context(user(number)))

    with handlers.serving(url), connect(url) as connection:
        cursor = connection.cursor()
        single = side_by_side(
            {
                "member": lambda number: evaluate(number, number % population.SEGMENTS_A_USER),
                "outside": lambda number: evaluate(number, population.SEGMENTS_A_USER),
                "hot read": lambda number: cursor.execute(SEGMENTS_OF_USER, (user(number),)).fetchall(),
            },
            rounds=rounds,
            calls=CALLS,
            say=say,
        )
        bulk = side_by_side(
            {
                "ours": lambda number: every(body=_context(user(number))),
                "select": lambda number: cursor.execute(ROWS, {"user_id": user(number)}).fetchall(),
            },
            rounds=rounds,
            calls=CALLS_OF_ALL,
            say=say,
        )
    of_all = f"evaluate {population.SEGMENTS:,} flags, warm handler"
    return Section(
        "OpenFeature",
        [
            f"{population.SEGMENTS:,} segments. One flag is compared with the SELECT of the most frequent read, which "
            "reads the ten segments of a user.",
        ],
        [
            cost("evaluate a flag, warm handler", "the hot read's SELECT", single["member"], single["hot read"], 1.5),
            cost("evaluate a flag outside", "the hot read's SELECT", single["outside"], single["hot read"], 1.5),
            cost(of_all, "the same SELECT", bulk["ours"], bulk["select"], 2.0),
        ],
    )


def _context(user_id: int) -> dict[str, object]:
    return {"context": {"targetingKey": str(user_id)}}
