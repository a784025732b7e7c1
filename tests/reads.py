"""What the reads answer whose body the database writes, as models."""

from segmentation.contract.responses import SegmentSize, UserSegments
from segmentation.domain import memberships, sizes


def segments_of(connection, user_id):
    """Return the current memberships of a user."""
    body = memberships.list_for_user(connection.cursor(), user_id).body
    return UserSegments.model_validate_json(body).segments


def sizes_of(connection, slug, since=None, until=None):
    """Return the size of a segment on each day."""
    body = sizes.list_days(connection, slug, since=since, until=until).body
    return SegmentSize.model_validate_json(body).days
