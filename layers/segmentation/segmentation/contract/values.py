"""The types of valid values: ids, slugs, lifetimes, instants and names. Each rule stands here once."""

import math
import re
from datetime import UTC, date, datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, AwareDatetime, BeforeValidator, Field, PlainSerializer, WithJsonSchema

from segmentation.contract.roles import RESERVED_SUBJECTS

MAX_USER_ID = 2**63 - 1
MAX_HISTORY_ID = 2**63 - 1
MAX_TTL_SECONDS = 315_360_000
MAX_SLUGS = 1000
MAX_USERS = 1000
MAX_CHANGED_USERS = 10_000
MAX_STEPS = 100
MIN_STEP_SECONDS = 60
FIRST_YEAR = 2000
LAST_YEAR = 9998
SLUG_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9_.-]{2,254}$"
ACTION_PATTERN = r"^[A-Za-z][A-Za-z0-9_.:-]{0,63}$"
USERNAME_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9_.@+-]{0,63}$"
MIN_PASSWORD = 8
MAX_PASSWORD = 128
RESERVED_SLUGS = frozenset({"user", "history", "reports", "batch"})
FLOAT_NOISE = 1e-9
"""The relative error that a client's arithmetic may give a percent."""

DAY_SCHEMA: dict[str, Any] = {"type": "string", "format": "date"}

NOT_RESERVED: dict[str, Any] = {"not": {"enum": sorted(RESERVED_SLUGS)}}
"""The JSON Schema of the rule about reserved slugs."""

_FIRST_INSTANT = datetime(FIRST_YEAR, 1, 1, tzinfo=UTC)
_HOUR = r"([01]\d|2[0-3])"
_MINUTE = r"[0-5]\d"
_INSTANT = re.compile(
    rf"\d{{4}}-\d{{2}}-\d{{2}}[Tt]{_HOUR}:{_MINUTE}(:{_MINUTE}(\.\d+)?)?"
    rf"([Zz]|[+-]{_HOUR}:?{_MINUTE}|(?P<whole_hours>[+-]{_HOUR}))",
    re.ASCII,
)
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_CONTROL_BUT_LINE_FEED = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]")
_ANY_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


def whole_number(value: Any) -> int:
    """Return the number of a text of digits.

    Rejects '+5', ' 5' and '1_0', which int() accepts, and a parameter given twice, which is a list. A number that is
    too large is rejected by the bound of its type. The limit of 1000 digits is the same as in a body, because int()
    reads at most 4300.
    """
    if not isinstance(value, str) or not re.fullmatch(r"-?[0-9]{1,1000}", value, re.ASCII):
        raise ValueError("must be a whole number")
    return int(value)


def not_reserved(slug: str) -> str:
    """Reject a slug that is part of another route's path."""
    if slug in RESERVED_SLUGS:
        raise ValueError(f"must not be a reserved slug: {', '.join(sorted(RESERVED_SLUGS))}")
    return slug


def _not_a_reserved_subject(username: str) -> str:
    """Reject a name that the history gives to an actor without a token."""
    if username.lower() in RESERVED_SUBJECTS:
        raise ValueError(f"must not be a reserved name: {', '.join(sorted(RESERVED_SUBJECTS))}")
    return username


def instant(value: Any) -> Any:
    """Reject a value that only pydantic accepts as an instant, such as 5, '5' or a date without a time.

    Generated clients write less than RFC 3339 requires: an offset such as +0000 or +03, or a time without seconds. Each
    has one meaning, so it is accepted. A fraction may have any number of digits (RFC 3339, section 5.6). Digits beyond
    the microsecond are cut off. RFC 3339 permits a leap second. It is rejected because neither Python nor Postgres can
    store one.
    """
    found = _INSTANT.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise ValueError(
            "must be an RFC 3339 instant with an offset from UTC and no leap second, such as 2030-01-31T12:00:00Z"
        )
    return f"{value}:00" if found["whole_hours"] else value  # pydantic reads no offset of hours alone


def in_utc(moment: datetime) -> datetime:
    """Return the same instant in UTC."""
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("must be within the years 1 to 9999 in UTC") from None


def not_before_2000(moment: datetime) -> datetime:
    """Reject an instant before the first year of the history. It is a mistake, such as a year of two digits."""
    if moment < _FIRST_INSTANT:
        raise ValueError("must not be before 2000-01-01T00:00:00Z")
    return moment


def day(value: Any) -> Any:
    """Reject values that pydantic would accept as a date, such as 5, '5' or an instant at midnight."""
    if not isinstance(value, str) or not _DATE.fullmatch(value):
        raise ValueError("must be a date such as 2030-01-31")
    if not FIRST_YEAR <= int(value[:4]) <= LAST_YEAR:
        raise ValueError(f"must be in the years {FIRST_YEAR} to {LAST_YEAR}")
    return value


def without_noise(percent: Any) -> Any:
    """Remove the rounding error of a client's arithmetic: 0.1 + 0.2 is 0.3, and 100.00000000000001 is 100."""
    if not isinstance(percent, float):
        return percent
    rounded = round(percent, 2)
    return rounded if math.isclose(rounded, percent, rel_tol=FLOAT_NOISE) else percent


def in_hundredths(percent: float) -> float:
    """Reject a percent that the database would round. Minus zero becomes zero."""
    if round(percent, 2) != percent:
        raise ValueError("must be in steps of 0.01")
    return percent or 0.0


def _without_fraction(percent: float) -> Any:
    """Return a whole number as an integer, so that JSON has 50 and not 50.0."""
    return int(percent) if percent.is_integer() else percent


def _without_controls(text: str) -> str:
    """Reject control characters. Postgres cannot store NUL, and the others have no use in a description."""
    if _CONTROL.search(text):
        raise ValueError("must not contain control characters except tabs and line breaks")
    return text


def _without_controls_but_line_feeds(text: str) -> str:
    """Reject control characters except line feeds. A comment is shown in logs, tables and CSV files."""
    if _CONTROL_BUT_LINE_FEED.search(text):
        raise ValueError("must not contain control characters except line feeds")
    return text


def _without_any_controls(text: str) -> str:
    """Reject every control character, also line breaks: a name is one line."""
    if _ANY_CONTROL.search(text):
        raise ValueError("must not contain control characters")
    return text


UserId = Annotated[int, Field(strict=True, ge=1, le=MAX_USER_ID, description="The caller's own id for the user.")]
Slug = Annotated[
    str,
    Field(
        strict=True,
        pattern=SLUG_PATTERN,
        description="The segment's name, case-sensitive.",
        examples=["AVITO_DISCOUNT_30"],
        json_schema_extra=NOT_RESERVED,
    ),
    AfterValidator(not_reserved),
]
AsNumber = PlainSerializer(_without_fraction, when_used="json")
Percent = Annotated[
    float,
    Field(
        strict=True,
        ge=0,
        le=100,
        allow_inf_nan=False,
        # no multipleOf: 0.29 / 0.01 is not a whole number in the floating-point arithmetic of a schema validator
        description="The target share of all users in the segment, in percent, in steps of 0.01.",
        examples=[12.5],
    ),
    BeforeValidator(without_noise),
    AfterValidator(in_hundredths),
    AsNumber,
]
ShownPercent = Annotated[float, AsNumber, WithJsonSchema({"type": "number"})]
Description = Annotated[
    str,
    Field(
        strict=True,
        max_length=1000,
        json_schema_extra={"pattern": r"^[^\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]*$"},
    ),
    AfterValidator(_without_controls),
]
Comment = Annotated[
    str,
    Field(
        strict=True,
        min_length=1,
        max_length=500,
        description="The reason for the request. Every history row and every change that it causes shows the comment.",
        examples=["ticket 4711"],
        json_schema_extra={"pattern": r"^[^\u0000-\u0009\u000b-\u001f\u007f-\u009f]*$"},
    ),
    AfterValidator(_without_controls_but_line_feeds),
]
Owner = Annotated[
    str,
    Field(
        strict=True,
        min_length=1,
        max_length=100,
        description="The person or team that answers for the segment.",
        examples=["growth team"],
        json_schema_extra={"pattern": r"^[^\u0000-\u001f\u007f-\u009f]*$"},
    ),
    AfterValidator(_without_any_controls),
]
ActionName = Annotated[str, Field(strict=True, pattern=ACTION_PATTERN, examples=["exposure", "conversion"])]
Ttl = Annotated[int, Field(strict=True, ge=1, le=MAX_TTL_SECONDS, description="A lifetime in seconds.")]
TtlOrZero = Annotated[
    int, Field(strict=True, ge=0, le=MAX_TTL_SECONDS, description="A lifetime in seconds. 0 means that there is none.")
]
Because = Literal[
    "by_hand",
    "by_percent",
    "by_import",
    "never_entered",
    "removed_by_hand",
    "removed_by_import",
    "expired",
    "percent_lowered",
    "not_chosen",
    "segment_deleted",
    "segment_not_created_yet",
    "user_deleted",
    "user_unknown",
]
Day = Annotated[date, BeforeValidator(day)]
Columns = Literal["plain", "extended"]
Delimiter = Literal[",", ";"]
ImportMode = Literal["add", "remove", "replace"]
MaxDeletions = Annotated[
    int,
    Field(
        strict=True,
        ge=0,
        le=MAX_USER_ID,
        description="A replacing import that would remove more members fails. Default: half of the members.",
    ),
]
JobKind = Literal["month_report", "segment_export", "import", "rollout", "segment_removal"]
JobStatus = Literal["queued", "running", "succeeded", "failed"]
Instant = Annotated[AwareDatetime, AfterValidator(in_utc)]
ExpiresAt = Annotated[AwareDatetime, BeforeValidator(instant), AfterValidator(in_utc)]
DueAt = ExpiresAt
StepStatus = Literal["pending", "applied", "skipped", "cancelled", "failed"]
PastInstant = Annotated[
    AwareDatetime, BeforeValidator(instant), AfterValidator(not_before_2000), AfterValidator(in_utc)
]
Username = Annotated[
    str, Field(strict=True, pattern=USERNAME_PATTERN, examples=["alice"]), AfterValidator(_not_a_reserved_subject)
]
GivenPassword = Annotated[str, Field(strict=True, examples=["correct horse battery staple"])]
# only the length counts (NIST SP 800-63B, section 5.1.1.2): rules of composition make passwords worse
NewPassword = Annotated[
    str, Field(strict=True, min_length=MIN_PASSWORD, max_length=MAX_PASSWORD, examples=["correct horse battery staple"])
]
