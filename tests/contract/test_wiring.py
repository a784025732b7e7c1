"""The references of the translated template that moto does not create: each resource refers to the right one."""

import json
import re

import pytest

from local.template import ALIAS, referred
from tests.template_routes import ROUTES

PARTS_OF_AN_ALIAS = {"AWS::Lambda::Version", "AWS::Lambda::Alias", "AWS::Lambda::EventInvokeConfig"}


@pytest.fixture(scope="module")
def resources(translated):
    return translated["Resources"]


@pytest.fixture(scope="module")
def functions(resources):
    return {name: each for name, each in resources.items() if each["Type"] == "AWS::Lambda::Function"}


@pytest.fixture(scope="module")
def api(resources):
    return resources["HttpApi"]["Properties"]["Body"]


@pytest.fixture(scope="module")
def permitted(resources):
    """The permissions to invoke functions."""
    return [each["Properties"] for each in resources.values() if each["Type"] == "AWS::Lambda::Permission"]


def test_every_route_leads_to_its_function_and_the_api_may_invoke_it(api, permitted):
    sources = {
        (referred(each["FunctionName"]), each["SourceArn"]["Fn::Sub"][0].partition("${__Stage__}/")[2])
        for each in permitted
        if each["Principal"] == "apigateway.amazonaws.com" and isinstance(each["SourceArn"]["Fn::Sub"], list)
    }

    for route in ROUTES:
        function = route.function.title().replace("_", "")
        integration = api["paths"][route.path][route.method.lower()]["x-amazon-apigateway-integration"]
        assert integration["uri"]["Fn::Sub"].endswith(f"functions/${{{function}{ALIAS}}}/invocations")
        assert integration["payloadFormatVersion"] == "2.0"
        assert (function, f"{route.method}{re.sub(r'{[^}]*}', '*', route.path)}") in sources


def test_the_api_may_invoke_every_function_that_it_names(api, permitted):
    named = set(re.findall(rf"functions/\$\{{(\w+){ALIAS}\}}/invocations", json.dumps(api)))

    assert len(named) > 20
    assert named <= {referred(each["FunctionName"]) for each in permitted if "apigateway" in each["Principal"]}


def test_the_stage_serves_the_api_and_writes_its_log(resources):
    [stage] = [each["Properties"] for each in resources.values() if each["Type"] == "AWS::ApiGatewayV2::Stage"]

    assert stage["ApiId"] == {"Ref": "HttpApi"}
    assert (stage["StageName"], stage["AutoDeploy"]) == ("$default", True)
    assert stage["AccessLogSettings"]["DestinationArn"] == {"Fn::GetAtt": ["AccessLogs", "Arn"]}


def test_only_the_api_and_the_schedule_may_invoke_a_function(permitted):
    assert {each["Principal"] for each in permitted} == {"apigateway.amazonaws.com", "events.amazonaws.com"}
    assert all(each["Action"] == "lambda:InvokeFunction" and each["SourceArn"] for each in permitted)


def layer(resources, name):
    """A reference to a layer. Its resource has a name that changes with its content."""
    [found] = [each for each in resources if each.startswith(name)]
    assert resources[found]["Type"] == "AWS::Lambda::LayerVersion"
    return {"Ref": found}


def test_every_function_imports_from_the_layer_of_the_service(resources, functions):
    service = [layer(resources, "SegmentationLayer")]

    layers = {name: each["Properties"]["Layers"] for name, each in functions.items()}

    of_authorizer = layers.pop("AuthorizeRequest")
    assert list(layers.values()) == [service] * len(layers)
    assert of_authorizer == {"Fn::If": ["UsesProvider", [*service, layer(resources, "CryptographyLayer")], service]}


def test_the_migrations_run_when_the_layer_or_the_database_changes(resources):
    migrations = resources["SchemaMigrations"]["Properties"]

    assert migrations["ServiceToken"] == {"Ref": f"ApplyMigrations{ALIAS}"}
    assert migrations["LayerVersion"] == layer(resources, "SegmentationLayer")
    assert migrations["Database"]["Fn::If"][0] == "CreatesDatabase"


def test_a_function_with_a_connection_waits_for_the_schema(resources, functions):
    given = {name: resources[f"{name}Role"]["Properties"]["ManagedPolicyArns"] for name in functions}
    connected = {name for name, policies in given.items() if {"Ref": "ReadApplicationSecret"} in policies}

    waiting = {name for name, each in functions.items() if "SchemaMigrations" in each.get("DependsOn", [])}

    assert waiting == connected - {"ApplyMigrations"}


def test_the_policy_of_the_bucket_belongs_to_the_bucket(resources):
    assert resources["ReportsBucketPolicy"]["Properties"]["Bucket"] == {"Ref": "ReportsBucket"}


def test_only_the_schedule_may_send_to_the_dead_letters_by_policy(resources):
    policy = resources["DeadLettersPolicy"]["Properties"]
    [statement] = policy["PolicyDocument"]["Statement"]

    assert policy["Queues"] == [{"Ref": "DeadLetters"}]
    assert (statement["Principal"], statement["Action"]) == ({"Service": "events.amazonaws.com"}, "sqs:SendMessage")
    assert statement["Condition"]["ArnEquals"]["aws:SourceArn"]["Fn::GetAtt"][0] == "ExpireMembershipsEveryMinute"


def test_a_created_database_is_reached_over_tls_and_through_the_proxy_only(resources):
    proxy = resources["DatabaseProxy"]["Properties"]
    [to_database] = resources["DatabaseSecurityGroup"]["Properties"]["SecurityGroupIngress"]

    assert proxy["RequireTLS"] is True
    assert resources["DatabaseSettings"]["Properties"]["Parameters"] == {"rds.force_ssl": "1"}
    assert resources["DatabaseInstance"]["Properties"]["PubliclyAccessible"] is False
    assert to_database["SourceSecurityGroupId"]["Fn::If"][:2] == ["UsesProxy", {"Ref": "ProxySecurityGroup"}]
    assert proxy["VpcSecurityGroupIds"] == [{"Ref": "ProxySecurityGroup"}]


def test_the_proxy_reads_the_secrets_of_the_functions(resources, functions):
    secrets = [each["SecretArn"] for each in resources["DatabaseProxy"]["Properties"]["Auth"]]
    told = functions["ListUsers"]["Properties"]["Environment"]["Variables"]["DATABASE_SECRET_ARN"]

    assert told["Fn::If"] == ["CreatesDatabase", {"Ref": "ApplicationSecret"}, {"Ref": "DatabaseSecretArn"}]
    assert secrets == [{"Ref": "ApplicationSecret"}, {"Fn::GetAtt": ["Database", "MasterUserSecret.SecretArn"]}]


def test_no_caller_reaches_a_function_except_through_its_alias(translated, permitted):
    # its newest code and its newest layer do not arrive at once; a version has both
    functions = {name for name, each in translated["Resources"].items() if each["Type"] == "AWS::Lambda::Function"}
    others = [each for each in translated["Resources"].values() if each["Type"] not in PARTS_OF_AN_ALIAS]
    text = json.dumps(others)

    named = {
        name
        for name in functions
        if re.search(rf'\["{name}", "Arn"\]|\{{"Ref": "{name}"\}}|\$\{{{name}(\.Arn)?\}}', text)
    }

    assert named == set()
    assert len(permitted) > 30


def test_a_created_database_without_a_proxy_is_reached_by_the_functions_alone(resources, functions):
    variables = functions["ListUsers"]["Properties"]["Environment"]["Variables"]
    [to_database] = resources["DatabaseSecurityGroup"]["Properties"]["SecurityGroupIngress"]
    cluster = {"Fn::GetAtt": ["Database", "Endpoint.Address"]}

    assert to_database["SourceSecurityGroupId"]["Fn::If"][2] == {"Ref": "FunctionSecurityGroup"}
    assert variables["DATABASE_HOST"]["Fn::If"][2] == {"Fn::If": ["CreatesDatabase", cluster, {"Ref": "DatabaseHost"}]}
    assert variables["DATABASE_POOLED"] == {
        "Fn::If": ["CreatesDatabase", {"Ref": "UseProxy"}, {"Ref": "DatabasePooled"}]
    }


def test_reads_go_to_the_endpoint_of_the_readers_that_the_parameters_make(functions):
    variables = functions["ListUsers"]["Properties"]["Environment"]["Variables"]
    cluster, own = {"Fn::GetAtt": ["Database", "ReadEndpoint.Address"]}, {"Ref": "DatabaseReadHost"}
    proxy = {"Fn::GetAtt": ["DatabaseReadEndpoint", "Endpoint"]}

    assert variables["DATABASE_READ_HOST"] == {
        "Fn::If": ["ReadsThroughProxy", proxy, {"Fn::If": ["HasReader1", cluster, own]}]
    }


def test_each_reader_is_created_from_its_number_on(template, resources):
    readers = {name: each for name, each in resources.items() if name.startswith("DatabaseReader")}
    allowed = template["Parameters"]["DatabaseReaders"]["AllowedValues"]

    assert [*readers] == [f"DatabaseReader{number}" for number in allowed if number != "0"]
    for name, reader in readers.items():
        assert reader["Condition"] == f"HasReader{name[-1]}"
        assert reader["DependsOn"] == "DatabaseInstance"
        assert reader["Properties"]["DBClusterIdentifier"] == {"Ref": "Database"}


def test_the_endpoint_of_the_readers_is_read_only_and_open_to_the_functions(resources):
    endpoint = resources["DatabaseReadEndpoint"]["Properties"]

    assert endpoint["TargetRole"] == "READ_ONLY"
    assert endpoint["VpcSecurityGroupIds"] == resources["DatabaseProxy"]["Properties"]["VpcSecurityGroupIds"]


def test_a_kept_answer_of_a_lagging_reader_is_at_most_a_minute_old(template):
    assert template["Parameters"]["DatabaseReadMaxLag"]["MaxValue"] + 30 <= 60


def test_without_a_proxy_no_resource_of_the_proxy_is_created(resources):
    of_proxy = {name for name, each in resources.items() if each.get("Condition") == "UsesProxy"}
    kinds = {resources[name]["Type"].rpartition("::")[2] for name in of_proxy}

    assert kinds == {"DBProxy", "DBProxyTargetGroup", "Role", "LogGroup", "SecurityGroup", "Alarm"}


def test_every_parameter_is_used(template):
    text = json.dumps({name: part for name, part in template.items() if name not in {"Parameters", "Metadata"}})

    unused = [each for each in template["Parameters"] if f'"Ref": "{each}"' not in text and f"${{{each}}}" not in text]

    assert unused == []


def test_every_parameter_has_a_description_and_one_group(translated):
    groups = translated["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]
    asked = [name for group in groups for name in group["Parameters"]]

    assert sorted(asked) == sorted(translated["Parameters"])
    assert all(each["Description"] for each in translated["Parameters"].values())


def test_every_output_has_a_description(translated):
    assert {"ApiUrl", "ReportsBucket", "JobsQueue", "DatabaseEndpoint"} <= translated["Outputs"].keys()
    assert all(each["Description"] for each in translated["Outputs"].values())
