"""Reading a template, from the source or from `sam build`."""

import pytest

from local import template


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "template.yaml"
    path.write_text(
        """
        Resources:
          Inbox: {Type: "AWS::SQS::Queue", Properties: {VisibilityTimeout: 9, KmsMasterKeyId: !If [Mine, !Ref Key, ""]}}
          Outbox: {Type: "AWS::SQS::Queue"}
          Bucket: {Type: "AWS::S3::Bucket"}
        """
    )
    return path


def test_resources_are_found_by_type(path):
    found = template.of_type(path, "AWS::SQS::Queue")

    assert found.keys() == {"Inbox", "Outbox"}
    assert found["Inbox"]["VisibilityTimeout"] == 9
    assert found["Outbox"] == {}


@pytest.mark.parametrize(
    "reference", ["Inbox", "Inbox.Arn", {"Ref": "Inbox"}, {"Fn::GetAtt": ["Inbox", "Arn"]}, {"Fn::GetAtt": "Inbox.Arn"}]
)
def test_a_reference_names_its_resource(reference):
    assert template.referred(reference) == "Inbox"


@pytest.mark.parametrize("reference", ["Work.Alias", {"Ref": "Work.Alias"}, {"Ref": "WorkAliaslive"}])
def test_a_reference_to_an_alias_names_the_function(reference):
    assert template.referred(reference) == "Work"


def test_a_function_takes_the_place_of_its_alias():
    found = template.without_aliases({"Auth": [{"FunctionArn": {"Ref": "Work.Alias"}}, {"Ref": "Inbox"}]})

    assert found == {"Auth": [{"FunctionArn": {"Fn::GetAtt": ["Work", "Arn"]}}, {"Ref": "Inbox"}]}
