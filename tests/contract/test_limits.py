"""Limits: on connections in a burst, on the time of a function, on the age of logs."""

import importlib
import json
import re

import pytest

from local.settings import ROOT
from local.template import referred
from segmentation.api import json_body
from segmentation.database import connection, kept_connection, migrate
from segmentation.jobs import leases, queue
from segmentation.reports import storage

SIZES = {"100": 100, "400": 400, "1000": 1000}
ACCOUNT_RESERVABLE = 900  # of the usual quota of 1000; Lambda reserves the rest for other functions
GATEWAY_SECONDS = 30
LAMBDA_EVENT_BYTES = 6 * 1024 * 1024
AUTHORIZER_SECONDS = 10
WORDED_BY_AWS = {"requestTime", "requestId", "routeKey", "status", "responseLatency", "responseLength"}
NOTHING = {"Ref": "AWS::NoValue"}
RUNBOOK = (ROOT / "docs" / "operations.md").read_text()


@pytest.fixture(scope="module")
def resources(translated):
    return translated["Resources"]


@pytest.fixture(scope="module")
def functions(resources):
    return {name: each["Properties"] for name, each in resources.items() if each["Type"] == "AWS::Lambda::Function"}


@pytest.fixture(scope="module")
def with_connection(resources, functions):
    """The functions that may read the application's secret. Each of their environments keeps a connection."""
    policies = {name: resources[f"{name}Role"]["Properties"]["ManagedPolicyArns"] for name in functions}
    return {name for name, given in policies.items() if {"Ref": "ReadApplicationSecret"} in given}


@pytest.fixture(scope="module")
def limit(translated, functions):
    """The most environments of a function, by the size of the database."""

    def at(name, size):
        condition, chosen, otherwise = functions[name]["ReservedConcurrentExecutions"]["Fn::If"]
        assert (condition, otherwise) == ("LimitsConcurrency", NOTHING)
        if isinstance(chosen, int):
            return chosen
        mapping, key, group = chosen["Fn::FindInMap"]
        assert key == {"Ref": "DatabaseMaxConnections"}
        return translated["Mappings"][mapping][size][group]

    return at


def test_these_tests_add_up_every_size_of_the_template(translated):
    offered = translated["Parameters"]["DatabaseMaxConnections"]["AllowedValues"]

    assert offered == ["0", *SIZES]
    assert translated["Conditions"]["LimitsConcurrency"] == {
        "Fn::Not": [{"Fn::Equals": [{"Ref": "DatabaseMaxConnections"}, "0"]}]
    }


@pytest.mark.parametrize("size", SIZES)
def test_every_function_has_a_limit(functions, limit, size):
    assert {name: limit(name, size) for name in functions if limit(name, size) < 1} == {}


@pytest.mark.parametrize("size", SIZES)
def test_functions_together_take_at_most_four_fifths_of_the_connections(with_connection, limit, size):
    connections, most = sum(limit(name, size) for name in with_connection), SIZES[size] * 4 // 5

    assert connections <= most, (
        f"The functions take {connections} connections of {SIZES[size]}, more than four fifths ({most}): "
        f'choose smaller numbers for "{size}" in Mappings.Concurrency of template.yaml.'
    )


@pytest.mark.parametrize("size", SIZES)
def test_functions_together_fit_into_the_usual_quota_of_an_account(functions, limit, size):
    reserved = sum(limit(name, size) for name in functions)

    assert reserved <= ACCOUNT_RESERVABLE, (
        f"The functions reserve {reserved} executions, more than the {ACCOUNT_RESERVABLE} of a usual account: "
        f'choose smaller numbers for "{size}" in Mappings.Concurrency of template.yaml.'
    )


def test_the_runbook_has_the_limits_of_the_template(functions, translated):
    limits = translated["Mappings"]["Concurrency"]
    busy = {name for name in functions if share_of(functions[name]) == "Busy"}
    [named] = re.findall(r"^\| `Busy`: ([^|]*) \|", RUNBOOK, re.MULTILINE)

    assert {*re.findall(r"`(\w+)`", named)} == busy, f"docs/operations.md, Capacity: name {busy} in the row `Busy`."

    for group in ("Busy", "Route"):
        numbers = [limits[size][group] for size in SIZES]
        assert row_of_runbook(group) == numbers, f"docs/operations.md, Capacity: give the row `{group}` {numbers}."


def share_of(function):
    """The group of a function in the mapping Concurrency, or its own fixed number."""
    chosen = function["ReservedConcurrentExecutions"]["Fn::If"][1]
    return chosen if isinstance(chosen, int) else chosen["Fn::FindInMap"][2]


def test_the_runbook_has_the_time_limits_of_the_code(functions):
    [line] = re.findall(r"^Time limits in seconds, retries included: (.*)\.$", RUNBOOK, re.MULTILINE)
    limits = {
        "idle connection test": kept_connection.SILENCE_SECONDS,
        "connection": connection.CONNECT_TIMEOUT_SECONDS,
        "lock": seconds_of_login("lock_timeout"),
        "statement": seconds_of_login("statement_timeout"),
        "S3 in a request": storage.REQUEST_TIMEOUTS.max_seconds,
        "S3 in a job step": storage.JOB_TIMEOUTS.max_seconds,
        "SQS": queue.TIMEOUTS.max_seconds,
        "route function": functions["ListMemberships"]["Timeout"],
        "API Gateway": GATEWAY_SECONDS,
    }
    expected = ", ".join(f"{name} {seconds}" for name, seconds in limits.items())

    assert line == expected, f"docs/operations.md, Capacity: write '{expected}' into the line of time limits."


def row_of_runbook(group):
    """The limits that docs/operations.md gives a group of functions, one for every size."""
    [numbers] = re.findall(rf"^\| `{group}`[^|]*((?: \| \d+){{3}}) \|$", RUNBOOK, re.MULTILINE)
    return [int(number) for number in re.findall(r"\d+", numbers)]


def seconds_of_login(setting):
    return int(migrate._LOGIN_SETTINGS[setting].removesuffix("s"))


def test_the_proxy_leaves_a_fifth_of_the_connections_free(resources):
    pool = resources["DatabaseProxyTargets"]["Properties"]["ConnectionPoolConfigurationInfo"]

    assert pool["MaxConnectionsPercent"] <= 80


def test_the_queue_starts_at_most_as_many_workers_as_may_run(resources, limit):
    handed_out = resources["RunJobFromQueue"]["Properties"]["ScalingConfig"]["MaximumConcurrency"]

    assert limit("RunJob", "100") >= handed_out


def test_a_delayed_run_of_the_schedule_is_dropped_when_the_next_is_due(resources):
    config = resources["ExpireMembershipsEventInvokeConfig"]["Properties"]

    assert config["MaximumEventAgeInSeconds"] == 60


def test_a_function_of_a_route_times_out_before_the_gateway(resources, functions):
    targets = [each["Properties"] for each in resources.values() if each["Type"] == "AWS::Lambda::Permission"]
    routed = {referred(each["FunctionName"]) for each in targets if each["Principal"] == "apigateway.amazonaws.com"}

    assert len(routed) > 20
    assert {name for name in routed if functions[name]["Timeout"] >= GATEWAY_SECONDS} == set()


def test_the_authorizer_times_out_before_the_gateway(functions):
    assert functions["AuthorizeRequest"]["Timeout"] < AUTHORIZER_SECONDS


def test_the_access_log_says_why_the_authorizer_failed(resources):
    [stage] = [each["Properties"] for each in resources.values() if each["Type"] == "AWS::ApiGatewayV2::Stage"]

    assert json.loads(stage["AccessLogSettings"]["Format"])["authorizer_error"] == "$context.authorizer.error"


def test_lambda_ends_no_job_because_its_worker_feeds_its_own_queue(functions):
    assert functions["RunJob"]["RecursiveLoop"] == "Allow"
    assert [name for name, each in functions.items() if "RecursiveLoop" in each] == ["RunJob"]


def test_a_function_has_time_to_answer_after_a_timeout_of_s3_or_sqs(functions):
    waits = {"REPORTS_BUCKET": storage.REQUEST_TIMEOUTS, "JOBS_QUEUE_URL": queue.TIMEOUTS}

    spare = {
        name: each["Timeout"] - sum(waits[name].max_seconds for name in variables_of(each) & waits.keys())
        for name, each in functions.items()
    }

    assert {name for name, seconds in spare.items() if seconds <= connection.CONNECT_TIMEOUT_SECONDS} == set()


def test_the_margin_and_the_lease_of_a_worker_are_longer_than_a_step(functions):
    margin = importlib.import_module("functions.run_job.app").MARGIN_MS / 1000

    assert storage.JOB_TIMEOUTS.max_seconds < margin < functions["RunJob"]["Timeout"] / 2
    assert margin < leases.LEASE_SECONDS < leases.REQUEUE_SECONDS


def variables_of(function):
    return function.get("Environment", {}).get("Variables", {}).keys()


def test_every_route_is_throttled(resources):
    [stage] = [each["Properties"] for each in resources.values() if each["Type"] == "AWS::ApiGatewayV2::Stage"]

    assert stage["DefaultRouteSettings"]["ThrottlingRateLimit"] == {"Ref": "ThrottlingRate"}
    assert stage["DefaultRouteSettings"]["ThrottlingBurstLimit"] == {"Ref": "ThrottlingBurst"}


def test_the_largest_body_fits_into_an_event_of_lambda_in_base64_too():
    assert json_body.MAX_BODY_BYTES * 4 / 3 < LAMBDA_EVENT_BYTES / 2


def test_every_log_group_has_a_retention(resources):
    groups = {name: each["Properties"] for name, each in resources.items() if each["Type"] == "AWS::Logs::LogGroup"}

    assert {"FunctionLogs", "AccessLogs", "DatabaseProxyLogs"} <= groups.keys()
    assert all(group["RetentionInDays"] == {"Ref": "LogRetentionDays"} for group in groups.values())


def test_every_function_logs_json_to_a_group_with_a_retention(functions):
    settings = [function["LoggingConfig"] for function in functions.values()]

    assert all({"LogFormat": "JSON", "LogGroup": {"Ref": "FunctionLogs"}}.items() <= each.items() for each in settings)


def test_the_log_group_of_the_proxy_is_created_before_the_proxy(resources):
    name = resources["DatabaseProxyLogs"]["Properties"]["LogGroupName"]

    assert name == {"Fn::Sub": "/aws/rds/proxy/${AWS::StackName}"}
    assert resources["DatabaseProxy"]["Properties"]["DBProxyName"] == {"Fn::Sub": "${AWS::StackName}"}
    assert "DatabaseProxyLogs" in resources["DatabaseProxy"]["DependsOn"]


def test_the_access_log_is_json_without_text_of_a_client(resources):
    [stage] = [each["Properties"] for each in resources.values() if each["Type"] == "AWS::ApiGatewayV2::Stage"]
    line = stage["AccessLogSettings"]["Format"]

    variables = set(re.findall(r"\$context\.([A-Za-z.]+)", line))

    assert isinstance(json.loads(line), dict)
    assert "\n" not in line
    assert variables - {"integrationErrorMessage", "authorizer.error"} == WORDED_BY_AWS


def test_no_parameter_and_no_variable_holds_a_secret(translated, functions):
    names = {*translated["Parameters"]}
    for function in functions.values():
        names |= function.get("Environment", {}).get("Variables", {}).keys()

    secret = [name for name in names if re.search("password|secret", name, re.IGNORECASE)]

    assert [name for name in secret if not name.lower().endswith("arn")] == []
    assert "{{resolve:" not in json.dumps(translated)
