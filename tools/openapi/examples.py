"""Examples: one value for each member of the contract, and the examples of models that are composed of them."""

from typing import Any

from segmentation.contract.version import VERSION
from tools.omission import Omission
from tools.openapi import schemas

SLUG = "AVITO_DISCOUNT_30"
JOB_ID = "0191f3a4-7c1e-7d4b-9a65-0c2f5e8b1d37"
FILE_NAME = "user-1000-2023-08-5d41402abc4b2a76b9719d911017c592.csv"
IMPORT_ID = "7d1c1f5e-5a0e-4c58-9d0c-3b1f0e6a9c42"
UPLOAD_LINK = f"https://reports.s3.eu-central-1.amazonaws.com/imports/{IMPORT_ID}?X-Amz-Expires=900"
REPORT_LINK = f"https://reports.s3.eu-central-1.amazonaws.com/reports/{FILE_NAME}?X-Amz-Expires=900"
ENTERED_AT, LEFT_AT = "2023-08-28T10:25:25Z", "2023-08-29T10:25:25Z"

MEMBERS: dict[str, Any] = {
    "action": "exposure",
    "actor": "mira",
    "add_segments": [SLUG, "AVITO_VOICE_MESSAGES"],
    "add_users": [1000, 1001],
    "added": 25,
    "added_at": ENTERED_AT,
    "after": {"user_percent": 50},
    "applied_at": ENTERED_AT,
    "at": "2023-09-01T00:00:00Z",
    "because": "expired",
    "before": {"user_percent": 10},
    "change": "changed",
    "changed_at": ENTERED_AT,
    "columns": "extended",
    "comment": "ticket 4711",
    "created_at": ENTERED_AT,
    "database": "ok",
    "day": "2023-08-28",
    "delete_segments": ["AVITO_DISCOUNT_50"],
    "delete_users": [1002],
    "delimiter": ";",
    "description": "30 % off the first delivery",
    "done": 1000,
    "dry_run": False,
    "erase": False,
    "error": None,
    "event": "added",
    "event_id": 42,
    "executed_at": ENTERED_AT,
    "explanation": (
        f"User 1000 left {SLUG} on 29 August 2023 at 10:25 UTC, when its lifetime of 1 day ended. "
        "mira had added them on 28 August."
    ),
    "expires_at": LEFT_AT,
    "expires_in": 3600,
    "file_name": FILE_NAME,
    "finished_at": LEFT_AT,
    "flagConfigEtag": "5d41402abc4b2a76b9719d911017c592",
    "flagConfigLastModified": "1693218325",
    "format": "csv",
    "from": "2023-08-01T00:00:00Z",
    "id": 1,
    "if-none-match": '"5d41402abc4b2a76b9719d911017c592"',
    "import_id": IMPORT_ID,
    "job_id": JOB_ID,
    "key": SLUG,
    "kind": "month_report",
    "last_signed_in_at": LEFT_AT,
    "limit": 50,
    "member": False,
    "max_deletions": 500,
    "members": 300,
    "members_at": "2023-08-28T00:00:00Z",
    "message": "ok",
    "mode": "add",
    "month": 8,
    "name": "exposure",
    "new_password": "staple battery horse correct",
    "next_after": 42,
    "next_cursor": None,
    "operation": "A",
    "owner": "growth team",
    "password": "correct horse battery staple",
    "percent": None,
    "prefix": "AVITO_",
    "reader": "ok",
    "reason": "manual",
    "removed": 5,
    "report_link": REPORT_LINK,
    "result": {"report_link": REPORT_LINK, "rows": 1000},
    "role": "editor",
    "rows": 2,
    "schema_version": 5,
    "segments_added": 2,
    "segments_deleted": 1,
    "since": LEFT_AT,
    "slug": SLUG,
    "status": "ok",
    "step_id": 7,
    "steps_cancelled": 1,
    "until": None,
    "targetingKey": "1000",
    "to": "2023-09-01T00:00:00Z",
    "token": "eyJhbGciOiJIUzI1NiIsImtpZCI6IjEifQ.eyJzdWIiOiJtaXJhIn0.c2lnbmF0dXJl",
    "token_type": "Bearer",
    "total": 1000,
    "ttl": 86400,
    "updated_at": ENTERED_AT,
    "upload_link": UPLOAD_LINK,
    "user_id": 1000,
    "user_ids": [1000, 1001],
    "user_percent": 12.5,
    "username": "mira",
    "value": True,
    "variant": "on",
    "version": VERSION,
    "users_added": 125,
    "users_deleted": 0,
    "year": 2023,
}
MODELS: dict[str, dict[str, Any]] = {
    "Action": {"name": "exposure", "operation": "A"},
    "Explanation": {"actor": "schedule", "comment": None},
    "Flag": {"reason": "SPLIT"},
    "FlagMetadata": {"because": "by_percent"},
    "Job": {"status": "succeeded", "actor": "mira"},
    "LoggedChange": {"step_id": None},
    "NewStep": {"at": "2099-01-01T09:00:00Z"},
    "Operation": {"operation": "I", "action": "added"},
    "ScheduledStep": {"at": "2099-01-01T09:00:00Z", "status": "pending", "applied_at": None, "job_id": None},
    "UserSlugs": {"segments": [SLUG]},
}
"""The members of a model that need another value than in MEMBERS."""

ABSENT = {name: {"expires_at"} for name in ("MembershipChange", "SegmentUsersChange", "LifetimeChange", "NewImport")}
"""The members that an example leaves out, because the model takes only one of two."""

PARAMETERS: dict[str, Any] = {"after": 41, "format": "extended", "status": "succeeded"}
"""The parameters that need another value than the member of the same name."""


class ExampleMissing(Omission):
    """{name} has no example: add one to MEMBERS in tools/openapi/examples.py."""


def of(schema: dict[str, Any], described: dict[str, Any]) -> Any:
    """Compose an example of a schema that is a model or a list of models."""
    name = schemas.name_in(schema)
    return [of(schema["items"], described)] if name is None else _of_model(name, described)


def of_parameter(name: str, schema: dict[str, Any]) -> Any:
    """Return an example of a parameter. That of a day is the date of the instant with its name."""
    example = PARAMETERS[name] if name in PARAMETERS else _of_name(name)
    return example[: len("2023-08-01")] if schema.get("format") == "date" else example


def _of_model(name: str, described: dict[str, Any]) -> dict[str, Any]:
    known, absent = MODELS.get(name, {}), ABSENT.get(name, set())
    members = schemas.model(name, described)["properties"].items()
    return {
        member: known[member] if member in known else _of_member(member, schema, described)
        for member, schema in members
        if member not in absent
    }


def _of_member(member: str, schema: dict[str, Any], described: dict[str, Any]) -> Any:
    return of(schema, described) if "$ref" in schema.get("items", schema) else _of_name(member)


def _of_name(name: str) -> Any:
    if name not in MEMBERS:
        raise ExampleMissing(name=name)
    return MEMBERS[name]
