"""The links in the results of jobs. Each is signed for the answer that shows it."""

from segmentation.access.permissions import Caller
from segmentation.contract.responses import Job
from segmentation.reports import month_report, segment_export
from segmentation.reports.imports import orders


def with_link(job: Job, *, caller: Caller) -> Job:
    """Return a job as its client sees it. If it has made a file that the client may see, the result has a link."""
    return orders.with_link(segment_export.with_link(month_report.with_link(job)), caller=caller)
