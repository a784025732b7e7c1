"""The sample events of events/, and their expected responses if user 1000 is in the segment of the samples."""

from tests.functions.calls import EVENTS, sample

SLUG = "AVITO_DISCOUNT_30"
USE_AWS = {"create_export", "create_import", "create_report", "start_import"}
"""The functions whose sample needs S3 or SQS."""
EXPECTED = {
    "batch_list_memberships": (200, {"users"}),
    "change_memberships": (200, {"segments_added", "segments_deleted"}),
    "change_password": (200, {"message"}),
    "cancel_steps": (200, {"steps_cancelled"}),
    "change_segment_users": (200, {"users_added", "users_deleted"}),
    "check_health": (200, {"status", "database", "schema_version", "version"}),
    "create_action": (201, {"name", "operation"}),
    "create_export": (202, {"job_id"}),
    "create_import": (201, {"import_id", "upload_link", "expires_at"}),
    "create_report": (202, {"job_id"}),
    "create_segment": (201, {"created_at", "slug", "user_percent", "description", "owner", "users_added"}),
    "create_user": (200, {"user_id"}),
    "create_user_report": (200, {"report_link", "expires_at", "rows"}),
    "delete_account": (200, {"message"}),
    "delete_action": (200, {"message"}),
    "delete_segment": (200, {"message"}),
    "delete_user": (200, {"message", "segments_deleted"}),
    "explain_membership": (
        200,
        {"user_id", "slug", "at", "member", "because", "explanation", "since", "until", "actor", "comment", "percent"}
        | {"operations"},
    ),
    "get_segment": (
        200,
        {"slug", "user_percent", "description", "owner", "created_at", "updated_at", "members"},
    ),
    "evaluate_flag": (200, {"key", "value", "variant", "reason", "metadata"}),
    "evaluate_flags": (200, {"flags"}),
    "list_accounts": (200, {"accounts", "next_cursor"}),
    "list_actions": (200, {"actions", "next_cursor"}),
    "list_events": (200, {"events", "next_after"}),
    "list_jobs": (200, {"jobs", "next_cursor"}),
    "list_memberships": (200, {"segments"}),
    "list_segment_changes": (200, {"changes", "next_cursor"}),
    "list_segment_users": (200, {"users", "next_cursor"}),
    "list_steps": (200, {"steps", "next_cursor"}),
    "plan_steps": (201, {"steps"}),
    "export_user": (200, {"report_link", "expires_at", "rows"}),
    "show_segment_size": (200, {"days"}),
    "list_segments": (200, {"segments", "next_cursor"}),
    "list_users": (200, {"users", "next_cursor"}),
    "open_report": (404, {"type", "title", "status", "detail"}),
    "record_action": (
        201,
        {"slug", "operation", "action", "reason", "actor", "comment", "expires_at", "executed_at"},
    ),
    "reject_route": (404, {"type", "title", "status", "detail"}),
    "sign_in": (200, {"token", "token_type", "expires_in"}),
    "sign_up": (201, {"id"}),
    "show_openapi": (200, {"openapi", "info", "servers", "tags", "paths", "components"}),
    "start_import": (404, {"type", "title", "status", "detail"}),
    "show_job": (404, {"type", "title", "status", "detail"}),
    "update_account": (200, {"username", "role", "created_at", "last_signed_in_at"}),
    "update_membership": (200, {"slug", "added_at", "expires_at"}),
    "update_segment": (
        200,
        {"slug", "user_percent", "description", "owner", "created_at", "updated_at", "users_added", "users_deleted"},
    ),
}
HTTP_SAMPLES = sorted(path.stem for path in EVENTS.glob("*.json") if "isBase64Encoded" in sample(path.stem))
CREATES = {"create_segment", "create_action", "sign_up"}
ANSWERS_CSV = {"list_user_history"}
ANSWERS_HTML = {"open_console", "open_docs"}
ANSWERS_METRICS = {"show_metrics"}


def expected(function: str) -> tuple[int, set[str]]:
    """The status and the members of the answer to a sample event."""
    assert function in EXPECTED, f"tests/samples.py has no answer to events/{function}.json: add it to EXPECTED"
    return EXPECTED[function]
