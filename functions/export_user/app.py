"""GET /user/{user_id}/export: a link to a file with everything that is kept of a user."""

from segmentation.api.parameters import UserIdInPath
from segmentation.api.resolver import Api
from segmentation.contract.problems import StorageUnavailable, UserUnknown, raises
from segmentation.contract.responses import ReportLink
from segmentation.database.connection import get_connection
from segmentation.reports import user_export

app = Api()
handler = app.resolve


@app.get("/user/<user_id>/export")
@raises(UserUnknown, StorageUnavailable)
def export_user(user_id: UserIdInPath) -> ReportLink:
    """Export everything that is kept of a user as JSON lines (subject access request)."""
    return user_export.create(get_connection(), user_id)
