"""The rule for arrivals is a pure function. The share is exact after each, and the chance of each is the percent."""

from math import sqrt

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segmentation.database.connection import connect
from tests.emptying import empty

UNITS = 10_000
"""All users, in the units of the rule: hundredths of a percent."""

CREATE_RULES = """
    with created as (
        insert into segments (slug, user_percent)
        select 'RULE_' || number, %(units)s::numeric / 100 from generate_series(1, %(rules)s::integer) number
        returning segment_id)
    insert into rollouts (segment_id, seed, base_users, taken)
    select created.segment_id, hashint8extended(created.segment_id, %(seed)s::bigint), %(seen)s::bigint,
           %(seen)s::bigint * %(units)s / 10000
           + (row_number() over (order by created.segment_id) <= %(high)s::integer)::integer
      from created
        on conflict (segment_id) do update
       set seed = excluded.seed, base_users = excluded.base_users, taken = excluded.taken
    """

seens = st.integers(0, 10**12)
percents = st.integers(1, UNITS)
seeds = st.integers(-(2**63 - 1), 2**63 - 1)


@pytest.fixture(scope="module")
def rules(migrated_database):
    """Create rules whose base has seen some users. In the first of them, so many as "high", the share is rounded up."""
    with connect(migrated_database.owner_url) as owner:
        empty(owner)

        def create(seen, units, *, rules=1, high=0, seed=0):
            empty(owner)
            owner.execute(CREATE_RULES, {"seen": seen, "units": units, "rules": rules, "high": high, "seed": seed})
            return owner

        yield create
        empty(owner)


def enrolled(owner, arrivals):
    """Count the rules that enrol each of the first arrivals."""
    decided = owner.execute(
        "select ordinal, count(*) from enrolled_arrivals(array(select generate_series(0, %s - 1)::bigint)) group by 1",
        (arrivals,),
    )
    counts = dict(decided.fetchall())
    return [counts.get(ordinal, 0) for ordinal in range(arrivals)]


@settings(max_examples=60)
@given(seen=seens, units=percents, seed=seeds, up=st.booleans())
def test_share_is_the_floor_or_the_ceiling_after_every_arrival(rules, seen, units, seed, up):
    high = int(up and seen * units % UNITS > 0)
    owner = rules(seen, units, high=high, seed=seed)

    taken = seen * units // UNITS + high
    for number, is_taken in enumerate(enrolled(owner, 300), start=seen + 1):
        taken += is_taken
        assert number * units // UNITS <= taken <= -(-number * units // UNITS)


@settings(max_examples=40)
@given(seen=seens, units=percents, seed=seeds, up=st.booleans(), arrivals=st.integers(0, 300))
def test_count_of_a_rule_is_the_number_of_users_that_it_enrols(rules, seen, units, seed, up, arrivals):
    high = int(up and seen * units % UNITS > 0)
    owner = rules(seen, units, high=high, seed=seed)

    counted = owner.execute(
        "select count_enrolled_arrivals(segments.segment_id, %s::bigint) from segments", (arrivals,)
    ).fetchall()

    assert counted == [(seen * units // UNITS + high + sum(enrolled(owner, arrivals)),)]


@pytest.mark.parametrize(
    ("seen", "units"),
    [(0, 1000), (7, 3000), (3, 3333), (11, 4999), (1, 5000), (5, 6700), (9, 9999), (13, 1), (3, 137), (10**9 + 7, 777)],
)
def test_every_arrival_has_the_same_chance_whatever_came_before(rules, seen, units):
    count, share = 4000, units / UNITS
    owner = rules(seen, units, rules=count, high=round(count * (seen * units % UNITS) / UNITS))

    limit = 5 * sqrt(count * share * (1 - share)) + 1  # five standard deviations
    assert all(abs(yes - count * share) < limit for yes in enrolled(owner, 40))


def test_neighbours_are_enrolled_independently_within_the_bounds_of_the_share(rules):
    owner = rules(0, 1000, rules=4000)

    both = owner.execute(
        """
        select count(*)
          from (select from enrolled_arrivals(array[4, 14]) group by segment_id having count(*) = 2) enrolled
        """
    ).fetchall()

    assert 10 < both[0][0] < 71  # 40 expected, limits at five standard deviations


def test_percent_of_a_hundred_enrols_everybody(rules):
    assert enrolled(rules(12_345, UNITS), 50) == [1] * 50


def test_each_user_is_decided_by_its_own_number(rules):
    owner = rules(0, 3000)
    decided = owner.execute("select ordinal from enrolled_arrivals(array[7, 3, 9, 1, 5, 0, 8, 2, 6, 4])").fetchall()

    users = owner.execute(
        "select user_id from enrolled_users(array[7, 3, 9, 1, 5, 0, 8, 2, 6, 4],"
        " array[107, 103, 109, 101, 105, 100, 108, 102, 106, 104])"
    ).fetchall()

    assert len(decided) == 3
    assert {user - 100 for (user,) in users} == {ordinal for (ordinal,) in decided}
