"""Sign-up, sign-in, and callers without a token or with a role that is too low."""

import base64
import json
import unicodedata

import psycopg
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from segmentation.access import lockout, passwords, permissions, signing_keys
from segmentation.contract.values import MAX_PASSWORD
from segmentation.runtime import secrets_manager
from segmentation.runtime.settings import DEFAULT_TOKEN_SECONDS
from tests.functions.calls import EVENTS, OFREP, PROBLEM, WITH_BODY, answer_of, call, caller, invoke, sample
from tests.functions.factories import done, rows

PASSWORD = "correct horse battery staple"  # noqa: S105 -- used in these tests only
ARN = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:keys"
ANY_TEXT = st.text(st.characters(codec=None))
OPEN_TO_READERS = {"batch_list_memberships", "change_password", "create_export", "create_report", "sign_in", *OFREP}
PROTECTED = [
    path.stem
    for path in sorted(EVENTS.glob("*.json"))
    if "isBase64Encoded" in sample(path.stem) and sample(path.stem)["routeKey"] not in permissions.PUBLIC
]


def sign_up(username="bob", **members):
    return call("sign_up", {"username": username, "password": PASSWORD, **members})


def sign_in(username="bob", password=PASSWORD, **members):
    return call("sign_in", {"username": username, "password": password, **members})


def ask(function, **context):
    event = sample(function)
    event["requestContext"].pop("authorizer", None)
    event["requestContext"] |= context
    return answer_of(invoke(function, event))


@pytest.mark.parametrize("function", PROTECTED)
def test_an_unauthenticated_caller_changes_nothing(service, owner, function):
    answer = ask(function)

    assert answer.status == 401
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.headers["x-request-id"]
    assert rows(owner) == (0, 0, 0, 0)


@pytest.mark.parametrize("function", sorted(WITH_BODY.keys() - OPEN_TO_READERS))
def test_a_reader_is_refused_before_the_body_is_read(service, owner, function):
    event = sample(function) | caller_of("reader", function) | {"body": "not json", "isBase64Encoded": False}

    answer = answer_of(invoke(function, event))

    assert answer.status == 403
    assert answer.json["type"] == "urn:segmentation:problem:role-too-low"
    assert rows(owner) == (0, 0, 0, 0)


def caller_of(role, function):
    return {"requestContext": sample(function)["requestContext"] | caller("mira", role)}


@pytest.mark.parametrize("role", ["reader", "editor"])
def test_only_an_admin_creates_accounts(service, owner, role):
    answer = ask("sign_up", **caller("mira", role))

    assert answer.status == 403
    assert owner.execute("select count(*) from accounts").fetchone() == (0,)


def test_a_new_account_can_sign_in(service):
    assert done(sign_up(role="editor")).keys() == {"id"}

    answer = sign_in()

    assert answer.status == 200
    assert answer.json["token_type"] == "Bearer"  # noqa: S105 -- the name of a scheme
    assert answer.json["expires_in"] == DEFAULT_TOKEN_SECONDS
    assert answer.headers["cache-control"] == "no-store"


def test_the_token_names_the_user_and_the_role(service):
    done(sign_up(role="editor"))

    token = sign_in().json["token"]

    assert claims(token)["sub"] == "bob"
    assert claims(token)["role"] == "editor"


def claims(token):
    return json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))


def test_a_name_that_is_taken_is_a_conflict(service):
    done(sign_up())

    answer = sign_up()

    assert answer.status == 409
    assert answer.json["type"] == "urn:segmentation:problem:username-taken"


def test_wrong_password_and_unknown_name_have_the_same_answer(service):
    done(sign_up())

    wrong, unknown = sign_in(password="another one"), sign_in("nobody")  # noqa: S106 -- used in this test only

    assert (wrong.status, wrong.json) == (unknown.status, unknown.json)
    assert wrong.status == 401


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(username=st.just("bob") | ANY_TEXT, password=ANY_TEXT)
@example(username="bob", password="\ud800")  # noqa: S106 -- used in this test only
@example(username="bob\ud800", password=PASSWORD)
@example(username="bob\x00", password=PASSWORD)
def test_any_other_credentials_are_wrong(service, monkeypatch, username, password):
    monkeypatch.setattr(lockout, "MAX_FAILURES", 1000)

    assert sign_in(username, password).status == 401


def test_a_password_that_is_slow_to_normalize_is_refused_unread(service, monkeypatch):
    monkeypatch.setattr(passwords, "matches", lambda *_: pytest.fail("the password was compared"))

    answer = sign_in(password="\u0301\u0316" * 50_000)

    assert answer.status == 401


def test_the_longest_password_may_use_decomposed_letters(service):
    password = "\u1fa7" * MAX_PASSWORD
    done(sign_up(password=password))

    answer = sign_in(password=unicodedata.normalize("NFD", password))

    assert answer.status == 200


def test_too_many_failures_are_429_with_retry_after(service, monkeypatch):
    monkeypatch.setattr(lockout, "MAX_FAILURES", 1)
    sign_in(password="")

    answer = sign_in()

    assert answer.status == 429
    assert 880 <= int(answer.headers["retry-after"]) <= 900


@pytest.mark.parametrize(
    ("members", "location"),
    [
        ({"username": "a b"}, "body.username"),
        ({"username": ""}, "body.username"),
        ({"username": "x" * 65}, "body.username"),
        ({"username": "local"}, "body.username"),
        ({"username": "bob\n"}, "body.username"),
        ({"username": "\u0430dmin"}, "body.username"),
        ({"username": 5}, "body.username"),
        ({"password": "1234567"}, "body.password"),
        ({"password": "x" * 129}, "body.password"),
        ({"password": 12345678}, "body.password"),
        ({"password": None}, "body.password"),
        ({"password": "\ud800" * 8}, "body.password"),
        ({"role": "owner"}, "body.role"),
        ({"role": ["admin"]}, "body.role"),
        ({"admin": True}, "body.admin"),
    ],
)
def test_an_invalid_sign_up_names_the_field_and_creates_nothing(service, owner, members, location):
    answer = sign_up(**members)

    assert answer.status == 422
    assert answer.locations == [location]
    assert owner.execute("select count(*) from accounts").fetchone() == (0,)


def test_a_refusal_does_not_repeat_the_password(service):
    answer = sign_up(password="short-x")  # noqa: S106 -- used in this test only

    assert answer.status == 422
    assert "short-x" not in answer.text


@pytest.fixture
def unreadable_keys(service, monkeypatch):
    """Make every read of the secret of the signing keys fail."""

    def refuse(arn, environment):
        raise secrets_manager.SecretUnreadable(f"{arn}: 400 AccessDenied")

    done(sign_up())
    monkeypatch.delenv("SIGNING_KEYS")
    monkeypatch.setenv("SIGNING_KEYS_SECRET_ARN", ARN)
    monkeypatch.setattr(secrets_manager, "read", refuse)
    signing_keys.forget()


def test_sign_in_without_a_key_to_sign_with_is_503_with_retry_after(unreadable_keys):
    answer = sign_in()

    assert (answer.status, answer.headers["content-type"]) == (503, PROBLEM)
    assert answer.headers["retry-after"] == "2"
    assert answer.json["type"] == "urn:segmentation:problem:signing-key-unavailable"
    assert answer.json["request_id"] == answer.headers["x-request-id"]


def test_sign_ins_without_a_key_to_sign_with_lock_nothing(service):
    with pytest.MonkeyPatch.context() as away:
        done(sign_up())
        away.setattr(signing_keys, "current", refuse_the_keys)
        refused = [sign_in().status for _ in range(lockout.MAX_FAILURES)]

    assert refused == [503] * lockout.MAX_FAILURES
    assert sign_in().status == 200


def refuse_the_keys():
    raise secrets_manager.SecretUnreadable(f"{ARN}: 400 AccessDenied")


@pytest.mark.parametrize("error", [psycopg.OperationalError("the connection is lost"), MemoryError()])
def test_sign_ins_whose_password_could_not_be_checked_lock_nothing(service, error):
    def refuse(*_):
        raise error

    done(sign_up())
    with pytest.MonkeyPatch.context() as away:
        away.setattr(passwords, "matches", refuse)
        refused = [sign_in().status for _ in range(lockout.MAX_FAILURES)]

    assert min(refused) >= 500
    assert sign_in().status == 200


def test_the_log_alone_says_why_the_keys_cannot_be_read(unreadable_keys, caplog):
    answer = sign_in()

    for word in (ARN, "AccessDenied"):
        assert word in caplog.text
        assert word not in answer.text


@pytest.mark.parametrize("password", ["pass word", "пароль пароль", "\x00" * 8, "\U0001f40e" * 8, "x" * 128])
def test_a_password_may_have_any_characters(service, password):
    done(sign_up(password=password))

    assert sign_in(password=password).status == 200


def test_the_log_holds_neither_password_nor_token(service, log):
    done(sign_up())

    token = sign_in().json["token"]
    sign_in(password="a wrong one")  # noqa: S106 -- used in this test only

    assert "POST /auth/sign-in" in log.text
    for secret in (PASSWORD, "a wrong one", token.split(".")[2], signing_keys.current()[1]):
        assert secret not in log.text


def test_a_migration_makes_the_first_admin(empty_database, monkeypatch, service):
    monkeypatch.setenv("DATABASE_OWNER_URL", empty_database.owner_url)
    monkeypatch.setenv("FIRST_ADMIN", json.dumps({"username": "admin", "password": PASSWORD}))

    invoke("apply_migrations", sample("apply_migrations"))

    assert claims(sign_in("admin").json["token"])["role"] == "admin"
