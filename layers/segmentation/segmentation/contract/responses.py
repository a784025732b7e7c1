"""The models of answers."""

from datetime import date
from typing import Any, Literal, NamedTuple
from uuid import UUID

from pydantic import BaseModel, Field
from pydantic.json_schema import SkipJsonSchema

from segmentation.contract.roles import Role
from segmentation.contract.values import Because, Instant, JobStatus, ShownPercent, StepStatus

JSON = "application/json; charset=utf-8"
"""The media type of every answer with a model."""


class Accepted(BaseModel):
    """A job continues the request. The status of the answer is 202."""

    job_id: UUID


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
    """The user is deleted. segments_deleted is the number of active memberships that ended."""

    message: str = "ok"
    segments_deleted: int


class Segment(BaseModel):
    """A segment."""

    slug: str
    user_percent: ShownPercent | None
    description: str | None
    owner: str | None
    created_at: Instant
    updated_at: Instant


class SegmentCreated(BaseModel):
    """A new segment, and the number of users that its percent added."""

    created_at: Instant
    slug: str
    user_percent: ShownPercent | None
    description: str | None
    owner: str | None
    users_added: int = 0


class SegmentChanged(Segment):
    """A changed segment, and what a change of its percent did. It names cancelled steps only if there were some."""

    users_added: int = 0
    users_deleted: int = 0
    steps_cancelled: int | SkipJsonSchema[None] = Field(default=None, exclude_if=lambda number: number is None)


class SegmentCreatedByJob(Accepted, SegmentCreated):  # in this order, job_id is the last member
    """A new segment. A job adds the users of its percent."""


class SegmentChangedByJob(Accepted, SegmentChanged):
    """A changed segment. A job adds and removes the users of its percent."""


class SegmentWithMembers(Segment):
    """A segment, and the number of its current members."""

    members: int


class ListedSegment(Segment):
    """A segment, and the number of its members at the end of the last day that is counted.

    members_at is the end of that day. Both are null if the segment is newer.
    """

    members: int | None
    members_at: Instant | None


class SegmentPage(BaseModel):
    """A page of segments, ordered by slug."""

    segments: list[ListedSegment]
    next_cursor: str | None


class LoggedChange(BaseModel):
    """A change of a segment. before and after have the members that changed: slug, description, owner, user_percent.

    The actor is null if the segment is older than the log. A job, if there is one, changes the users. A change with a
    step_id was scheduled. Its actor planned it.
    """

    changed_at: Instant
    change: Literal["created", "changed", "deleted"]
    actor: str | None
    comment: str | None
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    users_added: int
    users_deleted: int
    job_id: UUID | None
    step_id: int | None


class ChangePage(BaseModel):
    """A page of the change log of a segment, newest first."""

    changes: list[LoggedChange]
    next_cursor: str | None


class ScheduledStep(BaseModel):
    """A step of a segment's schedule. The actor planned it. The job, if there is one, changes the users."""

    step_id: int
    at: Instant
    user_percent: ShownPercent
    status: StepStatus
    actor: str
    comment: str | None
    applied_at: Instant | None
    job_id: UUID | None


class StepsPlanned(BaseModel):
    """The planned steps, in order of time."""

    steps: list[ScheduledStep]


class StepPage(BaseModel):
    """A page of the steps of a segment, past ones too, in order of time."""

    steps: list[ScheduledStep]
    next_cursor: str | None


class StepsCancelled(BaseModel):
    """The number of pending steps that were cancelled."""

    steps_cancelled: int


class SizeOfDay(BaseModel):
    """The members of a segment at the end of a day (UTC) or, for today, now, and the entries and exits of the day."""

    day: date
    members: int
    added: int
    removed: int


class SegmentSize(BaseModel):
    """The size of a segment by day, ordered by day."""

    days: list[SizeOfDay]


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
    """The request is done."""

    message: str = "ok"


class DoneByJob(Accepted, Done):
    """The request is done. A job ends the memberships."""


class MembershipsChanged(BaseModel):
    """The numbers of memberships that began and ended. A slug that changes nothing is not counted."""

    segments_added: int
    segments_deleted: int


class SegmentUsersChanged(BaseModel):
    """The numbers of users who entered and left a segment. A user for whom nothing changes is not counted."""

    users_added: int
    users_deleted: int


class Membership(BaseModel):
    """A segment that a user is in."""

    slug: str
    added_at: Instant
    expires_at: Instant | None


class UserSegment(BaseModel):
    """A segment that a user is in, or was in at an instant. added_at is null if the month of the entry was dropped."""

    slug: str
    added_at: Instant | None
    expires_at: Instant | None


class UserSegments(BaseModel):
    """The segments that a user is in now, or was in at an instant, ordered by slug."""

    segments: list[UserSegment]


class FreshJson(NamedTuple):
    """An answer as JSON, and the whole seconds for which its caller may keep it. None: no caller may."""

    body: str
    max_age: int | None


class UserSlugs(BaseModel):
    """A user, and the slugs of the segments that the user is in now."""

    user_id: int
    segments: list[str]


class UserBatchSegments(BaseModel):
    """The users of the request, in its order."""

    users: list[UserSlugs]


class Action(BaseModel):
    """An event that can happen to a user in a segment. Operation A marks an action of the company's own."""

    name: str
    operation: str


class ActionPage(BaseModel):
    """A page of actions, ordered by name."""

    actions: list[Action]
    next_cursor: str | None


class Operation(BaseModel):
    """An event of a user in a segment: I entry, D exit, U changed lifetime, A an action of the company's own."""

    slug: str
    operation: str
    action: str
    reason: str
    actor: str
    comment: str | None
    expires_at: Instant | None
    executed_at: Instant


class Reason(BaseModel):
    """Why a user is in a segment or not.

    since is the instant of the entry, the exit or the deletion that decides. until is the end of the lifetime.
    """

    user_id: int
    slug: str
    at: Instant
    member: bool
    because: Because
    explanation: str
    since: Instant | None
    until: Instant | None
    actor: str | None
    comment: str | None
    percent: ShownPercent | None


class Explanation(Reason):
    """Why a user is in a segment or not, and the last ten operations of both, oldest first.

    since is the instant of the entry, the exit or the deletion that decides, until the end of the lifetime.
    """

    operations: list[Operation]


class OperationPage(BaseModel):
    """A page of a user's history, oldest first."""

    operations: list[Operation]
    next_cursor: str | None


class Event(BaseModel):
    """A change of a membership, or an action of the company's own: one row of the history."""

    event_id: int
    event: str
    user_id: int
    slug: str
    reason: str
    actor: str
    comment: str | None
    expires_at: Instant | None
    executed_at: Instant


class EventPage(BaseModel):
    """A page of the feed, in the order of event ids. next_after is the after of the next page."""

    events: list[Event]
    next_after: int


class ReportLink(BaseModel):
    """The download link of a report, its expiry, and the number of rows without the header."""

    report_link: str
    expires_at: Instant
    rows: int


class JobRef(Accepted):
    """The id of a job."""


class ImportCreated(BaseModel):
    """A new import, the link to which its file is uploaded by PUT, and the expiry of the link."""

    import_id: UUID
    upload_link: str
    expires_at: Instant


class Job(BaseModel):
    """The progress and the result of a job. The total is an estimate until the job has succeeded."""

    job_id: UUID
    kind: str
    status: JobStatus
    done: int
    total: int | None
    created_at: Instant
    finished_at: Instant | None
    actor: str
    result: dict[str, Any] | None = None
    error: str | None = None


class JobPage(BaseModel):
    """A page of jobs, newest first."""

    jobs: list[Job]
    next_cursor: str | None


class Health(BaseModel):
    """The service and its database answer."""

    status: str = "ok"
    database: str = "ok"
    reader: Literal["ok", "lagging", "away"] | SkipJsonSchema[None] = Field(
        default=None, exclude_if=lambda state: state is None
    )
    schema_version: int
    version: str


class AccountRef(BaseModel):
    """The id of an account."""

    id: int


class Account(BaseModel):
    """An account. last_signed_in_at is null before the first sign-in."""

    username: str
    role: Role
    created_at: Instant
    last_signed_in_at: Instant | None


class AccountPage(BaseModel):
    """A page of accounts, ordered by username. The case of letters does not matter."""

    accounts: list[Account]
    next_cursor: str | None


class Token(BaseModel):
    """A token for the Authorization header, and its lifetime in seconds."""

    token: str
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105 -- the name of a scheme
    expires_in: int
