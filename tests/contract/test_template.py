"""The template has no finding. Parameters that contradict each other are refused before a resource is created."""

import json

import pytest

SECRETS = {"DatabaseSecretArn": "arn:a", "DatabaseOwnerSecretArn": "arn:b"}
CREATED = {"CreateDatabase": "true"}
NETWORK = {"VpcSubnetIds": ["subnet-1"], "VpcSecurityGroupIds": ["sg-1"]}


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
        (SECRETS | {"VpcSubnetIds": ["subnet-1"]}, "go together"),
        (SECRETS | {"VpcSecurityGroupIds": ["sg-1"]}, "go together"),
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
    values = {name: default_of(parameter) for name, parameter in template["Parameters"].items()} | parameters
    return [
        assertion["AssertDescription"]
        for rule in template["Rules"].values()
        if holds(rule["RuleCondition"], values)
        for assertion in rule["Assertions"]
        if not holds(assertion["Assert"], values)
    ]


def default_of(parameter):
    default = parameter["Default"]
    return default.split(",") if parameter["Type"] == "CommaDelimitedList" else default


def holds(expression, values):
    if not isinstance(expression, dict):
        return expression
    [(function, arguments)] = expression.items()
    if function == "Ref":
        return values[arguments]
    parts = [holds(argument, values) for argument in arguments]
    return {
        "Fn::Equals": lambda: parts[0] == parts[1],
        "Fn::Contains": lambda: parts[1] in parts[0],
        "Fn::Not": lambda: not parts[0],
        "Fn::And": lambda: all(parts),
        "Fn::Or": lambda: any(parts),
    }[function]()


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
