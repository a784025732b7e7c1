"""Each AWS command, option, resource and log message in the documents exists."""

import re
from pathlib import Path

import pytest
from botocore import xform_name
from botocore.session import get_session

from local import template

PROJECT = Path(__file__).parents[2]
DOCUMENTS = [PROJECT / "README.md", *(PROJECT / "docs").rglob("*.md")]
TEXT = "\n".join(path.read_text() for path in DOCUMENTS).replace("\\\n", " ")
OF_THE_CLI_ITSELF = {("ec2-instance-connect", "ssh")}
COMMANDS = {
    (service, command, tuple(re.findall(r"--(?:no-)?([a-z0-9-]+)", rest)))
    for service, command, rest in re.findall(r"\baws ([a-z][\w-]+) ([a-z-]+)((?:(?!\baws )[^`\n])*)", TEXT)
    if (service, command) not in OF_THE_CLI_ITSELF
}
OF_EVERY_COMMAND = {"query", "output", "endpoint-url"}


@pytest.mark.parametrize(("service", "command", "options"), sorted(COMMANDS))
def test_documented_command_of_aws_exists(service, command, options):
    model = get_session().get_service_model(service)
    operations = {xform_name(name, "-"): name for name in model.operation_names}

    members = model.operation_model(operations[command]).input_shape.members

    assert {*options} - OF_EVERY_COMMAND <= {xform_name(name, "-") for name in members}


def test_documented_resources_are_those_of_the_template():
    resources = template.resources(PROJECT / "template.yaml").keys()

    named = {*re.findall(r"\$\((?:physical|arn) (\w+)\)", TEXT), *re.findall(r"--logical-resource-id (\w+)", TEXT)}

    assert {"JobsDeadLetters", "JobsQueue", "ExpireMemberships"} <= named <= resources


def test_messages_that_the_documents_look_for_are_those_of_the_log():
    code = "".join(path.read_text() for folder in ("functions", "layers") for path in (PROJECT / folder).rglob("*.py"))
    written = {*re.findall(r'(?:logger|_log)\.\w+\(\s*"([^":%]+)', code)}

    found = re.findall(r'filter message = "([^"]+)"|503 after `([^`]+)`', " ".join(TEXT.split()))
    sought = {filtered or named for filtered, named in found}

    assert "a step of the run failed" in sought
    assert sought <= written


def test_command_to_a_local_run_needs_no_account():
    asked = [line for line in TEXT.splitlines() if "--endpoint-url http://127.0.0.1" in line]

    assert len(asked) == 1
    assert all({"AWS_DEFAULT_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"} <= names_in(line) for line in asked)


def names_in(line):
    """Return the variables that a line sets for its command."""
    return set(re.findall(r"\b(AWS_\w+)=", line.partition(" aws ")[0]))
