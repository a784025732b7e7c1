"""The errors of the API, as RFC 9457 problem details.

Each error is one class. Its docstring is the title that the client reads, and its name makes the type URI.
"""

from collections.abc import Callable
from typing import Any, ClassVar, Self, TypeVar

Handler = TypeVar("Handler", bound=Callable[..., Any])


MAX_ANSWER_BYTES = 6_000_000
"""Lambda accepts 6 MiB from a function. The difference is room for the headers."""


class Problem(Exception):
    """The request failed."""

    status: ClassVar[int] = 500
    retry_after: int | None = None
    """Seconds after which a repeated request may succeed. None if waiting does not help."""

    keeps_writes: ClassVar[bool] = False
    """Whether a request under an Idempotency-Key commits what it wrote before this problem."""

    def __init__(self, detail: str | None = None, **members: Any) -> None:
        super().__init__(detail or self.title())
        self.detail = detail or self.title()
        self.members = members

    @classmethod
    def title(cls) -> str:
        """Return the title of this kind of problem."""
        return (cls.__doc__ or "").strip()

    @classmethod
    def type(cls) -> str:
        """Return the URI that identifies this kind of problem."""
        words = "".join(f"-{c.lower()}" if c.isupper() else c for c in cls.__name__).strip("-")
        return f"urn:segmentation:problem:{words}"

    def body(self) -> dict[str, Any]:
        """Return the members of the problem document."""
        return {
            "type": self.type(),
            "title": self.title(),
            "status": self.status,
            "detail": self.detail,
            **self.members,
        }

    @classmethod
    def example(cls) -> Self:
        """Return the example for the OpenAPI document."""
        return cls()


def raises(*kinds: type[Problem]) -> Callable[[Handler], Handler]:
    """Declare in the OpenAPI document the problems that a route has besides those of every route."""

    def declare(handler: Handler) -> Handler:
        vars(handler)["problems"] = kinds
        return handler

    return declare


class BodyNotJson(Problem):
    """The request body is not valid JSON."""

    status = 400


class Unauthenticated(Problem):
    """The request needs a valid token."""

    status = 401


class CredentialsWrong(Problem):
    """The username or the password is wrong."""

    status = 401
    keeps_writes = True  # the failed attempt counts


class RoleTooLow(Problem):
    """The caller's role does not permit this."""

    status = 403


class RouteUnknown(Problem):
    """There is no such route."""

    status = 404


class SegmentUnknown(Problem):
    """There is no such segment."""

    status = 404

    def __init__(self, slugs: list[str]) -> None:
        super().__init__(f"No segment has the slug {', '.join(slugs)}.", slugs=slugs)

    @classmethod
    def example(cls) -> Self:
        """Return the problem of one unknown slug."""
        return cls(["AVITO_DISCOUNT_30"])


class UserUnknown(Problem):
    """There is no such user."""

    status = 404


class MembershipUnknown(Problem):
    """The user is not in this segment now."""

    status = 404


class ActionUnknown(Problem):
    """There is no such action."""

    status = 404


class ReportUnknown(Problem):
    """There is no such report."""

    status = 404


class JobUnknown(Problem):
    """There is no such job."""

    status = 404


class ImportUnknown(Problem):
    """There is no such import."""

    status = 404


class AccountUnknown(Problem):
    """There is no such account."""

    status = 404


class SlugTaken(Problem):
    """Another segment has this slug."""

    status = 409

    def __init__(self, slug: str) -> None:
        super().__init__(f"Another segment has the slug {slug}.", slugs=[slug])

    @classmethod
    def example(cls) -> Self:
        """Return the problem of one taken slug."""
        return cls("AVITO_DISCOUNT_30")


class SegmentHasPercent(Problem):
    """The segment has a percent, so its members cannot be replaced."""

    status = 409


class StepsPending(Problem):
    """The segment has pending steps. Cancel them first."""

    status = 409


class NothingUploaded(Problem):
    """The file of the import has not been uploaded."""

    status = 409


class ActionTaken(Problem):
    """An action with this name already exists."""

    status = 409


class ActionKept(Problem):
    """The action is built in or used in the history."""

    status = 409


class UsernameTaken(Problem):
    """An account with this name already exists."""

    status = 409


class LastAdmin(Problem):
    """The last admin cannot be deleted or get another role."""

    status = 409


class IdempotencyKeyInUse(Problem):
    """A request with this Idempotency-Key is still running. Repeat it shortly to get its answer."""

    status = 409
    retry_after = 1


class BodyTooLarge(Problem):
    """The request body is too large."""

    status = 413


class UploadTooLarge(Problem):
    """The uploaded file is too large."""

    status = 413


class AnswerTooLarge(Problem):
    """The answer is too large to send."""

    status = 413

    @classmethod
    def of_users(cls) -> Self:
        """Return the problem of an answer about too many users, or about too many segments of a user."""
        return cls(
            f"An answer has at most {MAX_ANSWER_BYTES} bytes. Ask for fewer users at once, or for a segment's users."
        )


class BodyTypeUnsupported(Problem):
    """The request body must be JSON."""

    status = 415


class RequestInvalid(Problem):
    """The request breaks a rule of the contract."""

    status = 422

    def __init__(self, *errors: tuple[str, str], slugs: list[str] | None = None) -> None:
        shown = [(location[:200], message) for location, message in errors[:20]]
        super().__init__(
            "; ".join(f"{location}: {message}" for location, message in shown),
            errors=[{"location": location, "message": message} for location, message in shown],
            **({"slugs": slugs} if slugs else {}),
        )

    @classmethod
    def example(cls) -> Self:
        """Return the problem of an unknown parameter. Every route can have it."""
        return cls(("query.color", "is not a parameter of this route"))


class TooManyFailures(Problem):
    """Too many failed attempts to sign in. Try again later."""

    status = 429
    retry_after = 900

    def __init__(self, retry_after: int) -> None:
        super().__init__()
        self.retry_after = retry_after

    @classmethod
    def example(cls) -> Self:
        """Return the problem with the full time of a lockout."""
        return cls(900)


class InternalError(Problem):
    """The service failed. Its log has the cause under this request_id."""

    status = 500


class DatabaseUnavailable(Problem):
    """The database does not answer. Try again shortly."""

    status = 503
    retry_after = 2


class InstantUnsettled(Problem):
    """A write that began before this instant has not ended. Try again shortly."""

    status = 503
    retry_after = 2


class StorageUnavailable(Problem):
    """The report storage does not answer. Try again shortly."""

    status = 503
    retry_after = 2


class SigningKeyUnavailable(Problem):
    """The key that signs tokens cannot be read. Try again shortly."""

    status = 503
    retry_after = 2
