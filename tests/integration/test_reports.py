"""A report of one user covers a month, half-open in UTC, and is a file in S3."""

import csv
import io
import re
import tracemalloc
from datetime import UTC, datetime, timedelta

import pytest

from segmentation.contract.problems import ReportUnknown, RequestInvalid, StorageUnavailable
from segmentation.domain import expiry
from segmentation.reports import months, storage, user_report
from segmentation.reports.months import Month
from segmentation.reports.requested_month import requested_month


@pytest.fixture
def report(connection, aws):
    """Report on user 1. Return the answer, the file's name and its text. The default month is the latest one."""

    def latest():
        [(moment,)] = connection.execute("select coalesce(max(executed_at), now()) from operations").fetchall()
        return Month(moment.year, moment.month)

    def create(month=None, report_format="plain", delimiter=","):
        month = month or latest()
        answer = user_report.create_for_user(
            connection, 1, month.year, month.month, report_format=report_format, delimiter=delimiter
        )
        name = answer.report_link.partition("?")[0].rpartition("/")[2]
        return answer, name, aws.text(name)

    return create


@pytest.fixture
def write_row(owner):
    """Write a row into the history, at a past instant."""

    def write(instant, user_id=1, slug="AVITO_50", action=1):
        owner.execute(
            """
            insert into history (user_id, segment_id, slug, action_id, reason, actor, executed_at)
            values (%s, 1, %s, %s, 'manual', 'analyst', %s)
            """,
            (user_id, slug, action, instant),
        )

    return write


def test_report_has_the_columns_of_the_contract(report, write_row):
    write_row("2023-08-28T10:25:25.999999Z")
    write_row("2023-08-28T10:25:55Z", action=2)

    answer, _, text = report(Month(2023, 8))

    assert answer.rows == 2
    assert text == (
        "user_id,segment_slug,operation,executed_at\r\n"
        "1,AVITO_50,I,2023-08-28 10:25:25\r\n"
        "1,AVITO_50,D,2023-08-28 10:25:55\r\n"
    )


def test_month_without_rows_gives_only_a_header(report):
    answer, _, text = report(Month(2001, 2))

    assert (answer.rows, text) == (0, "user_id,segment_slug,operation,executed_at\r\n")


def test_report_holds_one_user_only(report, write_row):
    write_row("2023-08-28T10:25:25Z", user_id=2)

    assert report(Month(2023, 8))[0].rows == 0


@pytest.mark.parametrize(
    ("instant", "month"),
    [
        ("2023-08-31T23:59:59.999999Z", Month(2023, 8)),
        ("2023-09-01T00:00:00Z", Month(2023, 9)),
        ("2023-12-31T23:59:59.999999Z", Month(2023, 12)),
        ("2024-02-29T12:00:00Z", Month(2024, 2)),
        ("2023-03-26T01:30:00+01:00", Month(2023, 3)),
    ],
)
def test_instant_is_in_its_month_of_utc_and_in_no_other(report, write_row, instant, month):
    write_row(instant)

    found = [
        Month(year, number) for year in (2023, 2024) for number in range(1, 13) if report(Month(year, number))[0].rows
    ]

    assert found == [month]


def test_due_exit_is_in_the_report_before_and_after_it_is_swept(connection, make_segments, change, expire, report):
    make_segments("AVITO_30")
    change(1, add_segments=["AVITO_30"], ttl=60)
    expire(1, "AVITO_30")
    _, _, before = report()

    expiry.sweep(connection, go_on=lambda: True)

    assert before.splitlines()[-1].split(",")[2] == "D"
    assert report()[2] == before


def test_extended_report_has_every_column(report, make_segments, change):
    make_segments("AVITO_30")
    change(1, add_segments=["AVITO_30"], ttl=60)

    _, _, text = report(report_format="extended", delimiter=";")

    [row] = csv.DictReader(io.StringIO(text, newline=""), delimiter=";")
    assert [*row] == [*user_report.COLUMNS["extended"]]
    assert (row["operation"], row["action"], row["reason"], row["actor"]) == ("I", "added", "manual", "analyst")


def test_long_month_is_held_in_memory_as_text(connection, owner, report, monkeypatch):
    owner.execute(
        """
        insert into history (user_id, segment_id, slug, action_id, reason, actor, executed_at)
        select 1, 1, 'AVITO_50', 1 + number % 2, 'manual', 'analyst', '2023-08-01T00:00:00Z'
          from generate_series(1, 10000) number
        """
    )
    report()
    monkeypatch.setattr(storage, "put", lambda file_name, body: None)

    tracemalloc.start()
    user_report.create_for_user(connection, 1, 2023, 8, report_format="plain", delimiter=",")
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert most < 2_000_000  # 430 kB of text; with all rows at once it was 9 MB


def test_file_names_are_unique_and_name_user_and_month(report):
    names = {report(Month(2023, 9))[1] for _ in range(20)}

    assert len(names) == 20
    assert all(re.fullmatch(r"user-1-2023-09-[0-9a-f]{32}\.csv", name) for name in names)


def test_file_is_downloaded_under_a_readable_name(report, aws):
    _, name, _ = report(Month(2023, 9))

    described = aws.s3.head_object(Bucket="reports", Key=f"reports/{name}")

    assert described["ContentDisposition"] == 'attachment; filename="user-1-2023-09.csv"'
    assert described["ContentType"] == "text/csv; charset=utf-8"


def test_link_is_signed_for_a_quarter_of_an_hour(report):
    answer, _, _ = report()

    assert "X-Amz-Expires=900&" in answer.report_link
    assert 890 < (answer.expires_at - datetime.now(UTC)).total_seconds() <= 900


def test_existing_report_gets_a_fresh_link(report):
    _, name, _ = report()

    assert name in storage.link_to_existing(name).url


@pytest.mark.parametrize(
    "name",
    [
        "user-1-2023-09-" + "0" * 32 + ".csv",
        "nope.csv",
        "../secret",
        "",
        "user-1-2023-09.csv",
        "a" * 400 + "-" + "0" * 32 + ".csv",
    ],
)
def test_missing_report_is_unknown(aws, name):
    with pytest.raises(ReportUnknown):
        storage.link_to_existing(name)


def test_problem_names_the_error_of_the_store(report, aws):
    aws.s3.delete_bucket(Bucket="reports")

    with pytest.raises(StorageUnavailable, match="NoSuchBucket"):
        report()


def is_accepted(connection, month):
    return requested_month(connection, month.year, month.month, location="query") == month


@pytest.fixture
def this_month(connection):
    """The current month by the database's clock."""
    [(now,)] = connection.execute("select now()").fetchall()
    return Month(now.year, now.month)


@pytest.fixture
def next_month(this_month):
    return Month(this_month.ends_at.year, this_month.ends_at.month)


@pytest.fixture
def clock(monkeypatch):
    """Set the service's own clock to an instant."""

    def set_to(instant):
        class FixedClock(datetime):
            @classmethod
            def now(cls, tz=None):
                return instant

        monkeypatch.setattr(months, "datetime", FixedClock)

    return set_to


def test_future_year_is_refused(connection, this_month):
    with pytest.raises(RequestInvalid, match=r"query\.year"):
        is_accepted(connection, Month(this_month.year + 1, this_month.month))


def test_next_month_is_refused(connection, next_month):
    with pytest.raises(RequestInvalid, match=r"query\.year" if next_month.month == 1 else r"query\.month"):
        is_accepted(connection, next_month)


def test_current_month_is_accepted(connection, this_month):
    assert is_accepted(connection, this_month)


def test_clock_that_is_behind_refuses_no_month_that_has_begun(connection, this_month, clock):
    clock(this_month.begins_at - timedelta(minutes=5))

    assert is_accepted(connection, this_month)


def test_clock_that_is_ahead_accepts_no_future_month(connection, next_month, clock):
    clock(next_month.begins_at + timedelta(minutes=5))

    with pytest.raises(RequestInvalid):
        is_accepted(connection, next_month)
