"""GET /job/{job_id}: how far a job is, and what came of it."""

from segmentation.api import Api
from segmentation.contract.problems import JobUnknown, StorageUnavailable, answers
from segmentation.contract.responses import Job
from segmentation.database.connection import get_connection
from segmentation.jobs import leases
from segmentation.parameters import JobIdInPath
from segmentation.reports import month_report

app = Api()
handler = app.resolve


@app.get("/job/<job_id>")
@answers(JobUnknown, StorageUnavailable)
def show_job(job_id: JobIdInPath) -> Job:
    """Show a job; the result of a report holds a link signed for this answer."""
    return month_report.with_link(leases.get(get_connection(), job_id))
