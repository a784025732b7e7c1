"""Tokens with the claims that known providers give them: access tokens are accepted, all others are refused."""

import time

import jwt
import pytest

from segmentation.access import authorizer, oidc
from tests.fix_provider import AUDIENCE, RSA

SUBJECT = "0b5f6a1c-4e0f-4f0e-9a53-2f8a2f8f4c11"
COGNITO = {"sub": SUBJECT, "origin_jti": "o-1", "event_id": "e-1", "jti": "j-1", "cognito:groups": ["editor"]}
KEYCLOAK = {"sub": SUBJECT, "jti": "j-1", "azp": "web", "sid": "s-1", "acr": "1"}
ROLES_OF_KEYCLOAK = {
    "aud": [AUDIENCE, "account"],
    "realm_access": {"roles": ["offline_access", "uma_authorization", "editor"]},
    "scope": "openid profile email",
}
ACCESS_TOKENS = {
    "Cognito": (
        "cognito:groups",
        COGNITO | {"token_use": "access", "client_id": AUDIENCE, "username": SUBJECT, "scope": "openid", "version": 2},
    ),
    "Cognito with a resource": (
        "cognito:groups",
        COGNITO | {"token_use": "access", "client_id": "web", "aud": AUDIENCE, "username": SUBJECT, "scope": "openid"},
    ),
    "Keycloak": ("realm_access.roles", KEYCLOAK | ROLES_OF_KEYCLOAK | {"typ": "Bearer"}),
    "Keycloak before 25": (
        "realm_access.roles",
        KEYCLOAK | ROLES_OF_KEYCLOAK | {"typ": "Bearer", "nonce": "n-1", "session_state": "s-1"},
    ),
    "Auth0": (
        "permissions",
        {
            "sub": "auth0|64a1",
            "aud": [AUDIENCE, "https://example.eu.auth0.com/userinfo"],
            "azp": "web",
            "scope": "openid profile",
            "permissions": ["editor"],
        },
    ),
    "Entra ID": (
        "roles",
        {
            **{"sub": "AAAAAJ0y", "oid": SUBJECT, "tid": "t-1", "aud": AUDIENCE, "azp": "web", "ver": "2.0"},
            **{"roles": ["editor"], "scp": "access_as_user", "uti": "u-1", "rh": "0."},
        },
    ),
    "Okta": (
        "groups",
        {
            **{"sub": "mira@example.com", "aud": AUDIENCE, "cid": "web", "uid": "00u1", "ver": 1, "jti": "AT.1"},
            **{"scp": ["openid", "groups"], "groups": ["Everyone", "editor"]},
        },
    ),
}
OTHER_TOKENS = {
    "ID token of Cognito": COGNITO | {"token_use": "id", "aud": AUDIENCE},
    "ID token of Cognito with a nonce": COGNITO | {"token_use": "id", "aud": AUDIENCE, "nonce": "n-1", "at_hash": "h"},
    "ID token of Cognito with a client_id": COGNITO | {"token_use": "id", "client_id": AUDIENCE},
    "token of another client of Cognito": COGNITO | {"token_use": "access", "client_id": "another"},
    "token of Cognito for another resource": COGNITO | {"token_use": "access", "client_id": AUDIENCE, "aud": "another"},
    "token of Cognito without a client": COGNITO | {"token_use": "access"},
    "client_id without token_use": COGNITO | {"client_id": AUDIENCE},
    "ID token of Keycloak": KEYCLOAK | {"typ": "ID", "aud": AUDIENCE, "nonce": "n-1", "at_hash": "h"},
    "ID token of Keycloak without a nonce": KEYCLOAK | {"typ": "ID", "aud": AUDIENCE},
    "refresh token of Keycloak": KEYCLOAK | {"typ": "Refresh", "aud": AUDIENCE, "nonce": "n-1"},
    "offline token of Keycloak": KEYCLOAK | {"typ": "Offline", "aud": AUDIENCE},
    "logout token of Keycloak": KEYCLOAK | {"typ": "Logout", "aud": AUDIENCE, "events": {}},
    "token of Keycloak that is bound to a key": KEYCLOAK | {"typ": "DPoP", "aud": AUDIENCE},
    "token of Keycloak with a hash": KEYCLOAK | {"typ": "Bearer", "aud": AUDIENCE, "nonce": "n-1", "at_hash": "h"},
    "token of Keycloak for its own accounts": KEYCLOAK | {"typ": "Bearer", "aud": "account"},
    "ID token of Auth0": {"sub": "auth0|64a1", "aud": "web", "nonce": "n-1", "sid": "s-1"},
    "ID token of Auth0 whose client is the audience": {"sub": "auth0|64a1", "aud": AUDIENCE, "nonce": "n-1"},
    "ID token of Entra ID": {"sub": "AAAAAJ0y", "aud": "web", "tid": "t-1", "ver": "2.0", "nonce": "n-1"},
    "ID token of Okta": {"sub": "00u1", "aud": "web", "jti": "ID.1", "at_hash": "h", "nonce": "n-1"},
    "kind of token that is no text": {"sub": SUBJECT, "aud": AUDIENCE, "typ": ["Bearer"]},
    "audience that is no text": {"sub": SUBJECT, "aud": {AUDIENCE: True}},
    "client_id that is a list": COGNITO | {"token_use": "access", "client_id": [AUDIENCE]},
}


@pytest.fixture
def ask(provider, monkeypatch):
    """Give the authorizer a token with the claims of a provider."""

    def authorize(role_claim, members, **changes):
        monkeypatch.setenv("OIDC_ROLE_CLAIM", role_claim)
        now = int(time.time())
        claims = {"iss": provider.issuer, "iat": now, "exp": now + 300, **members, **changes}
        token = jwt.encode(claims, RSA, "RS256", {"kid": "rsa-1"})
        return authorizer.authorize({"headers": {"authorization": f"Bearer {token}"}})

    return authorize


@pytest.mark.parametrize("name", ACCESS_TOKENS)
def test_access_token_of_a_provider_gives_its_subject_and_role(ask, name):
    role_claim, members = ACCESS_TOKENS[name]

    context = ask(role_claim, members)["context"]

    assert (context["subject"], context["role"]) == (members["sub"], "editor")


@pytest.mark.parametrize("name", OTHER_TOKENS)
def test_any_other_token_of_a_provider_is_unauthorized(ask, name):
    with pytest.raises(authorizer.Unauthorized):
        ask("roles", {"roles": ["admin"]} | OTHER_TOKENS[name])


@pytest.mark.parametrize("seconds", [-25, 25])
def test_clocks_may_be_half_a_minute_apart(ask, seconds):
    now = int(time.time()) + seconds
    role_claim, members = ACCESS_TOKENS["Keycloak"]

    fresh = ask(role_claim, members, iat=now, nbf=now)
    ended = ask(role_claim, members, iat=now - 300, exp=now) if seconds < 0 else fresh

    assert fresh["isAuthorized"]
    assert ended["context"]["expires_at"] >= time.time()


@pytest.mark.parametrize("claim", [{"iat": 60}, {"nbf": 60}, {"iat": -600, "exp": -60}])
def test_clocks_must_not_be_a_minute_apart(ask, claim):
    role_claim, members = ACCESS_TOKENS["Keycloak"]
    now = int(time.time())

    with pytest.raises(authorizer.Unauthorized):
        ask(role_claim, members, **{name: now + seconds for name, seconds in claim.items()})


def test_function_accepts_a_token_as_long_as_the_authorizer_does(ask):
    end = int(time.time()) + 300

    context = ask(*ACCESS_TOKENS["Cognito"], exp=end)["context"]

    assert context["expires_at"] == end + oidc.LEEWAY_SECONDS
