"""The month report of all users has the columns and the delimiter of the reports of single users."""

import csv
import io
from datetime import UTC, datetime

import pytest

from segmentation.contract.requests import LifetimeChange, MembershipChange, NewOperation
from segmentation.domain import actions, history, memberships
from segmentation.jobs import leases
from segmentation.reports import user_report
from tests.integration.fix_jobs import NO_TIME_LIMIT

ACTORS = ["analyst", "=HYPERLINK()", 'a "quoted", one; with\r\na line feed', "+\t", "-"]


@pytest.fixture
def month():
    now = datetime.now(UTC)
    return {"year": now.year, "month": now.month}


@pytest.fixture
def written(connection, make_segments, expire, small_batches):
    """Write operations of every kind, by actors of every kind. The last exit is due."""
    make_segments("AVITO_30", "AVITO_50")
    actions.create(connection, "exposure")
    for user_id, actor in enumerate(ACTORS, start=1):
        wanted = MembershipChange(user_id=user_id, add_segments=["AVITO_30", "AVITO_50"], ttl=3600)
        memberships.change(connection, wanted, actor=actor)
        memberships.change_lifetime(connection, user_id, "AVITO_30", LifetimeChange(ttl=None), actor=actor)
        history.record(connection, user_id, NewOperation(slug="AVITO_30", action="exposure"), actor=actor)
        memberships.change(connection, MembershipChange(user_id=user_id, delete_segments=["AVITO_30"]), actor=actor)
    expire(1, "AVITO_50")


@pytest.fixture
def month_rows_of(connection, aws, order, deliver, month):
    """The rows of the month report, with the header."""

    def read(delimiter=",", **members):
        job_id = order(**month, delimiter=delimiter, **members)
        deliver(job_id, **NO_TIME_LIMIT)
        result = leases.get(connection, job_id).result
        rows = rows_in(aws.text(result["file_name"]), delimiter)
        assert len(rows) == result["rows"] + 1
        return rows

    return read


@pytest.fixture
def user_rows(connection, aws, month):
    """The rows of the month reports of the single users, without the header."""

    def read(columns, delimiter):
        rows = []
        for user_id in range(1, len(ACTORS) + 1):
            link = user_report.create_for_user(
                connection, user_id, month["year"], month["month"], report_format=columns, delimiter=delimiter
            )
            file_name = link.report_link.split("?")[0].rsplit("/", 1)[1]
            rows += rows_in(aws.text(file_name), delimiter)[1:]
        return rows

    return read


def rows_in(text, delimiter):
    return [*csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)]


@pytest.mark.usefixtures("written")
@pytest.mark.parametrize("delimiter", [",", ";"])
@pytest.mark.parametrize("columns", ["plain", "extended"])
def test_month_of_all_users_has_the_rows_of_every_single_user(month_rows_of, user_rows, columns, delimiter):
    header, *rows = month_rows_of(columns=columns, delimiter=delimiter)

    assert header == [*user_report.COLUMNS[columns]]
    assert sorted(rows) == sorted(user_rows(columns, delimiter))


@pytest.mark.usefixtures("written")
def test_extended_month_of_a_segment_has_its_rows_alone(month_rows_of):
    _, *rows = month_rows_of(columns="extended", slug="AVITO_30")

    assert {row[1] for row in rows} == {"AVITO_30"}
    assert [row[2] for row in rows] == [*"IUAD"] * len(ACTORS)


def test_usual_report_is_ordered_as_the_previous_release_reads_it(connection, order):
    job_id = order(format="csv.gz")

    [(parameters,)] = connection.execute("select parameters from jobs where job_id = %s", (job_id,)).fetchall()
    assert parameters == {"year": 2023, "month": 8, "format": "csv.gz"}
