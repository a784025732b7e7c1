"""GET /job/{job_id}: the progress and the result of a job."""

from segmentation.api.parameters import JobIdInPath
from segmentation.api.resolver import Api
from segmentation.contract.problems import JobUnknown, StorageUnavailable, raises
from segmentation.contract.responses import Job
from segmentation.database.connection import get_connection
from segmentation.jobs import leases
from segmentation.reports import job_links

app = Api()
handler = app.resolve


@app.get("/job/<job_id>")
@raises(JobUnknown, StorageUnavailable)
def show_job(job_id: JobIdInPath) -> Job:
    """Return a job. If it has made a file, the result has a link that is signed for this answer."""
    return job_links.with_link(leases.get(get_connection(), job_id), caller=app.caller)
