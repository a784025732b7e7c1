"""RDS Proxy shares a session's connection with others, unless the session sends what pins it.

The list is that of AWS, "Avoiding pinning an RDS Proxy": what the client's text sets, locks or declares for a session.
What a database function does is not seen. The migration runs as the owner and alone, so it may stay pinned.
"""

import ast
import re

import pytest

from local.settings import ROOT

LAYER = ROOT / "layers" / "segmentation" / "segmentation"
SOURCES = [
    path
    for path in [*LAYER.rglob("*.py"), *(ROOT / "functions").rglob("*.py")]
    if path != LAYER / "database" / "migrate.py"
]
PINS = re.compile(
    r"""
    \b(set_config|nextval|setval|lastval|currval|pg_(try_)?advisory_(lock|unlock)\w*|pg_notify) \s* \(
    | (^|;) \s* (set|reset|prepare|execute|deallocate|discard|declare|listen|load) \s
    | \b create \s+ ((local|global) \s+)? temp
    """,
    re.VERBOSE | re.IGNORECASE,
)
MOST_BYTES = 16 * 1024


def documentation(tree):
    """Return the strings that are statements of their own: they document what is above them."""
    return {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}


def strings(path):
    tree = ast.parse(path.read_text("utf-8"))
    documented = documentation(tree)
    return [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documented
    ]


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_text_of_a_client_pins_a_session(path):
    assert [text for text in strings(path) if PINS.search(text) or len(text.encode()) > MOST_BYTES] == []


@pytest.mark.parametrize(
    "text",
    [
        "select set_config('segmentation.actor', %s, true)",
        "set local jit = off",
        "select 1; RESET ALL",
        "select pg_advisory_lock(1)",
        "select pg_try_advisory_lock_shared(8, 1)",
        "create temporary table found (user_id bigint)",
        "listen jobs",
    ],
)
def test_what_aws_lists_is_found(text):
    assert PINS.search(text)


@pytest.mark.parametrize(
    "text",
    [
        "select pg_advisory_xact_lock(8, 1)",
        "select pg_try_advisory_xact_lock(1)",
        "update users set user_id = 1",
        "select set_cause(%s, %s)",
    ],
)
def test_what_a_transaction_alone_has_is_no_pin(text):
    assert not PINS.search(text)


def test_every_sql_statement_is_among_the_scanned_strings():
    texts = [text for path in SOURCES for text in strings(path)]

    assert sum(bool(re.match(r"\s*(select|with|insert|update|delete)\b", text)) for text in texts) > 50
