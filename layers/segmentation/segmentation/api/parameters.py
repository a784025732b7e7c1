"""Parameters in paths and query strings: the rules of values, applied to text."""

from datetime import UTC, datetime
from typing import Annotated, Any, get_args
from urllib.parse import unquote
from uuid import UUID

from aws_lambda_powertools.event_handler.openapi.params import Header, Path, Query
from pydantic import (
    AfterValidator,
    AwareDatetime,
    BeforeValidator,
    Field,
    ValidatorFunctionWrapHandler,
    WithJsonSchema,
    WrapValidator,
)

from segmentation.contract import values
from segmentation.contract.cursors import NOT_A_CURSOR, decode_cursor
from segmentation.contract.problems import ImportUnknown, JobUnknown
from segmentation.contract.values import (
    ACTION_PATTERN,
    FIRST_YEAR,
    LAST_YEAR,
    MAX_HISTORY_ID,
    MAX_USER_ID,
    NOT_RESERVED,
    SLUG_PATTERN,
    USERNAME_PATTERN,
    in_utc,
    instant,
    not_reserved,
    whole_number,
)

DEFAULT_LIMIT = 100
FIRST_INSTANT = datetime(1, 1, 1, tzinfo=UTC)
LAST_INSTANT = datetime.max.replace(tzinfo=UTC)


def _key_of_cursor(cursor: Any, read: ValidatorFunctionWrapHandler) -> Any:
    """Validate the key in a cursor. Clients do not know its rules, so every violation says that it is no cursor."""
    try:
        return read(decode_cursor(cursor))
    except ValueError:
        raise ValueError(NOT_A_CURSOR) from None


def _place_in_history(key: str) -> str:
    """Return the instant and the id after which a page begins. In UTC, because Postgres accepts few offsets."""
    executed_at, history_id = key.split(" ")
    moment = in_utc(datetime.fromisoformat(instant(executed_at)))
    number = whole_number(history_id)
    if not 0 <= number <= MAX_HISTORY_ID:
        raise ValueError
    return f"{moment.isoformat()} {number}"


def _place_in_jobs(key: str) -> str:
    """Return the instant and the job id before which a page begins."""
    created_at, job_id = key.split(" ")
    moment = in_utc(datetime.fromisoformat(instant(created_at)))
    return f"{moment.isoformat()} {UUID(job_id)}"


def _job_id(text: str) -> UUID:
    """Parse a job id. Raises JobUnknown for a text that is no id, as for an id without a job."""
    try:
        return UUID(text)
    except ValueError:
        raise JobUnknown(f"There is no job {text}.") from None


def _import_id(text: str) -> UUID:
    """Parse an import id. Raises ImportUnknown for a text that is no id, as for an id without an import."""
    try:
        return UUID(text)
    except ValueError:
        raise ImportUnknown(f"There is no import {text}.") from None


UserIdInPath = Annotated[
    int,
    Field(ge=1, le=MAX_USER_ID),
    BeforeValidator(whole_number),
    Path(description="The caller's own id of the user."),
]
SlugInPath = Annotated[
    str,
    Field(pattern=SLUG_PATTERN, json_schema_extra=NOT_RESERVED),
    AfterValidator(not_reserved),
    Path(description="The segment's name, case-sensitive."),
]
FlagKeyInPath = Annotated[str, Field(pattern=SLUG_PATTERN), Path(description="The slug of a segment, case-sensitive.")]
FlagConfigEtag = Annotated[
    str, Query(alias="flagConfigEtag", description="Accepted and ignored: the answer is always current.")
]
FlagConfigLastModified = Annotated[
    str, Query(alias="flagConfigLastModified", description="Accepted and ignored: the answer is always current.")
]
Limit = Annotated[
    int,
    Field(ge=1, le=1000),
    BeforeValidator(whole_number),
    Query(description="The largest number of items in a page."),
]
UserCursor = Annotated[
    int,
    Field(ge=0, le=MAX_USER_ID),
    BeforeValidator(whole_number),
    WrapValidator(_key_of_cursor),
    WithJsonSchema({"type": "string", "format": "cursor-of-users", "minLength": 1}),
    Query(description="The next_cursor of the previous page."),
]
SlugCursor = Annotated[
    str,
    Field(pattern=SLUG_PATTERN),
    WrapValidator(_key_of_cursor),
    WithJsonSchema({"type": "string", "format": "cursor-of-slugs", "minLength": 1}),
    Query(description="The next_cursor of the previous page."),
]
ActionCursor = Annotated[
    str,
    Field(pattern=ACTION_PATTERN),
    WrapValidator(_key_of_cursor),
    WithJsonSchema({"type": "string", "format": "cursor-of-actions", "minLength": 1}),
    Query(description="The next_cursor of the previous page."),
]
HistoryCursor = Annotated[
    str,
    AfterValidator(_place_in_history),
    WrapValidator(_key_of_cursor),
    WithJsonSchema({"type": "string", "format": "cursor-of-history", "minLength": 1}),
    Query(description="The next_cursor of the previous page."),
]
JobCursor = Annotated[
    str,
    AfterValidator(_place_in_jobs),
    WrapValidator(_key_of_cursor),
    WithJsonSchema({"type": "string", "format": "cursor-of-jobs", "minLength": 1}),
    Query(description="The next_cursor of the previous page."),
]
KindOfJob = Annotated[
    values.JobKind | None,
    WithJsonSchema({"type": "string", "enum": [*get_args(values.JobKind)]}),
    Query(alias="kind", description="A kind of job. Default: every kind."),
]
StatusOfJob = Annotated[
    values.JobStatus | None,
    WithJsonSchema({"type": "string", "enum": [*get_args(values.JobStatus)]}),
    Query(alias="status", description="A status. Default: every status."),
]
AfterEvent = Annotated[
    int,
    Field(ge=0, le=MAX_HISTORY_ID),
    BeforeValidator(whole_number),
    Query(description="The id of the event after which the page begins. Default: the beginning of the history."),
]
From = Annotated[
    AwareDatetime,
    BeforeValidator(instant),
    AfterValidator(in_utc),
    Query(alias="from", description="The beginning of the range, included. Default: the first operation."),
]
To = Annotated[
    AwareDatetime,
    BeforeValidator(instant),
    AfterValidator(in_utc),
    Query(alias="to", description="The end of the range, excluded. Default: the last operation."),
]
SlugInQuery = Annotated[
    values.Slug | None,
    WithJsonSchema({"type": "string", "pattern": SLUG_PATTERN, **NOT_RESERVED}),
    Query(alias="slug", description="Only operations with this slug, which the segment had at that time."),
]
At = Annotated[
    values.PastInstant | None,
    WithJsonSchema({"type": "string", "format": "date-time"}),
    Query(description="A past instant, from the year 2000 on. Default: now."),
]
FromDay = Annotated[
    values.Day | None,
    WithJsonSchema(values.DAY_SCHEMA),
    Query(alias="from", description="The first day, in UTC. Default: 31 days before the end."),
]
ToDay = Annotated[
    values.Day | None,
    WithJsonSchema(values.DAY_SCHEMA),
    Query(alias="to", description="The end of the range, excluded, at most 366 days later. Default: tomorrow."),
]
# not in the schema: OpenAPI ignores a parameter of this name, and the answer's media types describe it
Accept = Annotated[str, Header(description="application/json or text/csv.", include_in_schema=False)]
IfNoneMatch = Annotated[
    str,
    Header(
        alias="if-none-match",
        description="The ETag of an answer that the caller has. If it is still current, the answer is 304.",
    ),
]
Year = Annotated[
    int, Field(ge=FIRST_YEAR, le=LAST_YEAR), BeforeValidator(whole_number), Query(description="A year, in UTC.")
]
MonthOfYear = Annotated[
    int, Field(ge=1, le=12), BeforeValidator(whole_number), Query(alias="month", description="A month, from 1 to 12.")
]
ReportFormat = Annotated[
    values.Columns,
    Query(alias="format", description="plain: entries and exits; extended: every operation, with reason and actor."),
]
Delimiter = Annotated[values.Delimiter, Query(description="The character between two values.")]
UsernameInPath = Annotated[
    str,
    Field(pattern=USERNAME_PATTERN),
    BeforeValidator(unquote),  # clients encode the characters @ and +, and no username has a percent sign
    Path(description="The username of an account, in any case."),
]
UsernameCursor = Annotated[
    str,
    Field(pattern=USERNAME_PATTERN),
    WrapValidator(_key_of_cursor),
    WithJsonSchema({"type": "string", "format": "cursor-of-usernames", "minLength": 1}),
    Query(description="The next_cursor of the previous page."),
]
FileNameInPath = Annotated[str, Path(description="The file name of a report.")]
ImportIdInPath = Annotated[UUID, BeforeValidator(_import_id), Path(description="The id of an import.")]
JobIdInPath = Annotated[UUID, BeforeValidator(_job_id), Path(description="The id of a job.")]
Prefix = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{0,255}$"), Query(description="The beginning of the slugs.")]
Erase = Annotated[bool, Query(description="Whether to erase the user's history as well.")]
