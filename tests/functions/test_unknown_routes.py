"""Requests that no route matches: a final slash, preflights, and the rest."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segmentation.api.unknown_routes import without_final_slash
from tests.functions.calls import PROBLEM, answer_of, call, invoke, sample

ASKED = {"origin": "https://app.example.com", "access-control-request-method": "POST"}
METHODS = ["GET", "HEAD", "POST", "PATCH", "DELETE", "PUT", "OPTIONS"]
SAFE = st.text("/\\\\.a%?#@:\t\n\r \u2028é")


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    ("path", "address"),
    [
        ("/segment/user/", "/segment/user"),
        ("/user/", "/user"),
        ("/docs/", "/docs"),
        ("/segment/user/1/AVITO_DISCOUNT_30/", "/segment/user/1/AVITO_DISCOUNT_30"),
        ("/segment/reports/user-1-2023-08-0f.csv.gz/", "/segment/reports/user-1-2023-08-0f.csv.gz"),
        ("/prefix/account/alice@example.com/", "/prefix/account/alice@example.com"),
    ],
)
def test_path_with_a_final_slash_leads_to_the_path_without_it(method, path, address):
    answer = call("reject_route", method=method, path=path)

    assert (answer.status, answer.headers["location"]) == (308, address)


@pytest.mark.parametrize(
    ("query", "kept"),
    [
        ("year=2023&month=8", "year=2023&month=8"),
        ("delimiter=%3B", "delimiter=%3B"),
        ("from=2023-08-01T00:00:00%2B03:00", "from=2023-08-01T00:00:00%2B03:00"),
        ("prefix=é", "prefix=%C3%A9"),
        ("a=\r\nX-Injected: 1", "a=%0D%0AX-Injected:%201"),
        ("a=\ud800", "a=?"),
    ],
)
def test_redirect_keeps_the_query(query, kept):
    event = sample("reject_route") | {"rawPath": "/segment/", "rawQueryString": query}

    answer = answer_of(invoke("reject_route", event))

    assert (answer.status, answer.headers["location"]) == (308, f"/segment?{kept}")


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "//",
        "/docs//",
        "//evil.example/",
        "///evil.example/",
        "//evil.example/docs/",
        "/\\evil.example/",
        "/\t/evil.example/",
        "/segment//AAA/",
        "/segment/\r\nX-Injected: 1/",
        "/segment/%0d%0a/",
        "/segment/AAA?/",
        "https://evil.example/",
        "\ud800/",
    ],
)
def test_path_that_no_route_could_have_is_404_and_leads_nowhere(path):
    answer = call("reject_route", path=path)

    assert (answer.status, answer.headers["content-type"]) == (404, PROBLEM)
    assert "location" not in answer.headers


@given(SAFE, SAFE)
def test_redirect_never_leaves_the_host(path, query):
    address = without_final_slash({"rawPath": f"/{path}/", "rawQueryString": query})

    assert address is None or (address[0] == "/" and address[1] not in "/\\" and address.isascii())
    assert address is None or address.isprintable()


def test_preflight_is_answered_without_a_token():
    answer = call("reject_route", method="OPTIONS", path="/segment/user/", headers=ASKED)

    assert (answer.status, answer.text) == (204, None)


def test_options_that_is_no_preflight_is_an_unknown_route():
    assert call("reject_route", method="OPTIONS", path="/segment").status == 404
