"""The parameters that make logs and traces cheaper."""

import pytest


@pytest.fixture(scope="module")
def functions(translated):
    resources = translated["Resources"].values()
    return [each["Properties"] for each in resources if each["Type"] == "AWS::Lambda::Function"]


def test_logs_and_traces_are_complete_unless_a_parameter_says_otherwise(template):
    defaults = {name: template["Parameters"][name]["Default"] for name in ("LogPercent", "UseTracing")}

    assert defaults == {"LogPercent": "100", "UseTracing": "true"}


def test_a_line_stands_for_a_whole_number_of_requests(template):
    assert [each for each in template["Parameters"]["LogPercent"]["AllowedValues"] if 100 % int(each)] == []


def test_every_function_knows_the_share_of_its_lines(functions):
    shares = [each["Environment"]["Variables"]["LOG_PERCENT"] for each in functions]

    assert shares == [{"Ref": "LogPercent"}] * len(functions)


def test_lambda_logs_only_failures_of_its_own_where_lines_are_left_out(template, functions):
    levels = [each["LoggingConfig"]["SystemLogLevel"] for each in functions]

    assert template["Conditions"]["LogsAll"] == {"Fn::Equals": [{"Ref": "LogPercent"}, "100"]}
    assert levels == [{"Fn::If": ["LogsAll", "INFO", "WARN"]}] * len(functions)


def test_tracing_can_be_turned_off_for_every_function(template, functions):
    modes = [each["TracingConfig"]["Mode"] for each in functions]

    assert template["Conditions"]["TracesRequests"] == {"Fn::Equals": [{"Ref": "UseTracing"}, "true"]}
    assert modes == [{"Fn::If": ["TracesRequests", "Active", "PassThrough"]}] * len(functions)
