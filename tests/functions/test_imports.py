"""Importing a handler needs no environment variable, and imports only the packages that every request needs."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FUNCTIONS = {path.parent.name for path in ROOT.glob("functions/*/app.py")}
OF_ACCOUNTS = {"change_password", "delete_account", "list_accounts", "sign_up", "update_account"}
WITH_PASSWORDS = {"apply_migrations", "authorize_request", "sign_in", *OF_ACCOUNTS}
PASSWORDS = {"argon2", "_argon2_cffi_bindings"}
TOKENS = {"cryptography", "jwt"}
SERVICE = {
    "annotated_types",
    "aws_lambda_powertools",
    "botocore",  # Powertools imports its configuration; the slow part, botocore.session, must not be imported
    "functions",
    "jmespath",
    "psycopg",
    "psycopg_binary",
    "pydantic",
    "pydantic_core",
    "segmentation",
    "typing_inspection",
}
"""The packages that a function imports before its first request. Each makes a cold start slower."""

PROGRAM = """
import importlib, sys
sys.path[:0] = [{root!r}, {layer!r}]
standing = set(sys.modules)
for function in {functions!r}:
    assert callable(importlib.import_module(f"functions.{{function}}.app").handler)
assert "botocore.session" not in sys.modules
loaded = {{name.partition(".")[0] for name in set(sys.modules) - standing}} - sys.stdlib_module_names
print(*(name for name in loaded if hasattr(sys.modules[name], "__path__")))
"""


def imported_by(*functions: str) -> set[str]:
    """Import the functions in a new process. Return the packages that were imported with them."""
    layer = str(ROOT / "layers" / "segmentation")
    program = PROGRAM.format(root=str(ROOT), layer=layer, functions=functions)
    done = subprocess.run(  # noqa: S603 -- this interpreter runs a program of this file
        [sys.executable, "-W", "error", "-c", program], env={}, capture_output=True, text=True, timeout=30
    )
    assert done.stderr == ""
    return set(done.stdout.split())


def test_all_functions_together_import_the_packages_of_a_request_only():
    assert imported_by(*sorted(FUNCTIONS - WITH_PASSWORDS - {"show_metrics"})) == SERVICE


@pytest.mark.parametrize("function", ["check_health", "list_memberships"])
def test_a_single_read_imports_the_packages_of_a_request_only(function):
    assert imported_by(function) == SERVICE


@pytest.mark.parametrize(
    ("function", "more"),
    [
        ("apply_migrations", PASSWORDS),
        ("sign_in", PASSWORDS | TOKENS),
        *((function, PASSWORDS) for function in sorted(OF_ACCOUNTS)),
    ],
)
def test_functions_of_accounts_import_the_password_and_token_packages(function, more):
    assert imported_by(function) == SERVICE | more


def test_show_metrics_imports_the_prometheus_client():
    assert imported_by("show_metrics") == SERVICE | {"prometheus_client"}


def test_the_authorizer_imports_the_token_packages_only():
    assert imported_by("authorize_request") == TOKENS | {"functions", "segmentation"}
