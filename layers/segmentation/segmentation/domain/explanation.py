"""The explanation: one English sentence, or two, that a support agent can send to the user."""

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial

from segmentation.contract.values import Because
from segmentation.domain.because import Event, Evidence, Finding

_UNITS = (("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1))


def sentence(user_id: int, slug: str, evidence: Evidence, finding: Finding, *, is_past: bool) -> str:
    """Return the explanation. If a membership has ended, a second sentence says how it began.

    The slug is that of the request. If the segment had another slug at the instant, that follows in brackets.
    """
    facts = _Facts(f"User {user_id}", _named(slug, evidence.slug), evidence, finding, is_past)
    text = f"{_SENTENCES[finding.because](facts)}."
    if evidence.entry is None or not facts.has_left or finding.since is None:
        return text
    return f"{text} {_beginning(evidence.entry, finding.since)}."


class _Facts:
    """The facts of a sentence, and its common parts."""

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


def _member(facts: _Facts) -> str:
    end = f", until {moment(facts.finding.until)}" if facts.finding.until else ", without an end"
    if facts.finding.event is None:
        return f"{facts.is_in}{end}: the history of the month in which they entered was removed"
    entry = _entry(facts.finding.event, f"{facts.had}added")
    return f"{facts.is_in}{end}: {entry}{_when(facts.finding.since)}{facts.comment}"


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


def _expired(facts: _Facts) -> str:
    entry = facts.evidence.entry
    lasted = f" of {duration(facts.finding.since - entry.executed_at)}" if entry and facts.finding.since else ""
    return f"{facts.left}, when its lifetime{lasted} ended"


def _lowered(facts: _Facts) -> str:
    percent = facts.finding.percent
    to = f" to {_number(percent)}" if percent is not None else ""
    return f"{facts.left}, because {facts.actor} lowered its percent{to}{facts.comment}"


def _deleted(thing: str, facts: _Facts) -> str:
    """Distinguish a member, whose exit the deletion is, from a user who had left before or had never entered."""
    if facts.has_left:
        return f"{facts.left}, because {facts.actor} deleted the {thing}{facts.comment}"
    when = _when(facts.finding.since)
    return f"{facts.is_not_in}, because {facts.actor} deleted the {thing}{when}{facts.comment}"


def _not_created(facts: _Facts) -> str:
    return f"{facts.is_not_in}, because the segment was created later{_when(facts.evidence.created_at)}"


def _not_chosen(facts: _Facts) -> str:
    return f"{facts.is_not_in}, because its percent of {_number(facts.finding.percent)} did not choose them"


_SENTENCES: dict[Because, Callable[[_Facts], str]] = {
    "by_hand": _member,
    "by_percent": _member,
    "by_import": _member,
    "never_entered": lambda facts: f"{facts.is_not_in}, because they {'had' if facts.had else 'have'} never entered it",
    "removed_by_hand": lambda facts: f"{facts.left}, because {facts.actor} removed them{facts.comment}",
    "removed_by_import": lambda facts: f"{facts.left}, because an import by {facts.actor} removed them{facts.comment}",
    "expired": _expired,
    "percent_lowered": _lowered,
    "not_chosen": _not_chosen,
    "segment_deleted": partial(_deleted, "segment"),
    "segment_not_created_yet": _not_created,
    "user_deleted": partial(_deleted, "user"),
    "user_unknown": lambda facts: f"{facts.is_not_in}, because the service did not know the user",
}


def _named(slug: str, slug_then: str) -> str:
    return slug if slug == slug_then else f"{slug} ({slug_then} at that time)"


def moment(instant: datetime) -> str:
    """Return an instant in UTC: '3 March 2026 at 10:15 UTC'."""
    return f"{_date(instant)} at {instant:%H:%M} UTC"


def _when(instant: datetime | None) -> str:
    return f" on {moment(instant)}" if instant else ""


def _day(instant: datetime, beside: datetime) -> str:
    """Return the day of an instant, without the parts that it shares with a later instant in the text before it."""
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
