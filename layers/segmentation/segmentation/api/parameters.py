"""What stands in paths and query strings: the rules of values, applied to text."""

from datetime import UTC, datetime
from typing import Annotated, Any, Literal
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

from segmentation.contract.cursors import NOT_A_CURSOR, decode_cursor
from segmentation.contract.problems import JobUnknown
from segmentation.contract.values import (
    ACTION_PATTERN,
    FIRST_YEAR,
    LAST_YEAR,
    MAX_USER_ID,
    NOT_RESERVED,
    SLUG_PATTERN,
    in_utc,
    instant,
    not_reserved,
    whole_number,
)

DEFAULT_LIMIT = 100
MAX_HISTORY_ID = 2**63 - 1
FIRST_INSTANT = datetime(1, 1, 1, tzinfo=UTC)
LAST_INSTANT = datetime.max.replace(tzinfo=UTC)


def _key_of_cursor(cursor: Any, read: ValidatorFunctionWrapHandler) -> Any:
    """Read the key in a cursor by its list's rules; clients do not know those, so that what breaks one is no cursor."""
    try:
        return read(decode_cursor(cursor))
    except ValueError:
        raise ValueError(NOT_A_CURSOR) from None


def _place_in_history(key: str) -> str:
    """Return the instant, in UTC, and the id that a page of history begins after; Postgres reads few offsets."""
    executed_at, history_id = key.split(" ")
    moment = in_utc(datetime.fromisoformat(instant(executed_at)))
    number = whole_number(history_id)
    if not 0 <= number <= MAX_HISTORY_ID:
        raise ValueError
    return f"{moment.isoformat()} {number}"


def _job_id(text: str) -> UUID:
    """Say of what is no id that there is no such job, as of an id that no job has."""
    try:
        return UUID(text)
    except ValueError:
        raise JobUnknown(f"There is no job {text}.") from None


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
Limit = Annotated[
    int,
    Field(ge=1, le=1000),
    BeforeValidator(whole_number),
    Query(description="How long the page may be."),
]
UserCursor = Annotated[
    int,
    Field(ge=0, le=MAX_USER_ID),
    BeforeValidator(whole_number),
    WrapValidator(_key_of_cursor),
    WithJsonSchema({"type": "string", "format": "cursor-of-users", "minLength": 1}),
    Query(description="The next_cursor of the page before."),
]
SlugCursor = Annotated[
    str,
    Field(pattern=SLUG_PATTERN),
    WrapValidator(_key_of_cursor),
    WithJsonSchema({"type": "string", "format": "cursor-of-slugs", "minLength": 1}),
    Query(description="The next_cursor of the page before."),
]
ActionCursor = Annotated[
    str,
    Field(pattern=ACTION_PATTERN),
    WrapValidator(_key_of_cursor),
    WithJsonSchema({"type": "string", "format": "cursor-of-actions", "minLength": 1}),
    Query(description="The next_cursor of the page before."),
]
HistoryCursor = Annotated[
    str,
    AfterValidator(_place_in_history),
    WrapValidator(_key_of_cursor),
    WithJsonSchema({"type": "string", "format": "cursor-of-history", "minLength": 1}),
    Query(description="The next_cursor of the page before."),
]
From = Annotated[
    AwareDatetime,
    BeforeValidator(instant),
    AfterValidator(in_utc),
    Query(alias="from", description="The first instant wanted."),
]
To = Annotated[
    AwareDatetime,
    BeforeValidator(instant),
    AfterValidator(in_utc),
    Query(alias="to", description="The instant before which the wanted ones end."),
]
# the document tells it by the media types of the answer: OpenAPI ignores a parameter of this name
Accept = Annotated[str, Header(description="application/json or text/csv.", include_in_schema=False)]
Year = Annotated[
    int, Field(ge=FIRST_YEAR, le=LAST_YEAR), BeforeValidator(whole_number), Query(description="A year, in UTC.")
]
MonthOfYear = Annotated[
    int, Field(ge=1, le=12), BeforeValidator(whole_number), Query(alias="month", description="A month, from 1 to 12.")
]
ReportFormat = Annotated[
    Literal["plain", "extended"],
    Query(alias="format", description="plain: entries and exits; extended: everything the history knows."),
]
Delimiter = Annotated[Literal[",", ";"], Query(description="What stands between two values.")]
FileNameInPath = Annotated[str, Path(description="The name of a report's file.")]
JobIdInPath = Annotated[UUID, BeforeValidator(_job_id), Path(description="The id of a job.")]
Prefix = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{0,255}$"), Query(description="How the slugs begin.")]
Erase = Annotated[bool, Query(description="Whether to erase the user's history too.")]
