"""`make preflight` names what would stop a deployment. Moto is the account, and a stub answers what moto lacks."""

from functools import cache

import boto3
import pytest
from botocore.stub import Stubber
from moto import mock_aws

from local.settings import ROOT
from tools.preflight import __main__ as program
from tools.preflight import database, event_bus, network, parameters, permissions, quota, stack
from tools.preflight.plan import Plan

REGION = "us-east-1"
CREATED = {"CreateDatabase": "true"}


@pytest.fixture
def stubs():
    """Answers of the operations that moto lacks, by service and operation. A text is the code of an error."""
    return {}


@pytest.fixture
def plan(monkeypatch, stubs):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "of-a-test")

    @cache
    def client(service):
        made = boto3.client(service, region_name=REGION)
        for operation, answer in stubs.get(service, {}).items():
            stubber = Stubber(made)
            if isinstance(answer, str):
                stubber.add_client_error(operation, answer)
            else:
                stubber.add_response(operation, answer)
            stubber.activate()
        return made

    with mock_aws():
        yield lambda name="segmentation", **given: Plan(name, given, ROOT / "template.yaml", client)


def obstacles(findings):
    return [finding.text for finding in findings if finding.is_obstacle]


def test_an_event_bus_that_does_not_exist_stops_the_deployment(plan):
    [found] = obstacles(event_bus.check(plan(EventBusName="segments")))

    assert "there is no bus segments" in found


def test_an_existing_event_bus_or_none_is_fine(plan):
    checked = plan(EventBusName="segments")
    checked.client("events").create_event_bus(Name="segments")

    assert obstacles(event_bus.check(checked)) == obstacles(event_bus.check(plan())) == []


def account(quota, free):
    return {
        "lambda": {
            "get_account_settings": {
                "AccountLimit": {"ConcurrentExecutions": quota, "UnreservedConcurrentExecutions": free}
            }
        }
    }


def test_the_default_parameters_reserve_nothing_and_fit_into_a_new_account(plan, stubs):
    stubs |= account(10, 10)

    [finding] = quota.check(plan())

    assert "new account" in finding.text
    assert not finding.is_obstacle


@pytest.mark.parametrize(("free", "stops"), [(1000, False), (200, False), (170, True), (10, True)])
def test_a_reservation_that_the_quota_cannot_hold_stops_the_deployment(plan, stubs, free, stops):
    stubs |= account(1000, free)

    found = obstacles(quota.check(plan(DatabaseMaxConnections="100")))

    assert bool(found) is stops


def test_the_reservation_is_that_of_the_translated_template(plan, translated):
    limits = translated["Mappings"]["Concurrency"]["100"]
    functions = [
        each["Properties"] for each in translated["Resources"].values() if each["Type"] == "AWS::Lambda::Function"
    ]

    reserved = [each["ReservedConcurrentExecutions"]["Fn::If"][1] for each in functions]

    assert plan(DatabaseMaxConnections="100").reserved() == sum(
        each if isinstance(each, int) else limits[each["Fn::FindInMap"][2]] for each in reserved
    )


def test_a_zone_without_rds_proxy_stops_the_deployment_and_other_zones_are_named(plan):
    zones = boto3.client("ec2", REGION).describe_availability_zones()["AvailabilityZones"]
    [without] = [each["ZoneName"] for each in zones if each["ZoneId"] in network.WITHOUT_PROXY]

    [found] = obstacles(network.check(plan(**CREATED, VpcZones=f"{without},us-east-1f")))

    assert f"RDS Proxy does not exist in {without}" in found
    assert without not in found.partition("Set VpcZones=")[2]
    assert obstacles(network.check(plan(**CREATED, UseProxy="false", VpcZones=f"{without},us-east-1f"))) == []


def test_the_default_zones_are_those_that_cloudformation_takes_first(plan):
    assert network._first_zones(plan(**CREATED), ["x", "y", "z"]) == ["us-east-1a", "us-east-1b"]


def test_a_zone_that_the_account_lacks_stops_the_deployment(plan):
    assert "no zone us-east-1z" in obstacles(network.check(plan(**CREATED, VpcZones="us-east-1z,us-east-1b")))[0]


def test_a_region_full_of_vpcs_stops_the_deployment(plan):
    for _ in range(4):
        boto3.client("ec2", REGION).create_vpc(CidrBlock="10.0.0.0/16")

    found = obstacles(network.check(plan(**CREATED, VpcZones="us-east-1a,us-east-1b")))

    assert any("5 VPCs of at most 5" in each for each in found)


def test_a_stack_name_that_is_too_long_for_the_endpoint_of_readers_stops_the_deployment(plan):
    name = "a" * 60

    assert obstacles(parameters.check(plan(name, **CREATED))) == []
    assert len(obstacles(parameters.check(plan(name, **CREATED, DatabaseReaders="1")))) == 1


def test_readers_of_an_existing_database_stop_the_deployment(plan):
    [found] = obstacles(parameters.check(plan(DatabaseReaders="1")))

    assert "DatabaseReadHost" in found


@pytest.mark.parametrize("name", ["two--hyphens", "ends-with-one-", "a" * 64])
def test_a_stack_name_that_rds_proxy_refuses_stops_the_deployment(plan, name):
    assert len(obstacles(parameters.check(plan(name, **CREATED)))) == 1
    assert obstacles(parameters.check(plan(name))) == []


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"CreateDatabse": "true"}, "CreateDatabse is not a parameter"),
        ({"VpcZones": "us-east-1a"}, "VpcZones must match"),
        ({"DatabaseMaxConnections": "200"}, "DatabaseMaxConnections must be one of 0, 100, 400, 1000"),
    ],
)
def test_a_parameter_that_the_template_refuses_stops_the_deployment(plan, given, sentence):
    assert sentence in obstacles(parameters.check(plan(**given)))[0]


def test_a_version_that_the_region_lacks_stops_the_deployment(plan, stubs):
    stubs["rds"] = {"describe_orderable_db_instance_options": {"OrderableDBInstanceOptions": []}}

    assert "version 16.99" in obstacles(database.check(plan(**CREATED, DatabaseEngineVersion="16.99")))[0]


def test_secrets_of_an_existing_database_must_exist(plan):
    owner = boto3.client("secretsmanager", REGION).create_secret(Name="owner", SecretString="{}")["ARN"]

    found = obstacles(
        database.check(plan(DatabaseSecretArn=owner.replace("owner", "none"), DatabaseOwnerSecretArn=owner))
    )

    assert found == ["DatabaseSecretArn: Secrets Manager answers ResourceNotFoundException."]


def test_a_missing_permission_is_named(plan, stubs):
    decisions = {"lambda:CreateFunction": "allowed", "rds:CreateDBProxy": "implicitDeny"}
    stubs["sts"] = {"get_caller_identity": {"Arn": "arn:aws:iam::123456789012:user/alice"}}
    stubs["iam"] = {
        "simulate_principal_policy": {
            "EvaluationResults": [{"EvalActionName": name, "EvalDecision": each} for name, each in decisions.items()]
        }
    }

    assert obstacles(permissions.check(plan(**CREATED))) == [
        "arn:aws:iam::123456789012:user/alice may not use rds:CreateDBProxy."
    ]


def test_permissions_that_iam_does_not_reveal_stop_nothing(plan, stubs):
    stubs["sts"] = {"get_caller_identity": {"Arn": "arn:aws:iam::123456789012:user/alice"}}
    stubs["iam"] = {"simulate_principal_policy": "AccessDenied"}

    findings = [*permissions.check(plan())]

    assert obstacles(findings) == []
    assert len(findings) == 1


@pytest.mark.parametrize(
    ("given", "action"),
    [
        ({}, "lambda:CreateAlias"),
        (CREATED, "rds:CreateDBProxy"),
        ({**CREATED, "DatabaseReaders": "1"}, "rds:CreateDBProxyEndpoint"),
        ({"DatabaseMaxConnections": "100"}, "lambda:PutFunctionConcurrency"),
        ({"GradualDeployment": "true"}, "codedeploy:CreateDeployment"),
        ({"HostedZoneId": "Z1"}, "route53:ChangeResourceRecordSets"),
    ],
)
def test_an_action_is_asked_for_when_the_parameters_need_it(plan, given, action):
    assert action in permissions._actions(plan(**given))
    assert given == {} or action not in permissions._actions(plan())


@pytest.mark.parametrize(
    ("status", "way_out"), [("ROLLBACK_COMPLETE", "delete it"), ("UPDATE_ROLLBACK_FAILED", "upgrade.md")]
)
def test_a_stack_that_takes_no_deployment_is_named_with_the_way_out(plan, stubs, status, way_out):
    made = {"StackName": "segmentation", "CreationTime": "2026-11-30T00:00:00Z", "StackStatus": status}
    stubs["cloudformation"] = {"describe_stacks": {"Stacks": [made]}}

    assert way_out in obstacles(stack.check(plan()))[0]


def test_the_first_deployment_has_no_stack_yet(plan):
    assert [*stack.check(plan())] == []


def test_a_refused_question_is_reported_and_the_other_checks_run(plan, capsys):
    assert program.report("quota", lambda plan: iter([*plan.client("ec2").describe_vpcs(VpcIds=["vpc-0"])]), plan())

    assert "not checked: DescribeVpcs answers InvalidVpcID.NotFound" in capsys.readouterr().out
