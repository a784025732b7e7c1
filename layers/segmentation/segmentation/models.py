"""What requests must be and what answers are; every rule of the contract's values stands here, once."""

import re
from datetime import UTC, datetime
from typing import Annotated, Any, Self

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    model_validator,
)

MAX_USER_ID = 2**63 - 1
MAX_TTL_SECONDS = 315_360_000
MAX_SLUGS = 1000
MAX_USERS = 1000
SLUG_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9_.-]{2,254}$"
RESERVED_SLUGS = frozenset({"user", "history", "reports", "batch"})

_INSTANT = re.compile(r"\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d{1,6})?([Zz]|[+-]\d{2}:\d{2})", re.ASCII)
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]")


def whole_number(value: str) -> int:
    """Refuse what int() would also read in a path, such as '+5', ' 5' and '1_0'."""
    if not re.fullmatch(r"-?[0-9]{1,19}", value, re.ASCII):
        raise ValueError("must be a whole number")
    return int(value)


def not_reserved(slug: str) -> str:
    """Refuse the slugs that paths need for themselves."""
    if slug in RESERVED_SLUGS:
        raise ValueError(f"is reserved, as are all of: {', '.join(sorted(RESERVED_SLUGS))}")
    return slug


def instant(value: Any) -> Any:
    """Refuse what pydantic would also read as an instant, such as 5, '5' and a mere date."""
    if not (isinstance(value, str) and _INSTANT.fullmatch(value)):
        raise ValueError("must be an RFC 3339 instant with its offset from UTC, such as 2030-01-31T12:00:00Z")
    return value


def in_utc(moment: datetime) -> datetime:
    """Return the same instant in UTC."""
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("must be within the years 1 to 9999 in UTC") from None


def _without_controls(text: str) -> str:
    """Refuse control characters: Postgres cannot keep NUL, and no reader is served by the others."""
    if _CONTROL.search(text):
        raise ValueError("must not contain control characters other than the line feed")
    return text


UserId = Annotated[int, Field(strict=True, ge=1, le=MAX_USER_ID, description="The caller's own id of the user.")]
Slug = Annotated[
    str,
    Field(
        strict=True,
        pattern=SLUG_PATTERN,
        description="The segment's name, case-sensitive.",
        examples=["AVITO_DISCOUNT_30"],
    ),
    AfterValidator(not_reserved),
]
Description = Annotated[str, Field(strict=True, max_length=1000), AfterValidator(_without_controls)]
ActionName = Annotated[
    str, Field(strict=True, pattern=r"^[A-Za-z][A-Za-z0-9_.:-]{0,63}$", examples=["exposure", "conversion"])
]
Ttl = Annotated[int, Field(strict=True, ge=1, le=MAX_TTL_SECONDS, description="A lifetime in seconds.")]
Instant = Annotated[AwareDatetime, AfterValidator(in_utc)]
ExpiresAt = Annotated[AwareDatetime, BeforeValidator(instant), AfterValidator(in_utc)]


class Request(BaseModel):
    """A request body: a member that the contract does not know is refused."""

    model_config = ConfigDict(extra="forbid")


class NewUser(Request):
    """The user to register."""

    user_id: UserId | None = None


class UserRef(BaseModel):
    """The id of a user."""

    user_id: int


class User(UserRef):
    """A registered user."""

    created_at: Instant


class UserPage(BaseModel):
    """A page of users, ordered by id."""

    users: list[User]
    next_cursor: str | None


class UserDeleted(BaseModel):
    """A user is gone, and so are the memberships that were active."""

    message: str = "ok"
    segments_deleted: int


class NewSegment(Request):
    """The segment to create."""

    slug: Slug
    description: Description | None = None


class SegmentChange(Request):
    """What to change of a segment; what is not named stays."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1})

    slug: Slug = ""
    description: Description | None = None

    @model_validator(mode="after")
    def _changes_something(self) -> Self:
        if not self.model_fields_set:
            raise ValueError("must name at least one of: slug, description")
        return self


class SegmentRef(Request):
    """The slug of a segment."""

    slug: Slug


class Segment(BaseModel):
    """A segment."""

    slug: str
    user_percent: float | None
    description: str | None
    created_at: Instant
    updated_at: Instant


class SegmentCreated(BaseModel):
    """A new segment, and how many users its percent brought in."""

    slug: str
    user_percent: float | None
    description: str | None
    created_at: Instant
    users_added: int = 0


class SegmentChanged(Segment):
    """A segment after its change, and how many users a change of its percent brought in and took out."""

    users_added: int = 0
    users_deleted: int = 0


class SegmentWithMembers(Segment):
    """A segment, and how many users are in it now."""

    members: int


class SegmentPage(BaseModel):
    """A page of segments, ordered by slug."""

    segments: list[Segment]
    next_cursor: str | None


class Member(BaseModel):
    """A user in a segment."""

    user_id: int
    added_at: Instant
    expires_at: Instant | None


class MemberPage(BaseModel):
    """A page of a segment's members, ordered by user id."""

    users: list[Member]
    next_cursor: str | None


class Done(BaseModel):
    """It is done."""

    message: str = "ok"


class MembershipChange(Request):
    """The segments that a user enters, with one lifetime for all of them or none, and those the user leaves."""

    user_id: UserId
    add_segments: list[Slug] = []
    delete_segments: list[Slug] = []
    ttl: Ttl | None = None
    expires_at: ExpiresAt | None = None

    @model_validator(mode="after")
    def _one_lifetime(self) -> Self:
        if self.ttl is not None and self.expires_at is not None:
            raise ValueError("takes ttl or expires_at, not both")
        return self

    @model_validator(mode="after")
    def _slugs_once_and_not_too_many(self) -> Self:
        if both := sorted({*self.add_segments} & {*self.delete_segments}):
            raise ValueError(f"names {', '.join(both)} both in add_segments and in delete_segments")
        if len(self.add_segments) + len(self.delete_segments) > MAX_SLUGS:
            raise ValueError(f"takes at most {MAX_SLUGS} slugs in add_segments and delete_segments together")
        return self


class LifetimeChange(Request):
    """The new lifetime of a membership, counted from now; null makes it permanent."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1, "maxProperties": 1})

    ttl: Ttl | None = None
    expires_at: ExpiresAt | None = None

    @model_validator(mode="after")
    def _names_one(self) -> Self:
        if len(self.model_fields_set) != 1:
            raise ValueError("takes ttl or expires_at, one of them")
        return self


class MembershipsChanged(BaseModel):
    """How many memberships really began and ended."""

    segments_added: int
    segments_deleted: int


class Membership(BaseModel):
    """A segment that a user is in."""

    slug: str
    added_at: Instant
    expires_at: Instant | None


class UserSegments(BaseModel):
    """The segments that a user is in now, ordered by slug."""

    segments: list[Membership]


class UserBatch(Request):
    """The users to look up."""

    user_ids: Annotated[list[UserId], Field(min_length=1, max_length=MAX_USERS)]


class UserSlugs(BaseModel):
    """A user, and the slugs of the segments that the user is in now."""

    user_id: int
    segments: list[str]


class UserBatchSegments(BaseModel):
    """The users of the request, in its order."""

    users: list[UserSlugs]


class NewAction(Request):
    """The action to create."""

    name: ActionName


class ActionRef(Request):
    """The name of an action."""

    name: ActionName


class Action(BaseModel):
    """Something that can happen to a user in a segment; those with operation A are the company's own."""

    name: str
    operation: str


class ActionPage(BaseModel):
    """A page of actions, ordered by name."""

    actions: list[Action]
    next_cursor: str | None


class NewOperation(Request):
    """What happened to a user in a segment: an action of the company's own."""

    slug: Slug
    action: ActionName


class Operation(BaseModel):
    """What happened to a user in a segment: I an entry, D an exit, U a changed lifetime, A an own action."""

    slug: str
    operation: str
    action: str
    reason: str
    actor: str
    expires_at: Instant | None
    executed_at: Instant


class OperationPage(BaseModel):
    """A page of a user's history, oldest first."""

    operations: list[Operation]
    next_cursor: str | None


class Health(BaseModel):
    """The service answers, and so does its database."""

    status: str = "ok"
    database: str = "ok"
    schema_version: int
