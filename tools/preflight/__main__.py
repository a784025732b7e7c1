"""Check the account and the parameters before a deployment.

`make preflight PARAMETERS="CreateDatabase=true …"` runs this. It reads, and changes nothing.
"""

import sys
from collections.abc import Callable, Iterator
from functools import cache

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from local.settings import ROOT
from tools.preflight import database, event_bus, network, parameters, permissions, quota, stack
from tools.preflight.findings import Finding, obstacle
from tools.preflight.plan import Plan

Check = Callable[[Plan], Iterator[Finding]]
CHECKS: dict[str, Check] = {
    "parameters": parameters.check,
    "stack": stack.check,
    "quota of concurrent executions": quota.check,
    "network": network.check,
    "database": database.check,
    "event bus": event_bus.check,
    "permissions": permissions.check,
}


def main(name: str, *given: str) -> int:
    """Run every check, print what it finds, and return 1 if something would stop the deployment."""
    values = dict(each.split("=", 1) for each in given)
    plan = Plan(name, values, ROOT / "template.yaml", cache(boto3.client))
    found = [finding for title, check in CHECKS.items() for finding in report(title, check, plan)]
    return int(any(finding.is_obstacle for finding in found))


def report(title: str, check: Check, plan: Plan) -> list[Finding]:
    """Run a check, print its findings, and return them."""
    found = run(check, plan)
    for finding in found:
        say(f"{'STOP' if finding.is_obstacle else 'note'}  {title}: {finding.text}")
    if not found:
        say(f"ok    {title}")
    return found


def run(check: Check, plan: Plan) -> list[Finding]:
    """Return the findings of a check. A check that AWS refuses to answer finds just that."""
    try:
        return list(check(plan))
    except ClientError as error:
        return [Finding(f"not checked: {error.operation_name} answers {error.response['Error']['Code']}.")]
    except BotoCoreError as error:
        return [obstacle(f"AWS cannot be asked: {error}")]


def say(line: str) -> None:
    """Write a line."""
    sys.stdout.write(f"{line}\n")


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
