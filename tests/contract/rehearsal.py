"""The translated template in moto, without the resources that moto cannot create."""

import copy
import io
import json
import re
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import boto3
import pytest
from moto import mock_aws

from local.template import ALIAS, referred

STACK = "segmentation"
REGION = "eu-central-1"
ELSEWHERE = f"arn:aws:elsewhere:{REGION}:123456789012:"
SHAPES = {
    "existing database": {
        "DatabaseSecretArn": f"arn:aws:secretsmanager:{REGION}:123456789012:secret:application",
        "DatabaseOwnerSecretArn": f"arn:aws:secretsmanager:{REGION}:123456789012:secret:owner",
    },
    "created database": {"CreateDatabase": "true"},
    "created database without a proxy": {"CreateDatabase": "true", "UseProxy": "false"},
    "created database with readers": {"CreateDatabase": "true", "DatabaseReaders": "2"},
}
"""The kinds of deployment, by their parameters."""

SUBNETS = ["10.90.0.0/22", "10.90.4.0/22"]  # moto cannot compute them
BEYOND_MOTO = re.compile(
    "AWS::ApiGatewayV2::|AWS::S3::BucketPolicy|AWS::SQS::QueuePolicy|AWS::Lambda::EventInvokeConfig|Custom::"
    "|AWS::SecretsManager::|AWS::RDS::|AWS::Lambda::LayerVersion|AWS::SNS::TopicPolicy|AWS::CloudWatch::"
    "|AWS::Lambda::Version|AWS::Lambda::Alias"
)
"""Types that moto skips silently or cannot refer to. Other tests check these in the template."""


@dataclass(frozen=True)
class Stack:
    """A stack in moto."""

    document: dict[str, Any]
    parameters: dict[str, str]
    clients: dict[str, Any] = field(default_factory=dict)

    def ask(self, service: str) -> Any:
        if service not in self.clients:
            self.clients[service] = boto3.client(service, region_name=REGION)
        return self.clients[service]

    @property
    def resources(self) -> dict[str, str]:
        """The types of the resources that these parameters create, by logical name."""
        conditions = {None}
        if self.parameters.get("CreateDatabase") == "true":
            conditions |= {"CreatesDatabase"} | ({"UsesProxy"} if self.parameters.get("UseProxy") != "false" else set())
        if readers := int(self.parameters.get("DatabaseReaders", 0)):
            conditions |= {"HasReaders", "ReadsThroughProxy", *(f"HasReader{number + 1}" for number in range(readers))}
        wanted = self.document["Resources"].items()
        return {name: each["Type"] for name, each in wanted if each.get("Condition") in conditions}

    @property
    def status(self) -> str:
        return self.ask("cloudformation").describe_stacks(StackName=STACK)["Stacks"][0]["StackStatus"]

    @property
    def physical(self) -> dict[str, str]:
        """The physical names of the resources, by logical name."""
        pages = self.ask("cloudformation").get_paginator("list_stack_resources").paginate(StackName=STACK)
        found = [each for page in pages for each in page["StackResourceSummaries"]]
        return {each["LogicalResourceId"]: each["PhysicalResourceId"] for each in found if each["LogicalResourceId"]}

    def named(self, kind: str) -> list[str]:
        """The logical names of the resources of a type."""
        return [name for name, each in self.resources.items() if each == kind]

    @cached_property
    def functions(self) -> dict[str, dict[str, Any]]:
        """The configurations of the functions, by logical name."""
        physical = self.physical
        return {
            name: self.ask("lambda").get_function_configuration(FunctionName=physical[name])
            for name in self.named("AWS::Lambda::Function")
        }

    def change(self, **parameters: str) -> None:
        """Update the stack with other parameters. A change set of moto would ignore them."""
        self.ask("cloudformation").update_stack(
            StackName=STACK,
            TemplateBody=json.dumps(self.document),
            Parameters=as_parameters(self.parameters | parameters),
        )


@contextmanager
def created(translated: dict[str, Any], parameters: dict[str, str]) -> Iterator[Stack]:
    """Create the stack in moto. Its functions have an empty module as code."""
    stack = Stack(within_moto(translated), parameters)
    with pytest.MonkeyPatch.context() as patch, mock_aws(config={"lambda": {"use_docker": False}}):
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            patch.setenv(name, "of-a-test")
        put_code(stack.ask("s3"))
        stack.ask("cloudformation").create_stack(
            StackName=STACK, TemplateBody=json.dumps(stack.document), Parameters=as_parameters(parameters)
        )
        yield stack


def as_parameters(parameters: dict[str, str]) -> list[dict[str, str]]:
    return [{"ParameterKey": name, "ParameterValue": value} for name, value in parameters.items()]


def put_code(s3: Any) -> None:
    """Put an archive at the place that the translated template names without an upload."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("app.py", "")
    s3.create_bucket(Bucket="bucket", CreateBucketConfiguration={"LocationConstraint": REGION})
    s3.put_object(Bucket="bucket", Key="value", Body=archive.getvalue())


def within_moto(translated: dict[str, Any]) -> dict[str, Any]:
    """Leave out the resources that moto cannot create. References to them become an ARN with their name."""
    document = copy.deepcopy(translated)
    left_out = {name for name, each in document["Resources"].items() if BEYOND_MOTO.match(each["Type"])}
    kept = {name: each for name, each in document["Resources"].items() if name not in left_out}
    for resource in kept.values():
        resource["Properties"].pop("Layers", None)  # moto would put an object of its own there
        depends_on = resource.pop("DependsOn", [])
        names = [depends_on] if isinstance(depends_on, str) else depends_on
        resource["DependsOn"] = [name for name in names if name not in left_out]
    return without({**document, "Resources": kept}, left_out)


def without(value: Any, left_out: set[str]) -> Any:
    """Replace the references to resources that were left out. A function takes the place of its alias."""
    if isinstance(value, list):
        return [without(each, left_out) for each in value]
    if not isinstance(value, dict):
        return value
    if "Fn::Cidr" in value:
        return SUBNETS
    if str(value.get("Ref")).endswith(ALIAS):
        return {"Fn::GetAtt": [referred(value), "Arn"]}
    if value.get("Ref") in left_out:
        return ELSEWHERE + value["Ref"]
    if value.get("Fn::GetAtt", [None])[0] in left_out:
        return ELSEWHERE + value["Fn::GetAtt"][0]
    if isinstance(text := value.get("Fn::Sub"), str):
        return {"Fn::Sub": re.sub(r"\$\{(\w+)[^}]*\}", lambda m: m[1] if m[1] in left_out else m[0], text)}
    return {name: without(each, left_out) for name, each in value.items()}
