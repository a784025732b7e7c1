"""The template has no finding. Parameters that contradict each other are refused before a resource is created."""

import json
import re

import pytest

from local.settings import ROOT

SECRETS = {"DatabaseSecretArn": "arn:a", "DatabaseOwnerSecretArn": "arn:b"}
CREATED = {"CreateDatabase": "true"}
NETWORK = {"VpcSubnetIds": "subnet-1", "VpcSecurityGroupIds": "sg-1"}


def test_sam_can_translate_the_template(run_tool):
    answer = run_tool("sam", "validate", "--template-file", "template.yaml")

    assert answer.returncode == 0, answer.stderr


def test_the_template_has_no_finding(run_tool):
    answer = run_tool("sam", "validate", "--template-file", "template.yaml", "--lint")

    assert answer.returncode == 0, answer.stderr


def test_the_translated_template_has_no_finding(run_tool, translated, tmp_path):
    path = tmp_path / "translated.json"
    path.write_text(json.dumps(translated))

    answer = run_tool("cfn-lint", "--regions", "eu-central-1", "--template", str(path))

    assert answer.returncode == 0, answer.stdout


@pytest.mark.parametrize("parameters", [SECRETS, SECRETS | NETWORK, CREATED])
def test_parameters_that_go_together_are_accepted(template, parameters):
    refusals = refusals_of(template, parameters)

    assert refusals == []


@pytest.mark.parametrize(
    ("parameters", "refusal"),
    [
        ({}, "DatabaseSecretArn is needed"),
        ({"DatabaseSecretArn": "arn:a"}, "DatabaseOwnerSecretArn is needed"),
        (SECRETS | {"VpcSubnetIds": "subnet-1"}, "go together"),
        (SECRETS | {"VpcSecurityGroupIds": "sg-1"}, "go together"),
        (CREATED | SECRETS, "its own database and secrets"),
        (CREATED | {"DatabaseHost": "db.example.com"}, "its own database and secrets"),
        (CREATED | NETWORK, "its own VPC"),
        (CREATED | {"OidcIssuer": "https://id.example.com"}, "OidcAudience is needed"),
    ],
)
def test_parameters_that_contradict_each_other_are_refused(template, parameters, refusal):
    refusals = refusals_of(template, parameters)

    assert any(refusal in each for each in refusals)


def refusals_of(template, parameters):
    """Evaluate the Rules of the template, as CloudFormation does before it creates a resource."""
    values = {name: parameter["Default"] for name, parameter in template["Parameters"].items()} | parameters
    return [
        assertion["AssertDescription"]
        for rule in template["Rules"].values()
        if holds(rule["RuleCondition"], values)
        for assertion in rule["Assertions"]
        if not holds(assertion["Assert"], values)
    ]


def holds(expression, values):
    if not isinstance(expression, dict):
        return expression
    [(function, arguments)] = expression.items()
    if function == "Ref":
        return values[arguments]
    parts = [holds(argument, values) for argument in arguments]
    return {
        "Fn::Equals": lambda: parts[0] == parts[1],
        "Fn::Not": lambda: not parts[0],
        "Fn::And": lambda: all(parts),
        "Fn::Or": lambda: any(parts),
    }[function]()


def test_a_parameter_that_a_rule_compares_is_a_string(template):
    # a rule can compare a list only with literal values, and an empty list is [] or [""]
    assert {each["Type"] for each in template["Parameters"].values()} <= {"String", "Number"}


def test_the_owner_of_a_created_database_has_a_name_that_aurora_takes(translated):
    owner = translated["Resources"]["Database"]["Properties"]["MasterUsername"]

    assert re.fullmatch("[a-zA-Z][a-zA-Z0-9]{0,15}", owner)
    assert f"postgresql://{owner}@" in (ROOT / "docs" / "how-to" / "connect.md").read_text()


@pytest.mark.parametrize("subnet", ["SubnetA", "SubnetB"])
def test_the_zones_of_a_created_network_can_be_chosen(translated, subnet):
    zone = translated["Resources"][subnet]["Properties"]["AvailabilityZone"]

    _, zones = zone["Fn::Select"][1]["Fn::Split"]

    assert zones["Fn::If"] == ["ChoosesZones", {"Ref": "VpcZones"}, {"Fn::Join": [",", {"Fn::GetAZs": ""}]}]


def test_the_zones_of_a_created_network_differ(translated):
    zones = [translated["Resources"][f"Subnet{name}"]["Properties"]["AvailabilityZone"] for name in "AB"]

    assert [zone["Fn::Select"][0] for zone in zones] == [0, 1]


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("VpcSubnetIds", "subnet-1, subnet-2"),
        ("VpcSecurityGroupIds", "default"),
        ("VpcZones", "us-east-1a"),
        ("VpcZones", "us-east-1a,us-east-1b,us-east-1c"),
    ],
)
def test_a_list_with_a_wrong_member_is_refused(template, name, wrong):
    pattern = template["Parameters"][name]["AllowedPattern"]

    assert re.fullmatch(pattern, "")
    assert not re.fullmatch(pattern, wrong)


def test_expiry_runs_every_minute_and_a_failed_run_is_kept(translated):
    resources = translated["Resources"]
    rule = resources["ExpireMembershipsEveryMinute"]["Properties"]
    dead_letters = {"Fn::GetAtt": ["DeadLetters", "Arn"]}

    [target] = rule["Targets"]
    invocations = resources["ExpireMembershipsEventInvokeConfig"]["Properties"]

    assert rule["ScheduleExpression"] == "rate(1 minute)"
    assert target["Arn"] == {"Fn::GetAtt": ["ExpireMemberships", "Arn"]}
    assert target["DeadLetterConfig"]["Arn"] == dead_letters
    assert invocations["DestinationConfig"]["OnFailure"]["Destination"] == dead_letters
