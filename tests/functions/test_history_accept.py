"""GET /user/{user_id}/history: the Accept header decides between JSON and CSV."""

import pytest

from tests.functions.calls import answer_of, invoke, sample
from tests.functions.factories import ask_history

pytestmark = pytest.mark.usefixtures("shared_service")
CSV = "text/csv; charset=utf-8"
JSON = "application/json; charset=utf-8"
HEADER = "slug,operation,action,reason,actor,comment,expires_at,executed_at\r\n"


@pytest.mark.parametrize(
    "accept",
    [
        "text/csv",
        "TEXT/CSV",
        "text/csv; charset=utf-8",
        "text/*",
        "text/csv, application/json;q=0.9",
        "application/json;q=0.9, text/csv",
        "application/json;q=0.9,text/csv;q=1.0",
        "text/csv;q=0.5, application/json;q=0.4",
        "text/csv, */*;q=0.1",
        "*/*;q=0.1, text/csv",
        "application/json;q=0, */*",
        "text/html, text/csv;q=0.2",
    ],
)
def test_client_that_prefers_csv_gets_csv(accept):
    assert ask_history(1, accept).headers["content-type"] == CSV


@pytest.mark.parametrize(
    "accept",
    [
        "application/json",
        "*/*",
        "",
        "application/*",
        "text/csv, application/json",
        "application/json, text/csv",
        "text/csv;q=0",
        "text/csv;q=0.4, application/json;q=0.5",
        "text/csv;q=0.4, */*",
        "text/csvx",
        "text/html",
        "text/csv;q=much",
        "text/csv;q=",
        "text/csv;q=-1",
        "text/csv;q=nan",
        "text/csv;q=1e400",
        ",;=,",
    ],
)
def test_every_other_client_gets_json(accept):
    answer = ask_history(1, accept)

    assert (answer.status, answer.headers["content-type"]) == (200, JSON)


@pytest.mark.parametrize("accept", ["application/json", "text/csv"])
def test_answer_says_that_it_depends_on_the_accept_header(accept):
    assert ask_history(1, accept).headers["vary"] == "Accept"


@pytest.mark.parametrize("weight", ["\u00b2", "\u0663", "1.\u00b2", "\ud800", "9" * 5000])
def test_weight_in_other_digits_is_answered_below_500(weight):
    assert ask_history(1, f"text/csv;q={weight}").status == 200


def test_client_without_an_accept_header_gets_json():
    event = sample("list_user_history")
    del event["headers"]["accept"]

    assert answer_of(invoke("list_user_history", event)).headers["content-type"] == JSON


def test_empty_history_is_a_header_line():
    answer = ask_history(1, "text/csv")

    assert (answer.text, "link" in answer.headers) == (HEADER, False)


def test_client_error_of_a_csv_request_is_a_problem_document():
    answer = ask_history(1, "text/csv", limit="0")

    assert (answer.status, answer.headers["content-type"]) == (422, "application/problem+json")
