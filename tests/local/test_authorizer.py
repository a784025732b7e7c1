"""Authorizers at the gateway, invoked as AWS's HTTP API invokes them."""

import http.client
import json
import time

import pytest

from segmentation.contract.problems import RoleTooLow, Unauthenticated


def ask(gateway, token=None, name="it"):
    headers = {} if token is None else {"Authorization": token}
    return gateway.client.post(f"/guarded/{name}?x=1", headers=headers, content=b"{}")


def context(answer):
    assert answer.status_code == 200, answer.text
    return answer.json()["event"]["requestContext"]["authorizer"]["lambda"]


def test_the_function_gets_the_authorizers_context(gateway):
    assert context(ask(gateway, "passed on"))["call"] >= 1


def test_the_authorizer_gets_the_request_without_its_body(gateway):
    event = context(ask(gateway, "passing on"))["event"]

    assert (event["version"], event["type"], event["routeKey"]) == ("2.0", "REQUEST", "POST /guarded/{name}")
    assert event["identitySource"] == ["passing on"]
    assert event["routeArn"].endswith("/$default/POST/guarded/it")
    assert event["pathParameters"] == {"name": "it"}
    assert event["queryStringParameters"] == {"x": "1"}
    assert "body" not in event


def test_an_answer_is_cached_for_a_token_on_every_path(gateway):
    first = context(ask(gateway, "same", "one"))

    assert context(ask(gateway, "same", "two")) == first
    assert context(ask(gateway, "different", "one")) != first


def test_an_answer_is_cached_for_the_time_of_the_template(gateway):
    first = context(ask(gateway, "lasting"))
    time.sleep(2)

    assert context(ask(gateway, "lasting")) != first


@pytest.mark.parametrize("token", [None, ""])
def test_without_a_token_the_authorizer_is_not_invoked(gateway, token):
    before = context(ask(gateway, f"before-{token}"))["call"]

    answer = ask(gateway, token)

    assert answer.status_code == 401
    assert context(ask(gateway, f"after-{token}"))["call"] == before + 1


@pytest.mark.parametrize(("token", "status"), [(None, 401), ("unknown", 401), ("known", 403), ("fail", 500)])
def test_a_refused_request_never_reaches_the_function(gateway, token, status):
    before = gateway.show()["call"]

    answer = ask(gateway, token)

    assert answer.status_code == status
    assert gateway.show()["call"] == before + 1


@pytest.mark.parametrize(("token", "problem"), [("unknown", Unauthenticated()), ("known", RoleTooLow())])
def test_a_refusal_is_the_problem_of_the_contract(gateway, token, problem):
    answer = ask(gateway, token)

    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["x-request-id"] == answer.headers["apigw-requestid"]
    assert answer.json() == problem.body() | {"message": answer.json()["message"]}


def test_a_failing_authorizer_reveals_nothing(gateway):
    assert ask(gateway, "fail").json()["detail"] == "Internal Server Error"


def test_a_header_of_ten_kilobytes_is_answered(gateway):
    assert ask(gateway, "x" * 10_000).status_code == 200


def test_a_header_is_found_in_any_case(gateway):
    connection = http.client.HTTPConnection(gateway.client.base_url.host, gateway.client.base_url.port)
    connection.request("POST", "/guarded/it", headers={"AUTHORIZATION": "any-case"})

    answer = json.load(connection.getresponse())
    connection.close()

    assert answer["event"]["requestContext"]["authorizer"]["lambda"]["call"] >= 1
