"""Accounts: made once, entered with their password only, and closed for a while to those who guess."""

import psycopg
import pytest
from psycopg import sql

from segmentation.access import accounts, lockout, passwords
from segmentation.contract.problems import CredentialsWrong, TooManyFailures, UsernameTaken
from segmentation.contract.requests import Credentials, NewAccount

PASSWORD = "correct horse battery staple"  # noqa: S105 -- of these tests


@pytest.fixture(autouse=True)
def quick_hashes(monkeypatch):
    """Hashes that take no time: how long a real one takes is tested elsewhere."""
    monkeypatch.setattr(passwords, "hashed", lambda password: f"$argon2id${password}")
    monkeypatch.setattr(passwords, "matches", lambda password, known: known == f"$argon2id${password}")


def enter(connection, username="alice", password=PASSWORD):
    return accounts.authenticate(connection, Credentials(username=username, password=password))


def outcome(connection, username="alice", password="a wrong one"):  # noqa: S107 -- of these tests
    try:
        enter(connection, username, password)
    except (CredentialsWrong, TooManyFailures) as problem:
        return type(problem)


@pytest.fixture
def alice(connection):
    return accounts.create(connection, NewAccount(username="alice", password=PASSWORD, role="editor"))


def test_ids_count_up(connection, alice):
    bob = accounts.create(connection, NewAccount(username="bob", password=PASSWORD))

    assert (alice.id, bob.id) == (1, 2)


def test_an_account_is_a_readers_unless_it_says_more(connection):
    accounts.create(connection, NewAccount(username="bob", password=PASSWORD))

    assert enter(connection, "bob").role == "reader"


@pytest.mark.parametrize("username", ["alice", "ALICE", "Alice"])
def test_a_name_is_taken_in_every_spelling(connection, alice, username):
    with pytest.raises(UsernameTaken):
        accounts.create(connection, NewAccount(username=username, password="another password"))  # noqa: S106 -- a test's

    assert enter(connection).role == "editor"


def test_one_of_many_at_once_gets_the_name(at_once, owner):
    def create(connection):
        try:
            return accounts.create(connection, NewAccount(username="alice", password=PASSWORD))
        except UsernameTaken:
            return None

    made = [ref for ref in at_once(*[create] * 8) if ref]

    assert len(made) == 1
    assert owner.execute("select count(*) from accounts").fetchone() == (1,)


def test_the_password_itself_is_nowhere(connection, owner, monkeypatch):
    monkeypatch.undo()
    accounts.create(connection, NewAccount(username="alice", password=PASSWORD))

    [(kept,)] = owner.execute("select accounts::text from accounts").fetchall()

    assert PASSWORD not in kept
    assert "$argon2id$" in kept


def test_a_password_that_is_not_hashed_cannot_be_kept(connection, monkeypatch):
    monkeypatch.setattr(passwords, "hashed", lambda password: password)

    with pytest.raises(psycopg.errors.CheckViolation):
        accounts.create(connection, NewAccount(username="alice", password=PASSWORD))


def test_entering_tells_the_name_as_it_was_given_first(connection, alice):
    assert enter(connection, "ALICE").username == "alice"


@pytest.mark.parametrize("username", ["alice", "nobody"])
def test_a_wrong_password_and_an_unknown_name_are_the_same_problem(connection, alice, username):
    with pytest.raises(CredentialsWrong) as raised:
        enter(connection, username, "a wrong one")

    assert raised.value.body() == CredentialsWrong().body()


@pytest.mark.parametrize("username", ["", " ", "' or 1=1 --", "иван", "a\0b", "x" * 10_000])
def test_what_is_no_name_at_all_is_the_same_problem(connection, alice, username):
    with pytest.raises(CredentialsWrong) as raised:
        enter(connection, username)

    assert raised.value.body() == CredentialsWrong().body()


def test_a_password_longer_than_any_is_wrong(connection, alice):
    assert outcome(connection, "alice", "x" * 100_000) is CredentialsWrong


def test_an_unknown_name_costs_a_hash_too(connection, monkeypatch):
    checked = []
    monkeypatch.setattr(passwords, "matches", lambda _, known: checked.append(known) or False)

    outcome(connection, "nobody")

    assert checked == [passwords.DUMMY_HASH]


@pytest.mark.parametrize("username", ["alice", "nobody"])
def test_ten_failures_in_a_row_close_the_door(connection, alice, username):
    outcomes = [outcome(connection, username) for _ in range(12)]

    assert outcomes == [CredentialsWrong] * 10 + [TooManyFailures] * 2


def test_the_right_password_does_not_open_a_closed_door(connection, alice):
    for _ in range(10):
        outcome(connection)

    with pytest.raises(TooManyFailures) as raised:
        enter(connection)

    assert lockout.LOCK_SECONDS - 5 <= raised.value.retry_after <= lockout.LOCK_SECONDS


def test_a_closed_door_is_closed_in_every_spelling(connection, alice):
    for _ in range(10):
        outcome(connection)

    assert outcome(connection, "ALICE") is TooManyFailures


def test_the_door_of_another_stays_open(connection, alice):
    for _ in range(10):
        outcome(connection, "nobody")

    assert enter(connection).username == "alice"


def test_guesses_at_the_same_moment_do_not_pass_the_limit(alice, at_once):
    outcomes = at_once(*[outcome] * 40)

    assert (outcomes.count(CredentialsWrong), outcomes.count(TooManyFailures)) == (10, 30)


def test_who_is_kept_out_by_others_being_checked_may_come_back_at_once(connection, alice):
    for _ in range(10):
        lockout.count_attempt(connection, "alice")

    with pytest.raises(TooManyFailures) as raised:
        enter(connection)

    assert raised.value.retry_after == lockout.RETRY_SECONDS


@pytest.mark.parametrize("checked", [9, 10])
def test_the_door_is_closed_for_long_when_all_have_been_checked(connection, alice, checked):
    for _ in range(10):
        lockout.count_attempt(connection, "alice")
    for _ in range(checked):
        lockout.confirm_failure(connection, "alice")

    with pytest.raises(TooManyFailures) as raised:
        enter(connection)

    assert (raised.value.retry_after == lockout.RETRY_SECONDS) == (checked == 9)


def test_the_door_is_closed_for_long_by_those_whose_check_never_ended(connection, owner, alice):
    for _ in range(10):
        lockout.count_attempt(connection, "alice")
    age_failures(owner, lockout.CHECK_SECONDS + 1)

    with pytest.raises(TooManyFailures) as raised:
        enter(connection)

    assert raised.value.retry_after > lockout.LOCK_SECONDS - 60


def test_a_success_begins_the_count_anew(connection, alice):
    for _ in range(9):
        outcome(connection)
    enter(connection)

    assert [outcome(connection) for _ in range(11)] == [CredentialsWrong] * 10 + [TooManyFailures]


def age_failures(owner, seconds):
    owner.execute(
        sql.SQL("update sign_in_failures set failed_at = failed_at - make_interval(secs => {})").format(seconds)
    )


def test_the_door_opens_again_after_a_quarter_of_an_hour(connection, owner, alice):
    for _ in range(10):
        outcome(connection)
    age_failures(owner, lockout.LOCK_SECONDS - 5)
    still_closed = outcome(connection)
    age_failures(owner, 6)

    assert still_closed is TooManyFailures
    assert enter(connection).username == "alice"


def test_an_open_door_takes_ten_more_failures(connection, owner):
    for _ in range(10):
        outcome(connection)
    age_failures(owner, lockout.LOCK_SECONDS + 1)

    assert [outcome(connection) for _ in range(11)] == [CredentialsWrong] * 10 + [TooManyFailures]


def test_names_that_were_tried_long_ago_are_forgotten(connection, owner):
    for number in range(5):
        outcome(connection, f"name-{number}")
    age_failures(owner, lockout.LOCK_SECONDS + 1)

    outcome(connection, "fresh")

    assert owner.execute("select username from sign_in_failures").fetchall() == [("fresh",)]


def test_the_first_admin_is_made_where_there_is_no_account(owner, connection):
    accounts.create_first(owner, lambda: {"username": "root", "password": PASSWORD})

    assert enter(connection, "root").role == "admin"


def test_a_later_deployment_makes_no_second_admin(owner, connection, alice):
    accounts.create_first(owner, lambda: {"username": "root", "password": PASSWORD})

    assert outcome(connection, "root", PASSWORD) is CredentialsWrong


def test_a_later_deployment_does_not_ask_for_a_secret_that_is_gone(owner, alice):
    accounts.create_first(owner, lambda: pytest.fail("asked"))


def test_a_deployment_without_a_first_admin_makes_none(owner):
    accounts.create_first(owner, lambda: None)

    assert owner.execute("select count(*) from accounts").fetchone() == (0,)


@pytest.mark.parametrize("username", ["", " alice", "a b", "-x", "x" * 65, "Local", "schedule", "алиса"])
def test_the_database_refuses_a_name_that_breaks_the_rules(owner, username):
    with pytest.raises(psycopg.errors.CheckViolation):
        owner.execute(
            "insert into accounts (username, password_hash, role) values (%s, '$argon2id$', 'admin')", (username,)
        )
