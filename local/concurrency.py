"""The number of execution environments that a function may have: its reserved concurrency in the template."""

from typing import Any

from local.sam import IntrinsicResolver, IntrinsicsSymbolTable

UNRESERVED = 4
"""The limit of a function without reserved concurrency. On AWS it is the quota of the account."""
NOTHING = {"Ref": "AWS::NoValue"}


CHOSEN = {"DatabaseMaxConnections": "100"}
"""The local Postgres has more than a hundred connections. On AWS the first deployment reserves nothing."""


class Concurrency:
    """The template's ReservedConcurrentExecutions, for the chosen size and the defaults of other parameters."""

    def __init__(self, stack: Any) -> None:
        template = stack.template_dict
        defaults = {name: about.get("Default", "") for name, about in template.get("Parameters", {}).items()}
        chosen = {name: value for name, value in CHOSEN.items() if name in defaults}
        table = IntrinsicsSymbolTable(template=template, logical_id_translator=defaults | chosen)
        self.resources = stack.resources  # unlike the template, with the properties of Globals
        self.resolver = IntrinsicResolver(template=template, symbol_resolver=table)

    def of(self, function: str) -> int:
        """Return the limit of a function."""
        written = self.resources[function]["Properties"].get("ReservedConcurrentExecutions", 0)
        reserved = self.resolver.intrinsic_property_resolver(without_nothing(written), ignore_errors=False)
        return int(reserved) or UNRESERVED


def without_nothing(value: Any) -> Any:
    """Replace AWS::NoValue in an Fn::If by 0, because SAM CLI does not support it."""
    if isinstance(value, dict) and "Fn::If" in value:
        return {"Fn::If": [0 if part == NOTHING else part for part in value["Fn::If"]]}
    return value
