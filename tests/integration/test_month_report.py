"""The month report has every entry and exit once, in the order of time, for any division into batches and parts."""

import json
import re
import subprocess
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial

import pytest

from segmentation.contract.requests import MembershipChange
from segmentation.database import watermark
from segmentation.database.connection import connect
from segmentation.domain import deletion, expiry, memberships, segments
from segmentation.jobs import leases, worker
from segmentation.reports import month_report, storage
from segmentation.reports.stored_file import SAVE_SECONDS
from tests.fix_clock import wrong_clock as wrong_clock
from tests.fix_log import log as log
from tests.integration.fix_jobs import NO_TIME_LIMIT, ROWS

NOON = "2023-08-10T12:00:00Z"
OLDER_PROGRESS = {
    "file_name",
    "until",
    "total",
    "upload_id",
    "tags",
    "kept",
    "rows",
    "executed_at",
    "history_id",
}
"""The members of a progress that version 1.0.0 knows."""


def this_month():
    now = datetime.now(UTC)
    return {"year": now.year, "month": now.month}


@pytest.fixture
def write(owner, small_batches):
    """Write an entry into a segment at each instant, for users 1, 2, 3 …"""

    def enter(slug, *instants):
        owner.execute(
            """
            insert into history (user_id, segment_id, slug, action_id, reason, actor, executed_at)
            select entered.number, 1, %s, 1, 'manual', 'analyst', entered.executed_at
              from unnest(%s::timestamptz[]) with ordinality entered (executed_at, number)
            """,
            (slug, list(instants)),
        )

    return enter


@pytest.fixture
def due(owner, make_segments, small_batches):
    """Create two hundred due memberships: a hundred ended at noon, a hundred one hour later."""
    make_segments("AVITO_30")
    owner.execute("insert into users (user_id) select number from generate_series(1, 200) number")
    owner.execute(
        """
        insert into memberships (user_id, segment_id, added_at, expires_at)
        select users.user_id, segments.segment_id, '2023-08-01T00:00:00Z',
               %s::timestamptz + make_interval(hours => (users.user_id %% 2)::integer)
          from users, segments
        """,
        (NOON,),
    )


@pytest.fixture
def deliver_step(deliver):
    return partial(deliver, time_left=lambda: False)


def users_in(lines):
    return [int(line.partition(",")[0]) for line in lines]


@pytest.mark.parametrize("file_format", ["csv", "csv.gz"])
def test_report_holds_the_month_in_order_of_time(
    connection, filled_month, expected, order, deliver, lines, file_format
):
    job_id = order(format=file_format)

    deliver(job_id, **NO_TIME_LIMIT)

    job = leases.get(connection, job_id)
    assert (job.status, job.done, job.total) == ("succeeded", ROWS, ROWS)
    assert lines(job_id) == expected


def test_report_of_one_segment_holds_only_its_rows(filled_month, expected, order, deliver, lines):
    job_id = order(slug="AVITO_30")

    deliver(job_id, **NO_TIME_LIMIT)

    assert lines(job_id) == [line for line in expected if ",AVITO_30," in line]


@pytest.mark.parametrize("file_format", ["csv", "csv.gz"])
def test_file_of_the_longest_slug_has_a_valid_file_name(connection, write, order, deliver, lines, file_format):
    slug = "A" * 255
    write(slug, NOON)
    job_id = order(slug=slug, format=file_format)

    deliver(job_id, **NO_TIME_LIMIT)

    name = leases.get(connection, job_id).result["file_name"]
    assert len(name) <= 255
    assert re.fullmatch(r"A{200}-2023-08-[0-9a-f]{32}\.csv(\.gz)?", name)
    assert lines(job_id) == [f"1,{slug},I,2023-08-10 12:00:00"]


def test_month_without_rows_gives_only_a_header(order, deliver, lines):
    job_id = order(year=2001)

    deliver(job_id, **NO_TIME_LIMIT)

    assert lines(job_id) == []


def test_twelve_months_are_the_year(owner, order, deliver, lines):
    owner.execute(
        """
        insert into history (user_id, segment_id, slug, action_id, reason, actor, executed_at)
        select 1, 1, 'AVITO_30', 1, 'manual'::reason, 'analyst', instant
          from generate_series(timestamptz '2024-01-01T00:00:00Z', '2024-12-31T23:59:59.999999Z', '6 hours') instant
         union all
        select 1, 1, 'AVITO_30', 1, 'manual', 'analyst',
               (timestamp '2024-01-01' + make_interval(months => month) - interval '1 microsecond') at time zone 'UTC'
          from generate_series(1, 12) month
        """
    )
    found = 0

    for month in range(1, 13):
        job_id = order(year=2024, month=month)
        deliver(job_id, **NO_TIME_LIMIT)
        found += len(lines(job_id))

    assert found == 366 * 4 + 12


def test_instant_with_rows_for_many_batches_is_reported_completely(write, order, deliver, lines):
    write("AVITO_30", *[NOON] * 500)
    job_id = order()

    deliver(job_id, **NO_TIME_LIMIT)

    assert users_in(lines(job_id)) == [*range(1, 501)]


def test_report_that_stops_within_an_instant_is_continued_there(write, order, deliver_step, aws, lines, monkeypatch):
    monkeypatch.setattr(month_report, "SIZES", replace(month_report.SIZES, part_bytes=100))
    write("AVITO_30", *[NOON] * 500)
    job_id = order()
    deliveries = 0

    while aws.messages():
        deliver_step(job_id)
        deliveries += 1

    assert deliveries > 500 / 140
    assert users_in(lines(job_id)) == [*range(1, 501)]


def test_due_exits_of_one_instant_are_all_reported(due, order, deliver, lines):
    job_id = order()

    deliver(job_id, **NO_TIME_LIMIT)

    at_noon, later = lines(job_id)[200:300], lines(job_id)[300:]
    assert {line.partition(",")[2] for line in at_noon} == {"AVITO_30,D,2023-08-10 12:00:00"}
    assert {line.partition(",")[2] for line in later} == {"AVITO_30,D,2023-08-10 13:00:00"}
    assert sorted(users_in(at_noon + later)) == [*range(1, 201)]


def test_exits_swept_while_the_report_runs_are_in_it_once(
    connection, due, order, deliver, deliver_step, lines, monkeypatch
):
    monkeypatch.setattr(month_report, "SIZES", replace(month_report.SIZES, part_bytes=100))
    job_id = order()
    while leases.get(connection, job_id).done <= 210:
        deliver_step(job_id)
    assert leases.get(connection, job_id).done < 300

    expiry.sweep(connection, go_on=lambda: True)
    deliver(job_id, **NO_TIME_LIMIT)

    assert sorted(users_in(lines(job_id))) == sorted([*range(1, 201)] * 2)


def test_exits_of_one_instant_that_two_sweeps_write_are_all_reported(
    connection, empty_database, due, order, deliver, deliver_step, lines, monkeypatch
):
    monkeypatch.setattr(month_report, "SIZES", replace(month_report.SIZES, part_bytes=100))
    monkeypatch.setattr(expiry, "BATCH", 30)
    job_id = order()
    deliver_step(job_id)

    with connect(empty_database.url) as slow, slow.transaction():
        expiry.sweep(slow, go_on=iter([True, False]).__next__)
        expiry.sweep(connection, go_on=lambda: True)
        while leases.get(connection, job_id).done <= 200:
            deliver_step(job_id)
    deliver(job_id, **NO_TIME_LIMIT)

    assert sorted(users_in(lines(job_id))) == sorted([*range(1, 201)] * 2)


def test_month_is_half_open(write, order, deliver, lines):
    write(
        "AVITO_30",
        "2023-07-31T23:59:59.999999Z",
        "2023-08-01T00:00:00Z",
        "2023-08-31T23:59:59.999999Z",
        "2023-09-01T00:00:00Z",
    )
    job_id = order()

    deliver(job_id, **NO_TIME_LIMIT)

    assert lines(job_id) == ["2,AVITO_30,I,2023-08-01 00:00:00", "3,AVITO_30,I,2023-08-31 23:59:59"]


def test_rows_of_a_segment_are_found_after_many_rows_of_others(write, order, deliver, lines):
    write("AVITO_30", "2023-08-01T00:00:00Z")
    write("AVITO_50", *[NOON] * 500)
    write("AVITO_30", "2023-08-31T00:00:00Z")
    job_id = order(slug="AVITO_30")

    deliver(job_id, **NO_TIME_LIMIT)

    assert lines(job_id) == ["1,AVITO_30,I,2023-08-01 00:00:00", "1,AVITO_30,I,2023-08-31 00:00:00"]


def test_progress_without_a_kept_part_is_readable_by_the_previous_version(filled_month, order, deliver_step, owner):
    deliver_step(order())

    [(progress,)] = owner.execute("select progress from jobs").fetchall()

    assert progress.keys() == OLDER_PROGRESS - {"kept"}


@pytest.mark.parametrize("file_format", ["csv", "csv.gz"])
@pytest.mark.parametrize("step", [4, 5, 6])
def test_report_of_a_worker_that_dies_among_rows_of_other_segments_is_continued_there(
    write, order, deliver, deliver_to_dying_worker, lines, owner, monkeypatch, step, file_format
):
    monkeypatch.setattr(month_report, "SIZES", replace(month_report.SIZES, save_seconds=0))
    write("AVITO_30", "2023-08-01T00:00:00Z")
    write("AVITO_50", *[NOON] * 500)
    write("AVITO_30", "2023-08-31T00:00:00Z")
    job_id = order(slug="AVITO_30", format=file_format)

    deliver_to_dying_worker(job_id, step)
    [(place,)] = owner.execute("select (progress->>'history_id')::integer from jobs").fetchall()
    deliver(job_id, **NO_TIME_LIMIT)

    assert place > 0
    assert lines(job_id) == ["1,AVITO_30,I,2023-08-01 00:00:00", "1,AVITO_30,I,2023-08-31 00:00:00"]


@pytest.mark.parametrize(("part_bytes", "save_seconds"), [(0, SAVE_SECONDS), (2_000, 0)])
@pytest.mark.parametrize("step", [*range(2, 11)])
def test_compressed_report_is_one_gzip_member_whatever_step_its_worker_dies_in(
    connection,
    aws,
    filled_month,
    expected,
    order,
    deliver,
    deliver_to_dying_worker,
    lines,
    monkeypatch,
    part_bytes,
    save_seconds,
    step,
):
    sizes = replace(month_report.SIZES, part_bytes=part_bytes, save_seconds=save_seconds)
    monkeypatch.setattr(month_report, "SIZES", sizes)
    job_id = order(format="csv.gz")

    deliver_to_dying_worker(job_id, step)
    deliver(job_id, **NO_TIME_LIMIT)

    name = leases.get(connection, job_id).result["file_name"]
    unpacked = subprocess.run(["zcat"], input=aws.body(name), capture_output=True, check=True).stdout  # noqa: S607
    assert lines(job_id) == expected
    assert unpacked.decode() == aws.text(name)


def saved_progress(owner):
    [(progress,)] = owner.execute("select progress from jobs").fetchall()
    return progress


def test_compressed_report_that_an_older_worker_began_is_begun_again(
    aws, filled_month, expected, order, deliver_step, deliver, lines, owner, monkeypatch
):
    monkeypatch.setattr(month_report, "SIZES", replace(month_report.SIZES, part_bytes=0))
    job_id = order(format="csv.gz")
    for _ in range(4):
        deliver_step(job_id)
    begun = saved_progress(owner)
    upload_id = json.loads(begun["upload_id"])["upload_id"]
    owner.execute("update jobs set progress = progress || jsonb_build_object('upload_id', %s::text)", (upload_id,))

    deliver(job_id, **NO_TIME_LIMIT)

    assert begun["tags"]
    assert lines(job_id) == expected
    assert aws.uploads() == []


def test_older_worker_that_continues_a_compressed_report_begins_it_again(
    filled_month, order, deliver_step, owner, monkeypatch
):
    monkeypatch.setattr(month_report, "SIZES", replace(month_report.SIZES, part_bytes=0))
    job_id = order(format="csv.gz")
    for _ in range(4):
        deliver_step(job_id)

    progress = saved_progress(owner)

    assert progress.keys() <= OLDER_PROGRESS
    with pytest.raises(storage.UploadGone):
        storage.upload_part(progress["file_name"], progress["upload_id"], len(progress["tags"]) + 1, b"")


def test_current_month_is_reported_up_to_the_database_clock(make_segments, change, order, deliver, lines, wrong_clock):
    make_segments("AVITO_30")
    change(1, add_segments=["AVITO_30"])
    job_id = order(**this_month())

    deliver(job_id, **NO_TIME_LIMIT)

    assert users_in(lines(job_id)) == [1]


def test_segment_without_rows_gives_only_a_header(filled_month, order, deliver, lines):
    job_id = order(slug="AVITO_99")

    deliver(job_id, **NO_TIME_LIMIT)

    assert lines(job_id) == []


def test_report_is_the_same_behind_a_pooler(empty_database, behind_a_pooler, filled_month, expected, order, lines):
    job_id = order()

    with connect(empty_database.url) as pooled:
        worker.deliver(pooled, job_id, **NO_TIME_LIMIT)

    assert lines(job_id) == expected


@pytest.fixture
def writer(empty_database, make_segments):
    """Open a transaction that has written an entry of user 1 and has not committed it."""
    make_segments("AVITO_30")
    with connect(empty_database.url) as own:
        own.execute("begin")
        memberships.change(own, MembershipChange(user_id=1, add_segments=["AVITO_30"]), actor="analyst")
        yield own


def test_entry_committed_after_the_report_began_is_in_it(writer, order, deliver, lines, monkeypatch):
    monkeypatch.setattr(watermark, "sleep", lambda seconds: writer.commit())
    job_id = order(**this_month())

    deliver(job_id, **NO_TIME_LIMIT)

    assert users_in(lines(job_id)) == [1]


def test_report_does_not_wait_for_a_writer_that_never_ends(writer, order, deliver, lines, monkeypatch, log):
    monkeypatch.setattr(watermark, "MAX_WAIT_SECONDS", 0)
    job_id = order(**this_month())

    deliver(job_id, **NO_TIME_LIMIT)

    assert lines(job_id) == []
    assert "lasts too long" in log.text


def test_segment_deleted_just_before_the_end_of_the_report_is_in_it(
    connection, create, arrive, order, deliver, lines, monkeypatch
):
    def delete_first(*arguments):
        segments.delete(connection, "AVITO_30", actor="analyst")
        return settled_instant(*arguments)

    arrive(1)
    create("AVITO_30", 100)
    settled_instant = watermark.settled_instant
    monkeypatch.setattr(deletion, "MOST_MEMBERS", 0)
    monkeypatch.setattr(watermark, "settled_instant", delete_first)
    job_id = order(**this_month())

    deliver(job_id, **NO_TIME_LIMIT)

    assert [line.split(",")[2] for line in lines(job_id)] == ["I", "D"]
