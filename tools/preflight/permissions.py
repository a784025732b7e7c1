"""The permissions of the deploying user or role, simulated by IAM."""

from collections.abc import Iterator

from botocore.exceptions import ClientError

from tools.preflight.findings import Finding, obstacle
from tools.preflight.plan import Plan

ALWAYS = (
    "apigateway:POST",
    "cloudformation:CreateChangeSet",
    "cloudformation:ExecuteChangeSet",
    "cloudwatch:PutDashboard",
    "cloudwatch:PutMetricAlarm",
    "events:PutRule",
    "iam:AttachRolePolicy",
    "iam:CreatePolicy",
    "iam:CreateRole",
    "iam:PassRole",
    "lambda:CreateAlias",
    "lambda:CreateEventSourceMapping",
    "lambda:CreateFunction",
    "lambda:PublishLayerVersion",
    "lambda:PublishVersion",
    "lambda:PutFunctionRecursionConfig",
    "logs:CreateLogGroup",
    "s3:CreateBucket",
    "s3:PutBucketPolicy",
    "secretsmanager:CreateSecret",
    "sns:CreateTopic",
    "sqs:CreateQueue",
)
OF_A_DATABASE = (
    "ec2:CreateSecurityGroup",
    "ec2:CreateSubnet",
    "ec2:CreateVpc",
    "ec2:CreateVpcEndpoint",
    "iam:CreateServiceLinkedRole",
    "rds:CreateDBCluster",
    "rds:CreateDBClusterParameterGroup",
    "rds:CreateDBInstance",
    "rds:CreateDBSubnetGroup",
)


def check(plan: Plan) -> Iterator[Finding]:
    """Yield the actions that are not allowed. A condition on a resource or a tag can still refuse others."""
    caller = plan.client("sts").get_caller_identity()["Arn"]
    if caller.endswith(":root"):
        yield Finding("The root user deploys. Use a role.")
        return
    try:
        refused = _refused(plan, _principal(plan, caller))
    except ClientError as error:
        yield Finding(f"The permissions were not checked: IAM answers {error.response['Error']['Code']}.")
        return
    if refused:
        yield obstacle(f"{caller} may not use {', '.join(refused)}.")


def _actions(plan: Plan) -> list[str]:
    chosen = {
        OF_A_DATABASE: plan.is_true("CreateDatabase"),
        ("rds:CreateDBProxy",): plan.needs_proxy,
        ("rds:CreateDBProxyEndpoint",): plan.needs_proxy and plan.value("DatabaseReaders") != "0",
        ("lambda:PutFunctionConcurrency",): plan.reserved() > 0,
        ("codedeploy:CreateApplication", "codedeploy:CreateDeployment"): plan.is_true("GradualDeployment"),
        ("route53:ChangeResourceRecordSets",): plan.value("HostedZoneId") != "",
    }
    return [*ALWAYS, *(action for actions, wanted in chosen.items() if wanted for action in actions)]


def _principal(plan: Plan, caller: str) -> str:
    """Return the ARN of the role behind a session, or the caller's own."""
    if ":assumed-role/" not in caller:
        return caller
    arn: str = plan.client("iam").get_role(RoleName=caller.split("/")[1])["Role"]["Arn"]
    return arn


def _refused(plan: Plan, principal: str) -> list[str]:
    answer = plan.client("iam").simulate_principal_policy(PolicySourceArn=principal, ActionNames=_actions(plan))
    return [each["EvalActionName"] for each in answer["EvaluationResults"] if each["EvalDecision"] != "allowed"]
