"""The body that the database writes is that of the model, and max-age lets no answer outlive a membership."""

from datetime import UTC, datetime, timedelta
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from segmentation.contract.responses import UserSegments
from segmentation.domain import memberships

SLUGS = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_.-]{2,30}", fullmatch=True).filter(lambda slug: slug.lower() != "user")
ENTRIES = st.one_of(
    st.datetimes(datetime(2000, 1, 1), datetime(2023, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001 -- hypothesis takes naive bounds
    st.datetimes(datetime(2000, 1, 1), datetime(2023, 1, 1), timezones=st.just(UTC)).map(  # noqa: DTZ001 -- the same
        lambda instant: instant.replace(microsecond=0)
    ),
)
SOON, LATER = st.integers(1, 40_000_000), st.integers(1, 10**15)
LEFT = st.none() | SOON | LATER
MEMBERS = st.lists(st.tuples(SLUGS, ENTRIES, LEFT), max_size=6, unique_by=lambda member: member[0])
NUMBERS = count(1_000)


@pytest.fixture
def read(superuser):
    """Read the answer to a user with these memberships, and the database's clock. Nothing of it stays."""

    def run(members):
        with superuser.transaction(force_rollback=True):
            superuser.execute("set local session_replication_role = replica")
            [(now,)] = superuser.execute("select now()").fetchall()
            for slug, added_at, left in members:
                expires_at = None if left is None else now + timedelta(microseconds=left)
                enter(superuser, next(NUMBERS), slug, added_at, expires_at)
            return memberships.list_for_user(superuser.cursor(), 1), now

    return run


def enter(connection, number, slug, added_at, expires_at):
    connection.execute(
        "insert into segments (segment_id, slug) overriding system value values (%s, %s)", (number, slug)
    )
    connection.execute("insert into memberships values (1, %s, %s, %s)", (number, added_at, expires_at))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(members=MEMBERS)
def test_an_answer_may_be_kept_for_the_whole_seconds_until_its_first_end(read, members):
    answer, now = read(members)

    ends = [each.expires_at for each in UserSegments.model_validate_json(answer.body).segments if each.expires_at]
    assert len(ends) == sum(left is not None for _, _, left in members)
    assert all(now + timedelta(seconds=answer.max_age) <= end for end in ends)
    assert answer.max_age == min([30, *((end - now) // timedelta(seconds=1) for end in ends)])


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(members=MEMBERS)
def test_the_database_writes_the_body_as_the_model_does(read, members):
    answer, now = read(members)

    shown = UserSegments.model_validate(
        {
            "segments": [
                {
                    "slug": slug,
                    "added_at": added_at,
                    "expires_at": left and now + timedelta(microseconds=left),
                }
                for slug, added_at, left in sorted(members)
            ]
        }
    )
    assert answer.body == shown.model_dump_json()
