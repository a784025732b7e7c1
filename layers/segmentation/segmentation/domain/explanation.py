"""The explanation: one English sentence about a user and a segment that a support agent can send on."""

from collections.abc import Callable
from datetime import datetime, timedelta

from segmentation.contract.values import Because
from segmentation.domain.because import Event, Evidence, Finding

_UNITS = (("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1))


def sentence(user_id: int, slug: str, evidence: Evidence, finding: Finding, *, is_past: bool) -> str:
    """Return the explanation. A second sentence says how a membership began that has ended.

    The slug is the one of the request. Where the segment had another one at the instant, that one follows.
    """
    told = _Told(f"User {user_id}", _named(slug, evidence.slug), evidence, finding, is_past)
    text = f"{_SENTENCES[finding.because](told)}."
    if evidence.entry is None or not told.has_left or finding.since is None:
        return text
    return f"{text} {_beginning(evidence.entry, finding.since)}."


class _Told:
    """What a sentence is made of."""

    def __init__(self, user: str, slug: str, evidence: Evidence, finding: Finding, is_past: bool) -> None:
        self.user, self.slug, self.evidence, self.finding = user, slug, evidence, finding
        self.on = f" on {moment(evidence.at)}" if is_past else ""
        self.verb = "was" if is_past else "is"
        self.had = "had " if is_past else ""
        self.has_left = not finding.is_member and finding.event is not None and finding.event is evidence.last

    @property
    def is_in(self) -> str:
        return f"{self.user} {self.verb} in {self.slug}{self.on}"

    @property
    def is_not_in(self) -> str:
        return f"{self.user} {self.verb} not in {self.slug}{self.on}"

    @property
    def left(self) -> str:
        return f"{self.user} left {self.slug}{_when(self.finding.since)}"

    @property
    def actor(self) -> str:
        return _name(self.finding.actor)

    @property
    def comment(self) -> str:
        return _quoted(self.finding.comment)


def _member(told: _Told) -> str:
    end = f", until {moment(told.finding.until)}" if told.finding.until else ", without an end"
    if told.finding.event is None:
        return f"{told.is_in}{end}: the history of the month in which they entered was removed"
    return (
        f"{told.is_in}{end}: {_entry(told.finding.event, f'{told.had}added')}{_when(told.finding.since)}{told.comment}"
    )


def _entry(entry: Event, added: str) -> str:
    """Return how a membership began: 'anna had added them'."""
    actor = _name(entry.actor)
    if entry.reason == "percent":
        share = f" of {_number(entry.percent)}" if entry.percent is not None else ""
        return f"its percent{share}, set by {actor}, {added} them"
    if entry.reason == "import":
        return f"an import by {actor} {added} them"
    return f"{actor} {added} them"


def _beginning(entry: Event, end: datetime) -> str:
    text = f"{_entry(entry, 'had added')} {_day(entry.executed_at, end)}{_quoted(entry.comment)}"
    return text if entry.reason == "manual" else text[0].upper() + text[1:]  # a name keeps its first letter


def _expired(told: _Told) -> str:
    entry = told.evidence.entry
    lasted = f" of {duration(told.finding.since - entry.executed_at)}" if entry and told.finding.since else ""
    return f"{told.left}, when its lifetime{lasted} ended"


def _lowered(told: _Told) -> str:
    percent = told.finding.percent
    to = f" to {_number(percent)}" if percent is not None else ""
    return f"{told.left}, because {told.actor} lowered its percent{to}{told.comment}"


def _segment_deleted(told: _Told) -> str:
    """Distinguish a member, whose exit the deletion is, from a user who had left before or had never entered."""
    if told.has_left:
        return f"{told.left}, because {told.actor} deleted the segment{told.comment}"
    when = _when(told.finding.since)
    return f"{told.is_not_in}, because {told.actor} deleted the segment{when}{told.comment}"


def _user_deleted(told: _Told) -> str:
    if told.has_left:
        return f"{told.left}, because {told.actor} deleted the user{told.comment}"
    when = _when(told.finding.since)
    return f"{told.is_not_in}, because {told.actor} deleted the user{when}{told.comment}"


def _not_created(told: _Told) -> str:
    return f"{told.is_not_in}, because the segment was created later{_when(told.evidence.created_at)}"


def _not_chosen(told: _Told) -> str:
    return f"{told.is_not_in}, because its percent of {_number(told.finding.percent)} did not choose them"


_SENTENCES: dict[Because, Callable[[_Told], str]] = {
    "by_hand": _member,
    "by_percent": _member,
    "by_import": _member,
    "never_entered": lambda told: f"{told.is_not_in}, because they {'had' if told.had else 'have'} never entered it",
    "removed_by_hand": lambda told: f"{told.left}, because {told.actor} removed them{told.comment}",
    "removed_by_import": lambda told: f"{told.left}, because an import by {told.actor} removed them{told.comment}",
    "expired": _expired,
    "percent_lowered": _lowered,
    "not_chosen": _not_chosen,
    "segment_deleted": _segment_deleted,
    "segment_not_created_yet": _not_created,
    "user_deleted": _user_deleted,
    "user_unknown": lambda told: f"{told.is_not_in}, because the service did not know the user",
}


def _named(slug: str, slug_then: str) -> str:
    return slug if slug == slug_then else f"{slug} ({slug_then} at that time)"


def moment(instant: datetime) -> str:
    """Return an instant in UTC: '3 March 2026 at 10:15 UTC'."""
    return f"{_date(instant)} at {instant:%H:%M} UTC"


def _when(instant: datetime | None) -> str:
    return f" on {moment(instant)}" if instant else ""


def _day(instant: datetime, beside: datetime) -> str:
    """Return the day of an instant beside a later one that the reader knows already."""
    if instant.date() == beside.date():
        return f"at {instant:%H:%M} UTC that day"
    return f"on {instant.day} {instant:%B}" if instant.year == beside.year else f"on {_date(instant)}"


def _date(instant: datetime) -> str:
    return f"{instant.day} {instant:%B} {instant.year}"


def duration(length: timedelta) -> str:
    """Return a length of time in its two greatest units: '7 days', '1 day and 2 hours'."""
    rest, parts = max(round(length.total_seconds()), 1), []
    for unit, seconds in _UNITS:
        count, rest = divmod(rest, seconds)
        if count:
            parts.append(f"{count} {unit}{'s' if count > 1 else ''}")
    return " and ".join(parts[:2])


def _number(percent: object) -> str:
    return f"{float(str(percent)):g} %"


def _name(actor: str | None) -> str:
    return " ".join((actor or "").split()) or "an unknown author"


def _quoted(comment: str | None) -> str:
    """Return a comment as the end of a sentence, on one line."""
    return f": '{' '.join(comment.split())}'" if comment and comment.split() else ""
