"""Which callers a route accepts, by the authorizer's context of the request."""

import time

import pytest

from segmentation.access import permissions
from segmentation.api import admission
from segmentation.contract.problems import RoleTooLow, Unauthenticated
from segmentation.contract.roles import ROLES


def request(route_key, **changes):
    """Return a requestContext with the authorizer's context of a caller."""
    known = {"subject": "alice", "role": "reader", "expires_at": time.time() + 60}
    return {"routeKey": route_key, "authorizer": {"lambda": known | changes}}


@pytest.mark.parametrize("route", sorted(permissions.PUBLIC))
def test_a_public_route_accepts_every_caller(route):
    admission.admit({"routeKey": route})


@pytest.mark.parametrize(
    "authorizer", [None, {}, {"lambda": None}, {"lambda": {}}, {"iam": {"userArn": "arn"}}, {"jwt": {"claims": {}}}]
)
def test_a_request_without_the_authorizers_context_is_refused(authorizer):
    with pytest.raises(Unauthenticated):
        admission.admit({"routeKey": "GET /segment", "authorizer": authorizer})


def test_a_token_that_expired_while_its_authorization_was_cached_is_refused():
    with pytest.raises(Unauthenticated):
        admission.admit(request("GET /segment", expires_at=time.time() - 1))


@pytest.mark.parametrize(
    ("route", "roles"),
    [
        ("GET /segment", ["reader", "editor", "admin"]),
        ("POST /segment/user/batch", ["reader", "editor", "admin"]),
        ("POST /import", ["editor", "admin"]),
        ("POST /import/{import_id}", ["editor", "admin"]),
        ("POST /report", ["reader", "editor", "admin"]),
        ("POST /segment/{slug}/export", ["reader", "editor", "admin"]),
        ("POST /ofrep/v1/evaluate/flags/{key}", ["reader", "editor", "admin"]),
        ("POST /auth/password", ["reader", "editor", "admin"]),
        ("POST /segment", ["editor", "admin"]),
        ("DELETE /segment/{slug}", ["editor", "admin"]),
        ("POST /auth/sign-up", ["admin"]),
        ("GET /account", ["admin"]),
        ("GET /user/{user_id}/export", ["admin"]),
        ("DELETE /user/{user_id}", ["admin"]),
        ("POST /unlisted", ["admin"]),
    ],
)
def test_a_route_accepts_its_role_and_higher_ones(route, roles):
    admitted = [role for role in ROLES if is_admitted(request(route, role=role))]

    assert admitted == roles


def is_admitted(context):
    try:
        admission.admit(context)
    except RoleTooLow:
        return False
    return True


def test_an_unknown_role_is_refused():
    assert not is_admitted(request("GET /segment", role="owner"))


def test_the_problem_names_the_required_role():
    with pytest.raises(RoleTooLow, match=r"POST /segment requires the role editor\. The token has the role reader"):
        admission.admit(request("POST /segment"))
