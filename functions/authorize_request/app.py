"""No route: identify the caller of each request for API Gateway."""

from typing import Any

from segmentation.access import authorizer


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Verify the token of the Authorization header. Fails with Unauthorized without a valid one."""
    return authorizer.authorize(event)
