"""The authorizer: a valid token gives a subject and a role; every other token is refused."""

import json
import time

import pytest

from segmentation.access import authorizer, signing_keys, tokens
from segmentation.runtime import settings
from tests.tokens import bad, joined, key_id, signed

KEY, PREVIOUS = "current-key-of-these-tests" * 2, "previous-key-of-these-tests" * 2
BAD = bad(KEY)


@pytest.fixture(autouse=True)
def keys(monkeypatch):
    monkeypatch.delenv("OIDC_ISSUER", raising=False)
    monkeypatch.setenv("SIGNING_KEYS", json.dumps({"current": KEY, "previous": PREVIOUS}))
    signing_keys.forget()
    yield
    signing_keys.forget()


def ask(authorization):
    return authorizer.authorize({"headers": {"authorization": authorization}, "routeKey": "GET /segment"})


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER", "Bearer "])
def test_a_valid_token_gives_its_subject_and_role(scheme):
    end = int(time.time()) + 600

    answer = ask(f"{scheme} {signed(KEY, role='editor', exp=end)}")

    context = {"subject": "mira", "role": "editor", "expires_at": end + tokens.LEEWAY_SECONDS, "generation": ""}
    assert answer == {"isAuthorized": True, "context": context}


@pytest.mark.parametrize("defect", BAD)
def test_an_invalid_token_is_unauthorized(defect):
    with pytest.raises(authorizer.Unauthorized, match=r"\AUnauthorized\Z"):
        ask(BAD[defect])


def test_a_request_without_the_header_is_unauthorized():
    with pytest.raises(authorizer.Unauthorized):
        authorizer.authorize({"headers": {}})


def test_a_token_of_the_previous_key_is_valid():
    assert ask(f"Bearer {signed(PREVIOUS)}")["isAuthorized"]


def test_a_token_issued_at_sign_in_is_valid():
    before = time.time()
    token, expires_in = tokens.issue("bob", "reader", "g-1")
    after = time.time()

    context = ask(f"Bearer {token}")["context"]

    assert (context["subject"], context["role"], context["generation"]) == ("bob", "reader", "g-1")
    assert expires_in == settings.DEFAULT_TOKEN_SECONDS
    issued_at = context["expires_at"] - expires_in - tokens.LEEWAY_SECONDS
    assert int(before) <= issued_at <= after


def test_the_lifetime_of_a_token_can_be_set(monkeypatch):
    monkeypatch.setenv("TOKEN_SECONDS", "300")

    assert tokens.issue("bob", "reader", "g-1").expires_in == 300


def test_every_token_has_an_id_of_its_own():
    assert tokens.issue("bob", "reader", "g-1").token != tokens.issue("bob", "reader", "g-1").token


def test_clocks_may_differ_by_a_few_seconds():
    now = int(time.time())

    assert ask(f"Bearer {signed(KEY, iat=now + 3, nbf=now + 3)}")["isAuthorized"]


def test_the_log_gives_the_reason_without_the_token(caplog):
    with pytest.raises(authorizer.Unauthorized):
        ask(BAD["expired"])

    assert "ExpiredSignatureError" in caplog.text
    assert BAD["expired"].split(".")[1] not in caplog.text


@pytest.mark.parametrize("end_of_line", ["\n", "\r\n", "\x0b", "\x85", "\u2028"])
def test_a_token_cannot_write_a_log_line(caplog, end_of_line):
    forged = f'{end_of_line}{{"level": "ERROR", "message": "forged"}}'

    with pytest.raises(authorizer.Unauthorized):
        ask(token_with_critical_extension(forged))

    [message] = caplog.messages
    assert message.startswith("token refused: ")
    assert message.isprintable()
    assert "forged" in message


def test_a_token_cannot_fill_the_log(caplog):
    with pytest.raises(authorizer.Unauthorized):
        ask(token_with_critical_extension("\n" * 1000))

    assert len(caplog.messages[0]) < 250


def token_with_critical_extension(name):
    """Return a token that requires an extension of this name. PyJWT repeats the name in its error."""
    return f"Bearer {joined({'alg': 'HS256', 'crit': [name]}, {})}"


def test_the_id_of_a_key_is_its_digest():
    assert signing_keys.current() == (key_id(KEY), KEY)


def test_a_service_without_a_key_accepts_no_token(monkeypatch):
    monkeypatch.setenv("SIGNING_KEYS", '{"current": ""}')
    signing_keys.forget()

    with pytest.raises(signing_keys.KeysUnusable):
        ask(f"Bearer {signed(KEY)}")
