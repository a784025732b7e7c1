"""A percent enrols users at random: independently in each segment, and equally among existing and new users."""

import pytest

USERS = 100_000
GROUP = 10_000


@pytest.fixture
def arrive_in_groups(arrive):
    """Insert this many users, in statements that are short even on a slow machine."""

    def users(count, *, after=0):
        for first in range(after, after + count, GROUP):
            arrive(GROUP, after=first)

    return users


@pytest.fixture
def overlap(owner):
    """Count the users that two segments have in common."""

    def users(one, other):
        owner.execute("analyze memberships")  # plan with the current statistics, not with those of earlier tests
        [(count,)] = owner.execute(
            """
            select count(*)
              from memberships mine
              join memberships theirs on theirs.user_id = mine.user_id
             where mine.segment_id = (select segment_id from segments where slug = %s)
               and theirs.segment_id = (select segment_id from segments where slug = %s)
            """,
            (one, other),
        ).fetchall()
        return count

    return users


def test_two_segments_of_ten_percent_share_one_percent(arrive_in_groups, create, overlap):
    arrive_in_groups(USERS)

    create("ONE", 10)
    create("OTHER", 10)

    assert 850 < overlap("ONE", "OTHER") < 1150  # 1000 expected, limits at five standard deviations


def test_two_segments_of_ten_percent_share_one_percent_of_the_arrivals(arrive_in_groups, create, overlap):
    create("ONE", 10)
    create("OTHER", 10)

    arrive_in_groups(USERS)

    assert overlap("ONE", "ONE") == 10_000
    assert 850 < overlap("ONE", "OTHER") < 1150


def test_every_tenth_of_the_users_gives_a_tenth_of_the_members(owner, arrive_in_groups, create):
    arrive_in_groups(USERS // 2)
    create("ROLLOUT", 10)
    arrive_in_groups(USERS // 2, after=USERS // 2)

    tenths = owner.execute(
        "select count(*) from memberships group by (memberships.user_id - 1) * 10 / %s order by 1", (USERS,)
    ).fetchall()

    assert len(tenths) == 10
    assert all(850 < count < 1150 for (count,) in tenths)


SHAPES = {
    "in the upper half": lambda number: number << 32,
    "strided": lambda number: number << 10,
    "in both halves": lambda number: number << 32 | number,
    "xor-ed": lambda number: number ^ 0x5555_5555_5555,
    "at the end": lambda number: 2**63 - 1 - number,
}


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES.keys())
def test_users_whose_ids_have_a_structure_are_enrolled_independently(connection, create, automatic_members, shape):
    """Compare each user with the one of the plain id, whose fate must not follow."""
    pairs = [(number, shape(number)) for number in range(1, 20_001)]
    ids = sorted({user_id for pair in pairs for user_id in pair})
    connection.execute("insert into users (user_id) select unnest(%s::bigint[])", (ids,))

    for slug in ("ONE", "OTHER"):
        create(slug, 30)

    one, other = automatic_members("ONE"), automatic_members("OTHER")
    # 0.3² + 0.7² = 58 % of independent pairs have the same fate; limits beyond five standard deviations
    assert 0.56 < sum((plain in one) == (shaped in one) for plain, shaped in pairs) / len(pairs) < 0.60
    assert 0.56 < sum((plain in one) == (shaped in other) for plain, shaped in pairs) / len(pairs) < 0.60


def test_every_part_of_structured_ids_gives_its_share(owner, create):
    owner.execute("insert into users (user_id) select number << 32 from generate_series(1::bigint, 20000) number")

    create("ROLLOUT", 10)

    parts = owner.execute("select count(*) from memberships group by (user_id >> 32) % 10").fetchall()
    assert len(parts) == 10
    assert all(140 < count < 260 for (count,) in parts)  # 200 expected
