"""The console page: its policy, and what a copy without it says. tests/console uses the page in a browser."""

import base64
import hashlib
import importlib
import json
import re

import pytest

from segmentation.api import console_page
from tests.functions.calls import call

PLAIN = {"accept-encoding": "identity"}
LAMBDA_LIMIT = 6 * 1024 * 1024
BUILT = "<html><script type=module>start()</script><style>p{color:red}</style></html>"
STORAGE = "https://reports.s3.eu-central-1.amazonaws.com"


@pytest.fixture(autouse=True)
def aws_names(monkeypatch):
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    monkeypatch.delenv("AWS_ENDPOINT_URL_S3", raising=False)
    monkeypatch.setenv("REPORTS_BUCKET", "reports")
    monkeypatch.setenv("AWS_REGION", "eu-central-1")


@pytest.fixture
def page(monkeypatch, tmp_path):
    """Place the handler beside a page, or beside none."""

    def place(html):
        if html is not None:
            (tmp_path / "console.html").write_text(html)
        monkeypatch.setattr(importlib.import_module("functions.open_console.app"), "__file__", str(tmp_path / "app.py"))

    yield place
    console_page.html.cache_clear()


def policy_of(answer):
    parts = [part.split() for part in answer.headers["content-security-policy"].split("; ")]
    return {name: values for name, *values in parts}


def digest(text):
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def test_page_may_run_its_own_script_and_style_only(page):
    page(BUILT)

    policy = policy_of(call("open_console", headers=PLAIN))

    assert policy == {
        "default-src": ["'none'"],
        "script-src": [digest("start()")],
        "style-src": [digest("p{color:red}")],
        "img-src": ["data:"],
        "connect-src": ["'self'", STORAGE],
        "base-uri": ["'none'"],
        "form-action": ["'none'"],
        "frame-ancestors": ["'none'"],
    }


def test_page_is_sent_as_it_was_built(page):
    page(BUILT)

    answer = call("open_console", headers=PLAIN)

    assert (answer.text, answer.headers["content-type"]) == (BUILT, "text/html; charset=utf-8")


def test_page_that_was_not_built_names_the_command_and_runs_nothing(page):
    page(None)

    answer = call("open_console", headers=PLAIN)

    assert answer.status == 200
    assert "make build" in answer.text
    assert (policy_of(answer)["script-src"], policy_of(answer)["style-src"]) == (["'none'"], ["'none'"])


def test_page_loads_nothing_from_another_host():
    text = call("open_console", headers=PLAIN).text

    assert re.findall(r"<(?:script|link|img|iframe)[^>]*(?:src|href)=.https?:", text) == []


def test_page_is_small_enough_for_lambda_even_uncompressed():
    assert len(json.dumps(call("open_console", headers=PLAIN).text)) < LAMBDA_LIMIT


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_root_redirects_to_the_page(method):
    answer = call("open_console", method=method, path="/")

    assert (answer.status, answer.headers["location"]) == (302, "/console")
