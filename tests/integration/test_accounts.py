"""Accounts: unique usernames, sign-in with the password only, and a lockout after repeated failures."""

from contextlib import suppress

import psycopg
import pytest
from psycopg import sql

from segmentation.access import accounts, lockout, passwords
from segmentation.contract.problems import CredentialsWrong, TooManyFailures, UsernameTaken
from segmentation.contract.requests import Credentials, NewAccount

PASSWORD = "correct horse battery staple"  # noqa: S105 -- of these tests


@pytest.fixture(autouse=True)
def quick_hashes(monkeypatch):
    """Replace the hash by a fast one. The time of a real hash is tested elsewhere."""
    monkeypatch.setattr(passwords, "hashed", lambda password: f"$argon2id${password}")
    monkeypatch.setattr(passwords, "matches", lambda password, known: known == f"$argon2id${password}")


def sign_in(connection, username="alice", password=PASSWORD):
    return accounts.authenticate(connection, Credentials(username=username, password=password))


def outcome(connection, username="alice", password="a wrong one"):  # noqa: S107 -- of these tests
    try:
        sign_in(connection, username, password)
    except (CredentialsWrong, TooManyFailures) as problem:
        return type(problem)


@pytest.fixture
def alice(connection):
    return accounts.create(connection, NewAccount(username="alice", password=PASSWORD, role="editor"))


def test_ids_count_up(connection, alice):
    bob = accounts.create(connection, NewAccount(username="bob", password=PASSWORD))

    assert (alice.id, bob.id) == (1, 2)


def test_account_without_a_role_is_a_reader(connection):
    accounts.create(connection, NewAccount(username="bob", password=PASSWORD))

    assert sign_in(connection, "bob").role == "reader"


@pytest.mark.parametrize("username", ["alice", "ALICE", "Alice"])
def test_username_is_unique_whatever_its_case(connection, alice, username):
    with pytest.raises(UsernameTaken):
        accounts.create(connection, NewAccount(username=username, password="another password"))  # noqa: S106 -- a test's

    assert sign_in(connection).role == "editor"


def test_one_of_many_concurrent_sign_ups_gets_the_username(at_once, owner):
    def create(connection):
        try:
            return accounts.create(connection, NewAccount(username="alice", password=PASSWORD))
        except UsernameTaken:
            return None

    made = [ref for ref in at_once(*[create] * 8) if ref]

    assert len(made) == 1
    assert owner.execute("select count(*) from accounts").fetchone() == (1,)


def test_password_is_stored_only_as_a_hash(connection, owner, monkeypatch):
    monkeypatch.undo()
    accounts.create(connection, NewAccount(username="alice", password=PASSWORD))

    [(kept,)] = owner.execute("select accounts::text from accounts").fetchall()

    assert PASSWORD not in kept
    assert "$argon2id$" in kept


def test_database_refuses_a_password_that_is_not_hashed(connection, monkeypatch):
    monkeypatch.setattr(passwords, "hashed", lambda password: password)

    with pytest.raises(psycopg.errors.CheckViolation):
        accounts.create(connection, NewAccount(username="alice", password=PASSWORD))


def test_sign_in_answers_with_the_username_as_first_spelled(connection, alice):
    assert sign_in(connection, "ALICE").username == "alice"


@pytest.mark.parametrize("username", ["alice", "nobody"])
def test_wrong_password_and_unknown_username_are_the_same_problem(connection, alice, username):
    with pytest.raises(CredentialsWrong) as raised:
        sign_in(connection, username, "a wrong one")

    assert raised.value.body() == CredentialsWrong().body()


@pytest.mark.parametrize("username", ["", " ", "' or 1=1 --", "иван", "a\0b", "x" * 10_000])
def test_invalid_username_is_the_same_problem(connection, alice, username):
    with pytest.raises(CredentialsWrong) as raised:
        sign_in(connection, username)

    assert raised.value.body() == CredentialsWrong().body()


def test_password_above_the_length_limit_is_wrong(connection, alice):
    assert outcome(connection, "alice", "x" * 100_000) is CredentialsWrong


def test_unknown_username_costs_a_hash_too(connection, monkeypatch):
    checked = []
    monkeypatch.setattr(passwords, "matches", lambda _, known: checked.append(known) or False)

    outcome(connection, "nobody")

    assert checked == [passwords.DUMMY_HASH]


@pytest.mark.parametrize("username", ["alice", "nobody"])
def test_ten_failures_in_a_row_lock_the_username(connection, alice, username):
    outcomes = [outcome(connection, username) for _ in range(12)]

    assert outcomes == [CredentialsWrong] * 10 + [TooManyFailures] * 2


def test_right_password_does_not_end_a_lockout(connection, alice):
    for _ in range(10):
        outcome(connection)

    with pytest.raises(TooManyFailures) as raised:
        sign_in(connection)

    assert lockout.LOCK_SECONDS - 5 <= raised.value.retry_after <= lockout.LOCK_SECONDS


def test_lockout_ignores_the_case_of_the_username(connection, alice):
    for _ in range(10):
        outcome(connection)

    assert outcome(connection, "ALICE") is TooManyFailures


def test_lockout_of_one_username_affects_no_other(connection, alice):
    for _ in range(10):
        outcome(connection, "nobody")

    assert sign_in(connection).username == "alice"


def test_concurrent_guesses_do_not_pass_the_limit(alice, at_once):
    outcomes = at_once(*[outcome] * 40)

    assert (outcomes.count(CredentialsWrong), outcomes.count(TooManyFailures)) == (10, 30)


def test_attempt_refused_while_others_are_checked_may_be_retried_soon(connection, alice):
    for _ in range(10):
        lockout.count_attempt(connection, "alice")

    with pytest.raises(TooManyFailures) as raised:
        sign_in(connection)

    assert raised.value.retry_after == lockout.RETRY_SECONDS


@pytest.mark.parametrize("checked", [9, 10])
def test_lockout_begins_when_all_attempts_have_been_checked(connection, alice, checked):
    for _ in range(10):
        lockout.count_attempt(connection, "alice")
    for _ in range(checked):
        lockout.confirm_failure(connection, "alice")

    with pytest.raises(TooManyFailures) as raised:
        sign_in(connection)

    assert (raised.value.retry_after == lockout.RETRY_SECONDS) == (checked == 9)


def test_attempt_whose_check_never_ended_counts_as_a_failure(connection, owner, alice):
    for _ in range(10):
        lockout.count_attempt(connection, "alice")
    age_failures(owner, lockout.CHECK_SECONDS + 1)

    with pytest.raises(TooManyFailures) as raised:
        sign_in(connection)

    assert raised.value.retry_after > lockout.LOCK_SECONDS - 60


@pytest.mark.parametrize(
    ("module", "function", "error", "password"),
    [
        (accounts, "_find", psycopg.OperationalError("the connection is lost"), PASSWORD),
        (passwords, "matches", MemoryError(), PASSWORD),
        (lockout, "reset_failures", psycopg.errors.QueryCanceled(), PASSWORD),
        (lockout, "confirm_failure", psycopg.errors.DeadlockDetected(), "a wrong one"),
    ],
)
def test_attempts_that_could_not_be_checked_lock_nothing(
    connection, alice, monkeypatch, module, function, error, password
):
    def refuse(*_):
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(module, function, refuse)
        for _ in range(12):
            with pytest.raises(type(error)):
                sign_in(connection, password=password)

    assert sign_in(connection).username == "alice"


def test_attempts_that_could_not_be_checked_give_no_more_guesses(alice, at_once, monkeypatch):
    def match(password, known):
        if password == "unchecked":  # noqa: S105 -- of this test
            raise MemoryError
        return known == f"$argon2id${password}"

    def fail(connection):
        with suppress(MemoryError):
            return outcome(connection, password="unchecked")  # noqa: S106 -- of this test

    monkeypatch.setattr(passwords, "matches", match)
    outcomes = at_once(*[outcome, fail] * 20)

    assert outcomes.count(CredentialsWrong) <= 10


def test_lost_connection_takes_back_no_attempt_and_raises_its_own_error(connection, alice, monkeypatch):
    def lose(*_):
        connection.close()
        raise MemoryError

    monkeypatch.setattr(passwords, "matches", lose)

    with pytest.raises(MemoryError):
        sign_in(connection)


def test_successful_sign_in_resets_the_count(connection, alice):
    for _ in range(9):
        outcome(connection)
    sign_in(connection)

    assert [outcome(connection) for _ in range(11)] == [CredentialsWrong] * 10 + [TooManyFailures]


def age_failures(owner, seconds):
    owner.execute(
        sql.SQL("update sign_in_failures set failed_at = failed_at - make_interval(secs => {})").format(seconds)
    )


def test_lockout_ends_after_a_quarter_of_an_hour(connection, owner, alice):
    for _ in range(10):
        outcome(connection)
    age_failures(owner, lockout.LOCK_SECONDS - 5)
    still_locked = outcome(connection)
    age_failures(owner, 6)

    assert still_locked is TooManyFailures
    assert sign_in(connection).username == "alice"


def test_an_open_door_takes_ten_more_failures(connection, owner):
    for _ in range(10):
        outcome(connection)
    age_failures(owner, lockout.LOCK_SECONDS + 1)

    assert [outcome(connection) for _ in range(11)] == [CredentialsWrong] * 10 + [TooManyFailures]


def test_old_failures_are_deleted(connection, owner):
    for number in range(5):
        outcome(connection, f"name-{number}")
    age_failures(owner, lockout.LOCK_SECONDS + 1)

    outcome(connection, "fresh")

    assert owner.execute("select username from sign_in_failures").fetchall() == [("fresh",)]


def test_first_admin_is_created_if_there_is_no_account(owner, connection):
    accounts.create_first(owner, lambda: {"username": "root", "password": PASSWORD})

    assert sign_in(connection, "root").role == "admin"


def test_later_deployment_creates_no_second_admin(owner, connection, alice):
    accounts.create_first(owner, lambda: {"username": "root", "password": PASSWORD})

    assert outcome(connection, "root", PASSWORD) is CredentialsWrong


def test_later_deployment_does_not_read_the_secret(owner, alice):
    accounts.create_first(owner, lambda: pytest.fail("asked"))


def test_deployment_without_a_first_admin_creates_none(owner):
    accounts.create_first(owner, lambda: None)

    assert owner.execute("select count(*) from accounts").fetchone() == (0,)


@pytest.mark.parametrize("username", ["", " alice", "a b", "-x", "x" * 65, "Local", "schedule", "алиса"])
def test_database_refuses_an_invalid_username(owner, username):
    with pytest.raises(psycopg.errors.CheckViolation):
        owner.execute(
            "insert into accounts (username, password_hash, role) values (%s, '$argon2id$', 'admin')", (username,)
        )
