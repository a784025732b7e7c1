"""How many members a percent means."""

from fractions import Fraction
from math import ceil, floor

from hypothesis import given
from hypothesis import strategies as st

from segmentation.domain.rollouts.percent import BASIS_POINTS, wanted_members

USERS = st.integers(0, 10**9)
PERCENTS = st.integers(0, BASIS_POINTS).map(lambda units: units / 100)
DRAWS = st.integers(0, BASIS_POINTS - 1)


def share(users, percent):
    return Fraction(users * round(percent * 100), BASIS_POINTS)


@given(USERS, PERCENTS, DRAWS)
def test_new_percent_is_the_share_rounded_down_or_up(users, percent, draw):
    wanted = wanted_members(users, percent, 0, 0, draw)

    assert floor(share(users, percent)) <= wanted <= ceil(share(users, percent))


@given(st.integers(0, 500), PERCENTS)
def test_rounding_is_unbiased_over_all_draws(users, percent):
    wanted = sum(wanted_members(users, percent, 0, 0, draw) for draw in range(BASIS_POINTS))

    assert Fraction(wanted, BASIS_POINTS) == share(users, percent)


@given(USERS, PERCENTS, PERCENTS, st.integers(0, 10**9), DRAWS)
def test_only_a_lower_percent_removes_members(users, percent, before, kept, draw):
    wanted = wanted_members(users, percent, before, kept, draw)

    assert wanted >= kept or percent < before or percent == 0


@given(USERS, PERCENTS, PERCENTS, DRAWS)
def test_lower_percent_has_no_more_members_than_a_higher_one(users, one, other, draw):
    lower, higher = sorted((one, other))

    assert wanted_members(users, lower, 0, 0, draw) <= wanted_members(users, higher, 0, 0, draw)


@given(USERS, PERCENTS, st.integers(0, 10**9), DRAWS)
def test_percent_of_zero_wants_no_user(users, before, kept, draw):
    assert wanted_members(users, 0, before, kept, draw) == 0


@given(USERS, PERCENTS, st.booleans(), DRAWS)
def test_same_percent_keeps_a_correct_share(users, percent, up, draw):
    kept = ceil(share(users, percent)) if up else floor(share(users, percent))

    assert wanted_members(users, percent, percent, kept, draw) == kept
