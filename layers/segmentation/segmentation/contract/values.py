"""What the contract calls valid: ids, slugs, lifetimes, instants and names, each rule once."""

import re
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, AwareDatetime, BeforeValidator, Field

from segmentation.contract.roles import RESERVED_SUBJECTS

MAX_USER_ID = 2**63 - 1
MAX_TTL_SECONDS = 315_360_000
MAX_SLUGS = 1000
MAX_USERS = 1000
FIRST_YEAR = 2000
LAST_YEAR = 9998
SLUG_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9_.-]{2,254}$"
ACTION_PATTERN = r"^[A-Za-z][A-Za-z0-9_.:-]{0,63}$"
USERNAME_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9_.@+-]{0,63}$"
MIN_PASSWORD = 8
MAX_PASSWORD = 128
RESERVED_SLUGS = frozenset({"user", "history", "reports", "batch"})
NOT_RESERVED: dict[str, Any] = {"not": {"enum": sorted(RESERVED_SLUGS)}}
"""How the document says it."""

_TO_THE_MINUTE = r"([01]\d|2[0-3]):[0-5]\d"
_INSTANT = re.compile(
    rf"\d{{4}}-\d{{2}}-\d{{2}}[Tt]{_TO_THE_MINUTE}:[0-5]\d(\.\d+)?([Zz]|[+-]{_TO_THE_MINUTE})", re.ASCII
)
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")


def whole_number(value: Any) -> int:
    """Refuse what int() would also read in a path, such as '+5', ' 5' and '1_0', and a parameter given twice.

    More digits than a bound has are for the bound to refuse; at most a thousand, as in a body: int() reads no more
    than 4300.
    """
    if not isinstance(value, str) or not re.fullmatch(r"-?[0-9]{1,1000}", value, re.ASCII):
        raise ValueError("must be a whole number")
    return int(value)


def not_reserved(slug: str) -> str:
    """Refuse the slugs that paths need for themselves."""
    if slug in RESERVED_SLUGS:
        raise ValueError(f"is reserved, as are all of: {', '.join(sorted(RESERVED_SLUGS))}")
    return slug


def _nobody_elses(username: str) -> str:
    """Refuse the names that the history gives to others."""
    if username.lower() in RESERVED_SUBJECTS:
        raise ValueError(f"is reserved, as are all of: {', '.join(sorted(RESERVED_SUBJECTS))}")
    return username


def instant(value: Any) -> Any:
    """Refuse what pydantic would also read as an instant, such as 5, '5' and a mere date.

    A fraction may have any number of digits (RFC 3339, section 5.6); what is finer than a microsecond is cut off.
    A leap second, which RFC 3339 knows, is refused: neither Python nor Postgres can keep one.
    """
    if not (isinstance(value, str) and _INSTANT.fullmatch(value)):
        raise ValueError(
            "must be an RFC 3339 instant, but no leap second, with its offset from UTC, such as 2030-01-31T12:00:00Z"
        )
    return value


def in_utc(moment: datetime) -> datetime:
    """Return the same instant in UTC."""
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("must be within the years 1 to 9999 in UTC") from None


def in_hundredths(percent: float) -> float:
    """Refuse what the database would round."""
    if round(percent, 2) != percent:
        raise ValueError("must be in steps of 0.01")
    return percent


def _without_controls(text: str) -> str:
    """Refuse control characters: Postgres cannot keep NUL, and no reader is served by the others."""
    if _CONTROL.search(text):
        raise ValueError("must not contain control characters other than tabs and ends of lines")
    return text


UserId = Annotated[int, Field(strict=True, ge=1, le=MAX_USER_ID, description="The caller's own id of the user.")]
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
Percent = Annotated[
    float,
    Field(
        strict=True,
        ge=0.01,
        le=100,
        allow_inf_nan=False,
        # and no multipleOf: 0.29 / 0.01 is no whole number in the arithmetic of those who check a schema
        description="The share of all users that is to be in the segment, in steps of 0.01.",
        examples=[12.5],
    ),
    AfterValidator(in_hundredths),
]
Description = Annotated[
    str,
    Field(
        strict=True,
        max_length=1000,
        json_schema_extra={"pattern": r"^[^\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]*$"},
    ),
    AfterValidator(_without_controls),
]
ActionName = Annotated[str, Field(strict=True, pattern=ACTION_PATTERN, examples=["exposure", "conversion"])]
Ttl = Annotated[int, Field(strict=True, ge=1, le=MAX_TTL_SECONDS, description="A lifetime in seconds.")]
Instant = Annotated[AwareDatetime, AfterValidator(in_utc)]
ExpiresAt = Annotated[AwareDatetime, BeforeValidator(instant), AfterValidator(in_utc)]
Username = Annotated[
    str, Field(strict=True, pattern=USERNAME_PATTERN, examples=["alice"]), AfterValidator(_nobody_elses)
]
# length alone, as NIST SP 800-63B (section 5.1.1.2) has it: rules of composition make passwords worse
NewPassword = Annotated[
    str, Field(strict=True, min_length=MIN_PASSWORD, max_length=MAX_PASSWORD, examples=["correct horse battery staple"])
]
