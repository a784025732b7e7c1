"""Why a user is, was or is not in a segment at an instant: the one fact that decides."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from segmentation.contract.values import Because

MEMBER: frozenset[Because] = frozenset({"by_hand", "by_percent", "by_import"})

_OF_ENTRY: dict[str, Because] = {"manual": "by_hand", "percent": "by_percent", "import": "by_import"}
_OF_EXIT: dict[str, Because] = {
    "manual": "removed_by_hand",
    "import": "removed_by_import",
    "ttl": "expired",
    "percent": "percent_lowered",
    "segment_deleted": "segment_deleted",
    "user_deleted": "user_deleted",
}


@dataclass(frozen=True)
class Event:
    """An entry, an exit, a new lifetime or a deletion, as it is recorded."""

    operation: str
    reason: str
    actor: str | None
    executed_at: datetime
    expires_at: datetime | None = None
    percent: Decimal | None = None
    comment: str | None = None

    @property
    def is_exit(self) -> bool:
        """Return whether the event ended a membership."""
        return self.operation == "D"


@dataclass(frozen=True)
class Kept:
    """A membership that is known only from other facts, because the month of its entry was dropped.

    The reason is the source of the membership. If it has ended since, the reason is a guess from its exit.
    """

    reason: str
    added_at: datetime | None
    expires_at: datetime | None


@dataclass(frozen=True)
class Evidence:
    """The recorded facts about a user and a segment up to an instant.

    The slug and the percent are those of the segment at the instant. "last" is the last entry, exit or new lifetime,
    "entry" the last entry. Without an entry, "kept" has the reason of a membership. Without a last event, "kept" and
    the facts about the user decide.
    """

    at: datetime
    slug: str
    percent: Decimal | None
    created_at: datetime
    deletion: Event | None
    last: Event | None
    entry: Event | None
    kept: Kept | None
    user_known: bool
    user_deletion: Event | None


@dataclass(frozen=True)
class Finding:
    """The fact that decides, its event, and the instants from and until which it holds, as far as they are known."""

    because: Because
    event: Event | None = None
    since: datetime | None = None
    until: datetime | None = None
    percent: Decimal | None = None

    @property
    def is_member(self) -> bool:
        """Return whether the user is in the segment."""
        return self.because in MEMBER

    @property
    def actor(self) -> str | None:
        """Return the author of the event."""
        return self.event.actor if self.event else None

    @property
    def comment(self) -> str | None:
        """Return the comment of the event."""
        return self.event.comment if self.event else None


def decide(evidence: Evidence) -> Finding:
    """Return why the user is or is not in the segment.

    A segment that does not exist decides first, because no user is in it.
    """
    if evidence.created_at > evidence.at:
        return Finding("segment_not_created_yet")
    last = evidence.last
    if evidence.deletion:
        was_in = last is not None and last.reason == "segment_deleted"
        return _of_event("segment_deleted", last if last and was_in else evidence.deletion)
    if last is None:
        return _of_no_event(evidence)
    if last.is_exit:
        return _of_event(_OF_EXIT[last.reason], last)
    return _of_membership(evidence, last)


def _of_event(because: Because, event: Event) -> Finding:
    return Finding(because, event, since=event.executed_at, percent=event.percent)


def _of_membership(evidence: Evidence, last: Event) -> Finding:
    """Return the entry of a membership as the fact. A new lifetime changes only the end."""
    entry = evidence.entry
    if entry is None:
        return _of_kept(evidence.kept or Kept("manual", None, None), last.expires_at)
    return Finding(_OF_ENTRY[entry.reason], entry, entry.executed_at, last.expires_at, entry.percent)


def _of_kept(kept: Kept, until: datetime | None) -> Finding:
    return Finding(_OF_ENTRY[kept.reason], since=kept.added_at, until=until)


def _of_no_event(evidence: Evidence) -> Finding:
    if evidence.kept:
        return _of_kept(evidence.kept, evidence.kept.expires_at)
    if evidence.user_deletion:
        return _of_event("user_deleted", evidence.user_deletion)
    if not evidence.user_known:
        return Finding("user_unknown")
    if evidence.percent:
        return Finding("not_chosen", percent=evidence.percent)
    return Finding("never_entered")
