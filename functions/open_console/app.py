"""GET /console: the page for analysts and support. It works without internet. / redirects to it."""

from pathlib import Path
from typing import Any

from aws_lambda_powertools.event_handler import Response, content_types

from segmentation.api import console_page
from segmentation.api.openapi import PAGE
from segmentation.api.resolver import Api
from segmentation.reports import bucket

app = Api()
handler = app.resolve


@app.page("/console", responses=PAGE)
def open_console() -> Response[Any]:
    """Return the page for analysts and support."""
    html = console_page.html(Path(__file__).with_name("console.html"))
    headers = console_page.headers(html, storage=bucket.origin())
    return app.document(html, f"{content_types.TEXT_HTML}; charset=utf-8", headers)


@app.page("/", include_in_schema=False)
def redirect_to_console() -> Response[Any]:
    """Redirect to the page."""
    return Response(302, headers={"Location": "/console"})
