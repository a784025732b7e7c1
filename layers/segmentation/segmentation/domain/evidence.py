"""Explanations: read the recorded facts about a user and a segment, and say why the user is in it or not."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import Any

from psycopg import Connection
from psycopg.rows import class_row

from segmentation.contract.problems import SegmentUnknown
from segmentation.contract.responses import FreshJson, Reason
from segmentation.contract.values import in_utc
from segmentation.domain import because, explanation, instants
from segmentation.domain.because import Event, Evidence, Kept

Json = dict[str, Any]


@dataclass(frozen=True)
class _Recorded:
    """The row of the database function membership_evidence."""

    clock: datetime
    instant: datetime
    segment_id: int | None
    slug: str | None
    percent: Decimal | None
    created_at: datetime
    deletion: Json | None
    operations: str
    last: Json | None
    entry: Json | None
    kept: Json | None
    user_known: bool | None
    user_deletion: Json | None


def explain(connection: Connection, user_id: int, slug: str, at: datetime | None) -> FreshJson:
    """Return why a user is in a segment or not (Explanation) as JSON, now or at an instant.

    Raises SegmentUnknown for a slug that no segment ever had, RequestInvalid if the instant is in the future, or
    InstantUnsettled.
    """
    read = partial(_read, connection, user_id, slug, at)
    recorded = instants.read_at(connection, at, read) if at else read()
    if recorded.segment_id is None:
        raise SegmentUnknown([slug])
    reason = _reason(user_id, slug, recorded, is_past=at is not None).model_dump_json()
    body = f'{reason.removesuffix("}")},"operations":[{recorded.operations}]}}'
    return FreshJson(body, instants.max_age(at, recorded.clock) if at else None)


def _read(connection: Connection, user_id: int, slug: str, at: datetime | None) -> _Recorded:
    with connection.cursor(row_factory=class_row(_Recorded)) as cursor:
        [recorded] = cursor.execute(
            """
            select evidence.clock, evidence.instant, evidence.segment_id, evidence.slug, evidence.percent,
                   evidence.created_at, evidence.deletion, evidence.operations, evidence.last, evidence.entry,
                   evidence.kept, evidence.user_known, evidence.user_deletion
              from membership_evidence(%s::bigint, %s::text, %s::timestamptz) evidence
            """,
            (user_id, slug, at),
        ).fetchall()
    return recorded


def _reason(user_id: int, slug: str, recorded: _Recorded, *, is_past: bool) -> Reason:
    evidence = _evidence(slug, recorded)
    finding = because.decide(evidence)
    return Reason(
        user_id=user_id,
        slug=slug,
        at=recorded.instant,
        member=finding.is_member,
        because=finding.because,
        explanation=explanation.sentence(user_id, slug, evidence, finding, is_past=is_past),
        since=finding.since,
        until=finding.until,
        actor=finding.actor,
        comment=finding.comment,
        percent=finding.percent,
    )


def _evidence(slug: str, recorded: _Recorded) -> Evidence:
    return Evidence(
        at=recorded.instant,
        slug=recorded.slug or slug,
        percent=recorded.percent,
        created_at=in_utc(recorded.created_at),
        deletion=_event(recorded.deletion),
        last=_event(recorded.last),
        entry=_event(recorded.entry),
        kept=_kept(recorded.kept) if recorded.kept else None,
        user_known=recorded.user_known is not False,
        user_deletion=_event(recorded.user_deletion),
    )


def _event(found: Json | None) -> Event | None:
    return Event(**{name: _value(name, value) for name, value in found.items()}) if found else None


def _kept(found: Json) -> Kept:
    return Kept(**{name: _value(name, value) for name, value in found.items()})


def _value(name: str, value: Any) -> Any:
    """Return a value of JSON with its type."""
    if value is None:
        return None
    if name.endswith("_at"):
        return in_utc(datetime.fromisoformat(value))
    return Decimal(str(value)) if name == "percent" else value
