"""The state of a stack of this name."""

from collections.abc import Iterator

from botocore.exceptions import ClientError

from tools.preflight.findings import Finding, obstacle
from tools.preflight.plan import Plan

WAYS_OUT = {
    "ROLLBACK_COMPLETE": "delete it: sam delete",
    "ROLLBACK_FAILED": "delete it: sam delete",
    "DELETE_FAILED": "delete it again: sam delete",
    "UPDATE_ROLLBACK_FAILED": "see docs/how-to/upgrade.md",
}


def check(plan: Plan) -> Iterator[Finding]:
    """Yield the state of an existing stack, if it takes no deployment."""
    try:
        [found] = plan.client("cloudformation").describe_stacks(StackName=plan.stack)["Stacks"]
    except ClientError:  # there is none yet
        return
    status = found["StackStatus"]
    if status in WAYS_OUT:
        yield obstacle(f"The stack {plan.stack} is in {status}: {WAYS_OUT[status]}.")
    elif status.endswith("IN_PROGRESS"):
        yield obstacle(f"The stack {plan.stack} is in {status}: wait.")
