"""The parts of the SAM template that SAM CLI does not read for us, in the source or in the output of `sam build`."""

import functools
from pathlib import Path
from typing import Any

import yaml

ALIAS = "Aliaslive"
"""SAM names the resource of a function's alias by the function, with this suffix."""


class Loader(yaml.SafeLoader):
    """Reads a template without resolving CloudFormation's tags, such as !Ref."""


def _unresolved(loader: Loader, _: str, node: yaml.Node) -> Any:
    if isinstance(node, yaml.MappingNode):
        return loader.construct_mapping(node)
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node)
    if isinstance(node, yaml.ScalarNode):
        return loader.construct_scalar(node)
    raise TypeError(node)


Loader.add_multi_constructor("!", _unresolved)


@functools.cache  # because parsing the template is slow
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
    """Return how long an authorizer's answer is cached. The default is five minutes."""
    for api in of_type(template, "AWS::Serverless::HttpApi").values():
        found = api.get("Auth", {}).get("Authorizers", {}).get(name, {})
        if "ReauthorizeEvery" in found.get("Identity", {}):
            return int(found["Identity"]["ReauthorizeEvery"])
    return 300


def without_aliases(value: Any) -> Any:
    """Return a part of a template with functions in place of their aliases. SAM CLI knows no alias."""
    if isinstance(value, list):
        return [without_aliases(each) for each in value]
    if not isinstance(value, dict):
        return value
    name, _, attribute = str(value.get("Ref")).partition(".")
    if attribute == "Alias":
        return {"Fn::GetAtt": [name, "Arn"]}
    return {key: without_aliases(each) for key, each in value.items()}


def referred(value: Any) -> str:
    """Return the logical name in a !Ref or !GetAtt. `sam build` writes both as mappings.

    For the alias of a function it is the name of the function, because every caller uses the alias.
    """
    if isinstance(value, dict):
        [value] = value.values()
    return str(value if isinstance(value, str) else value[0]).partition(".")[0].removesuffix(ALIAS)
