"""The order in which the Postman collection calls the operations. Each step finds what earlier steps created."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Step:
    """One request: its operation, and what differs from the example of the document."""

    operation: str
    body: dict[str, Any] = field(default_factory=dict)
    path: dict[str, str] = field(default_factory=dict)
    title: str = ""
    token: str = ""
    """The variable with the token of the request, if it is not that of the collection."""

    keeps: dict[str, str] = field(default_factory=dict)
    """Values that later steps use: a variable's name, and the JavaScript that reads its value from the answer."""

    before: str = ""
    """JavaScript that runs before the request."""


SLUG, OTHER_SLUG, ACTION, USERNAME = "{{slug}}", "{{other_slug}}", "{{action}}", "{{username}}"
ACCOUNT_TOKEN = {"account_token": "pm.response.json().token"}
JOB_ID = {"job_id": "pm.response.json().job_id"}
UPLOAD = {"import_id": "pm.response.json().import_id", "upload_link": "pm.response.json().upload_link"}
PUT_FILE = """\
pm.sendRequest({
    url: pm.collectionVariables.get("upload_link"),
    method: "PUT",
    body: {mode: "raw", raw: "user_id\\n1000\\n1001\\n"},
}, (error) => { if (error) throw error; });"""
FILE_NAME = {"file_name": "pm.response.json().report_link.match(/reports\\/([^?]+)/)[1]"}

STORY: dict[str, tuple[Step, ...]] = {
    "Is it there": (Step("check_health"), Step("show_openapi"), Step("open_docs"), Step("open_console")),
    "Access": (
        Step("sign_up", {"username": USERNAME}),
        Step("sign_in", {"username": USERNAME}, keeps=ACCOUNT_TOKEN),
        Step("change_password", token="account_token"),  # noqa: S106 -- the name of a variable
        Step("list_accounts"),
        Step("update_account", path={"username": USERNAME}),
        Step("delete_account", path={"username": USERNAME}),
    ),
    "Users": (Step("create_user"), Step("list_users")),
    "Segments": (
        Step("create_segment", {"slug": SLUG}),
        Step("create_segment", {"slug": OTHER_SLUG}, title="Create a second segment"),
        Step("list_segments"),
        Step("get_segment", path={"slug": SLUG}),
        Step("update_segment", {"slug": SLUG}, {"slug": SLUG}),
        Step("list_segment_changes", path={"slug": SLUG}),
        Step("plan_steps", path={"slug": SLUG}),
        Step("list_steps", path={"slug": SLUG}),
        Step("cancel_steps", path={"slug": SLUG}),
    ),
    "Memberships": (
        Step("change_memberships", {"add_segments": [SLUG], "delete_segments": [OTHER_SLUG]}),
        Step("list_memberships"),
        Step("explain_membership", path={"slug": SLUG}),
        Step("batch_list_memberships"),
        Step("update_membership", path={"slug": SLUG}),
        Step("change_segment_users", path={"slug": SLUG}),
        Step("list_segment_users", path={"slug": SLUG}),
        Step("show_segment_size", path={"slug": SLUG}),
    ),
    "OpenFeature": (Step("evaluate_flag", path={"key": SLUG}), Step("evaluate_flags")),
    "History": (
        Step("create_action", {"name": ACTION}),
        Step("delete_action", {"name": ACTION}),
        Step("create_action", {"name": ACTION}, title="Create the action again"),
        Step("list_actions"),
        Step("record_action", {"slug": SLUG, "action": ACTION}),
        Step("list_user_history"),
        Step("export_user"),
        Step("list_events"),
    ),
    "Reports": (
        Step("create_user_report", keeps=FILE_NAME),
        Step("open_report", path={"file_name": "{{file_name}}"}),
        Step("create_report", {"slug": SLUG}, keeps=JOB_ID),
        Step("create_export", path={"slug": SLUG}),
        Step("show_job", path={"job_id": "{{job_id}}"}),
        Step("list_jobs"),
    ),
    "Imports": (
        Step("create_import", {"slug": SLUG}, keeps=UPLOAD),
        Step("start_import", path={"import_id": "{{import_id}}"}, before=PUT_FILE),
    ),
    "In numbers": (Step("show_metrics"),),
    "The end": (
        Step("delete_segment", {"slug": OTHER_SLUG}),
        Step("delete_segment_by_path", path={"slug": SLUG}),
        Step("delete_user"),
    ),
}
