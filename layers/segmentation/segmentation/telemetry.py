"""The log: one JSON line an event, with ids and never with bodies."""

from logging import LogRecord

from aws_lambda_powertools import Logger

logger = Logger(service="segmentation", utc=True, use_rfc3339=True)


def _leave_out_rows(record: LogRecord) -> bool:
    """Cut what Postgres quotes behind an error's first line: the row that it refused, and the statement."""
    error = record.exc_info[1] if record.exc_info else None
    while error is not None:
        primary = getattr(getattr(error, "diag", None), "message_primary", None)
        if primary:
            error.args = (primary,)
        error = error.__cause__ or error.__context__
    return True


logger.addFilter(_leave_out_rows)
