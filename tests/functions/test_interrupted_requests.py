"""Requests under a key that something interrupts: all of it has happened, or none of it, and the repeat knows."""

import pytest
from psycopg.errors import DeadlockDetected

from segmentation.api import idempotency
from segmentation.domain import memberships, users
from segmentation.domain.rollouts import percent
from segmentation.jobs import queue
from tests.functions.calls import call
from tests.functions.factories import create_segments, create_users, rows, slugs_of
from tests.functions.keys import IN_USE, KEY, add_to, create_user, everything, is_replayed, under

KILL_MYSELF = "select pg_terminate_backend(pg_backend_pid())"


def after(real, then):
    """Do the real thing, and then another."""

    def both(connection, *args, **named):
        result = real(connection, *args, **named)
        then(connection)
        return result

    return both


def failing(error):
    def fail(_):
        raise error

    return fail


def scope_of_create_user():
    scope = ("alice", "POST", "/user")
    return idempotency.request(KEY, scope=scope, content=None).scope


def test_request_that_is_being_carried_out_elsewhere_is_a_conflict_for_a_moment(service, owner):
    with owner.transaction():
        owner.execute("select claim_idempotency_key(%s)", (scope_of_create_user(),))
        answer = create_user(7, actor="alice")

    assert (answer.status, answer.headers["retry-after"]) == (409, "1")
    assert answer.json["type"] == IN_USE
    assert rows(owner) == (0, 0, 0, 0)


def test_key_is_free_when_its_request_ended_without_a_trace(service, owner):
    with owner.transaction(force_rollback=True):
        owner.execute("select claim_idempotency_key(%s)", (scope_of_create_user(),))

    assert create_user(7, actor="alice").status == 201


def test_handler_killed_before_its_commit_leaves_nothing_and_its_repeat_runs(service, owner, monkeypatch):
    create_segments("AAA")
    with monkeypatch.context() as patch:
        patch.setattr(
            memberships, "change", after(memberships.change, lambda connection: connection.execute(KILL_MYSELF))
        )
        assert add_to("AAA").status == 503
    assert everything(owner)[:4] == (0, 1, 0, 0)

    repeated = add_to("AAA")

    assert (repeated.json["segments_added"], is_replayed(repeated)) == (1, False)


def test_answer_lost_after_the_commit_is_given_to_the_repeat(service, monkeypatch):
    create_segments("AAA")
    with monkeypatch.context() as patch:
        patch.setattr(idempotency, "once", after(idempotency.once, failing(KeyboardInterrupt)))
        with pytest.raises(KeyboardInterrupt):
            add_to("AAA")
    assert slugs_of(1) == ["AAA"]

    assert add_to("AAA").json == {"segments_added": 1, "segments_deleted": 0}


def test_failure_of_the_service_keeps_nothing(service, owner, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(users, "create", after(users.create, failing(RuntimeError("a defect"))))
        assert create_user(7).status == 500
    assert rows(owner) == (0, 0, 0, 0)

    assert create_user(7).status == 201


def test_transaction_that_the_database_undid_is_repeated_whole(service, owner, monkeypatch):
    undoing = iter([failing(DeadlockDetected("of this test")), lambda _: None])
    monkeypatch.setattr(users, "create", after(users.create, lambda connection: next(undoing)(connection)))

    answer = create_user(7)

    assert (answer.status, is_replayed(answer)) == (201, False)
    assert everything(owner)[0] == 1
    assert is_replayed(create_user(7))


@pytest.fixture
def heard(owner, monkeypatch):
    """The jobs whose messages were sent, each with whether everybody could see it by then."""
    seen = []

    def send(job_id):
        seen.append(owner.execute("select from jobs where job_id = %s", (job_id,)).rowcount == 1)

    monkeypatch.setattr(queue, "send", send)
    monkeypatch.setattr(percent, "MOST_CHANGES", 1)
    return seen


@pytest.mark.parametrize(
    ("function", "body", "path"),
    [
        ("create_report", {"year": 2023, "month": 8}, None),
        ("create_segment", {"slug": "AAA", "user_percent": 100}, None),
        ("update_segment", {"user_percent": 100}, "/segment/BBB"),
    ],
)
def test_worker_is_asked_for_once_and_not_before_its_job_can_be_seen(service, heard, function, body, path):
    create_users(1, 2, 3)
    create_segments("BBB")

    answers = [call(function, body, path=path, headers=under(KEY)) for _ in range(2)]

    assert [answer.status for answer in answers] == [202, 202]
    assert answers[0].json == answers[1].json
    assert heard == [True]


def test_no_worker_is_asked_for_where_the_job_was_undone(service, heard, owner, monkeypatch):
    monkeypatch.setattr(idempotency, "_store", lambda connection, *_: connection.execute(KILL_MYSELF))

    answer = call("create_report", {"year": 2023, "month": 8}, headers=under(KEY))

    assert answer.status == 503
    assert (heard, owner.execute("select from jobs").rowcount) == ([], 0)
