"""The models of request bodies."""

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from segmentation.contract.roles import Role
from segmentation.contract.values import (
    FIRST_YEAR,
    LAST_YEAR,
    MAX_SLUGS,
    MAX_USERS,
    ActionName,
    Description,
    ExpiresAt,
    NewPassword,
    Percent,
    Slug,
    Ttl,
    UserId,
    Username,
)


class Request(BaseModel):
    """A request body. An unknown member is an error."""

    model_config = ConfigDict(extra="forbid")


class NewUser(Request):
    """The user to register."""

    user_id: UserId | None = None


class NewSegment(Request):
    """The segment to create."""

    slug: Slug
    user_percent: Percent | None = None
    description: Description | None = None


class SegmentChange(Request):
    """The members of a segment to change. A member that is left out stays as it is."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1})

    slug: Slug = ""
    user_percent: Percent | None = None
    description: Description | None = None

    @model_validator(mode="after")
    def _changes_something(self) -> Self:
        if not self.model_fields_set:
            raise ValueError("must name at least one of: slug, user_percent, description")
        return self


class SegmentRef(Request):
    """The slug of a segment."""

    slug: Slug


class MembershipChange(Request):
    """The segments that a user enters and leaves. All entries share one optional lifetime."""

    user_id: UserId
    add_segments: Annotated[list[Slug], Field(max_length=MAX_SLUGS)] = []
    delete_segments: Annotated[list[Slug], Field(max_length=MAX_SLUGS)] = []
    ttl: Ttl | None = None
    expires_at: ExpiresAt | None = None

    @model_validator(mode="after")
    def _one_lifetime(self) -> Self:
        if self.ttl is not None and self.expires_at is not None:
            raise ValueError("must not have both ttl and expires_at")
        return self

    @model_validator(mode="after")
    def _slugs_once_and_not_too_many(self) -> Self:
        if both := sorted({*self.add_segments} & {*self.delete_segments}):
            message = "must not name a slug in both add_segments and delete_segments: {named}"
            raise PydanticCustomError("slugs_in_both", message, {"named": ", ".join(both), "slugs": both})
        if len(self.add_segments) + len(self.delete_segments) > MAX_SLUGS:
            raise ValueError(f"must have at most {MAX_SLUGS} slugs in add_segments and delete_segments together")
        return self


class LifetimeChange(Request):
    """The new lifetime of a membership, counted from now. null makes the membership permanent."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1, "maxProperties": 1})

    ttl: Ttl | None = None
    expires_at: ExpiresAt | None = None

    @model_validator(mode="after")
    def _names_one(self) -> Self:
        if len(self.model_fields_set) != 1:
            raise ValueError("must have exactly one of: ttl, expires_at")
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


class NewAccount(Request):
    """The account to create."""

    username: Username
    password: NewPassword
    role: Role = "reader"


class Credentials(Request):
    """The username and password of a caller. A text that no account can have is wrong, not invalid."""

    username: Annotated[str, Field(strict=True, examples=["alice"])]
    password: Annotated[str, Field(strict=True, examples=["correct horse battery staple"])]
