"""Swagger UI as one page without external resources: the copy of Powertools, inlined."""

import base64
import hashlib
from functools import cache
from importlib import resources
from pathlib import Path

_ASSETS = "aws_lambda_powertools.event_handler.openapi.swagger_ui"
_PAGE = """<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><title>segmentation</title><link rel="icon" href="data:,"><style>{style}</style></head>
<body><div id="swagger-ui"></div><script>{library}</script><script>{start}</script></body>
</html>
"""


@cache
def html() -> str:
    """Return the page as HTML."""
    return _PAGE.format(style=_asset("swagger-ui.min.css"), library=_library(), start=_start())


@cache
def content_security_policy() -> str:
    """Return the policy of the page: it may run these two scripts, and connect to its own origin."""
    scripts = " ".join(f"'sha256-{_digest(script)}'" for script in (_library(), _start()))
    return (
        f"default-src 'none'; script-src {scripts}; style-src 'unsafe-inline'; img-src 'self' data:; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


def _library() -> str:
    return _asset("swagger-ui-bundle.min.js")


def _start() -> str:
    return Path(__file__).with_suffix(".js").read_text("utf-8")


def _asset(name: str) -> str:
    return resources.files(_ASSETS).joinpath(name).read_text("utf-8")


def _digest(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
