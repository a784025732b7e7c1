"""Tokens of an external provider. A small HTTP server replaces the provider and serves its keys."""

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from segmentation.access import authorizer, jwks
from tests.fake_clock import FakeClock
from tests.fix_provider import AUDIENCE, EC, RSA, jwk
from tests.tokens import claims, encoded, joined

P384, SHORT = ec.generate_private_key(ec.SECP384R1()), rsa.generate_private_key(65537, 1024)  # noqa: S505 -- a test checks that this key is refused
OTHER = rsa.generate_private_key(65537, 2048)
PUBLIC_PEM = RSA.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


@pytest.fixture
def ask(provider):
    """Give the authorizer a token of the provider that differs from a valid one in these claims."""

    def authorize(key=RSA, algorithm="RS256", key_id="rsa-1", **changes):
        valid = {"iss": provider.issuer, "aud": AUDIENCE, "sub": "auth0|42", "role": None, "roles": ["editor"]}
        token = jwt.encode(claims(**{**valid, **changes}), key, algorithm, {"kid": key_id})
        return authorizer.authorize({"headers": {"authorization": f"Bearer {token}"}})

    return authorize


def refused(ask, **changes):
    with pytest.raises(authorizer.Unauthorized):
        ask(**changes)
    return True


@pytest.mark.parametrize(("key", "algorithm", "key_id"), [(RSA, "RS256", "rsa-1"), (EC, "ES256", "ec-1")])
def test_a_valid_token_of_the_provider_gives_its_subject_and_role(ask, key, algorithm, key_id):
    context = ask(key, algorithm, key_id)["context"]

    assert (context["subject"], context["role"]) == ("auth0|42", "editor")
    assert "generation" not in context


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"exp": 1}, id="expired"),
        pytest.param({"exp": None}, id="no-end"),
        pytest.param({"nbf": 2**40}, id="not-yet-valid"),
        pytest.param({"aud": "another"}, id="audience"),
        pytest.param({"aud": None}, id="no-audience"),
        pytest.param({"iss": "https://id.example.com"}, id="issuer"),
        pytest.param({"sub": None}, id="no-subject"),
        pytest.param({"sub": ""}, id="empty-subject"),
        pytest.param({"sub": "x" * 256}, id="long-subject"),
        pytest.param({"sub": "a\nb"}, id="subject-with-a-line-feed"),
        pytest.param({"sub": "schedule"}, id="reserved-subject"),
        pytest.param({"nonce": "1"}, id="id-token"),
        pytest.param({"token_use": "id"}, id="id-token-of-cognito"),
        pytest.param({"key": OTHER}, id="another-key"),
        pytest.param({"algorithm": "RS384"}, id="another-algorithm"),
        pytest.param({"algorithm": "PS256"}, id="another-padding"),
        pytest.param({"key_id": "rsa-2"}, id="unknown-key"),
        pytest.param({"key_id": "ec-1"}, id="key-of-another-type"),
    ],
)
def test_an_invalid_token_of_the_provider_is_unauthorized(ask, changes):
    assert refused(ask, **changes)


@pytest.mark.parametrize("algorithm", ["HS256", "none"])
def test_the_providers_public_key_does_not_verify_an_hmac(provider, algorithm):
    body = claims(iss=provider.issuer, aud=AUDIENCE, roles=["admin"])
    token = joined({"alg": algorithm, "kid": "rsa-1"}, body, PUBLIC_PEM if algorithm == "HS256" else None)

    with pytest.raises(authorizer.Unauthorized):
        authorizer.authorize({"headers": {"authorization": f"Bearer {token}"}})


@pytest.mark.parametrize(
    ("name", "found", "role"),
    [
        ("roles", ["reader", "admin", "other"], "admin"),
        ("roles", "reader", "reader"),
        ("scope", "openid editor reader", "editor"),
        ("https://example.com/roles", ["editor"], "editor"),
        ("realm_access.roles", ["reader"], "reader"),
    ],
)
def test_the_role_is_the_highest_one_in_the_claim(ask, monkeypatch, name, found, role):
    monkeypatch.setenv("OIDC_ROLE_CLAIM", name)
    outer, dot, inner = name.partition(".") if name.startswith("realm") else (name, "", "")

    context = ask(**{"roles": None, outer: {inner: found} if dot else found})["context"]

    assert context["role"] == role


@pytest.mark.parametrize("roles", [None, [], "", "ADMIN", "administrator", ["owner"], {"admin": True}, 5, [["admin"]]])
def test_a_token_without_a_known_role_is_forbidden(ask, roles):
    assert ask(roles=roles) == {"isAuthorized": False}


def test_a_provider_that_is_not_configured_is_not_trusted(ask, monkeypatch):
    monkeypatch.setenv("OIDC_ISSUER", "")

    assert refused(ask)


def test_keys_are_fetched_once(ask, provider):
    for _ in range(5):
        ask()

    assert provider.fetches == 1


def test_unknown_key_ids_do_not_cause_more_fetches(ask, provider):
    for number in range(20):
        refused(ask, key_id=f"unknown-{number}")

    assert provider.fetches == 1


@pytest.fixture
def clock(monkeypatch):
    fake = FakeClock()
    monkeypatch.setattr(jwks, "time", fake)
    return fake


def test_a_new_key_is_fetched_when_it_is_first_used(ask, provider, clock):
    ask()
    provider.keys = [jwk(OTHER, "rsa-2")]
    clock.now += jwks.RETRY_SECONDS + 1

    assert ask(OTHER, key_id="rsa-2")["isAuthorized"]


def test_a_withdrawn_key_is_valid_for_an_hour_at_most(ask, provider, clock):
    ask()
    provider.keys = [jwk(OTHER, "rsa-2")]
    clock.now += jwks.FRESH_SECONDS + 1

    assert refused(ask)


def test_known_keys_stay_valid_while_the_provider_is_unavailable(ask, provider, clock):
    ask()
    provider.failing = True
    clock.now += jwks.FRESH_SECONDS + 1

    assert ask()["isAuthorized"]


def test_tokens_are_refused_if_the_keys_were_never_fetched(ask, provider):
    provider.failing = True

    assert refused(ask)


def test_a_configuration_of_another_issuer_is_refused(ask, provider):
    provider.name = "https://evil.example.com"

    assert refused(ask)


@pytest.mark.parametrize(
    "keys",
    [
        pytest.param([jwk(RSA, "rsa-1", use="enc")], id="for-encryption"),
        pytest.param([jwk(RSA, "rsa-1", alg="RS512")], id="for-another-algorithm"),
        pytest.param([{"kty": "oct", "kid": "rsa-1", "k": encoded(b"x" * 40)}], id="symmetric"),
        pytest.param([{"kty": "RSA", "kid": "rsa-1"}], id="broken"),
        pytest.param([5], id="no-key"),
        pytest.param({}, id="no-list"),
    ],
)
def test_an_unsuitable_key_is_ignored(ask, provider, keys):
    provider.keys = keys

    assert refused(ask)


def test_a_key_of_another_curve_is_ignored(ask, provider):
    provider.keys = [jwk(P384, "p384")]

    assert refused(ask, key=P384, algorithm="ES384", key_id="p384")


def test_a_key_that_is_too_short_is_refused(ask, provider):
    provider.keys = [jwk(SHORT, "short")]

    with pytest.warns(jwt.InsecureKeyLengthWarning):  # the test signs with the short key
        assert refused(ask, key=SHORT, key_id="short")


def test_an_unsuitable_key_does_not_hide_the_other_keys(ask, provider):
    provider.keys = [5, {"kty": "RSA", "kid": "broken"}, jwk(OTHER, "other", use="enc"), *provider.keys]

    assert ask()["isAuthorized"]


@pytest.mark.parametrize("url", ["http://id.example.com", "file:///etc/passwd", "ftp://127.0.0.1/keys"])
def test_keys_are_fetched_over_tls_only(url):
    with pytest.raises(ValueError, match="not an https address"):
        jwks._get(url)
