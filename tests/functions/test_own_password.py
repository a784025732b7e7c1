"""POST /auth/password: callers change their own password, and guesses of it count for the lockout."""

import pytest

from segmentation.access import lockout, passwords
from tests.functions.calls import call
from tests.functions.factories import done
from tests.functions.keys import KEY, is_replayed, under

PASSWORD = "correct horse battery staple"  # noqa: S105 -- used in these tests only
OTHER = "staple battery horse correct"
WRONG = "a guess"


@pytest.fixture
def token(service):
    """A token of bob, who is a reader."""
    done(call("sign_up", {"username": "bob", "password": PASSWORD}))
    return done(sign_in())["token"]


def sign_in(password=PASSWORD):
    return call("sign_in", {"username": "bob", "password": password})


def change(token, password=PASSWORD, new_password=OTHER, **request):
    return call("change_password", {"password": password, "new_password": new_password}, token=token, **request)


def test_new_password_replaces_the_former_one(token):
    assert change(token).json == {"message": "ok"}

    assert (sign_in().status, sign_in(OTHER).status) == (401, 200)


def test_wrong_password_is_401_and_changes_nothing(token):
    answer = change(token, WRONG)

    assert (answer.status, answer.json["type"]) == (401, "urn:segmentation:problem:credentials-wrong")
    assert sign_in().status == 200


def test_change_of_the_password_is_no_sign_in(token, owner):
    owner.execute("update accounts set last_signed_in_at = null")

    done(change(token))

    assert owner.execute("select last_signed_in_at from accounts").fetchall() == [(None,)]


@pytest.mark.parametrize(
    ("body", "location"),
    [
        ({"password": PASSWORD}, "body.new_password"),
        ({"new_password": OTHER}, "body.password"),
        ({"password": PASSWORD, "new_password": "short"}, "body.new_password"),
        ({"password": PASSWORD, "new_password": "x" * 129}, "body.new_password"),
        ({"password": 12345678, "new_password": OTHER}, "body.password"),
        ({"password": PASSWORD, "new_password": OTHER, "username": "root"}, "body.username"),
    ],
)
def test_invalid_change_names_the_field_and_counts_no_failure(token, owner, body, location):
    answer = call("change_password", body, token=token)

    assert (answer.status, answer.locations) == (422, [location])
    assert owner.execute("select from sign_in_failures").rowcount == 0


@pytest.mark.parametrize(
    "headers", [lambda number: None, lambda number: under(f"key-{number}"), lambda number: under(KEY)]
)
def test_ten_wrong_passwords_lock_the_account_with_and_without_a_key(token, headers):
    statuses = [change(token, WRONG, headers=headers(number)).status for number in range(12)]

    assert statuses == [401] * 10 + [429] * 2
    assert sign_in().status == 429


def test_wrong_passwords_of_both_routes_count_together(token, monkeypatch):
    monkeypatch.setattr(lockout, "MAX_FAILURES", 2)
    sign_in(WRONG)
    change(token, WRONG)

    answer = change(token)

    assert answer.status == 429
    assert int(answer.headers["retry-after"]) > 800


def test_right_password_resets_the_count(token, owner):
    change(token, WRONG)

    done(change(token))

    assert owner.execute("select from sign_in_failures").rowcount == 0


def test_password_that_could_not_be_checked_is_no_failure(token, owner):
    def refuse(*_):
        raise MemoryError

    for headers in (None, under(KEY)):
        with pytest.MonkeyPatch.context() as away:
            away.setattr(passwords, "matches", refuse)
            assert change(token, headers=headers).status == 500

    assert owner.execute("select sum(failures) from sign_in_failures").fetchone()[0] in {None, 0}


def test_repeat_under_a_key_gets_the_answer_though_the_password_is_no_longer_right(token):
    first = change(token, headers=under(KEY))

    again = change(token, headers=under(KEY))

    assert (first.status, again.status, is_replayed(again)) == (200, 200, True)


def test_wrong_password_is_not_stored_under_its_key(token, owner):
    change(token, WRONG, headers=under(KEY))

    assert owner.execute("select from idempotency_keys").rowcount == 0
    assert change(token, headers=under(KEY)).status == 200


def test_password_that_another_request_changed_meanwhile_is_wrong(token, owner, monkeypatch):
    def hash_late(password):
        owner.execute("update accounts set password_hash = '$argon2id$other'")
        return f"$argon2id${password}"

    monkeypatch.setattr(passwords, "hashed", hash_late)

    assert change(token).status == 401
    assert owner.execute("select password_hash from accounts").fetchall() == [("$argon2id$other",)]


def test_caller_of_a_provider_has_no_password_here(token):
    answer = call("change_password", {"password": PASSWORD, "new_password": OTHER}, actor="bob")

    assert (answer.status, answer.json["type"]) == (404, "urn:segmentation:problem:account-unknown")
    assert sign_in().status == 200


def test_log_holds_neither_password(token, log):
    change(token, WRONG)
    done(change(token))

    assert "POST /auth/password" in log.text
    assert not [secret for secret in (PASSWORD, OTHER, WRONG) if secret in log.text]
