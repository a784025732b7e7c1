"""No route: run the jobs whose messages the queue delivers."""

from collections.abc import Callable
from typing import Any

from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from segmentation.database.connection import get_connection
from segmentation.domain import deletion, publisher
from segmentation.domain.rollouts import job as rollout_job
from segmentation.jobs import queue, worker
from segmentation.jobs.leases import Kind
from segmentation.reports import month_report, segment_export, storage
from segmentation.reports.imports import job as import_job
from segmentation.runtime.log import logger, observed

KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (month_report.KIND, segment_export.KIND, rollout_job.KIND, deletion.KIND, import_job.KIND)
}

MARGIN_MS = 1000 * (storage.JOB_TIMEOUTS.max_seconds + 15)
"""Time that the next step may take when S3 is slow, and the time to save it."""

processor = BatchProcessor(EventType.SQS, raise_on_entire_batch_failure=False)


@observed("run_job", is_failure=lambda answer: bool(answer["batchItemFailures"]))
def handler(event: dict[str, Any], context: LambdaContext) -> PartialItemFailureResponse:
    """Run the job of each message. Return the messages that the queue must deliver again."""

    def time_left() -> bool:
        return context.get_remaining_time_in_millis() > MARGIN_MS

    def deliver(record: SQSRecord) -> None:
        message = queue.read(record.body)
        try:
            worker.receive(get_connection(), message, kinds=KINDS, time_left=time_left)
        except Exception:
            # the processor turns the error into an answer without logging it
            logger.exception("job interrupted", job_id=str(message.job_id))
            raise

    answer = process_partial_response(event=event, record_handler=deliver, processor=processor, context=context)
    if not answer["batchItemFailures"]:
        _publish(time_left)
    return answer


def _publish(time_left: Callable[[], bool]) -> None:
    """Publish the events of the job. If that fails, the schedule publishes them, and the job is done all the same."""
    try:
        publisher.publish(get_connection(), go_on=time_left)
    except Exception:
        logger.exception("the events are not published yet")
