"""How many members a percent means."""

from fractions import Fraction
from math import ceil, floor

from hypothesis import given
from hypothesis import strategies as st

from segmentation.domain.rollouts.percent import BASIS_POINTS, wanted_members

USERS = st.integers(0, 10**9)
PERCENTS = st.integers(0, BASIS_POINTS).map(lambda units: units / 100)
DRAWS = st.integers(0, BASIS_POINTS - 1)
ENROLLED = st.integers(0, 10**9)


def share(users, percent):
    return Fraction(users * round(percent * 100), BASIS_POINTS)


def floor_and_ceiling(users, percent):
    return floor(share(users, percent)), ceil(share(users, percent))


@given(USERS, PERCENTS, PERCENTS, ENROLLED, DRAWS)
def test_percent_wants_the_share_rounded_down_or_up(users, percent, before, enrolled, draw):
    least, most = floor_and_ceiling(users, percent)

    assert least <= wanted_members(users, percent, before, enrolled, draw) <= most


@given(st.integers(0, 500), PERCENTS)
def test_rounding_is_unbiased_over_all_draws(users, percent):
    wanted = sum(wanted_members(users, percent, 100, users + 1, draw) for draw in range(BASIS_POINTS))

    assert Fraction(wanted, BASIS_POINTS) == share(users, percent)


@given(USERS, PERCENTS, PERCENTS, DRAWS)
def test_lower_percent_has_no_more_members_than_a_higher_one(users, one, other, draw):
    lower, higher = sorted((one, other))

    assert wanted_members(users, lower, 0, -1, draw) <= wanted_members(users, higher, 0, -1, draw)


@given(USERS, PERCENTS, PERCENTS, st.booleans(), DRAWS)
def test_correct_share_changes_only_in_the_direction_of_the_percent(users, percent, before, up, draw):
    enrolled = floor_and_ceiling(users, percent)[up]

    wanted = wanted_members(users, percent, before, enrolled, draw)

    assert wanted == enrolled or (wanted > enrolled) == (percent > before)
    assert wanted == enrolled or percent != before


@given(USERS, PERCENTS, ENROLLED, DRAWS)
def test_percent_of_zero_wants_no_user(users, before, enrolled, draw):
    assert wanted_members(users, 0, before, enrolled, draw) == 0
