"""The matrix: every route of the template, with every kind of token, over HTTP."""

import json
import re
import subprocess
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from local import postgres
from segmentation.access import permissions
from segmentation.contract.roles import ROLES
from tests import template_routes
from tests.e2e.conftest import running
from tests.e2e.waiting import eventually
from tests.template_routes import name_of
from tests.tokens import bad, signed

PATTERN = re.compile(r"\{(\w+)\}")
VALUES = {
    "user_id": "1",
    "slug": "NOT_THERE",
    "file_name": "none",
    "import_id": "none",
    "job_id": "none",
    "key": "NOT_THERE",
    "username": "nobody",
}
UNKNOWN_PATH = "/nowhere/else"
BAD = sorted(bad("of-another-service" * 3))


ROUTES = ["$default", *map(name_of, template_routes.ROUTES)]
PROTECTED = [route for route in ROUTES if route not in permissions.PUBLIC]


@pytest.fixture(scope="module")
def run():
    with postgres.throw_away_directory() as state, running(state, "--auth") as started:
        yield started


@pytest.fixture(scope="module")
def client(run):
    with httpx.Client(base_url=f"http://127.0.0.1:{run.port}", timeout=60, trust_env=False) as opened:
        yield opened


@pytest.fixture(scope="module")
def key(run, client):
    """The key that signs tokens. Each role has an account of its name, because a token needs its account."""
    known = json.loads((run.state / "data" / "signing-keys.json").read_text())["current"]
    admin = {"Authorization": as_role(known, "admin")}
    for role in ("reader", "editor"):
        account = {"username": role, "password": "correct horse battery staple", "role": role}
        client.post("/auth/sign-up", json=account, headers=admin).raise_for_status()
    # another thread writes the log: a later test must not find the lines of these two requests
    eventually(lambda: sum(part.startswith("SignUp") for part in answered_by(run.output).elements()) == 2)
    return known


def ask(client, route, authorization=None):
    """Send a request that changes nothing: its resources do not exist, and its body has an unknown member."""
    method, _, path = route.partition(" ") if route != "$default" else ("PUT", "", UNKNOWN_PATH)
    headers = {} if authorization is None else {"Authorization": authorization}
    filled = PATTERN.sub(lambda match: VALUES[match[1]], path)
    return client.request(
        method, filled, headers={k: v.encode() for k, v in headers.items()}, content=b'{"unknown": 0}'
    )


def as_role(key, role):
    return f"Bearer {signed(key, role=role, sub=role)}"


def is_problem(answer, status):
    return (
        answer.status_code == status
        and answer.headers["content-type"] == "application/problem+json"
        and answer.json()["status"] == status
        and "x-request-id" in answer.headers
    )


@pytest.mark.parametrize("route", PROTECTED)
def test_a_protected_route_requires_a_token(client, route):
    answer = ask(client, route)

    assert is_problem(answer, 401)
    assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_token_is_refused_on_every_route_and_no_function_runs(run, client, key, kind):
    header, said = bad(key)[kind], len(run.output)

    answers = {route: ask(client, route, header) for route in PROTECTED}

    assert {route for route, answer in answers.items() if not is_problem(answer, 401)} == set()
    # another thread writes the log, so it may begin with the last request of the test before
    eventually(lambda: answered_by(run.output[said:]).total() >= len(PROTECTED))
    assert set(answered_by(run.output[said:])) == {"gateway"}


def answered_by(output):
    """Count the requests in the output, by the part that answered them."""
    return Counter(line.rpartition("  ")[2] for line in output.splitlines())


@pytest.mark.parametrize("role", ROLES)
def test_a_role_opens_its_routes_and_no_other(client, key, role):
    with ThreadPoolExecutor(4) as threads:
        answers = dict(
            zip(PROTECTED, threads.map(lambda route: ask(client, route, as_role(key, role)), PROTECTED), strict=True)
        )

    beyond = {route for route in PROTECTED if ROLES.index(permissions.required_role(route)) > ROLES.index(role)}
    assert {route for route, answer in answers.items() if is_problem(answer, 403)} == beyond
    assert {answer.status_code for answer in answers.values()} <= {200, 400, 403, 404, 422}


@pytest.mark.parametrize("route", sorted(set(ROUTES) & permissions.PUBLIC))
@pytest.mark.parametrize("header", [None, "Bearer garbage"])
def test_a_public_route_requires_no_token(client, route, header):
    assert ask(client, route, header).status_code not in {401, 403}


def test_the_printed_command_gets_a_token(run, client):
    [line] = re.findall(r"TOKEN=.*", run.output)

    token = subprocess.run(  # noqa: S603 -- our own output
        ["/bin/sh", "-c", f'{line}; printf %s "$TOKEN"'], capture_output=True, text=True, check=True
    ).stdout

    assert client.get("/segment", headers={"Authorization": f"Bearer {token}"}).status_code == 200


def test_the_history_has_the_tokens_subject_as_actor(client, key):
    for path, body in (
        ("/segment", {"slug": "AAA"}),
        ("/segment/user", {"user_id": 7, "add_segments": ["AAA"]}),
    ):
        client.post(path, json=body, headers={"Authorization": as_role(key, "editor")}).raise_for_status()

    answer = client.get("/user/7/history", headers={"Authorization": as_role(key, "reader")})

    assert [operation["actor"] for operation in answer.json()["operations"]] == ["editor"]


def test_a_new_account_can_sign_in_and_has_only_its_role(client, key):
    account = {"username": "bob", "password": "correct horse battery staple"}
    created = client.post("/auth/sign-up", json=account, headers={"Authorization": as_role(key, "admin")})
    token = client.post("/auth/sign-in", json=account).json()["token"]
    bob = {"Authorization": f"Bearer {token}"}

    statuses = [client.get("/segment", headers=bob), client.post("/segment", json={"slug": "BBB"}, headers=bob)]

    assert created.status_code == 201
    assert [answer.status_code for answer in statuses] == [200, 403]


def test_only_their_owner_can_read_the_secrets(run):
    for name in ("admin.json", "signing-keys.json"):
        assert (run.state / "data" / name).stat().st_mode & 0o077 == 0
