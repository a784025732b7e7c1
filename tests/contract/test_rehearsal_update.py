"""An update without AWS: functions get the new parameters, and no resource is replaced. Moto updates little more."""

import pytest

from tests.contract import rehearsal


@pytest.fixture
def stack(translated):
    with rehearsal.created(translated, rehearsal.SHAPES["existing database"]) as created:
        yield created


def test_a_changed_parameter_reaches_every_function_and_replaces_no_resource(stack):
    names = stack.physical

    stack.change(DatabasePooled="true", DatabaseHost="db.example.com")

    variables = [function["Environment"]["Variables"] for function in stack.functions.values()]
    assert stack.status == "UPDATE_COMPLETE"
    assert {(each["DATABASE_POOLED"], each["DATABASE_HOST"]) for each in variables} == {("true", "db.example.com")}
    assert stack.physical == names


def test_a_database_of_a_hundred_connections_reserves_concurrency_for_every_function(translated):
    shape = rehearsal.SHAPES["existing database"] | {"DatabaseMaxConnections": "100"}

    with rehearsal.created(translated, shape) as stack:
        concurrency = {
            name: stack.ask("lambda").get_function_concurrency(FunctionName=function["FunctionName"])
            for name, function in stack.functions.items()
        }

    assert all(each["ReservedConcurrentExecutions"] >= 1 for each in concurrency.values())
    assert concurrency["ListMemberships"]["ReservedConcurrentExecutions"] == 6
