"""How many environments a function may have at once: what the template reserves for it."""

from typing import Any

from local.sam import IntrinsicResolver, IntrinsicsSymbolTable

UNRESERVED = 4
"""Of a function for which nothing is reserved: on AWS the account's quota, here what a developer's machine bears."""
NOTHING = {"Ref": "AWS::NoValue"}


class Concurrency:
    """The template's ReservedConcurrentExecutions, as the defaults of its parameters choose them."""

    def __init__(self, stack: Any) -> None:
        template = stack.template_dict
        defaults = {name: about.get("Default", "") for name, about in template.get("Parameters", {}).items()}
        table = IntrinsicsSymbolTable(template=template, logical_id_translator=defaults)
        self.resources = stack.resources  # with what Globals adds, which the template has not
        self.resolver = IntrinsicResolver(template=template, symbol_resolver=table)

    def of(self, function: str) -> int:
        """Return the function's number."""
        written = self.resources[function]["Properties"].get("ReservedConcurrentExecutions", 0)
        reserved = self.resolver.intrinsic_property_resolver(without_nothing(written), ignore_errors=False)
        return int(reserved) or UNRESERVED


def without_nothing(value: Any) -> Any:
    """Write 0 for AWS::NoValue in an Fn::If: SAM CLI knows no nothing."""
    if isinstance(value, dict) and "Fn::If" in value:
        return {"Fn::If": [0 if part == NOTHING else part for part in value["Fn::If"]]}
    return value
