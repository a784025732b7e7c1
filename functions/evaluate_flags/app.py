"""POST /ofrep/v1/evaluate/flags: all segments as OpenFeature flags of a user."""

from typing import Any

from aws_lambda_powertools.event_handler import Response

from segmentation.api.ofrep import OfrepApi
from segmentation.api.openapi import FLAGS
from segmentation.api.parameters import FlagConfigEtag, FlagConfigLastModified, IfNoneMatch
from segmentation.contract.evaluation import Evaluation
from segmentation.database.readers import get_read_cursor
from segmentation.domain import flags

app = OfrepApi()
handler = app.resolve


@app.post("/ofrep/v1/evaluate/flags", responses=FLAGS)
def evaluate_flags(
    body: Evaluation,
    if_none_match: IfNoneMatch = "",
    _etag: FlagConfigEtag = "",
    _last_modified: FlagConfigLastModified = "",
) -> Response[Any]:
    """Evaluate all segments as boolean flags for the user whose id is the targetingKey, ordered by slug.

    This route only reads, so it ignores an Idempotency-Key.
    """
    return app.evaluated_all(flags.evaluate_all(get_read_cursor(), body.user_id), if_none_match)
