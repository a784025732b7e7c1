"""The rights of each function. Every right is listed here, so a new right changes this file."""

import pytest

from segmentation.access import permissions
from tests.template_routes import ROUTES, name_of

READ_SECRET = ("secretsmanager:GetSecretValue", "application")
READ_OWNER_SECRET = ("secretsmanager:GetSecretValue", "owner")
READ_SIGNING_KEYS = ("secretsmanager:GetSecretValue", "SigningKeys")
READ_FIRST_ADMIN = ("secretsmanager:GetSecretValue", "FirstAdmin")
READ_REPORTS = ("s3:GetObject", "${ReportsBucket.Arn}/reports/*")
WRITE_REPORTS = ("s3:PutObject", "${ReportsBucket.Arn}/reports/*")
READ_IMPORTS = ("s3:GetObject", "${ReportsBucket.Arn}/imports/*")
WRITE_IMPORTS = ("s3:PutObject", "${ReportsBucket.Arn}/imports/*")
ABORT_UPLOADS = ("s3:AbortMultipartUpload", "${ReportsBucket.Arn}/reports/*")
LIST_UPLOADS = ("s3:ListBucketMultipartUploads", "ReportsBucket")
SEND_JOBS = ("sqs:SendMessage", "JobsQueue")
RECEIVE_JOBS = {(f"sqs:{action}", "JobsQueue") for action in ("ReceiveMessage", "DeleteMessage", "GetQueueAttributes")}
BURY_JOBS = ("sqs:SendMessage", "JobsDeadLetters")
SEND_DEAD_LETTERS = ("sqs:SendMessage", "DeadLetters")
BUS = "arn:${AWS::Partition}:events:${AWS::Region}:${AWS::AccountId}:event-bus/${EventBusName}"
PUBLISH_EVENTS = ("events:PutEvents", BUS)
"""With the parameter EventBusName alone."""

SPECIAL = {
    "ApplyMigrations": {READ_SECRET, READ_OWNER_SECRET, READ_FIRST_ADMIN},
    "AuthorizeRequest": {READ_SIGNING_KEYS},
    "CreateExport": {READ_SECRET, SEND_JOBS},
    "CreateImport": {READ_SECRET, WRITE_IMPORTS},
    "CreateReport": {READ_SECRET, SEND_JOBS},
    "CreateSegment": {READ_SECRET, SEND_JOBS},
    "CreateUserReport": {READ_SECRET, READ_REPORTS, WRITE_REPORTS},
    "DeleteSegment": {READ_SECRET, SEND_JOBS},
    "DeleteUser": {
        READ_SECRET,
        ("s3:ListBucket", "ReportsBucket"),
        ("s3:DeleteObject", "${ReportsBucket.Arn}/reports/user-*"),
    },
    "ExportUser": {
        READ_SECRET,
        READ_REPORTS,
        WRITE_REPORTS,
        ("s3:AbortMultipartUpload", "${ReportsBucket.Arn}/reports/user-*"),
    },
    "ExpireMemberships": {READ_SECRET, SEND_JOBS, SEND_DEAD_LETTERS, PUBLISH_EVENTS},
    "ListJobs": {READ_SECRET, READ_REPORTS},
    "OpenConsole": set(),
    "OpenDocs": set(),
    "OpenReport": {READ_SECRET, READ_REPORTS},
    "RejectRoute": set(),
    "RunJob": {
        READ_SECRET,
        READ_REPORTS,
        WRITE_REPORTS,
        READ_IMPORTS,
        ABORT_UPLOADS,
        LIST_UPLOADS,
        SEND_JOBS,
        *RECEIVE_JOBS,
        BURY_JOBS,
        PUBLISH_EVENTS,
    },
    "ShowJob": {READ_SECRET, READ_REPORTS},
    "ShowOpenapi": set(),
    "StartImport": {READ_SECRET, READ_IMPORTS, SEND_JOBS},
    "SignIn": {READ_SECRET, READ_SIGNING_KEYS},
    "UpdateSegment": {READ_SECRET, SEND_JOBS},
}
OF_EVERY_FUNCTION = {"AWSLambdaBasicExecutionRole", "AWSXrayWriteOnlyAccess", "AWSLambdaVPCAccessExecutionRole"}
SECRETS = {"ReadApplicationSecret": "application", "ReadOwnerSecret": "owner"}


@pytest.fixture(scope="module")
def roles(translated):
    return {
        name.removesuffix("Role"): resource["Properties"]
        for name, resource in translated["Resources"].items()
        if resource["Type"] == "AWS::IAM::Role" and name != "DatabaseProxyRole"
    }


def test_every_function_has_the_rights_listed_here_and_no_other(translated, roles):
    resources = translated["Resources"]
    rights = {name: {*rights_of(role, resources), *rights_given_to(name, resources)} for name, role in roles.items()}

    assert rights == {name: SPECIAL.get(name, {READ_SECRET}) for name in roles}
    assert SPECIAL.keys() <= roles.keys()


def test_every_route_that_needs_a_token_can_look_at_the_callers_account(roles):
    protected = {route.function for route in ROUTES if name_of(route) not in permissions.PUBLIC}
    readers = {name for name, role in roles.items() if {"Ref": "ReadApplicationSecret"} in role["ManagedPolicyArns"]}

    assert {function.title().replace("_", "") for function in protected} <= readers


def test_the_managed_policies_are_those_for_logs_traces_and_the_network(roles):
    given = {
        arn.rpartition("/")[2] for role in roles.values() for arn in role["ManagedPolicyArns"] if isinstance(arn, str)
    }

    assert given == OF_EVERY_FUNCTION


def rights_of(role, resources):
    for document in role.get("Policies", ()):
        yield from rights_in(document["PolicyDocument"])
    for policy in role["ManagedPolicyArns"]:
        if isinstance(policy, dict):
            name = policy["Ref"]
            yield from rights_in(resources[name]["Properties"]["PolicyDocument"], SECRETS.get(name))


def rights_given_to(name, resources):
    """The rights of the policies that name a role themselves, because a condition decides about them."""
    for policy in resources.values():
        if {"Ref": f"{name}Role"} in policy.get("Properties", {}).get("Roles", ()):
            yield from rights_in(policy["Properties"]["PolicyDocument"])


def test_the_right_to_publish_exists_only_with_a_bus(translated):
    with_policy = [each for each in translated["Resources"].values() if each["Type"] == "AWS::IAM::ManagedPolicy"]

    publishing = [each for each in with_policy if "events:PutEvents" in str(each)]

    assert [each["Condition"] for each in publishing] == ["PublishesEvents"]


def rights_in(document, name=None):
    for statement in document["Statement"]:
        assert statement["Effect"] == "Allow"
        actions = statement["Action"]
        for action in [actions] if isinstance(actions, str) else actions:
            yield action, name or resource_in(statement["Resource"])


def resource_in(resource):
    [(function, value)] = resource.items()
    return value[0] if function == "Fn::GetAtt" else value
