"""GET /segment/reports/{file_name}: on to a fresh link to a report."""

from typing import Any

from aws_lambda_powertools.event_handler import Response

from segmentation.api import Api
from segmentation.contract.problems import ReportUnknown, StorageUnavailable, answers
from segmentation.documented import REDIRECT
from segmentation.parameters import FileNameInPath
from segmentation.reports import storage

app = Api()
handler = app.resolve


@app.get("/segment/reports/<file_name>", status_code=302, responses=REDIRECT)
@answers(ReportUnknown, StorageUnavailable)
def open_report(file_name: FileNameInPath) -> Response[Any]:
    """Redirect to a link that is good for some minutes; this address outlives it."""
    headers = {"Location": storage.link_to_existing(file_name).url, "Cache-Control": "no-store"}
    return Response(302, headers=headers)
