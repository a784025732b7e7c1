"""The gateway, as AWS's HTTP API behaves, over both kinds of execution environment."""

import json
import os
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.e2e.waiting import eventually


def test_the_event_names_the_route_as_the_template_does(gateway):
    event = gateway.show(path="/show/a%20b?x=1&x=2&y=")["event"]

    assert event["routeKey"] == "GET /show/{name}"
    assert event["pathParameters"] == {"name": "a b"}
    assert event["rawQueryString"] == "x=1&x=2&y="
    assert event["queryStringParameters"] == {"x": "1,2", "y": ""}


def test_repeated_headers_are_joined(gateway):
    event = gateway.show(headers=[("X-Many", "a"), ("X-Many", "b")])["event"]

    assert event["headers"]["x-many"] == "a,b"


def test_the_functions_environment_is_lambdas_and_the_templates_and_nothing_else(gateway):
    variables = gateway.show()["variables"]

    assert variables["GREETING"] == "hello"
    assert variables["GIVEN_TO_ALL"] == variables["GIVEN_TO_ONE"] == "yes"
    assert variables["AWS_LAMBDA_FUNCTION_NAME"] == "Probe"
    assert variables["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"] == "256"
    assert variables["AWS_EXECUTION_ENV"] == "AWS_Lambda_python3.13"
    assert variables["TZ"] == ":UTC"
    assert "HOME" not in variables
    assert "SAM_CLI_TELEMETRY" not in variables


def test_a_reference_to_a_queue_or_a_bucket_is_what_it_is_called_here(gateway):
    assert gateway.show()["variables"]["INBOX"] == "http://queue"


def test_layers_can_be_imported(gateway):
    assert gateway.show()["layer"] == "from the layer"


def test_the_context_counts_the_time_down(gateway):
    shown = gateway.show()

    assert 0 < shown["remaining"] <= 1000
    assert shown["arn"].endswith(":function:Probe")
    assert shown["request_id"]


def test_a_runtime_is_kept_for_the_next_event(gateway):
    first = gateway.show()["process"]

    assert gateway.show()["process"] == first


def test_more_clients_than_the_template_reserves_environments_for_wait_their_turn(gateway):
    with ThreadPoolExecutor(20) as threads:
        answers = list(threads.map(lambda _: gateway.wish("pause"), range(20)))

    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["process"] for answer in answers}) == 3


def test_an_exception_is_an_internal_server_error_without_details(gateway):
    answer = gateway.wish("fail")

    assert answer.status_code == 500
    assert answer.json()["message"] == "Internal Server Error"
    assert "a secret detail" in (gateway.logs / "Probe.log").read_text()


@pytest.mark.parametrize(
    ("wish", "cause"),
    [
        ("fail", "ValueError: a secret detail"),
        ("sleep", "Sandbox.Timedout: "),
        ("leave", "Runtime.ExitError: "),
        ("nonsense", "LambdaResponseParseException: "),
    ],
)
def test_terminal_shows_the_cause_of_a_500_and_the_log(gateway, wish, cause):
    said = len(gateway.output)

    gateway.wish(wish)

    eventually(lambda: f"         {cause}" in gateway.output[said:])
    assert f"(see {gateway.logs / 'Probe.log'})" in gateway.output[said:]


def test_a_function_that_takes_too_long_is_ended(gateway):
    answer = gateway.wish("sleep")

    assert answer.status_code == 500
    assert answer.json()["message"] == "Internal Server Error"
    assert answer.elapsed.total_seconds() < 10
    assert gateway.show()["layer"]


def test_a_runtime_that_dies_is_replaced(gateway):
    answer = gateway.wish("leave")

    assert answer.status_code == 500
    assert gateway.show()["layer"]


def test_nonsense_from_a_function_is_an_internal_server_error(gateway):
    answer = gateway.wish("nonsense")

    assert answer.status_code == 500
    assert answer.json()["message"] == "Internal Server Error"


def test_status_headers_cookies_and_binary_bodies_come_through(gateway):
    answer = gateway.wish("full")

    assert answer.status_code == 418
    assert answer.headers["x-own"] == "yes"
    assert answer.headers.get_list("set-cookie") == ["a=1", "b=2; Secure"]
    assert answer.content == b"\x89PNG"


def test_an_answer_of_less_than_six_mebibytes_comes_through_whatever_its_escapes_would_take(gateway):
    answer = gateway.wish("many")

    assert answer.status_code == 200
    assert answer.text == "\U0001f600" * 1_400_000


def test_an_unknown_route_is_not_found(gateway):
    answer = gateway.client.get("/nowhere")

    assert answer.status_code == 404
    assert answer.json()["message"] == "Not Found"


def test_a_method_without_a_route_is_not_found(gateway):
    answers = [gateway.client.request(method, "/read") for method in ("POST", "OPTIONS", "TRACE")]

    assert [answer.status_code for answer in answers] == [404, 404, 404]
    assert gateway.client.head("/read").status_code == 404


def test_any_covers_head_and_options(gateway):
    answers = [gateway.client.request(method, "/show/it") for method in ("HEAD", "OPTIONS", "PATCH")]

    assert [answer.status_code for answer in answers] == [200, 200, 200]


def test_a_trailing_slash_is_another_path(gateway):
    assert gateway.client.get("/read/").status_code == 404
    assert gateway.client.get("//read").status_code == 404


@pytest.mark.parametrize("mebibytes", [6, 10, 11])
@pytest.mark.parametrize("content_type", ["text/plain", "application/octet-stream"])
def test_a_body_that_lambda_or_the_api_does_not_take_is_refused(gateway, mebibytes, content_type):
    headers = {"content-type": content_type}

    answer = gateway.client.post("/do", content=b"x" * (mebibytes * 1024 * 1024), headers=headers)

    assert answer.status_code == 413
    assert answer.json()["message"] == "Request Too Long"


def test_a_refusal_is_a_problem_document_with_a_request_id(gateway):
    answer = gateway.client.get("/nowhere")

    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["status"] == answer.status_code == 404
    assert answer.headers["x-request-id"] == answer.headers["apigw-requestid"]


def test_an_internal_server_error_names_its_request(gateway):
    answer = gateway.wish("fail")

    assert answer.json()["request_id"] == answer.headers["x-request-id"]


def test_changed_code_counts_soon(gateway):
    shared = gateway.sample / "layer" / "shared.py"
    before, answer = shared.read_text(), gateway.show()["layer"]

    try:
        shared.write_text('ANSWER = "changed"\n')
        eventually(lambda: gateway.show()["layer"] == "changed")
    finally:
        shared.write_text(before)
    eventually(lambda: gateway.show()["layer"] == answer)


def test_direct_invocation_returns_what_the_handler_returns(gateway):
    answer = invoke(gateway, {"wish": "full"})

    assert answer.status_code == 200
    assert answer.json()["statusCode"] == 418
    assert "x-amz-function-error" not in answer.headers


def test_direct_invocation_marks_a_function_error(gateway):
    answer = invoke(gateway, {"wish": "fail"})

    assert answer.headers["x-amz-function-error"] == "Unhandled"
    assert answer.json()["errorMessage"] == "a secret detail"
    assert answer.json()["errorType"] == "ValueError"


def test_direct_invocation_says_that_a_function_timed_out(gateway):
    answer = invoke(gateway, {"wish": "sleep"})

    assert answer.headers["x-amz-function-error"] == "Unhandled"
    assert "Task timed out after 1.00 seconds" in answer.json()["errorMessage"]


def invoke(gateway, event):
    url = f"{gateway.lambda_url}/2015-03-31/functions/Probe/invocations"
    return httpx.post(url, content=json.dumps(event), timeout=60, trust_env=False)


def test_function_folders_stay_clean(gateway):
    gateway.show()

    assert os.listdir(gateway.sample / "functions" / "probe") == ["app.py"]
