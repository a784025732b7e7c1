"""The planned deployment: the template, the parameters given to it, and the AWS account."""

import functools
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from local.template import Loader

NOTHING_RESERVED = 0


@dataclass(frozen=True)
class Plan:
    """A stack's name, the parameters that differ from the template's defaults, and clients of AWS's services."""

    stack: str
    given: dict[str, str]
    template: Path
    client: Callable[[str], Any] = field(repr=False)

    @functools.cached_property
    def document(self) -> dict[str, Any]:
        """Return the template with unresolved functions."""
        found: dict[str, Any] = yaml.load(self.template.read_text(), Loader)  # nosec B506 # noqa: S506 -- a SafeLoader
        return found

    def value(self, parameter: str) -> str:
        """Return the value of a parameter: the given one, or the default."""
        return self.given.get(parameter, str(self.document["Parameters"][parameter]["Default"]))

    def is_true(self, parameter: str) -> bool:
        """Return whether a parameter is "true"."""
        return self.value(parameter) == "true"

    @property
    def needs_proxy(self) -> bool:
        """Return whether the stack creates RDS Proxy."""
        return self.is_true("CreateDatabase") and self.is_true("UseProxy")

    def reserved(self) -> int:
        """Return the concurrency that all functions together reserve."""
        size = self.value("DatabaseMaxConnections")
        return NOTHING_RESERVED if size == "0" else sum(self._reservation(each, size) for each in self._functions())

    def _functions(self) -> Iterable[dict[str, Any]]:
        common = self.document["Globals"]["Function"]
        for resource in self.document["Resources"].values():
            if resource["Type"] == "AWS::Serverless::Function":
                yield common | resource["Properties"]

    def _reservation(self, function: dict[str, Any], size: str) -> int:
        _, reserved, _ = function["ReservedConcurrentExecutions"]
        if isinstance(reserved, int):
            return reserved
        mapping, _, group = reserved
        return int(self.document["Mappings"][mapping][size][group])
