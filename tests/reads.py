"""What the reads answer whose body the database writes, as models."""

from segmentation.contract.flags import Flag, Flags
from segmentation.contract.responses import SegmentSize, UserSegments
from segmentation.domain import flags, memberships, sizes


def segments_of(connection, user_id):
    """Return the current memberships of a user."""
    body = memberships.list_for_user(connection.cursor(), user_id).body
    return UserSegments.model_validate_json(body).segments


def sizes_of(connection, slug, since=None, until=None):
    """Return the size of a segment on each day."""
    body = sizes.list_days(connection, slug, since=since, until=until).body
    return SegmentSize.model_validate_json(body).days


def flags_of(connection, user_id):
    """Return the flag of each live segment for a user, by slug. The route of one flag must answer the same."""
    cursor = connection.cursor()
    found = Flags.model_validate_json(flags.evaluate_all(cursor, user_id)).flags
    for flag in found:
        assert Flag.model_validate_json(flags.evaluate(cursor, flag.key, user_id)) == flag
    return {flag.key: flag for flag in found}
