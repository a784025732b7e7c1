"""Interrupted requests with a key: the request has all of its effect or none, and a repeat shows which."""

import pytest
from psycopg.errors import DeadlockDetected

from segmentation.api import idempotency
from segmentation.domain import actions, users
from segmentation.domain.rollouts import percent
from segmentation.jobs import queue
from tests.functions.calls import call
from tests.functions.factories import create_segments, create_users, rows, slugs_of
from tests.functions.keys import IN_USE, KEY, add_to, create_user, everything, is_replayed, under

KILL_MYSELF = "select pg_terminate_backend(pg_backend_pid())"


KILL_THE_STORER = """
create function kill_the_storer() returns trigger language plpgsql as $$
begin perform pg_terminate_backend(pg_backend_pid()); return null; end $$;
create trigger kill_the_storer after insert on idempotency_keys execute function kill_the_storer();
"""
ABORT_THE_FIRST_STORER = """
create sequence stored;
create function abort_the_first_storer() returns trigger language plpgsql security definer as $$
begin
    if nextval('stored') = 1 then raise exception 'of this test' using errcode = 'deadlock_detected'; end if;
    return null;
end $$;
create trigger abort_the_first_storer after insert on idempotency_keys execute function abort_the_first_storer();
"""
DROP = """
drop function if exists kill_the_storer cascade;
drop function if exists abort_the_first_storer cascade;
drop sequence if exists stored;
"""


@pytest.fixture
def at_storing(owner):
    """Install a trigger that runs when an answer has been stored, and remove it at the end."""
    yield owner.execute
    owner.execute(DROP)


def followed_by(real, then):
    """Return a function that calls the real one, and then another with the connection."""

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


def test_request_whose_key_is_in_use_is_409_with_retry_after(service, owner):
    with owner.transaction():
        owner.execute("select claim_idempotency_key(%s)", (scope_of_create_user(),))
        answer = create_user(7, actor="alice")

    assert (answer.status, answer.headers["retry-after"]) == (409, "1")
    assert answer.json["type"] == IN_USE
    assert rows(owner) == (0, 0, 0, 0)


def test_key_of_a_rolled_back_request_can_be_used_again(service, owner):
    with owner.transaction(force_rollback=True):
        owner.execute("select claim_idempotency_key(%s)", (scope_of_create_user(),))

    assert create_user(7, actor="alice").status == 201


def test_request_whose_session_died_before_the_commit_can_be_repeated(service, owner, at_storing):
    create_segments("AAA")
    at_storing(KILL_THE_STORER)
    assert add_to("AAA").status == 503
    assert everything(owner)[:4] == (0, 1, 0, 0)
    at_storing(DROP)

    repeated = add_to("AAA")

    assert (repeated.json["segments_added"], is_replayed(repeated)) == (1, False)


def test_answer_lost_after_the_commit_is_repeated(service, monkeypatch):
    create_segments("AAA")
    with monkeypatch.context() as patch:
        once = idempotency.once_in_one_statement
        patch.setattr(idempotency, "once_in_one_statement", followed_by(once, failing(KeyboardInterrupt)))
        with pytest.raises(KeyboardInterrupt):
            add_to("AAA")
    assert slugs_of(1) == ["AAA"]

    assert add_to("AAA").json == {"segments_added": 1, "segments_deleted": 0}


def create_action():
    return call("create_action", {"name": "conversion"}, headers=under(KEY))


def test_failure_of_the_service_stores_no_answer(service, owner, monkeypatch):
    before = everything(owner)
    with monkeypatch.context() as patch:
        patch.setattr(actions, "create", followed_by(actions.create, failing(RuntimeError("a defect"))))
        assert create_action().status == 500
    assert everything(owner) == before

    assert create_action().status == 201


def test_failure_after_the_commit_leaves_the_answer_to_the_repeat(service, owner, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(users, "create", followed_by(users.create, failing(RuntimeError("a defect"))))
        assert create_user(7).status == 500

    repeated = create_user(7)

    assert (repeated.status, repeated.json, is_replayed(repeated)) == (201, {"user_id": 7}, True)


def test_aborted_transaction_is_retried(service, monkeypatch):
    errors = iter([failing(DeadlockDetected("of this test")), lambda _: None])
    monkeypatch.setattr(actions, "create", followed_by(actions.create, lambda connection: next(errors)(connection)))

    answer = create_action()

    assert (answer.status, is_replayed(answer)) == (201, False)
    assert is_replayed(create_action())


def test_aborted_statement_is_retried(service, owner, at_storing):
    at_storing(ABORT_THE_FIRST_STORER)

    answer = create_user(7)

    assert (answer.status, is_replayed(answer)) == (201, False)
    assert everything(owner)[0] == 1
    assert is_replayed(create_user(7))


@pytest.fixture
def sent_messages(owner, monkeypatch):
    """Record for each sent message whether its job was already visible to other sessions."""
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
        ("create_export", {}, "/segment/BBB/export"),
        ("create_segment", {"slug": "AAA", "user_percent": 100}, None),
        ("update_segment", {"user_percent": 100}, "/segment/BBB"),
    ],
)
def test_message_of_a_job_is_sent_once_after_the_commit(service, sent_messages, function, body, path):
    create_users(1, 2, 3)
    create_segments("BBB")

    answers = [call(function, body, path=path, headers=under(KEY)) for _ in range(2)]

    assert [answer.status for answer in answers] == [202, 202]
    assert answers[0].json == answers[1].json
    assert sent_messages == [True]


def test_message_of_a_rolled_back_job_is_not_sent(service, sent_messages, owner, monkeypatch):
    monkeypatch.setattr(idempotency, "_store", lambda connection, *_: connection.execute(KILL_MYSELF))

    answer = call("create_report", {"year": 2023, "month": 8}, headers=under(KEY))

    assert answer.status == 503
    assert (sent_messages, owner.execute("select from jobs").rowcount) == ([], 0)
