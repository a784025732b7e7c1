"""The documentation page and the OpenAPI document. The page is compressed and loads nothing from other hosts."""

import base64
import gzip
import hashlib
import json
import re

import pytest

from tests.functions.calls import EVENTS, call

DOCUMENT = json.loads((EVENTS.parent / "docs" / "openapi.json").read_text())
LAMBDA_LIMIT = 6 * 1024 * 1024
PLAIN = {"accept-encoding": "identity"}


def test_document_is_the_published_one():
    answer = call("show_openapi")

    assert (answer.status, answer.headers["content-type"]) == (200, "application/json; charset=utf-8")
    assert answer.json == DOCUMENT


def test_page_is_small_enough_for_lambda_even_uncompressed():
    answer = call("open_docs", headers=PLAIN)

    assert answer.text.startswith("<!DOCTYPE html>")
    assert len(json.dumps(answer.text)) < LAMBDA_LIMIT


def test_page_is_compressed_if_the_client_accepts_it():
    answer = call("open_docs", headers={"accept-encoding": "br, gzip"})

    page = gzip.decompress(base64.b64decode(answer.text)).decode()

    assert answer.headers["content-encoding"] == "gzip"
    assert page == call("open_docs", headers=PLAIN).text


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
def test_root_redirects_to_the_page(method):
    answer = call("open_docs", method=method, path="/")

    assert (answer.status, answer.headers["location"]) == (302, "/docs")
