"""GET /segment/reports/{file_name}: a redirect to a new link to a report."""

from typing import Any

from aws_lambda_powertools.event_handler import Response

from segmentation.api.openapi import REDIRECT
from segmentation.api.parameters import FileNameInPath
from segmentation.api.resolver import Api
from segmentation.contract.problems import ReportUnknown, StorageUnavailable, raises
from segmentation.reports import storage

app = Api()
handler = app.resolve


@app.get("/segment/reports/<file_name>", status_code=302, responses=REDIRECT)
@raises(ReportUnknown, StorageUnavailable)
def open_report(file_name: FileNameInPath) -> Response[Any]:
    """Redirect to a link that is valid for 15 minutes. This address stays valid as long as the file."""
    headers = {"Location": storage.link_to_existing(file_name).url, "Cache-Control": "no-store"}
    return Response(302, headers=headers)
