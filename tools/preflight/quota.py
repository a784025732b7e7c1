"""The account's quota of concurrent executions."""

from collections.abc import Iterator

from tools.preflight.findings import Finding, obstacle
from tools.preflight.plan import Plan

KEPT_BY_LAMBDA = 100
"""Lambda refuses a reservation that leaves fewer executions to all other functions of the account."""

FEW = 50


def check(plan: Plan) -> Iterator[Finding]:
    """Yield whether the reservations fit."""
    limits = plan.client("lambda").get_account_settings()["AccountLimit"]
    quota, free = limits["ConcurrentExecutions"], limits["UnreservedConcurrentExecutions"]
    wanted = plan.reserved()
    if wanted and wanted > free - KEPT_BY_LAMBDA:
        yield obstacle(
            f"The functions reserve {wanted} concurrent executions. Of the quota of {quota}, {free} are free, "
            f"and Lambda keeps {KEPT_BY_LAMBDA}. Choose a smaller DatabaseMaxConnections, or request a higher quota."
        )
    elif quota <= FEW:
        yield Finding(f"The quota of {quota} concurrent executions is that of a new account. Request a higher one.")
