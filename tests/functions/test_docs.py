"""The documentation page and the OpenAPI document. The page is compressed and loads nothing from other hosts."""

import base64
import gzip
import hashlib
import json
import re

import pytest

from tests.functions.calls import EVENTS, answer_of, call, invoke, sample

DOCUMENT = json.loads((EVENTS.parent / "docs" / "openapi.json").read_text())
LAMBDA_LIMIT = 6 * 1024 * 1024
PLAIN = {"accept-encoding": "identity"}


def test_document_is_the_published_one_with_the_host_that_the_client_asked():
    answer = call("show_openapi")

    assert (answer.status, answer.headers["content-type"]) == (200, "application/json; charset=utf-8")
    assert answer.json == DOCUMENT | {"servers": [{"url": "https://api.example.com"}]}


def test_page_is_small_enough_for_lambda_even_uncompressed():
    answer = call("open_docs", headers=PLAIN)

    assert answer.text.startswith("<!DOCTYPE html>")
    assert len(json.dumps(answer.text)) < LAMBDA_LIMIT


@pytest.mark.parametrize("function", ["open_docs", "show_openapi"])
@pytest.mark.parametrize("accepted", ["br, gzip", "gzip;q=0.001", "gzip, identity;q=0", "deflate, gzip;q=1.0, *;q=0"])
def test_document_is_compressed_if_the_client_accepts_it(function, accepted):
    answer = call(function, headers={"accept-encoding": accepted})

    text = gzip.decompress(base64.b64decode(answer.text)).decode()

    assert (answer.headers["content-encoding"], answer.headers["vary"]) == ("gzip", "Accept-Encoding")
    assert text == call(function, headers=PLAIN).text


@pytest.mark.parametrize("function", ["open_docs", "show_openapi"])
@pytest.mark.parametrize(
    "accepted", ["gzip;q=0", "gzip; q=0.000, br", "*, gzip;q=0", "*;q=0", "br", "x-gzip-not", "gzip;q=much", "identity"]
)
def test_document_is_plain_if_the_client_does_not_accept_gzip(function, accepted):
    answer = call(function, headers={"accept-encoding": accepted})

    assert "content-encoding" not in answer.headers
    assert answer.headers["vary"] == "Accept-Encoding"
    assert answer.text.startswith(("<!DOCTYPE html>", "{"))


@pytest.mark.parametrize("function", ["open_docs", "show_openapi"])
def test_document_is_plain_for_a_client_that_names_no_encoding(function):
    event = sample(function)
    event["headers"].pop("accept-encoding", None)

    answer = answer_of(invoke(function, event))

    assert answer.text.startswith(("<!DOCTYPE html>", "{"))


def test_page_loads_nothing_from_another_host():
    page = call("open_docs", headers=PLAIN).text

    assert re.findall(r"<(?:script|link|img|iframe)[^>]*(?:src|href)=.https?:", page) == []


def test_page_may_run_its_own_scripts_only():
    answer = call("open_docs", headers=PLAIN)
    scripts = re.findall(r"<script>(.*?)</script>", answer.text, re.DOTALL)
    digests = [base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts]

    allowed = re.search(r"script-src ([^;]+);", answer.headers["content-security-policy"])[1].split()

    assert allowed == [f"'sha256-{digest}'" for digest in digests]
    assert len(digests) == 2


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_path_of_other_swagger_pages_redirects_to_the_page(method):
    answer = call("open_docs", method=method, path="/swagger/index.html")

    assert (answer.status, answer.headers["location"]) == (302, "/docs")
