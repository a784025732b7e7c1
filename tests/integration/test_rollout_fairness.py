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
