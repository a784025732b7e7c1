"""POST /report: order the report of a month of all users, as a job."""

from segmentation.api.openapi import JOB_BEGUN
from segmentation.api.resolver import Api
from segmentation.contract.requests import NewReport
from segmentation.contract.responses import JobRef
from segmentation.database.connection import get_connection
from segmentation.reports import month_report

app = Api()
handler = app.resolve


@app.post("/report", status_code=202, responses=JOB_BEGUN)
def create_report(body: NewReport) -> JobRef:
    """Start the job of a report and return its id."""
    return month_report.create_for_all(get_connection(), body, actor=app.actor)
