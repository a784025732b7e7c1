"""Who is let in: what the authorizer says, and what each route takes."""

import time

import pytest

from segmentation.access import permissions
from segmentation.contract.problems import RoleTooLow, Unauthenticated
from segmentation.contract.roles import ROLES


def request(route_key, **found):
    """An event's requestContext, with what the authorizer says about a caller."""
    known = {"subject": "alice", "role": "reader", "expires_at": time.time() + 60}
    return {"routeKey": route_key, "authorizer": {"lambda": known | found}}


@pytest.mark.parametrize("route", sorted(permissions.PUBLIC))
def test_a_public_route_takes_anybody(route):
    permissions.admit({"routeKey": route})


@pytest.mark.parametrize(
    "authorizer", [None, {}, {"lambda": None}, {"lambda": {}}, {"iam": {"userArn": "arn"}}, {"jwt": {"claims": {}}}]
)
def test_without_the_authorizers_word_nobody_is_let_in(authorizer):
    with pytest.raises(Unauthenticated):
        permissions.admit({"routeKey": "GET /segment", "authorizer": authorizer})


def test_a_token_that_ended_while_its_answer_was_kept_is_refused():
    with pytest.raises(Unauthenticated):
        permissions.admit(request("GET /segment", expires_at=time.time() - 1))


@pytest.mark.parametrize(
    ("route", "roles"),
    [
        ("GET /segment", ["reader", "editor", "admin"]),
        ("POST /segment/user/batch", ["reader", "editor", "admin"]),
        ("$default", ["reader", "editor", "admin"]),
        ("POST /segment", ["editor", "admin"]),
        ("DELETE /segment/{slug}", ["editor", "admin"]),
        ("POST /auth/sign-up", ["admin"]),
        ("DELETE /user/{user_id}", ["admin"]),
        ("POST /nobody-thought-of-it", ["admin"]),
    ],
)
def test_a_route_takes_its_role_and_those_above(route, roles):
    admitted = [role for role in ROLES if is_admitted(request(route, role=role))]

    assert admitted == roles


def is_admitted(context):
    try:
        permissions.admit(context)
    except RoleTooLow:
        return False
    return True


def test_a_role_that_is_none_is_refused():
    assert not is_admitted(request("GET /segment", role="owner"))


def test_the_refusal_says_which_role_is_needed():
    with pytest.raises(RoleTooLow, match=r"POST /segment requires the role editor\. The token has the role reader"):
        permissions.admit(request("POST /segment"))
