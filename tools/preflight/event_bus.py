"""The event bus, which the stack does not create."""

from collections.abc import Iterator

from tools.preflight.findings import Finding, obstacle
from tools.preflight.plan import Plan


def check(plan: Plan) -> Iterator[Finding]:
    """Yield that the bus does not exist. A stack without EventBusName needs none."""
    name = plan.value("EventBusName")
    if not name:
        return
    events = plan.client("events")
    try:
        events.describe_event_bus(Name=name)
    except events.exceptions.ResourceNotFoundException:
        yield obstacle(f"EventBusName: there is no bus {name}. Create it first.")
