"""A token ends within five minutes when its account is deleted, or gets another role or password."""

import pytest

from segmentation.access import standing
from tests.fake_clock import FakeClock
from tests.functions.calls import PROBLEM, call, caller
from tests.functions.factories import done

PASSWORD = "correct horse battery staple"  # noqa: S105 -- used in these tests only
OTHER = "staple battery horse correct"
PROMISED_SECONDS = 300
ENDS = {
    "deleted": lambda token: call("delete_account", path="/account/bob"),
    "another role": lambda token: call("update_account", {"role": "reader"}, path="/account/bob"),
    "another password": lambda token: call("update_account", {"password": OTHER}, path="/account/bob"),
    "own new password": lambda token: call(
        "change_password", {"password": PASSWORD, "new_password": OTHER}, token=token
    ),
}
BY_SQL = {
    "deleted": "delete from accounts",
    "another role": "update accounts set role = 'admin'",
    "another password": "update accounts set password_hash = '$argon2id$other'",
}
REQUESTS = {
    "on the fast path": lambda token: call("list_memberships", token=token),
    "in the resolver": lambda token: call("list_segments", token=token),
    "without a database of its own": lambda token: call("open_report", token=token),
    "that writes": lambda token: call("create_action", {"name": "exposure"}, token=token),
}


@pytest.fixture
def token(service):
    """A token of bob, who is an editor."""
    return new_token()


def new_token(role="editor"):
    done(call("sign_up", {"username": "bob", "password": PASSWORD, "role": role}))
    return sign_in()


def sign_in(password=PASSWORD):
    return done(call("sign_in", {"username": "bob", "password": password}))["token"]


def use(token):
    return call("list_segments", token=token)


@pytest.fixture
def clock(monkeypatch):
    fake = FakeClock()
    monkeypatch.setattr(standing, "time", fake)
    return fake


@pytest.mark.parametrize("end", ENDS)
def test_token_that_an_environment_knows_ends_in_the_promised_time(token, clock, end):
    assert use(token).status == 200
    done(ENDS[end](token))

    clock.now += PROMISED_SECONDS

    assert use(token).status == 401


@pytest.mark.parametrize("end", ENDS)
def test_token_is_refused_at_once_where_it_was_not_used_before(token, end):
    done(ENDS[end](token))
    standing.forget()

    answer = use(token)

    assert (answer.status, answer.headers["content-type"]) == (401, PROBLEM)
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.json["detail"] == "The account has changed since the token was issued. Sign in again."


@pytest.mark.parametrize("change", BY_SQL)
def test_token_ends_too_when_an_operator_changes_the_account(token, owner, change):
    owner.execute(BY_SQL[change])

    assert use(token).status == 401


@pytest.mark.parametrize("request_", REQUESTS)
def test_every_kind_of_request_looks_at_the_account(token, owner, request_):
    assert REQUESTS[request_](token).status != 401
    owner.execute("delete from accounts")
    standing.forget()

    assert REQUESTS[request_](token).status == 401
    assert owner.execute("select from actions where name = 'exposure'").rowcount == (request_ == "that writes")


def test_account_that_changes_nothing_keeps_its_tokens(token):
    done(call("update_account", {"role": "editor"}, path="/account/bob"))
    sign_in()
    standing.forget()

    assert use(token).status == 200


def test_token_of_a_new_sign_in_is_valid(token):
    done(call("update_account", {"password": OTHER}, path="/account/bob"))

    assert use(sign_in(OTHER)).status == 200


def test_new_account_under_a_deleted_name_does_not_revive_the_tokens(token):
    done(call("delete_account", path="/account/bob"))
    new_token()

    assert use(token).status == 401


def test_token_of_a_former_role_is_401_and_not_403(service):
    token = new_token("reader")
    done(call("update_account", {"role": "editor"}, path="/account/bob"))

    assert call("create_segment", {"slug": "AAA"}, token=token).status == 401


def test_account_is_looked_at_once_a_minute(token, clock, monkeypatch):
    looks = []
    is_current = standing._is_current
    monkeypatch.setattr(standing, "_is_current", lambda *call: looks.append(call) or is_current(*call))

    for seconds in (0, 1, standing.FRESH_SECONDS - 2, 3):
        clock.now += seconds
        assert use(token).status == 200

    assert len(looks) == 2


def test_clock_that_steps_back_does_not_prolong_a_token(token, clock):
    use(token)
    done(call("delete_account", path="/account/bob"))

    clock.now -= 3600

    assert use(token).status == 401


def test_known_tokens_have_a_bound(token, monkeypatch):
    monkeypatch.setattr(standing, "MAX_KNOWN", 3)

    for _ in range(8):
        done(call("update_account", {"password": PASSWORD}, path="/account/bob"))
        assert use(sign_in()).status == 200

    assert len(standing._seen_at) <= 3


def test_caller_of_a_provider_needs_no_account(service):
    assert call("list_segments", actor="of-a-provider").status == 200


@pytest.mark.parametrize("role", ["editor", "reader"])
def test_token_of_release_1_0_needs_an_account_with_its_role(token, role, monkeypatch):
    context = caller("bob", role)["authorizer"]["lambda"] | {"generation": ""}
    monkeypatch.setattr("tests.functions.calls.identified", lambda _: context)

    assert use(token).status == (200 if role == "editor" else 401)


def test_unreachable_database_is_503_for_a_route_without_a_database_of_its_own(token, unreachable_database):
    assert call("open_report", token=token).status == 503


def test_unknown_route_needs_no_account(unreachable_database, monkeypatch):
    context = caller("bob")["authorizer"]["lambda"] | {"generation": ""}
    monkeypatch.setattr("tests.functions.calls.identified", lambda _: context)

    assert call("reject_route", token="any").status == 404  # noqa: S106 -- of this test


def test_log_line_of_a_request_names_its_subject(token, log):
    use(token)
    call("check_health")

    assert [line.get("subject") for line in log.lines] == ["bob", None]


def test_log_line_of_a_refused_request_names_its_subject(token, owner, log):
    owner.execute("delete from accounts")
    use(token)

    assert [(line["status"], line["subject"]) for line in log.lines] == [(401, "bob")]
