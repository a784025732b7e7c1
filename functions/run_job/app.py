"""No route: take on the jobs whose messages the queue delivers."""

from typing import Any

from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from segmentation import queueing, storage, worker
from segmentation.database.connection import get_connection
from segmentation.runtime.log import logger, observed

MARGIN_MS = 1000 * (storage.OF_JOBS.most_seconds + 15)
"""What the next step may take, with a store of reports that is slow to answer, and saving it."""

processor = BatchProcessor(EventType.SQS, raise_on_entire_batch_failure=False)


@observed("run_job", is_failure=lambda answer: bool(answer["batchItemFailures"]))
def handler(event: dict[str, Any], context: LambdaContext) -> PartialItemFailureResponse:
    """Do each message's job, and name those messages that have to come again."""

    def deliver(record: SQSRecord) -> None:
        message = queueing.read(record.body)
        try:
            worker.receive(
                get_connection(), message, time_left=lambda: context.get_remaining_time_in_millis() > MARGIN_MS
            )
        except Exception:
            # the processor makes an answer of it, and tells nobody
            logger.exception("job interrupted", job_id=str(message.job_id))
            raise

    return process_partial_response(event=event, record_handler=deliver, processor=processor, context=context)
