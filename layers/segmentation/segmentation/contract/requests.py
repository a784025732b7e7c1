"""The models of request bodies."""

from itertools import pairwise
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
    model_validator,
)
from pydantic_core import InitErrorDetails, PydanticCustomError

from segmentation.contract.request import Request
from segmentation.contract.roles import Role
from segmentation.contract.values import (
    FIRST_YEAR,
    LAST_YEAR,
    MAX_CHANGED_USERS,
    MAX_SLUGS,
    MAX_STEPS,
    MAX_USERS,
    MIN_STEP_SECONDS,
    ActionName,
    Columns,
    Comment,
    Delimiter,
    Description,
    DueAt,
    ExpiresAt,
    GivenPassword,
    ImportMode,
    MaxDeletions,
    NewPassword,
    Owner,
    PastInstant,
    Percent,
    Slug,
    Ttl,
    TtlOrZero,
    UserId,
    Username,
)

MAX_NAMED = 20
"""The most ids that a message names."""


def _with_one_lifetime(request: Any) -> Any:
    """Reject a lifetime that is given twice."""
    if request.ttl is not None and request.expires_at is not None:
        raise ValueError("must not have both ttl and expires_at")
    return request


class NewUser(Request):
    """The user to register."""

    user_id: UserId | None = None


class NewSegment(Request):
    """The segment to create."""

    slug: Slug
    user_percent: Percent | None = None
    description: Description | None = None
    owner: Owner | None = None
    comment: Comment | None = None


class SegmentChange(Request):
    """The members of a segment to change. A member that is left out stays as it is."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1})
    null_has_meaning = frozenset({"user_percent", "description", "owner"})

    slug: Slug = ""
    user_percent: Percent | None = None
    description: Description | None = None
    owner: Owner | None = None
    comment: Comment | None = None

    @model_validator(mode="after")
    def _changes_something(self) -> Self:
        if not self.model_fields_set - {"comment"}:
            raise ValueError("must name at least one of: slug, user_percent, description, owner")
        return self


class NewStep(Request):
    """A percent that a segment gets at an instant."""

    at: DueAt
    user_percent: Percent


def _in_order(steps: list[NewStep]) -> list[NewStep]:
    """Reject a step that is not at least a minute after the step before it."""
    rule = PydanticCustomError("steps_too_close", "must be at least a minute after the step before it")
    late = [
        InitErrorDetails(type=rule, loc=(place, "at"), input=step.at)
        for place, (before, step) in enumerate(pairwise(steps), start=1)
        if (step.at - before.at).total_seconds() < MIN_STEP_SECONDS
    ]
    if late:
        raise ValidationError.from_exception_data("steps", late)
    return steps


class NewSchedule(Request):
    """The steps of a segment's percent, in order of time, each at least a minute after the one before it."""

    steps: Annotated[list[NewStep], Field(min_length=1, max_length=MAX_STEPS), AfterValidator(_in_order)]
    comment: Comment | None = None


class SegmentRef(Request):
    """The slug of a segment, and the comment of its deletion."""

    slug: Slug
    comment: Comment | None = None


class Lifetime(Request):
    """A ttl, counted from now, or expires_at. A ttl of null means that there is no end."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1})
    null_has_meaning = frozenset({"ttl"})

    ttl: Ttl | None = None
    expires_at: ExpiresAt | None = None

    @model_validator(mode="after")
    def _names_one(self) -> Self:
        if len(self.model_fields_set & {"ttl", "expires_at"}) != 1:
            raise ValueError("must have exactly one of: ttl, expires_at")
        return self


class LifetimeChange(Lifetime):
    """The new lifetime of a membership: a ttl, counted from now, or expires_at. A ttl of null makes it permanent."""

    comment: Comment | None = None


class SegmentEntry(Lifetime):
    """A segment that a user enters, with a lifetime of its own. A ttl of null makes the membership permanent."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 2})

    slug: Slug


_SLUG = TypeAdapter(Slug)


def _read_entry(entry: Any, _: ValidatorFunctionWrapHandler) -> str | SegmentEntry:
    """Read an entry by its type. The errors of a union would name both types."""
    return SegmentEntry.model_validate(entry) if isinstance(entry, dict) else _SLUG.validate_python(entry)


_Entry = Annotated[Slug | SegmentEntry, WrapValidator(_read_entry)]


class MembershipChange(Request):
    """The segments that a user enters and leaves. An entry without a lifetime of its own has that of the request."""

    user_id: UserId
    add_segments: Annotated[list[_Entry], Field(max_length=MAX_SLUGS)] = []
    delete_segments: Annotated[list[Slug], Field(max_length=MAX_SLUGS)] = []
    ttl: TtlOrZero | None = None
    expires_at: ExpiresAt | None = None
    comment: Comment | None = None

    @classmethod
    def is_absent(cls, name: str, value: Any) -> bool:
        """Return whether the member was not given. Existing clients send `"ttl": 0` for an entry without an end."""
        return super().is_absent(name, value) or (name == "ttl" and type(value) is int and value == 0)

    _one_lifetime = model_validator(mode="after")(_with_one_lifetime)

    @property
    def slugs_to_add(self) -> list[str]:
        """The slugs of add_segments."""
        return [entry if isinstance(entry, str) else entry.slug for entry in self.add_segments]

    @model_validator(mode="after")
    def _slugs_once_and_not_too_many(self) -> Self:
        if both := sorted({*self.slugs_to_add} & {*self.delete_segments}):
            message = "must not name a slug in both add_segments and delete_segments: {named}"
            raise PydanticCustomError("slugs_in_both", message, {"named": ", ".join(both), "slugs": both})
        if len(self.add_segments) + len(self.delete_segments) > MAX_SLUGS:
            raise ValueError(f"must have at most {MAX_SLUGS} slugs in add_segments and delete_segments together")
        return self


class SegmentUsersChange(Request):
    """The users who enter and leave a segment. All entries share one optional lifetime."""

    add_users: Annotated[list[UserId], Field(max_length=MAX_CHANGED_USERS)] = []
    delete_users: Annotated[list[UserId], Field(max_length=MAX_CHANGED_USERS)] = []
    ttl: Ttl | None = None
    expires_at: ExpiresAt | None = None
    comment: Comment | None = None

    _one_lifetime = model_validator(mode="after")(_with_one_lifetime)

    @model_validator(mode="after")
    def _users_once_and_not_too_many(self) -> Self:
        if both := sorted({*self.add_users} & {*self.delete_users}):
            named = ", ".join(map(str, both[:MAX_NAMED]))
            raise ValueError(f"must not name a user in both add_users and delete_users: {named}")
        if not 1 <= len(self.add_users) + len(self.delete_users) <= MAX_CHANGED_USERS:
            raise ValueError(f"must have 1 to {MAX_CHANGED_USERS} users in add_users and delete_users together")
        return self


class UserBatch(Request):
    """The users to look up."""

    user_ids: Annotated[list[UserId], Field(min_length=1, max_length=MAX_USERS)]


class NewAction(Request):
    """The action to create."""

    name: ActionName


class ActionRef(Request):
    """The name of an action."""

    name: ActionName


class NewOperation(Request):
    """An action of the company's own that happened to a user in a segment."""

    slug: Slug
    action: ActionName


class NewReport(Request):
    """The month to report on, for all segments or for one segment."""

    year: Annotated[int, Field(strict=True, ge=FIRST_YEAR, le=LAST_YEAR)]
    month: Annotated[int, Field(strict=True, ge=1, le=12)]
    slug: Slug | None = None
    format: Literal["csv", "csv.gz"] = "csv"
    delimiter: Delimiter = ","
    columns: Columns = "plain"


class NewExport(Request):
    """The past instant of an export, by default now, and the form of its file."""

    at: PastInstant | None = None
    format: Literal["csv", "csv.gz"] = "csv"
    delimiter: Delimiter = ","


class NewImport(Request):
    """The segment and the mode of an import. The lifetime is for lines without one of their own."""

    slug: Slug
    mode: ImportMode
    ttl: Ttl | None = None
    expires_at: ExpiresAt | None = None
    dry_run: Annotated[bool, Field(strict=True)] = False
    max_deletions: MaxDeletions | None = None
    comment: Comment | None = None

    _one_lifetime = model_validator(mode="after")(_with_one_lifetime)


class NewAccount(Request):
    """The account to create."""

    username: Username
    password: NewPassword
    role: Role = "reader"


class AccountChange(Request):
    """The members of an account to change. A member that is left out stays as it is."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1})

    role: Role | None = None
    password: NewPassword | None = None

    @model_validator(mode="after")
    def _changes_something(self) -> Self:
        if not self.model_fields_set:
            raise ValueError("must name at least one of: role, password")
        return self


class PasswordChange(Request):
    """The caller's own password, and the new one. A text that no password can be is wrong, not invalid."""

    password: GivenPassword
    new_password: NewPassword


class Credentials(Request):
    """The username and password of a caller. A text that no account can have is wrong, not invalid."""

    username: Annotated[str, Field(strict=True, examples=["alice"])]
    password: GivenPassword
