"""GET /job: the jobs, newest first."""

from segmentation.api.parameters import DEFAULT_LIMIT, JobCursor, KindOfJob, Limit, StatusOfJob
from segmentation.api.resolver import Api
from segmentation.contract.problems import StorageUnavailable, raises
from segmentation.contract.responses import JobPage
from segmentation.database.connection import get_connection
from segmentation.jobs import list_of_jobs
from segmentation.reports import job_links

app = Api()
handler = app.resolve


@app.get("/job")
@raises(StorageUnavailable)
def list_jobs(
    kind: KindOfJob = None, status: StatusOfJob = None, limit: Limit = DEFAULT_LIMIT, cursor: JobCursor = ""
) -> JobPage:
    """List the jobs, newest first. A job stays in the list for 30 days after its end."""
    page = list_of_jobs.list_jobs(get_connection(), kind=kind, status=status, before=cursor, limit=limit)
    return page.model_copy(update={"jobs": [job_links.with_link(job, caller=app.caller) for job in page.jobs]})
