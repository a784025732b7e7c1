"""POST /import: create an import of many users into a segment, and a link for its file."""

from segmentation.api.resolver import Api
from segmentation.contract.problems import SegmentHasPercent, SegmentUnknown, raises
from segmentation.contract.requests import NewImport
from segmentation.contract.responses import ImportCreated
from segmentation.database.connection import get_connection
from segmentation.reports.imports import orders

app = Api()
handler = app.resolve


@app.post("/import", status_code=201)
@raises(SegmentUnknown, SegmentHasPercent)
def create_import(body: NewImport) -> ImportCreated:
    """Create an import. Upload its file to the link by PUT, and then start it."""
    return orders.create(get_connection(), body, actor=app.actor)
