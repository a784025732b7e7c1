"""No route: tell API Gateway who makes a request, or that nobody known does."""

from typing import Any

from segmentation.access import authorizer


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Read the token of the Authorization header; fails with Unauthorized where there is no good one."""
    return authorizer.authorize(event)
