"""The gateway behaves as AWS's HTTP API, with both kinds of execution environment."""

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


def test_a_functions_environment_has_only_the_variables_of_lambda_and_the_template(gateway):
    variables = gateway.show()["variables"]

    assert variables["GREETING"] == "hello"
    assert variables["GIVEN_TO_ALL"] == variables["GIVEN_TO_ONE"] == "yes"
    assert variables["AWS_LAMBDA_FUNCTION_NAME"] == "Probe"
    assert variables["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"] == "256"
    assert variables["AWS_EXECUTION_ENV"] == "AWS_Lambda_python3.13"
    assert variables["TZ"] == ":UTC"
    assert "HOME" not in variables
    assert "SAM_CLI_TELEMETRY" not in variables


def test_a_reference_to_a_queue_is_its_local_url(gateway):
    assert gateway.show()["variables"]["INBOX"] == "http://queue"


def test_layers_can_be_imported(gateway):
    assert gateway.show()["layer"] == "from the layer"


def test_the_context_has_the_remaining_time(gateway):
    shown = gateway.show()

    assert 0 < shown["remaining"] <= 1000
    assert shown["arn"].endswith(":function:Probe")
    assert shown["request_id"]


def test_a_runtime_is_reused_for_the_next_event(gateway):
    first = gateway.show()["process"]

    assert gateway.show()["process"] == first


def test_requests_wait_while_all_reserved_environments_are_busy(gateway):
    with ThreadPoolExecutor(20) as threads:
        answers = list(threads.map(lambda _: gateway.behave("pause"), range(20)))

    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["process"] for answer in answers}) == 3


def test_an_exception_is_a_500_without_details(gateway):
    answer = gateway.behave("fail")

    assert answer.status_code == 500
    assert answer.json()["message"] == "Internal Server Error"
    assert "a secret detail" in (gateway.logs / "Probe.log").read_text()


@pytest.mark.parametrize(
    ("behaviour", "cause"),
    [
        ("fail", "ValueError: a secret detail"),
        ("sleep", "Sandbox.Timedout: "),
        ("nonsense", "LambdaResponseParseException: "),
    ],
)
def test_terminal_shows_the_cause_of_a_500_and_the_log(gateway, behaviour, cause):
    start = len(gateway.output)

    def is_shown():  # not by the first request, if a busy machine makes that one time out
        assert gateway.behave(behaviour).status_code == 500
        return f"         {cause}" in gateway.output[start:]

    eventually(is_shown)
    assert f"(see {gateway.logs / 'Probe.log'})" in gateway.output[start:]


def test_a_function_that_takes_too_long_is_stopped(gateway):
    answer = gateway.behave("sleep")

    assert answer.status_code == 500
    assert answer.json()["message"] == "Internal Server Error"
    assert answer.elapsed.total_seconds() < 30  # when the function would have ended by itself
    assert gateway.show()["layer"]


def test_a_runtime_that_dies_is_replaced(gateway):
    answer = gateway.behave("leave")

    assert answer.status_code == 500
    assert gateway.show()["layer"]


def test_an_invalid_response_of_a_function_is_a_500(gateway):
    answer = gateway.behave("nonsense")

    assert answer.status_code == 500
    assert answer.json()["message"] == "Internal Server Error"


def test_status_headers_cookies_and_binary_body_reach_the_client(gateway):
    answer = gateway.behave("full")

    assert answer.status_code == 418
    assert answer.headers["x-own"] == "yes"
    assert answer.headers.get_list("set-cookie") == ["a=1", "b=2; Secure"]
    assert answer.content == b"\x89PNG"


def test_an_answer_below_six_mebibytes_reaches_the_client_even_if_its_escapes_take_more(gateway):
    answer = gateway.behave("many")

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


def test_any_includes_head_and_options(gateway):
    answers = [gateway.client.request(method, "/show/it") for method in ("HEAD", "OPTIONS", "PATCH")]

    assert [answer.status_code for answer in answers] == [200, 200, 200]


def test_a_trailing_slash_is_another_path(gateway):
    assert gateway.client.get("/read/").status_code == 404
    assert gateway.client.get("/show//it").status_code == 404


@pytest.mark.parametrize("mebibytes", [6, 10, 11])
@pytest.mark.parametrize("content_type", ["text/plain", "application/octet-stream"])
def test_a_body_above_the_limit_of_lambda_or_the_api_is_refused(gateway, mebibytes, content_type):
    headers = {"content-type": content_type}

    answer = gateway.client.post("/do", content=b"x" * (mebibytes * 1024 * 1024), headers=headers)

    assert answer.status_code == 413
    assert answer.json()["message"] == "Request Too Long"


def test_a_refusal_is_a_problem_document_with_a_request_id(gateway):
    answer = gateway.client.get("/nowhere")

    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["status"] == answer.status_code == 404
    assert answer.headers["x-request-id"] == answer.headers["apigw-requestid"]


def test_a_500_has_the_id_of_its_request(gateway):
    answer = gateway.behave("fail")

    assert answer.json()["request_id"] == answer.headers["x-request-id"]


def test_changed_code_runs_soon(gateway):
    shared = gateway.sample / "layer" / "shared.py"
    before, answer = shared.read_text(), gateway.show()["layer"]

    try:
        shared.write_text('ANSWER = "changed"\n')
        eventually(lambda: gateway.show()["layer"] == "changed")
    finally:
        shared.write_text(before)
    eventually(lambda: gateway.show()["layer"] == answer)


def test_direct_invocation_returns_the_handlers_answer(gateway):
    answer = invoke(gateway, {"behaviour": "full"})

    assert answer.status_code == 200
    assert answer.json()["statusCode"] == 418
    assert "x-amz-function-error" not in answer.headers


def test_direct_invocation_marks_a_function_error(gateway):
    answer = invoke(gateway, {"behaviour": "fail"})

    assert answer.headers["x-amz-function-error"] == "Unhandled"
    assert answer.json()["errorMessage"] == "a secret detail"
    assert answer.json()["errorType"] == "ValueError"


def test_direct_invocation_reports_a_timeout(gateway):
    answer = invoke(gateway, {"behaviour": "sleep"})

    assert answer.headers["x-amz-function-error"] == "Unhandled"
    assert "Task timed out after 1.00 seconds" in answer.json()["errorMessage"]


def invoke(gateway, event):
    url = f"{gateway.lambda_url}/2015-03-31/functions/Probe/invocations"
    return httpx.post(url, content=json.dumps(event), timeout=60, trust_env=False)


def test_function_folders_stay_clean(gateway):
    gateway.show()

    assert os.listdir(gateway.sample / "functions" / "probe") == ["app.py"]
