"""An admin stays, whatever sessions delete or change accounts at once."""

import itertools
import os

import psycopg
import pytest

from segmentation.access import account_management, accounts, passwords
from segmentation.contract.problems import LastAdmin
from segmentation.contract.requests import AccountChange, NewAccount
from segmentation.database.connection import connect
from segmentation.domain import users
from tests.limited import lock_timeout

ROUNDS = int(os.environ.get("ADMIN_ROUNDS", "20"))
READER = AccountChange(role="reader")
ADMINS = "select from accounts where role = 'admin'"


@pytest.fixture(autouse=True)
def quick_hashes(monkeypatch):
    """Replace the hash by a fast one."""
    monkeypatch.setattr(passwords, "hashed", lambda password: f"$argon2id${password}")


def create(connection, *usernames):
    for username in usernames:
        accounts.create(connection, NewAccount(username=username, password="not a secret", role="admin"))  # noqa: S106 -- a test's


def attempt(end, username):
    def act(connection):
        try:
            end(connection, username)
        except LastAdmin:
            return False
        return True

    return act


def demote(connection, username):
    account_management.update(connection, username, READER)


@pytest.mark.parametrize("ends", [*itertools.product([account_management.delete, demote], repeat=2)])
def test_one_of_two_admins_who_end_each_other_at_once_stays(connection, owner, at_once, ends):
    for _ in range(ROUNDS):
        owner.execute("truncate accounts")
        create(connection, "alice", "bob")

        done = at_once(attempt(ends[0], "alice"), attempt(ends[1], "bob"))

        assert sorted(done) == [False, True]
        assert owner.execute(ADMINS).rowcount == 1


def test_change_of_an_admin_does_not_wait_for_users_who_arrive(connection, empty_database):
    create(connection, "alice", "bob")

    with connect(empty_database.url) as other, other.transaction():
        users.create(other, 1, actor="backend")

        with lock_timeout(connection, "10ms"):
            demote(connection, "bob")


def test_one_of_eight_admins_who_are_deleted_at_once_stays(connection, owner, at_once):
    names = [f"admin-{number}" for number in range(8)]
    create(connection, *names)

    done = at_once(*(attempt(account_management.delete, name) for name in names))

    assert done.count(False) == owner.execute(ADMINS).rowcount == 1


def test_deletion_waits_for_the_transaction_that_ends_the_other_admin(connection, owner, empty_database):
    create(connection, "alice", "bob")

    with connect(empty_database.url) as other:
        with other.transaction():
            account_management.delete(other, "alice")
            with pytest.raises(psycopg.errors.LockNotAvailable), lock_timeout(connection, "50ms"):
                account_management.delete(connection, "bob")
        with pytest.raises(LastAdmin):
            account_management.delete(connection, "bob")

    assert owner.execute(ADMINS).rowcount == 1


def test_deletion_succeeds_after_the_other_one_was_rolled_back(connection, owner, empty_database):
    create(connection, "alice", "bob")

    with connect(empty_database.url) as other, other.transaction(force_rollback=True):
        account_management.delete(other, "alice")
    account_management.delete(connection, "bob")

    assert owner.execute("select username from accounts").fetchall() == [("alice",)]


@pytest.mark.parametrize(
    "statement", ["delete from accounts", "update accounts set role = 'editor'", "delete from accounts where true"]
)
def test_operator_cannot_end_all_admins_with_one_statement(connection, owner, statement):
    create(connection, "alice", "bob")

    with pytest.raises(psycopg.errors.IntegrityConstraintViolation):
        owner.execute(statement)

    assert owner.execute(ADMINS).rowcount == 2


def test_only_a_new_role_or_password_begins_a_generation(connection, owner):
    create(connection, "alice", "bob")
    [(before,)] = owner.execute("select generation from accounts where username = 'alice'").fetchall()

    owner.execute("update accounts set last_signed_in_at = now(), role = role, password_hash = password_hash")

    assert owner.execute("select generation from accounts where username = 'alice'").fetchall() == [(before,)]


def test_generations_are_unique(connection, owner):
    create(connection, "alice", "bob")
    account_management.update(connection, "alice", READER)

    assert owner.execute("select distinct generation from accounts").rowcount == 2
