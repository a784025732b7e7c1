"""Behaviour that only a request through the gateway shows."""

import json
from concurrent.futures import ThreadPoolExecutor

import boto3
import pytest
from botocore.config import Config

SAME = ("content-type", "content-length", "content-encoding", "vary", "cache-control", "location")


@pytest.fixture
def lambda_client(local_run):
    return boto3.client(
        "lambda",
        endpoint_url=local_run.lambda_url,
        region_name="us-east-1",
        aws_access_key_id="local",
        aws_secret_access_key="local",  # noqa: S106 - never checked
        config=Config(retries={"total_max_attempts": 1}),
    )


@pytest.mark.parametrize("path", ["/nowhere", "/nowhere/else", "/user/1", "/user//", "/segment//AAA", "/segment/%0a/x"])
def test_an_unknown_route_is_answered_by_its_function(client, path):
    answer = client.get(path)

    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["type"] == "urn:segmentation:problem:route-unknown"


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_root_redirects_to_the_console(client, method):
    answer = client.request(method, "/")

    assert (answer.status_code, answer.headers["location"], answer.content) == (302, "/console", b"")


@pytest.mark.parametrize("method", ["GET", "POST", "PATCH", "DELETE", "HEAD"])
def test_final_slash_is_redirected_and_keeps_the_query(client, method):
    answer = client.request(method, "/segment/user/?a=%3B")

    assert (answer.status_code, answer.headers["location"]) == (308, "/segment/user?a=%3B")


def test_request_with_a_final_slash_is_carried_out_by_a_client_that_follows(client, owner):
    answer = client.post("/segment/", json={"slug": "SLASH"}, follow_redirects=True)

    assert (answer.status_code, answer.json()["slug"]) == (201, "SLASH")


@pytest.mark.parametrize("path", ["//evil.example/", "/%2Fevil.example/", "/%5Cevil.example/", "/%09/evil.example/"])
def test_final_slash_never_leads_to_another_host(client, path):
    location = client.get(client.base_url.copy_with(raw_path=path.encode())).headers.get("location", "/")

    assert location.startswith("/")
    assert not location.startswith(("//", "/\\"))


@pytest.mark.parametrize("path", ["/console", "/docs", "/openapi.json", "/health", "/swagger/index.html"])
@pytest.mark.parametrize("encoding", ["gzip", "gzip;q=0"])
def test_head_has_the_headers_of_the_get_and_no_body(client, path, encoding):
    head, get = (client.request(method, path, headers={"Accept-Encoding": encoding}) for method in ("HEAD", "GET"))

    assert (head.status_code, head.content) == (get.status_code, b"")
    assert [head.headers.get(name) for name in SAME] == [get.headers.get(name) for name in SAME]


def test_root_with_another_method_is_an_unknown_route(client):
    assert client.post("/").json()["type"] == "urn:segmentation:problem:route-unknown"


@pytest.mark.parametrize("path", ["/segment", "/segment/AAA"])
def test_a_known_path_with_another_method_is_an_unknown_route(client, path):
    answer = client.put(path)

    assert answer.status_code == 404
    assert answer.json()["type"] == "urn:segmentation:problem:route-unknown"


def test_a_body_is_json_whatever_its_content_type(client, owner):
    body = json.dumps({"slug": "ANY_TYPE"})

    answers = [
        client.post("/segment", content=body, headers={"Content-Type": kind}).status_code
        for kind in ("application/x-www-form-urlencoded", "application/json", "application/octet-stream")
    ]

    assert answers == [201, 409, 409]


def test_a_body_that_is_not_utf_8_is_refused(client):
    answer = client.post("/segment", content=b'{"slug": "\xff\xfe"}')

    assert answer.status_code == 400


@pytest.mark.parametrize(("given", "subject"), [("a valid token", "bob"), ("Bearer of-another-run", "local")])
def test_an_open_run_uses_a_token_only_if_it_is_valid(client, segment, given, subject):
    account = {"username": "bob", "password": "correct horse battery staple", "role": "editor"}
    client.post("/auth/sign-up", json=account).raise_for_status()
    credentials = {name: account[name] for name in ("username", "password")}
    token = client.post("/auth/sign-in", json=credentials).json()["token"]
    authorization = f"Bearer {token}" if subject == "bob" else given

    change = {"user_id": 1, "add_segments": [segment("AAA")]}
    client.post("/segment/user", json=change, headers={"Authorization": authorization}).raise_for_status()

    assert client.get("/user/1/history").json()["operations"][0]["actor"] == subject


def test_sixty_four_clients_at_once_are_answered(client):
    with ThreadPoolExecutor(64) as threads:
        answers = list(threads.map(lambda _: client.get("/health"), range(256)))

    assert {answer.status_code for answer in answers} == {200}


def test_a_function_can_be_invoked_directly(lambda_client):
    answer = lambda_client.invoke(FunctionName="ApplyMigrations", Payload=b"{}")

    assert "FunctionError" not in answer
    assert json.load(answer["Payload"])["applied"] == []


def test_an_unknown_function_is_an_error(lambda_client):
    with pytest.raises(lambda_client.exceptions.ClientError, match="ResourceNotFound"):
        lambda_client.invoke(FunctionName="Nothing", Payload=b"{}")
