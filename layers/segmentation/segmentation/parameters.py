"""What stands in paths and query strings: the rules of models, applied to text."""

from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Path, Query
from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from segmentation.models import MAX_USER_ID, SLUG_PATTERN, not_reserved, whole_number
from segmentation.pages import decode_cursor

DEFAULT_LIMIT = 100


def _user_id_of_cursor(cursor: str) -> int:
    return whole_number(decode_cursor(cursor))


UserIdInPath = Annotated[
    int,
    BeforeValidator(whole_number),
    Field(ge=1, le=MAX_USER_ID),
    Path(description="The caller's own id of the user."),
]
SlugInPath = Annotated[
    str,
    Field(pattern=SLUG_PATTERN),
    AfterValidator(not_reserved),
    Path(description="The segment's name, case-sensitive."),
]
Limit = Annotated[
    int,
    BeforeValidator(whole_number),
    Field(ge=1, le=1000),
    Query(description="How long the page may be."),
]
UserCursor = Annotated[
    int,
    BeforeValidator(_user_id_of_cursor),
    Field(ge=0, le=MAX_USER_ID),
    WithJsonSchema({"type": "string"}),
    Query(description="The next_cursor of the page before."),
]
SlugCursor = Annotated[
    str,
    BeforeValidator(decode_cursor),
    Field(pattern=SLUG_PATTERN),
    WithJsonSchema({"type": "string"}),
    Query(description="The next_cursor of the page before."),
]
Prefix = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{0,255}$"), Query(description="How the slugs begin.")]
Erase = Annotated[bool, Query(description="Whether to erase the user's history too.")]
