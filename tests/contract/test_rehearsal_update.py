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
