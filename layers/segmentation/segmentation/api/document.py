"""The OpenAPI document as this deployment shows it."""

import json

from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEventV2


def at_host(text: str, event: APIGatewayProxyEventV2) -> str:
    """Return the document with the host that the client asked, so that a generated client connects to it."""
    scheme = event.headers.get("x-forwarded-proto", "https")
    server = {"url": f"{scheme}://{event.request_context.domain_name}"}
    return json.dumps(json.loads(text) | {"servers": [server]}, ensure_ascii=False)
