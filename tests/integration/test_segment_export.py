"""An export has the members of a segment at one instant, whatever is written while it runs."""

import random
import re
import threading

import pytest

from segmentation.contract.problems import SegmentUnknown
from segmentation.contract.requests import MembershipChange
from segmentation.database import watermark
from segmentation.database.connection import connect
from segmentation.domain import deletion, expiry, memberships, segments, users
from segmentation.jobs import leases, worker
from segmentation.reports import segment_export
from segmentation.reports.stored_file import Sizes
from tests.integration.fix_exports import SLUG, change_users, patch, write_at_random
from tests.integration.fix_exports import at_its_instant as at_its_instant
from tests.integration.fix_exports import deliver_step as deliver_step
from tests.integration.fix_exports import export as export
from tests.integration.fix_exports import rows_of as rows_of
from tests.integration.fix_jobs import NO_TIME_LIMIT


@pytest.fixture(autouse=True)
def small_sizes(monkeypatch):
    """Make statements and parts so small that a few rows need several, and that the history is read by user."""
    monkeypatch.setattr(segment_export, "SIZES", Sizes(batch_rows=7, part_bytes=200))


@pytest.mark.parametrize("file_format", ["csv", "csv.gz"])
def test_export_has_the_members_in_order_of_user_id(
    connection, create, arrive, change, export, deliver, rows_of, at_its_instant, file_format
):
    arrive(20)
    create(SLUG, 100)
    change(2**63 - 1, add_segments=[SLUG], ttl=3600)
    change(30, add_segments=[SLUG])
    change(5, delete_segments=[SLUG])
    job_id = export(format=file_format)

    deliver(job_id, **NO_TIME_LIMIT)

    job, rows = leases.get(connection, job_id), rows_of(job_id)
    assert (job.status, job.done, job.total) == ("succeeded", 21, 21)
    assert [row[0] for row in rows] == [1, 2, 3, 4, *range(6, 21), 30, 2**63 - 1]
    assert rows[0][3] == "percent"
    assert rows[-2][2:] == (None, "manual")
    assert rows == at_its_instant(job_id)


def test_export_begins_with_the_chosen_delimiter(make_segments, change, export, deliver, rows_of):
    make_segments(SLUG)
    change(1, add_segments=[SLUG])
    job_id = export(delimiter=";")

    deliver(job_id, **NO_TIME_LIMIT)

    [row] = rows_of(job_id, delimiter=";")
    assert row[0] == 1


def test_export_of_a_segment_without_members_is_only_a_header(make_segments, change, export, deliver, rows_of):
    make_segments(SLUG, "AVITO_50")
    change(1, add_segments=["AVITO_50"])
    job_id = export()

    deliver(job_id, **NO_TIME_LIMIT)

    assert rows_of(job_id) == []


def test_membership_that_is_over_is_left_out_before_the_sweep(make_segments, change, expire, export, deliver, rows_of):
    make_segments(SLUG)
    for user_id in range(1, 20):
        change(user_id, add_segments=[SLUG], ttl=3600)
    for user_id in range(1, 19):
        expire(user_id, SLUG)
    job_id = export()

    deliver(job_id, **NO_TIME_LIMIT)

    assert [row[0] for row in rows_of(job_id)] == [19]


def test_file_of_the_longest_slug_has_a_valid_and_unguessable_name(connection, make_segments, export, deliver):
    make_segments("A" * 255)
    job_id = export("A" * 255, format="csv.gz")

    deliver(job_id, **NO_TIME_LIMIT)

    name = leases.get(connection, job_id).result["file_name"]
    assert len(name) <= 255
    assert re.fullmatch(r"A{200}-\d{4}-\d\d-\d\d-[0-9a-f]{32}\.csv\.gz", name)


def test_no_file_of_a_segment_is_one_of_a_user(connection, make_segments, export, deliver):
    make_segments("user-1")
    job_id = export("user-1")

    deliver(job_id, **NO_TIME_LIMIT)

    assert leases.get(connection, job_id).result["file_name"].startswith("segment-user-1-")


def leave(own):
    change_users(own, delete=range(1, 41))


def leave_and_come_back(own):
    leave(own)
    change_users(own, add=range(1, 41), ttl=86_400)


def leave_twice(own):
    leave_and_come_back(own)
    leave(own)


def change_lifetimes(own):
    for user_id in range(1, 41):
        patch(own, user_id, ttl=7200)
        patch(own, user_id, ttl=None)


def change_lifetimes_and_leave(own):
    change_lifetimes(own)
    leave(own)


def enter(own):
    change_users(own, add=range(41, 120))


def enter_and_leave(own):
    enter(own)
    change_users(own, delete=range(41, 120))


def delete_users(own):
    for user_id in range(1, 41):
        users.delete(own, user_id, erase=False, actor="admin")


def rename(own):
    segments.update(own, SLUG, segments.SegmentChange(slug="AVITO_99"), actor="editor")


@pytest.mark.parametrize(
    "write",
    [
        leave,
        leave_and_come_back,
        leave_twice,
        change_lifetimes,
        change_lifetimes_and_leave,
        enter,
        enter_and_leave,
        delete_users,
        rename,
    ],
)
@pytest.mark.parametrize("steps", [1, 2, 4])
def test_what_is_written_after_the_instant_changes_no_export(
    connection, make_segments, export, deliver, deliver_step, rows_of, at_its_instant, write, steps
):
    make_segments(SLUG)
    change_users(connection, add=range(1, 41, 2))
    change_users(connection, add=range(2, 41, 2), ttl=3600)
    job_id = export()
    for _ in range(steps):
        deliver_step(job_id)

    write(connection)
    deliver(job_id, **NO_TIME_LIMIT)

    rows = rows_of(job_id)
    assert [row[0] for row in rows] == [*range(1, 41)]
    assert rows == at_its_instant(job_id)


@pytest.mark.parametrize("is_swept", [False, True])
def test_members_whose_lifetime_ends_while_the_export_runs_are_in_it(
    connection, superuser, make_segments, export, deliver, deliver_step, rows_of, is_swept
):
    make_segments(SLUG)
    change_users(connection, add=range(1, 41), ttl=3600)
    job_id = export()
    deliver_step(job_id)
    [(at,)] = connection.execute("select progress->>'at' from jobs").fetchall()

    with superuser.transaction():
        superuser.execute("set local session_replication_role = replica")
        for statement in (
            "update memberships set added_at = added_at - interval '1 h', expires_at = %(at)s::timestamptz + '1 us'",
            "update history set executed_at = executed_at - interval '1 h', expires_at = %(at)s::timestamptz + '1 us'",
        ):
            superuser.execute(statement, {"at": at})
    if is_swept:
        expiry.sweep(connection, go_on=lambda: True)
    deliver(job_id, **NO_TIME_LIMIT)

    assert [row[0] for row in rows_of(job_id)] == [*range(1, 41)]
    assert connection.execute("select from memberships").rowcount == (0 if is_swept else 40)


@pytest.mark.parametrize("seed", range(10))
def test_interrupted_export_equals_the_history_at_its_instant_whatever_is_written_between_its_steps(
    connection, aws, make_segments, export, deliver_step, rows_of, at_its_instant, seed
):
    draw = random.Random(seed)  # noqa: S311 -- a test that can be repeated
    make_segments(SLUG)
    for _ in range(10):
        write_at_random(connection, draw)
    job_id = export()

    while aws.messages():
        deliver_step(job_id)
        for _ in range(3):
            write_at_random(connection, draw)

    assert rows_of(job_id) == at_its_instant(job_id)


def test_interrupted_export_equals_the_history_at_its_instant_while_others_write(
    connection, empty_database, aws, make_segments, export, deliver_step, rows_of, at_its_instant
):
    make_segments(SLUG)
    change_users(connection, add=range(1, 121), ttl=3600)
    job_id, is_over = export(), threading.Event()

    def write_until_the_end(seed):
        draw = random.Random(seed)  # noqa: S311 -- a test that can be repeated
        with connect(empty_database.url) as own:
            while not is_over.is_set():
                user_id = draw.randint(1, 150)
                change = {draw.choice(["add_segments", "delete_segments"]): [SLUG]}
                memberships.change(own, MembershipChange(user_id=user_id, **change), actor="editor")

    writers = [threading.Thread(target=write_until_the_end, args=(seed,)) for seed in range(3)]
    for writer in writers:
        writer.start()
    while aws.messages():
        deliver_step(job_id)
    is_over.set()
    for writer in writers:
        writer.join()

    assert rows_of(job_id) == at_its_instant(job_id)
    assert len(rows_of(job_id)) > 0


@pytest.mark.parametrize("file_format", ["csv", "csv.gz"])
@pytest.mark.parametrize("step", [2, 3, 4, 5])
def test_export_of_a_worker_that_dies_is_continued_with_the_same_instant(
    connection,
    make_segments,
    export,
    deliver,
    deliver_to_dying_worker,
    rows_of,
    at_its_instant,
    monkeypatch,
    file_format,
    step,
):
    monkeypatch.setattr(segment_export, "SIZES", Sizes(batch_rows=7, part_bytes=0))
    make_segments(SLUG)
    change_users(connection, add=range(1, 121))
    job_id = export(format=file_format)

    deliver_to_dying_worker(job_id, step)
    change_users(connection, delete=range(1, 121, 2))
    deliver(job_id, **NO_TIME_LIMIT)

    assert len(rows_of(job_id)) == 120
    assert rows_of(job_id) == at_its_instant(job_id)


def test_export_whose_upload_is_gone_begins_again_with_a_later_instant(
    connection, aws, make_segments, export, deliver, deliver_step, rows_of, at_its_instant
):
    make_segments(SLUG)
    change_users(connection, add=range(1, 121))
    job_id = export()
    for _ in range(3):
        deliver_step(job_id)
    [upload] = aws.uploads()
    aws.s3.abort_multipart_upload(Bucket="reports", Key=upload["Key"], UploadId=upload["UploadId"])

    change_users(connection, delete=range(2, 121))
    deliver(job_id, **NO_TIME_LIMIT)

    assert [row[0] for row in rows_of(job_id)] == [1]
    assert rows_of(job_id) == at_its_instant(job_id)
    assert aws.uploads() == []


def test_entry_committed_after_the_export_began_is_in_it(
    empty_database, make_segments, export, deliver, rows_of, at_its_instant, monkeypatch
):
    make_segments(SLUG)
    with connect(empty_database.url) as writer:
        writer.execute("begin")
        memberships.change(writer, MembershipChange(user_id=1, add_segments=[SLUG]), actor="editor")
        monkeypatch.setattr(watermark, "sleep", lambda seconds: writer.commit())
        job_id = export()

        deliver(job_id, **NO_TIME_LIMIT)

    assert [row[0] for row in rows_of(job_id)] == [1]
    assert rows_of(job_id) == at_its_instant(job_id)


def test_member_who_left_meanwhile_and_entered_in_a_dropped_month_has_no_entry(
    connection, owner, make_segments, export, deliver, deliver_step, rows_of
):
    make_segments(SLUG)
    change_users(connection, add=[1, 2, 3])
    patch(connection, 3, ttl=3600)
    job_id = export()
    deliver_step(job_id)

    change_users(connection, delete=[1])
    patch(connection, 3, ttl=None)
    owner.execute("delete from history where action_id = 1")
    deliver(job_id, **NO_TIME_LIMIT)

    first, second, third = rows_of(job_id)
    assert first == (1, None, None, "")
    assert (second[3], third[3]) == ("manual", "manual")
    assert third[1] is not None


@pytest.mark.parametrize("most", [0, deletion.MOST_MEMBERS])
@pytest.mark.parametrize("steps", [0, 1, 3])
def test_export_of_a_segment_that_is_deleted_meanwhile_fails_and_leaves_no_file(
    connection, aws, make_segments, export, deliver, deliver_step, monkeypatch, most, steps
):
    monkeypatch.setattr(deletion, "MOST_MEMBERS", most)
    make_segments(SLUG)
    change_users(connection, add=range(1, 121))
    job_id = export()
    for _ in range(steps):
        deliver_step(job_id)

    segments.delete(connection, SLUG, actor="editor")
    make_segments(SLUG)
    deliver(job_id, **NO_TIME_LIMIT)

    job = leases.get(connection, job_id)
    assert (job.status, job.result) == ("failed", None)
    assert job.error == "The segment AVITO_30 was deleted before the export was complete."
    assert (aws.names(), aws.uploads(), aws.dead_letters()) == ([], [], [])


def test_export_of_an_unknown_segment_is_refused(connection, export):
    with pytest.raises(SegmentUnknown):
        export("AVITO_99")

    assert connection.execute("select from jobs").rowcount == 0


def test_export_is_the_same_behind_a_pooler(
    empty_database, connection, behind_a_pooler, make_segments, export, rows_of, at_its_instant
):
    make_segments(SLUG)
    change_users(connection, add=range(1, 121), ttl=3600)
    job_id = export()

    with connect(empty_database.url) as pooled:
        worker.deliver(pooled, job_id, **NO_TIME_LIMIT)

    assert len(rows_of(job_id)) == 120
    assert rows_of(job_id) == at_its_instant(job_id)
