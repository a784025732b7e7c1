"""The stack's name and its parameters, compared with the rules of AWS and of the template."""

import re
from collections.abc import Iterator

from tools.preflight.findings import Finding, obstacle
from tools.preflight.plan import Plan

PROXY_NAME = re.compile(r"[A-Za-z](-?[A-Za-z0-9]){0,62}")
"""CreateDBProxy: a letter first, no two hyphens together, none at the end. The proxy has the name of the stack."""

OF_READERS = "-readers"
"""What follows in the name of the proxy's endpoint for readers, which has the same rules."""


def check(plan: Plan) -> Iterator[Finding]:
    """Yield what the name or a parameter breaks."""
    if plan.needs_proxy and not PROXY_NAME.fullmatch(plan.stack):
        yield obstacle(
            f"{plan.stack} cannot be the name of RDS Proxy. "
            "Choose a stack name of at most 63 letters, digits and single hyphens."
        )
    yield from _check_readers(plan)
    for name, value in plan.given.items():
        yield from _check_value(plan, name, value)


def _check_readers(plan: Plan) -> Iterator[Finding]:
    if plan.value("DatabaseReaders") == "0":
        return
    if not plan.is_true("CreateDatabase"):
        yield obstacle(
            "DatabaseReaders needs CreateDatabase=true. DatabaseReadHost names the standby of your database."
        )
    elif plan.needs_proxy and not PROXY_NAME.fullmatch(plan.stack + OF_READERS):
        yield obstacle(f"{plan.stack}{OF_READERS} cannot be the name of an endpoint. Choose a shorter stack name.")


def _check_value(plan: Plan, name: str, value: str) -> Iterator[Finding]:
    rules = plan.document["Parameters"].get(name)
    if rules is None:
        yield obstacle(f"{name} is not a parameter of the template.")
    elif not re.fullmatch(rules.get("AllowedPattern", ".*"), value):
        yield obstacle(f"{name} must match {rules['AllowedPattern']}.")
    elif "AllowedValues" in rules and value not in map(str, rules["AllowedValues"]):
        yield obstacle(f"{name} must be one of {', '.join(map(str, rules['AllowedValues']))}.")
