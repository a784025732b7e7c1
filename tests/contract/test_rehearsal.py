"""A deployment without AWS: moto creates the stack in both shapes, and its parts refer to each other."""

import json

import pytest

from tests.contract import rehearsal


@pytest.fixture(scope="module", params=rehearsal.SHAPES.values(), ids=rehearsal.SHAPES)
def stack(request, translated):
    with rehearsal.created(translated, request.param) as created:
        yield created


def test_the_stack_is_complete(stack):
    assert stack.status == "CREATE_COMPLETE"
    assert stack.physical.keys() == stack.resources.keys()


def test_every_function_has_a_role_of_its_own(stack):
    roles = {function["Role"] for function in stack.functions.values()}

    assert len(roles) == len(stack.functions) > 20


def test_lambda_alone_may_assume_the_role_of_a_function(stack):
    roles = [stack.ask("iam").get_role(RoleName=stack.physical[f"{name}Role"])["Role"] for name in stack.functions]

    trusted = [role["AssumeRolePolicyDocument"]["Statement"] for role in roles]

    assert [each["Principal"] for [each] in trusted] == [{"Service": ["lambda.amazonaws.com"]}] * len(roles)


def test_every_variable_of_a_function_is_a_string(stack):
    for function in stack.functions.values():
        variables = function["Environment"]["Variables"]
        assert variables["DATABASE_SECRET_ARN"]
        assert {name: value for name, value in variables.items() if not isinstance(value, str)} == {}


def test_the_first_deployment_reserves_no_concurrency_because_a_new_account_has_none_to_spare(stack):
    concurrency = [
        stack.ask("lambda").get_function_concurrency(FunctionName=function["FunctionName"])
        for function in stack.functions.values()
    ]

    assert [each for each in concurrency if "ReservedConcurrentExecutions" in each] == []


def test_the_queue_feeds_the_worker(stack):
    [mapping] = stack.ask("lambda").list_event_source_mappings()["EventSourceMappings"]

    assert mapping["EventSourceArn"] == queue(stack, "JobsQueue")["QueueArn"]
    assert mapping["FunctionArn"] == stack.functions["RunJob"]["FunctionArn"]


def test_a_message_that_fails_too_often_goes_to_the_dead_letters(stack):
    redrive = json.loads(queue(stack, "JobsQueue")["RedrivePolicy"])

    assert redrive["deadLetterTargetArn"] == queue(stack, "JobsDeadLetters")["QueueArn"]


def queue(stack, name):
    return stack.ask("sqs").get_queue_attributes(QueueUrl=stack.physical[name], AttributeNames=["All"])["Attributes"]


def test_the_schedule_reaches_its_function_and_its_dead_letters(stack):
    [rule] = stack.ask("events").list_rules()["Rules"]

    [target] = stack.ask("events").list_targets_by_rule(Rule=rule["Name"])["Targets"]

    assert (rule["ScheduleExpression"], rule["State"]) == ("rate(1 minute)", "ENABLED")
    assert target["Arn"] == stack.functions["ExpireMemberships"]["FunctionArn"]
    assert target["DeadLetterConfig"]["Arn"] == queue(stack, "DeadLetters")["QueueArn"]


def test_the_bucket_encrypts_its_objects(stack):
    encryption = stack.ask("s3").get_bucket_encryption(Bucket=stack.physical["ReportsBucket"])

    [rule] = encryption["ServerSideEncryptionConfiguration"]["Rules"]
    assert rule["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] == "AES256"


def test_functions_are_in_the_network_that_the_stack_creates(stack):
    subnets = {stack.physical[name] for name in stack.named("AWS::EC2::Subnet")}

    found = {name: set(each.get("VpcConfig", {}).get("SubnetIds", ())) for name, each in stack.functions.items()}

    assert found.pop("AuthorizeRequest") == set()  # it has no connection, and may need to reach a provider
    assert list(found.values()) == [subnets] * len(found)
