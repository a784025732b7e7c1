"""GET /openapi.json: the OpenAPI document."""

from pathlib import Path
from typing import Any

from aws_lambda_powertools.event_handler import Response, content_types

from segmentation.api import document
from segmentation.api.openapi import DOCUMENT
from segmentation.api.resolver import Api

app = Api()
handler = app.resolve


@app.page("/openapi.json", responses=DOCUMENT)
def show_openapi() -> Response[Any]:
    """Return this document (OpenAPI 3.1)."""
    text = Path(__file__).with_name("openapi.json").read_text("utf-8")
    return app.document(document.at_host(text, app.current_event), content_types.APPLICATION_JSON)
