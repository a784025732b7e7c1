"""GET /segment/{slug}/size, and the members in GET /segment."""

from datetime import UTC, datetime

import pytest

from segmentation.database.connection import get_connection
from segmentation.domain import size_counting
from tests.functions.calls import call
from tests.functions.factories import add_members, create_segments, done
from tests.stepping import let_days_pass

pytestmark = pytest.mark.usefixtures("service")


def ask(slug="AAA", **query):
    named = {name.rstrip("_"): value for name, value in query.items()}
    return call("show_segment_size", path=f"/segment/{slug}/size", query=named)


def count():
    size_counting.count(get_connection(), go_on=lambda: True)


@pytest.fixture
def members(service):
    create_segments("AAA")
    add_members("AAA", 1, 2)
    count()


@pytest.mark.usefixtures("members")
def test_size_of_today_is_live():
    add_members("AAA", 3)

    today = datetime.now(UTC).date().isoformat()
    assert done(ask()) == {"days": [{"day": today, "members": 3, "added": 3, "removed": 0}]}


@pytest.mark.usefixtures("members")
def test_list_shows_the_members_of_the_last_night(superuser):
    [segment] = done(call("list_segments", path="/segment"))["segments"]
    assert (segment["members"], segment["members_at"]) == (None, None)
    let_days_pass(superuser, 1)
    count()

    [segment] = done(call("list_segments", path="/segment"))["segments"]

    midnight = f"{datetime.now(UTC).date().isoformat()}T00:00:00Z"
    assert (segment["members"], segment["members_at"]) == (2, midnight)


def test_unknown_segment_is_404():
    answer = ask("NONE")

    assert (answer.status, answer.json["slugs"]) == (404, ["NONE"])


@pytest.mark.parametrize("name", ["from", "to"])
@pytest.mark.parametrize(
    "day", ["", "5", "2023-8-1", "2023-02-30", "2023-08-01T00:00:00Z", "20230801", "1999-12-31", "9999-01-01", "today"]
)
def test_day_that_is_no_date_is_refused(name, day):
    answer = ask(**{name: day})

    assert (answer.status, answer.locations) == (422, [f"query.{name}"])


@pytest.mark.parametrize(
    ("query", "location"),
    [
        ({"from_": "2023-08-02", "to": "2023-08-01"}, "query.to"),
        ({"from_": "2023-01-01", "to": "2024-01-03"}, "query.from"),
        ({"from_": "2023-01-01"}, "query.from"),
    ],
)
@pytest.mark.usefixtures("members")
def test_range_that_is_reversed_or_too_long_names_its_parameter(query, location):
    answer = ask(**query)

    assert (answer.status, answer.locations) == (422, [location])


@pytest.mark.usefixtures("members")
def test_range_of_a_leap_year_is_accepted():
    assert done(ask(from_="2024-01-01", to="2025-01-01")) == {"days": []}
