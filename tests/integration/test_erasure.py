"""The erasure of a user removes the memberships, the history and the report files, or nothing."""

import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest

from segmentation.access.permissions import Caller
from segmentation.contract.problems import StorageUnavailable, UserUnknown
from segmentation.contract.requests import NewImport, NewSegment, SegmentUsersChange
from segmentation.database.connection import connect
from segmentation.domain import segment_users, segments, users
from segmentation.jobs import leases
from segmentation.reports import bucket, erasure, storage, user_report
from segmentation.reports.imports import orders
from tests.e2e.waiting import eventually
from tests.integration.fix_jobs import NO_TIME_LIMIT
from tests.limited import lock_timeout

TOKEN = "0" * 32


@pytest.fixture
def member(make_segments, change, aws):
    """Add users to a segment."""

    def add(*user_ids):
        make_segments("AVITO_30")
        for user_id in user_ids:
            change(user_id, add_segments=["AVITO_30"])

    return add


@pytest.fixture
def store(aws):
    """Store a file."""

    def put(*names):
        for name in names:
            aws.s3.put_object(Bucket="reports", Key=f"reports/{name}", Body=b"")

    return put


@pytest.fixture
def report(empty_database):
    """Report a month of user 1, on a connection of its own."""

    def run():
        with connect(empty_database.url) as own:
            return user_report.create_for_user(own, 1, 2023, 8, report_format="plain", delimiter=",")

    return run


@pytest.fixture
def erase(connection):
    return partial(erasure.erase, connection, actor="admin")


def test_erasure_deletes_the_reports_of_the_user(member, report, erase, aws, history):
    member(1)
    report()
    report()

    erase(1)

    assert (aws.names(), history()) == ([], [])


def test_erasure_deletes_more_files_than_one_request_can(member, store, erase, aws, monkeypatch):
    monkeypatch.setattr(storage, "FILES_PER_REQUEST", 2)
    member(1)
    store(*[f"user-1-2023-{month:02}-{TOKEN}.csv" for month in range(1, 6)])

    erase(1)

    assert aws.names() == []


def test_erasure_of_user_1_keeps_the_files_of_user_10(member, store, erase, aws):
    member(1, 10)
    store(f"user-10-2023-08-{TOKEN}.csv", f"all-users-2023-08-{TOKEN}.csv")

    erase(1)

    assert aws.names() == [f"reports/all-users-2023-08-{TOKEN}.csv", f"reports/user-10-2023-08-{TOKEN}.csv"]


@pytest.mark.parametrize("slug", ["user-1", "user-1-discount"])
def test_erasure_keeps_the_month_of_a_segment_with_the_name_of_a_user(
    connection, make_segments, member, order, deliver, erase, aws, slug
):
    member(1)
    make_segments(slug)
    job_id = order(slug=slug)
    deliver(job_id, **NO_TIME_LIMIT)

    erase(1)

    assert aws.names() == [f"reports/{leases.get(connection, job_id).result['file_name']}"]


def test_erasure_erases_nothing_while_the_storage_is_away(member, erase, aws, history, slugs_of):
    member(1)
    aws.s3.delete_bucket(Bucket="reports")

    with pytest.raises(StorageUnavailable):
        erase(1)

    assert (len(history(1)), slugs_of(1)) == (1, ["AVITO_30"])


def test_erasure_erases_nothing_if_a_file_cannot_be_deleted(member, store, erase, history, monkeypatch):
    member(1)
    store(f"user-1-2023-08-{TOKEN}.csv")
    refusal = {"Errors": [{"Code": "AccessDenied"}]}
    monkeypatch.setattr(bucket.client(storage.REQUEST_TIMEOUTS), "delete_objects", lambda **_: refusal)

    with pytest.raises(StorageUnavailable, match="AccessDenied"):
        erase(1)

    assert len(history(1)) == 1


def test_erasure_that_failed_after_the_files_can_be_repeated(member, report, erase, aws, history, monkeypatch):
    member(1)
    report()
    with monkeypatch.context() as patch:
        patch.setattr(users, "delete", lambda *_, **__: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            erase(1)
    assert len(history(1)) == 1

    erase(1)

    assert (aws.names(), history()) == ([], [])


def test_erasure_finds_files_that_a_former_erasure_left(store, erase, aws):
    store(f"user-1-2023-08-{TOKEN}.csv")

    assert erase(1).segments_deleted == 0
    assert aws.names() == []


def test_erasure_of_an_unknown_user_without_files_is_unknown(aws, erase):
    with pytest.raises(UserUnknown):
        erase(1)


@pytest.fixture
def commented(connection, make_segments, aws):
    """Write the memberships of users in one request with a comment."""
    make_segments("AVITO_30")

    def write(*user_ids, comment="ticket 4711"):
        wanted = SegmentUsersChange(add_users=[*user_ids], comment=comment)
        segment_users.change(connection, "AVITO_30", wanted, actor="analyst")

    return write


@pytest.fixture
def causes(owner):
    return lambda: [comment for (comment,) in owner.execute("select comment from causes order by cause_id")]


def test_erasure_deletes_the_comments_that_only_this_user_had(commented, erase, causes):
    commented(1, comment="about user 1")
    commented(2, comment="about user 2")

    erase(1)

    assert causes() == ["about user 2"]


def test_erasure_of_the_last_user_of_a_comment_deletes_it(commented, erase, causes):
    commented(1, 2)

    erase(1)
    assert causes() == ["ticket 4711"]

    erase(2)
    assert causes() == []


def test_comment_of_a_change_of_a_segment_outlives_its_users(connection, arrive, erase, causes, aws):
    arrive(1)
    new = NewSegment(slug="AVITO_ALL", user_percent=100, comment="ticket 4711")
    segments.create(connection, new, actor="analyst")

    erase(1)

    assert causes() == ["ticket 4711"]


def test_comment_of_a_job_that_still_runs_outlives_its_users(connection, owner, commented, erase, causes):
    commented(1)
    owner.execute("insert into jobs (kind, parameters, actor) values ('import', '{}', 'analyst')")
    owner.execute("update jobs set cause_id = (select causes.cause_id from causes)")

    erase(1)

    assert causes() == ["ticket 4711"]


@pytest.fixture
def imported(connection, make_segments, aws, deliver):
    """Import users into a segment with a comment."""
    make_segments("AVITO_30")
    caller = Caller("analyst", "editor", 4102444800)

    def run(*user_ids):
        wanted = NewImport(slug="AVITO_30", mode="add", comment="ticket 4711")
        import_id = orders.create(connection, wanted, actor="analyst").import_id
        aws.s3.put_object(Bucket="reports", Key=f"imports/{import_id}", Body="\n".join(map(str, user_ids)).encode())
        deliver(orders.start(connection, import_id, caller=caller).job_id, **NO_TIME_LIMIT)

    return run


@pytest.fixture
def comments_of_imports(owner):
    return lambda: [comment for (comment,) in owner.execute("select comment from imports order by import_number")]


def test_erasure_of_the_last_user_of_an_import_deletes_its_comment(imported, erase, causes, comments_of_imports):
    imported(1, 2)

    erase(1)
    assert (causes(), comments_of_imports()) == (["ticket 4711"], ["ticket 4711"])

    erase(2)
    assert (causes(), comments_of_imports()) == ([], [None])


def test_two_erasures_at_once_delete_the_comment_that_their_users_share(empty_database, owner, commented, causes, aws):
    commented(1, 2)
    with connect(empty_database.url) as first, connect(empty_database.url) as second, ThreadPoolExecutor() as pool:
        with first.transaction():
            users.delete(first, 1, erase=True, actor="admin")
            other = pool.submit(erase_patiently, second)
            eventually(lambda: owner.execute(WAITS_FOR_THE_OTHER).rowcount == 1)
        other.result(timeout=60)

    assert causes() == []


WAITS_FOR_THE_OTHER = "select from pg_locks where locktype = 'advisory' and not granted"


def erase_patiently(connection):
    with lock_timeout(connection, "60s"):
        users.delete(connection, 2, erase=True, actor="admin")


def test_erasure_waits_for_a_report_of_the_user_and_deletes_its_file(
    empty_database, owner, member, report, aws, history, monkeypatch
):
    member(1)
    reading, stored = threading.Event(), storage.put
    go_on = threading.Event()

    def put_later(*arguments):
        reading.set()
        go_on.wait(timeout=60)
        stored(*arguments)

    def erase_too():
        with connect(empty_database.url) as own, lock_timeout(own, "60s"):
            erasure.erase(own, 1, actor="admin")

    def is_waiting():
        return owner.execute("select from pg_locks where locktype = 'advisory' and not granted").rowcount == 1

    monkeypatch.setattr(storage, "put", put_later)
    threads = [threading.Thread(target=report), threading.Thread(target=erase_too)]
    threads[0].start()
    assert reading.wait(timeout=60)
    threads[1].start()
    eventually(is_waiting)
    go_on.set()
    for thread in threads:
        thread.join(timeout=60)

    assert (aws.names(), history()) == ([], [])
