"""The template has no finding. Parameters that contradict each other are refused before a resource is created."""

import graphlib
import json
import re

import pytest

from local.settings import ROOT
from local.template import ALIAS

SECRETS = {"DatabaseSecretArn": "arn:a", "DatabaseOwnerSecretArn": "arn:b"}
CREATED = {"CreateDatabase": "true"}
NETWORK = {"VpcSubnetIds": "subnet-1", "VpcSecurityGroupIds": "sg-1"}


def test_sam_can_translate_the_template(run_tool):
    answer = run_tool("sam", "validate", "--template-file", "template.yaml")

    assert answer.returncode == 0, answer.stderr


def test_the_template_has_no_finding(run_tool):
    answer = run_tool("sam", "validate", "--template-file", "template.yaml", "--lint")

    assert answer.returncode == 0, answer.stderr


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
        (CREATED | {"DomainName": "api.example.com"}, "DomainName and CertificateArn go together"),
        (CREATED | {"CertificateArn": "arn:aws:acm:eu-central-1:1:certificate/a"}, "DomainName and CertificateArn"),
        (CREATED | {"HostedZoneId": "Z1"}, "HostedZoneId needs both"),
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
    owner = translated["Resources"]["Database"]["Properties"]["MasterUsername"]["Fn::If"][2]

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


@pytest.fixture(scope="module")
def gradual_document(template, run_tool, tmp_path_factory):
    """The translation of the template for a gradual deployment. SAM itself evaluates this parameter."""
    path = tmp_path_factory.mktemp("gradual") / "template.json"
    parameters = template["Parameters"]
    chosen = parameters | {"GradualDeployment": parameters["GradualDeployment"] | {"Default": "true"}}
    path.write_text(json.dumps(template | {"Parameters": chosen}))
    return json.loads(run_tool("python", "tests/contract/translate.py", str(path)).stdout)["translated"]


@pytest.fixture(scope="module")
def gradual(gradual_document):
    return gradual_document["Resources"]


def test_the_translated_template_has_no_finding(run_tool, gradual_document, tmp_path):
    """Read the larger of the two translations. cfn-lint takes most of a minute for both."""
    path = tmp_path / "translated.json"
    path.write_text(json.dumps(gradual_document))

    answer = run_tool("cfn-lint", "--regions", "eu-central-1", "--template", str(path))

    assert answer.returncode == 0, answer.stdout


def of_type(resources, kind):
    return {name: each["Properties"] for name, each in resources.items() if each["Type"] == kind}


def test_a_gradual_deployment_has_every_resource_of_the_other(translated, gradual):
    kinds = {name: each["Type"] for name, each in gradual.items()}
    without = {name: each["Type"] for name, each in translated["Resources"].items()}

    added = {kind for name, kind in kinds.items() if name not in without}
    assert without.items() <= kinds.items()
    assert added == {"AWS::CodeDeploy::Application", "AWS::CodeDeploy::DeploymentGroup", "AWS::IAM::Role"}


def test_a_deployment_moves_the_traffic_at_once_by_default(translated):
    assert of_type(translated["Resources"], "AWS::CodeDeploy::DeploymentGroup") == {}


def test_a_gradual_deployment_moves_every_function_except_the_migrations(gradual):
    functions = of_type(gradual, "AWS::Lambda::Function")

    groups = of_type(gradual, "AWS::CodeDeploy::DeploymentGroup")

    assert {name.removesuffix("DeploymentGroup") for name in groups} == functions.keys() - {"ApplyMigrations"}


def test_an_alarm_takes_a_gradual_deployment_back(gradual):
    named = {
        json.dumps(each["AlarmName"])
        for each in of_type(gradual, "AWS::CloudWatch::Alarm").values()
        if "AlarmName" in each
    }

    for group in of_type(gradual, "AWS::CodeDeploy::DeploymentGroup").values():
        watched = {json.dumps(each["Name"]) for each in group["AlarmConfiguration"]["Alarms"]}
        assert watched == named
        assert "DEPLOYMENT_STOP_ON_ALARM" in group["AutoRollbackConfiguration"]["Events"]


def test_a_gradual_deployment_has_no_circle(gradual):
    graph = {name: referred_by(each) & gradual.keys() for name, each in gradual.items()}

    assert [*graphlib.TopologicalSorter(graph).static_order()]


def referred_by(value):
    """The names in !Ref, !GetAtt, !Sub and DependsOn of a resource."""
    after = value.get("DependsOn", [])
    found = re.findall(r'"Ref": "(\w+)"|"Fn::GetAtt": \["(\w+)"|\$\{(\w+)', json.dumps(value))
    return {name for names in found for name in names} | {*([after] if isinstance(after, str) else after)}


def test_a_new_release_publishes_every_function_even_if_only_the_layer_has_changed(template):
    functions = [each for each in template["Resources"].values() if each["Type"] == "AWS::Serverless::Function"]

    assert [each["Properties"].get("AutoPublishCodeSha256") for each in functions] == [{"Ref": "Release"}] * len(
        functions
    )


def test_the_first_deployment_can_be_rolled_back_because_nothing_protects_its_database(translated):
    assert translated["Resources"]["Database"]["Properties"]["DeletionProtection"] == {
        "Fn::If": ["ProtectsDatabase", True, False]
    }
    assert translated["Parameters"]["DatabaseProtection"]["Default"] == "false"


def test_the_parameter_group_is_of_the_family_of_the_version(translated):
    family = translated["Resources"]["DatabaseSettings"]["Properties"]["Family"]["Fn::Sub"]

    assert family == [
        "aurora-postgresql${Major}",
        {"Major": {"Fn::Select": [0, {"Fn::Split": [".", {"Ref": "DatabaseEngineVersion"}]}]}},
    ]


@pytest.mark.parametrize(("version", "is_valid"), [("16.13", True), ("17.7", True), ("15.9", False), ("17", False)])
def test_a_version_is_16_or_newer_and_names_its_minor_number(template, version, is_valid):
    pattern = template["Parameters"]["DatabaseEngineVersion"]["AllowedPattern"]

    assert bool(re.fullmatch(pattern, version)) is is_valid


@pytest.mark.parametrize("name", ["DatabaseName", "MasterUsername"])
def test_a_restored_snapshot_keeps_its_own_names(translated, name):
    cluster = translated["Resources"]["Database"]["Properties"]

    assert cluster[name]["Fn::If"][:2] == ["RestoresSnapshot", {"Ref": "AWS::NoValue"}]
    assert cluster["SnapshotIdentifier"]["Fn::If"][0] == "RestoresSnapshot"


def test_with_a_domain_the_api_has_no_other_address(translated):
    resources = translated["Resources"]
    [server] = resources["HttpApi"]["Properties"]["Body"]["servers"]

    endpoint = server["x-amazon-apigateway-endpoint-configuration"]

    assert endpoint["disableExecuteApiEndpoint"] == {"Fn::If": ["HasDomain", True, False]}
    assert resources["DomainMapping"]["Properties"].keys() == {"ApiId", "DomainName", "Stage"}  # no key: the root
    assert resources["DomainMapping"]["Properties"]["Stage"] == {"Ref": "HttpApiApiGatewayDefaultStage"}
    assert resources["DomainRecord"]["Condition"] == "HasRecord"


def test_late_expiry_is_silent_until_the_schedule_exists(translated):
    assert translated["Resources"]["LateExpiry"]["DependsOn"] == "ExpireMembershipsEveryMinute"


def test_expiry_runs_every_minute_and_a_failed_run_is_kept(translated):
    resources = translated["Resources"]
    rule = resources["ExpireMembershipsEveryMinute"]["Properties"]
    dead_letters = {"Fn::GetAtt": ["DeadLetters", "Arn"]}

    [target] = rule["Targets"]
    invocations = resources["ExpireMembershipsEventInvokeConfig"]["Properties"]

    assert rule["ScheduleExpression"] == "rate(1 minute)"
    assert target["Arn"] == {"Ref": f"ExpireMemberships{ALIAS}"}
    assert invocations["Qualifier"] == "live"
    assert target["DeadLetterConfig"]["Arn"] == dead_letters
    assert invocations["DestinationConfig"]["OnFailure"]["Destination"] == dead_letters
