"""GET /docs: Swagger UI. It works without internet. /swagger/index.html redirects to it."""

from typing import Any

from aws_lambda_powertools.event_handler import Response, content_types

from segmentation.api import swagger_ui
from segmentation.api.openapi import PAGE
from segmentation.api.resolver import Api

app = Api()
handler = app.resolve


@app.page("/docs", responses=PAGE)
def open_docs() -> Response[Any]:
    """Return a page that shows this document and can call its operations."""
    headers = {"Content-Security-Policy": swagger_ui.content_security_policy(), "X-Content-Type-Options": "nosniff"}
    return app.document(swagger_ui.html(), f"{content_types.TEXT_HTML}; charset=utf-8", headers)


@app.page("/swagger/index.html", include_in_schema=False)
def redirect_to_docs() -> Response[Any]:
    """Redirect to the page."""
    return Response(302, headers={"Location": "/docs"})
