"""GET /segment/history/{user_id}: a link to the CSV report of a user's month."""

from segmentation.api.parameters import Delimiter, MonthOfYear, ReportFormat, UserIdInPath, Year
from segmentation.api.resolver import Api
from segmentation.contract.problems import StorageUnavailable, raises
from segmentation.contract.responses import ReportLink
from segmentation.database.connection import get_connection
from segmentation.reports import user_report

app = Api()
handler = app.resolve


@app.get("/segment/history/<user_id>")
@raises(StorageUnavailable)
def create_user_report(
    user_id: UserIdInPath,
    year: Year,
    month_of_year: MonthOfYear,
    report_format: ReportFormat = "plain",
    delimiter: Delimiter = ",",
) -> ReportLink:
    """Create the report of a user's month in UTC, half-open."""
    return user_report.create_for_user(
        get_connection(), user_id, year, month_of_year, report_format=report_format, delimiter=delimiter
    )
