"""Accounts over HTTP: what an admin and a caller change takes effect in the functions of other routes."""

import json

import httpx
import pytest

from local import postgres
from local.settings import Settings
from tests.e2e.conftest import running

PASSWORD = "correct horse battery staple"  # noqa: S105 -- of these tests
OTHER = "staple battery horse correct"


@pytest.fixture(scope="module")
def client():
    """A client of a run that asks for tokens. It has the admin's."""
    with (
        postgres.throw_away_directory() as state,
        running(state, "--auth") as run,
        httpx.Client(base_url=f"http://127.0.0.1:{run.port}", timeout=60, trust_env=False) as opened,
    ):
        admin = json.loads(Settings(state=state).admin.read_text())
        opened.headers["Authorization"] = bearer(opened, admin["username"], admin["password"])
        yield opened


def bearer(client, username, password=PASSWORD):
    answer = client.post("/auth/sign-in", json={"username": username, "password": password})
    return f"Bearer {answer.raise_for_status().json()['token']}"


@pytest.fixture
def ask(client):
    """Send a request with the token of an account."""

    def send(authorization, method="GET", path="/segment", **body):
        return client.request(method, path, headers={"Authorization": authorization}, **body)

    return send


@pytest.fixture
def editor(client, request):
    """A new account, and its token."""
    username = f"editor-{request.node.name.replace('[', '-').strip(']')}"[:60]
    account = {"username": username, "password": PASSWORD, "role": "editor"}
    client.post("/auth/sign-up", json=account).raise_for_status()
    return username, bearer(client, username)


def test_deleted_account_can_do_nothing_more(client, ask, editor):
    username, token = editor

    assert client.delete(f"/account/{username}").json() == {"message": "ok"}

    assert ask(token, "POST", "/segment", json={"slug": "AAA"}).status_code == 401
    assert ask(token, path="/segment/reports/none.csv").status_code == 401
    assert client.get("/segment/AAA").status_code == 404


def test_another_role_applies_after_the_next_sign_in(client, ask, editor):
    username, token = editor

    assert client.patch(f"/account/{username}", json={"role": "reader"}).json()["role"] == "reader"

    assert ask(token).status_code == 401
    renewed = bearer(client, username)
    assert (ask(renewed).status_code, ask(renewed, "POST", json={"slug": "BBB"}).status_code) == (200, 403)


def test_own_new_password_ends_the_token_and_signs_in(client, ask, editor):
    username, token = editor
    body = {"password": PASSWORD, "new_password": OTHER}

    assert ask(token, "POST", "/auth/password", json=body).json() == {"message": "ok"}

    assert ask(token).status_code == 401
    assert ask(bearer(client, username, OTHER)).status_code == 200


def test_list_names_every_account_with_its_last_sign_in(client, editor):
    username, _ = editor

    accounts = {account["username"]: account for account in client.get("/account").json()["accounts"]}

    assert {"admin", username} <= accounts.keys()
    assert accounts[username]["role"] == "editor"
    assert accounts[username]["last_signed_in_at"] > accounts[username]["created_at"]


def test_last_admin_cannot_leave(client):
    assert client.delete("/account/admin").status_code == 409
    assert client.patch("/account/admin", json={"role": "reader"}).status_code == 409
