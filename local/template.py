"""The SAM template, as far as SAM CLI does not read it for us: written by hand or by `sam build`."""

import functools
from pathlib import Path
from typing import Any

import yaml


class Loader(yaml.SafeLoader):
    """Reads a template without resolving CloudFormation's own tags, such as !Ref."""


def _unresolved(loader: Loader, _: str, node: yaml.Node) -> Any:
    if isinstance(node, yaml.MappingNode):
        return loader.construct_mapping(node)
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node)
    if isinstance(node, yaml.ScalarNode):
        return loader.construct_scalar(node)
    raise TypeError(node)


Loader.add_multi_constructor("!", _unresolved)


@functools.cache  # a tenth of a second each time
def resources(template: Path) -> dict[str, dict[str, Any]]:
    """Return the template's resources by their logical names."""
    found: dict[str, dict[str, Any]] = yaml.load(template.read_text(), Loader)["Resources"]  # nosec B506 # noqa: S506 -- a SafeLoader
    return found


def of_type(template: Path, kind: str) -> dict[str, dict[str, Any]]:
    """Return the properties of the resources of a type, by their logical names."""
    return {
        name: resource.get("Properties", {})
        for name, resource in resources(template).items()
        if resource["Type"] == kind
    }


def authorizer_seconds(template: Path, name: str) -> int:
    """Return how long the answer of an HTTP API's authorizer counts; five minutes where the template does not say."""
    for api in of_type(template, "AWS::Serverless::HttpApi").values():
        found = api.get("Auth", {}).get("Authorizers", {}).get(name, {})
        if "ReauthorizeEvery" in found.get("Identity", {}):
            return int(found["Identity"]["ReauthorizeEvery"])
    return 300


def referred(value: Any) -> str:
    """Name the resource that a !Ref or !GetAtt means; `sam build` writes both as mappings."""
    if isinstance(value, dict):
        [value] = value.values()
    return str(value if isinstance(value, str) else value[0]).partition(".")[0]
