"""What the most frequent read answers, as models."""

from segmentation.contract.responses import UserSegments
from segmentation.domain import memberships


def segments_of(connection, user_id):
    """Return the current memberships of a user."""
    body = memberships.list_for_user(connection.cursor(), user_id).body
    return UserSegments.model_validate_json(body).segments
