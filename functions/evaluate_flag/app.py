"""POST /ofrep/v1/evaluate/flags/{key}: whether a user is in a segment, as an OpenFeature flag."""

from typing import Any

from aws_lambda_powertools.event_handler import Response

from segmentation.api.ofrep import OfrepApi
from segmentation.api.openapi import FLAG
from segmentation.api.parameters import FlagKeyInPath
from segmentation.contract.evaluation import Evaluation
from segmentation.database.readers import get_read_cursor
from segmentation.domain import flags

app = OfrepApi()
handler = app.resolve


@app.post("/ofrep/v1/evaluate/flags/<key>", responses=FLAG)
def evaluate_flag(key: FlagKeyInPath, body: Evaluation) -> Response[Any]:
    """Evaluate a segment as a boolean flag for the user whose id is the targetingKey. An unknown user gets false.

    This route only reads, so it ignores an Idempotency-Key.
    """
    return app.evaluated(flags.evaluate(get_read_cursor(), key, body.user_id))
