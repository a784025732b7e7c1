"""A handler is imported in an environment that holds nothing, and imports only what every request needs."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FUNCTIONS = sorted(path.parent.name for path in ROOT.glob("functions/*/app.py"))
WITH_S3 = {"create_report", "create_user_report", "open_report", "run_job", "show_job"}
WITH_PASSWORDS = {"apply_migrations", "authorize_request", "sign_in", "sign_up"}
PROGRAM = """
import importlib, sys
sys.path[:0] = [{root!r}, {layer!r}]
for function in {functions!r}:
    assert callable(importlib.import_module(f"functions.{{function}}.app").handler)
unwanted = ("boto3", "botocore.session", "aws_xray_sdk", "requests", "local", *{more!r})
loaded = [name for name in unwanted if name in sys.modules]
assert not loaded, loaded
"""


def run(*functions: str, more: tuple[str, ...] = ()) -> str:
    """Import the functions, which may not import any of the unwanted modules; return what went wrong."""
    layer = str(ROOT / "layers" / "segmentation")
    program = PROGRAM.format(root=str(ROOT), layer=layer, functions=functions, more=more)
    done = subprocess.run(  # noqa: S603 -- this interpreter, a program of this file
        [sys.executable, "-W", "error", "-c", program], env={}, capture_output=True, text=True, timeout=30
    )
    return done.stderr


def test_handlers_import_without_an_environment_and_without_boto3():
    assert run(*(function for function in FUNCTIONS if function not in WITH_S3)) == ""


@pytest.mark.parametrize("function", ["apply_migrations", "check_health"])
def test_handler_imports_alone(function):
    assert run(function) == ""


def test_only_what_signs_people_in_imports_what_that_takes():
    others = [function for function in FUNCTIONS if function not in WITH_S3 | WITH_PASSWORDS]

    assert run(*others, more=("argon2", "jwt", "cryptography")) == ""


def test_only_what_prometheus_scrapes_imports_its_client():
    others = [function for function in FUNCTIONS if function not in WITH_S3 | {"show_metrics"}]

    assert run(*others, more=("prometheus_client",)) == ""


def test_the_authorizer_imports_little_because_every_first_request_waits_for_it():
    assert run("authorize_request", more=("aws_lambda_powertools", "pydantic", "psycopg", "argon2")) == ""
