"""Accounts as an admin lists, changes and deletes them."""

import pytest

from segmentation.access import lockout
from tests.functions.calls import call
from tests.functions.factories import done
from tests.functions.keys import KEY, is_replayed, under

PASSWORD = "correct horse battery staple"  # noqa: S105 -- used in these tests only
OTHER = "staple battery horse correct"


def create(username, role="reader"):
    return done(call("sign_up", {"username": username, "password": PASSWORD, "role": role}))


def sign_in(username="bob", password=PASSWORD):
    return call("sign_in", {"username": username, "password": password})


def accounts(**query):
    return done(call("list_accounts", query=query))


def names(**query):
    return [account["username"] for account in accounts(**query)["accounts"]]


def change(username, body, **request):
    return call("update_account", body, path=f"/account/{username}", **request)


def delete(username):
    return call("delete_account", path=f"/account/{username}")


def test_list_has_each_account_and_no_password(service):
    create("bob", "editor")

    [account] = accounts()["accounts"]

    assert account.keys() == {"username", "role", "created_at", "last_signed_in_at"}
    assert (account["username"], account["role"], account["last_signed_in_at"]) == ("bob", "editor", None)


def test_list_is_ordered_by_username_whatever_its_case(service):
    for username in ("carol", "Bob", "alice"):
        create(username)

    assert names() == ["alice", "Bob", "carol"]


def test_pages_of_the_list_have_each_account_once(service):
    for username in ("Bob", "alice", "carol", "Dan", "x@example.com"):
        create(username)

    found, page = [], accounts(limit=2)
    while page["next_cursor"]:
        found += page["accounts"]
        page = accounts(limit=2, cursor=page["next_cursor"])

    assert [account["username"] for account in found + page["accounts"]] == [
        "alice",
        "Bob",
        "carol",
        "Dan",
        "x@example.com",
    ]


def test_list_has_the_last_sign_in(service, owner):
    create("bob")
    [(before,)] = owner.execute("select clock_timestamp()").fetchall()
    done(sign_in())

    [(signed_in_at, now)] = owner.execute("select last_signed_in_at, clock_timestamp() from accounts").fetchall()

    assert before <= signed_in_at <= now
    assert accounts()["accounts"][0]["last_signed_in_at"].startswith(f"{signed_in_at:%Y-%m-%dT%H:%M:%S}")


def test_failed_sign_in_is_no_last_sign_in(service):
    create("bob")
    sign_in(password=OTHER)

    assert accounts()["accounts"][0]["last_signed_in_at"] is None


def test_sign_in_does_not_wait_for_a_session_that_changes_the_account(service, owner):
    create("bob")

    with owner.transaction():
        owner.execute("update accounts set created_at = created_at")

        assert sign_in().status == 200


def test_changed_role_is_that_of_the_next_token(service):
    create("bob")

    answer = change("bob", {"role": "editor"})

    assert (answer.status, answer.json["username"], answer.json["role"]) == (200, "bob", "editor")
    token = done(sign_in())["token"]
    assert call("create_segment", {"slug": "AAA"}, token=token).status == 201


def test_changed_password_replaces_the_former_one(service):
    create("bob")

    done(change("bob", {"password": OTHER}))

    assert (sign_in().status, sign_in(password=OTHER).status) == (401, 200)


def test_new_password_from_an_admin_ends_a_lockout(service, monkeypatch):
    monkeypatch.setattr(lockout, "MAX_FAILURES", 1)
    create("bob")
    sign_in(password="a guess")  # noqa: S106 -- of this test
    assert sign_in().status == 429

    done(change("bob", {"password": OTHER}))

    assert sign_in(password=OTHER).status == 200


@pytest.mark.parametrize("username", ["BOB", "Bob"])
def test_username_in_a_path_may_have_any_case(service, username):
    create("bob")

    assert change(username, {"role": "editor"}).json["username"] == "bob"
    assert delete(username).json == {"message": "ok"}


@pytest.mark.parametrize("username", ["x+y@example.com", "x%2By%40example.com"])
def test_username_in_a_path_may_be_encoded(service, username):
    create("x+y@example.com")

    assert change(username, {"role": "editor"}).status == 200
    assert delete(username).status == 200


@pytest.mark.parametrize(
    ("body", "locations"),
    [
        ({}, ["body"]),
        ({"role": None, "password": None}, ["body"]),
        ({"role": "owner"}, ["body.role"]),
        ({"password": "short"}, ["body.password"]),
        ({"role": "admin", "username": "eve"}, ["body.username"]),
        ({"role": "admin", "generation": ""}, ["body.generation"]),
    ],
)
def test_invalid_change_names_the_field_and_changes_nothing(service, owner, body, locations):
    create("bob")
    before = owner.execute("select accounts::text from accounts").fetchall()

    answer = change("bob", body)

    assert (answer.status, answer.locations) == (422, locations)
    assert owner.execute("select accounts::text from accounts").fetchall() == before


@pytest.mark.parametrize("username", ["-x", "a b", "x" * 65, "\u0430lice"])
def test_invalid_username_in_a_path_is_422(service, username):
    assert (delete(username).status, change(username, {"role": "admin"}).status) == (422, 422)


def test_unknown_account_is_404(service):
    answers = [change("bob", {"role": "admin"}), change("bob", {"password": OTHER}), delete("bob")]

    assert [answer.status for answer in answers] == [404] * 3
    assert {answer.json["type"] for answer in answers} == {"urn:segmentation:problem:account-unknown"}


def test_deleted_account_is_gone_and_cannot_sign_in(service):
    create("bob")

    assert delete("bob").json == {"message": "ok"}

    assert (names(), sign_in().status) == ([], 401)


@pytest.mark.parametrize("role", ["reader", "editor"])
def test_last_admin_is_kept(service, role):
    create("root", "admin")
    create("bob")

    answers = [delete("root"), change("root", {"role": role}), change("root", {"role": role, "password": OTHER})]

    assert [answer.status for answer in answers] == [409] * 3
    assert answers[0].json["type"] == "urn:segmentation:problem:last-admin"
    assert (len(names()), sign_in("root").status) == (2, 200)


def test_last_admin_may_get_another_password(service):
    create("root", "admin")

    assert change("root", {"password": OTHER, "role": "admin"}).status == 200


def test_admin_beside_another_one_can_be_deleted(service):
    create("root", "admin")
    create("bob", "admin")

    assert (delete("root").status, names()) == (200, ["bob"])


def test_service_without_an_admin_of_its_own_can_delete_accounts(service):
    create("bob")

    assert delete("bob").status == 200


def test_change_under_a_key_is_made_once(service):
    create("bob")
    first = change("bob", {"password": OTHER}, headers=under(KEY))
    done(change("bob", {"password": PASSWORD}))

    again = change("bob", {"password": OTHER}, headers=under(KEY))

    assert (first.status, is_replayed(again)) == (200, True)
    assert sign_in().status == 200
