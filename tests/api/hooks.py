"""Rules that the document cannot express: cursors, and rules between two values. Schemathesis applies them."""

import base64
import re
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import schemathesis
from hypothesis import strategies as st

from segmentation.api.idempotency import HEADER
from segmentation.contract.values import SLUG_PATTERN

SLUGS = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_.-]{2,30}", fullmatch=True)
IDS = st.integers(0, 2**63 - 1)
INSTANTS = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)).map(datetime.isoformat)  # noqa: DTZ001 -- hypothesis takes naive bounds
BUILT_IN = {"added", "deleted", "lifetime_changed"}
KEYS = {
    "users": IDS.map(str),
    "slugs": SLUGS,
    "actions": st.from_regex(r"[A-Za-z][A-Za-z0-9_.:-]{0,30}", fullmatch=True),
    "usernames": st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_.@+-]{0,30}", fullmatch=True),
    "history": st.tuples(INSTANTS, IDS.map(str)).map(" ".join),
}


def cursor(key: str) -> str:
    """Encode a key as the service does."""
    return base64.urlsafe_b64encode(key.encode()).decode().rstrip("=")


for name, keys in KEYS.items():
    schemathesis.openapi.format(f"cursor-of-{name}", keys.map(cursor))


@schemathesis.hook
def before_call(_context: Any, case: Any, _arguments: Any) -> None:
    """Correct a request that fits the document and breaks a rule that no schema can express."""
    if case.meta is not None and case.meta.generation.mode.is_negative:
        return  # it is wrong on purpose
    case.body = with_whole_numbers(case.body)
    if isinstance(case.body, dict):
        correct_lists(case.body)
        correct_lifetime(case.body)
        correct_change(case.body)
        correct_month(case.body)
        correct_action(case.body)
        correct_percent(case.body)
        correct_steps(case.body)
    correct_month(case.query)
    correct_range(case.query)
    correct_slug(case.path_parameters)
    spare_admin(case.path_parameters)
    correct_key(case.headers)


def with_whole_numbers(value: Any) -> Any:
    """Replace 5.0 by 5. JSON Schema calls both an integer, the service only the second."""
    if isinstance(value, dict):
        return {name: with_whole_numbers(member) for name, member in value.items()}
    if isinstance(value, list):
        return [with_whole_numbers(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def correct_lists(body: dict[str, Any]) -> None:
    """Keep each slug in one list only."""
    if body.get("delete_segments"):
        body["delete_segments"] = [
            slug for slug in body["delete_segments"] if slug not in (body.get("add_segments") or ())
        ]


def correct_lifetime(body: dict[str, Any]) -> None:
    """Keep one end of a lifetime, and move it into the future."""
    if body.get("expires_at") is not None or body == {"expires_at": None}:
        body["expires_at"] = "2999-12-31T00:00:00Z"
        body.pop("ttl", None)


def correct_change(body: dict[str, Any]) -> None:
    """Give a change something to change: a slug of null means that none was given."""
    if body == {"slug": None}:
        body["description"] = None


def correct_month(values: dict[str, Any]) -> None:
    """Replace a month that has not begun."""
    if "year" in values and int(values["year"]) >= datetime.now(UTC).year:
        values["year"] = 2023


def correct_action(body: dict[str, Any]) -> None:
    """Replace a built-in action: a client may record only its own."""
    if body.get("action") in BUILT_IN:
        body["action"] = "exposure"


def correct_percent(body: dict[str, Any]) -> None:
    """Round a percent to hundredths."""
    if isinstance(body.get("user_percent"), float):
        body["user_percent"] = round(body["user_percent"], 2)


def correct_steps(body: dict[str, Any]) -> None:
    """Date the steps of a schedule a day apart in the future, and round their percents."""
    for number, step in enumerate(body.get("steps") or ()):
        step["at"] = (datetime(2100, 1, 1, tzinfo=UTC) + timedelta(days=number)).isoformat()
        correct_percent(step)


def correct_range(query: dict[str, Any]) -> None:
    """Drop the end of a range, which could be before its start."""
    if "from" in query and "to" in query:
        del query["to"]


def correct_slug(path_parameters: dict[str, Any]) -> None:
    """Replace a value that Schemathesis copies from another answer and that is not a slug."""
    if "slug" in path_parameters and not re.fullmatch(SLUG_PATTERN, str(path_parameters["slug"])):
        path_parameters["slug"] = "NONE"


def spare_admin(path_parameters: dict[str, Any]) -> None:
    """Keep the account that Schemathesis itself uses: another password would end its token."""
    if str(path_parameters.get("username", "")).lower() == "admin":
        path_parameters["username"] = "nobody"


def correct_key(headers: Any) -> None:
    """Give each request a new key. A used key belongs to the request that came with it first."""
    if HEADER in headers:
        headers[HEADER] = str(uuid4())
