"""POST /import/{import_id}: start an import whose file has been uploaded."""

from segmentation.api.openapi import JOB_BEGUN
from segmentation.api.parameters import ImportIdInPath
from segmentation.api.resolver import Api
from segmentation.contract.problems import (
    ImportUnknown,
    NothingUploaded,
    StorageUnavailable,
    UploadTooLarge,
    raises,
)
from segmentation.contract.responses import JobRef
from segmentation.database.connection import get_connection
from segmentation.reports.imports import orders

app = Api()
handler = app.resolve


@app.post("/import/<import_id>", status_code=202, responses=JOB_BEGUN)
@raises(ImportUnknown, NothingUploaded, UploadTooLarge, StorageUnavailable)
def start_import(import_id: ImportIdInPath) -> JobRef:
    """Start the job of an import, once: a later call returns the same job."""
    return orders.start(get_connection(), import_id, caller=app.caller)
