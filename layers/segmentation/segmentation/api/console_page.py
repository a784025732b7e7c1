"""The console: one HTML file with its script and its style. `make build` and `make run` build it from console/."""

import base64
import hashlib
import re
from functools import cache
from pathlib import Path

_NOT_BUILT = """<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><title>segmentation</title></head>
<body><p>This copy of the service was built without its console. <code>make build</code> and <code>make run</code> build
it. See <a href="docs">the API</a>.</p></body>
</html>
"""
_SCRIPT = re.compile(r"<script[^>]*>(.*?)</script>", re.DOTALL)
_STYLE = re.compile(r"<style[^>]*>(.*?)</style>", re.DOTALL)


@cache
def html(file: Path) -> str:
    """Return the page, or one that names the cause if the file was not built."""
    return file.read_text("utf-8") if file.exists() else _NOT_BUILT


@cache
def headers(page: str, *, storage: str) -> dict[str, str]:
    """Return the headers of a page. Its policy permits its own script and style, its own origin, and the storage.

    The storage gets the files of imports and returns their verdicts, by signed links.
    """
    policy = (
        f"default-src 'none'; script-src {_hashes(_SCRIPT, page)}; style-src {_hashes(_STYLE, page)}; img-src data:; "
        f"connect-src 'self' {storage}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    return {
        "Content-Security-Policy": policy,
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
    }


def _hashes(element: re.Pattern[str], page: str) -> str:
    return " ".join(f"'sha256-{_digest(text)}'" for text in element.findall(page)) or "'none'"


def _digest(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
