"""docs/openapi.json is up to date with the handlers, and has for every operation what a client needs."""

import json

import pytest
from jsonschema import Draft202012Validator

from segmentation.contract import evaluation, requests
from segmentation.contract.values import RESERVED_SLUGS
from tests.functions.calls import WITH_BODY
from tools.openapi import __main__ as written
from tools.openapi import generators, operations

OPENAPI = json.loads(written.PATH.read_text("utf-8"))
OPERATIONS = {
    f"{method.upper()} {path}": operation
    for path, methods in OPENAPI["paths"].items()
    for method, operation in methods.items()
}
PAGES = ("/", "/console", "/docs", "/health", "/openapi.json", "/swagger/index.html")
UNDOCUMENTED = {"GET /", "GET /swagger/index.html", *(f"HEAD {page}" for page in PAGES)}
"""Redirects for a person with a browser, and HEAD, which is known from its GET."""


def test_the_document_is_up_to_date():
    assert written.PATH.read_text("utf-8") == written.text(), "run `make openapi`, and commit what it writes"


def test_the_document_has_the_routes_of_the_template(translated):
    paths = translated["Resources"]["HttpApi"]["Properties"]["Body"]["paths"]
    served = {f"{method.upper()} {path}" for path, methods in paths.items() if path != "$default" for method in methods}

    assert OPERATIONS.keys() == served - UNDOCUMENTED, "docs/openapi.json and template.yaml differ: run `make openapi`"


def test_the_public_operations_are_the_public_routes_of_the_template(translated):
    paths = translated["Resources"]["HttpApi"]["Properties"]["Body"]["paths"]
    opened = {
        f"{method.upper()} {path}"
        for path, methods in paths.items()
        if path != "$default"
        for method, operation in methods.items()
        if operation.get("security") == [{"NONE": []}] or not operation.get("security")
    }

    assert {
        route for route, operation in OPERATIONS.items() if operation["x-role"] == "public"
    } == opened - UNDOCUMENTED


def test_the_tests_of_bodies_have_every_operation_that_takes_one():
    taking = {each["operationId"] for each in OPERATIONS.values() if "requestBody" in each}

    assert WITH_BODY.keys() == taking, "WITH_BODY in tests/functions/calls.py lists each of these with a path"


@pytest.mark.parametrize("route", sorted(OPERATIONS))
def test_an_operation_has_what_a_client_needs(route):
    operation = OPERATIONS[route]

    assert {"operationId", "tags", "summary", "description", "x-role", "security", "responses"} <= operation.keys()
    assert {*operation["tags"]} <= operations.TAGS.keys()
    assert {"429", "500", "503"} <= operation["responses"].keys()
    assert ({"401", "403"} <= operation["responses"].keys()) == (operation["x-role"] != "public")
    if operation["tags"] == ["OpenFeature"]:  # its protocol has one status for all that is wrong with a request
        assert {"400", "413", "415", "422"} & operation["responses"].keys() == {"400"}
    else:
        assert "422" in operation["responses"]
        assert ("requestBody" in operation) == ({"400", "413", "415"} <= operation["responses"].keys())


@pytest.mark.parametrize("route", sorted(OPERATIONS))
def test_every_json_of_an_operation_has_an_example(route):
    operation = OPERATIONS[route]
    bodies = [operation.get("requestBody", {}), *operation["responses"].values()]
    shown = [content.get("application/json") for content in (body.get("content", {}) for body in bodies)]

    assert all("example" in content for content in shown if content and "$ref" in content["schema"])


@pytest.mark.parametrize("route", sorted(route for route in OPERATIONS if "requestBody" in OPERATIONS[route]))
def test_the_example_of_a_body_is_valid(route):
    content = OPERATIONS[route]["requestBody"]["content"]["application/json"]
    name = generators.model_name(content["schema"]["$ref"].rpartition("/")[2])
    model = getattr(requests, name, None) or getattr(evaluation, name)

    assert model.model_validate(content["example"]).model_fields_set == content["example"].keys()


def test_every_example_belongs_to_a_member_or_parameter():
    from tools.openapi.examples import MEMBERS

    schemas = OPENAPI["components"]["schemas"].values()
    members = {name for schema in schemas for name in schema["properties"]}
    used = [each for operation in OPERATIONS.values() for each in operation.get("parameters", ())]
    parameters = {each["name"] for each in used if "$ref" not in each}

    assert MEMBERS.keys() <= members | parameters


def test_the_idempotency_key_has_no_example_that_requests_would_share():
    key = OPENAPI["components"]["parameters"]["IdempotencyKey"]

    assert not {"example", "examples", "default"} & (key.keys() | key["schema"].keys())


def test_the_example_of_erase_is_false():
    [erase] = (each for each in OPERATIONS["DELETE /user/{user_id}"]["parameters"] if each["name"] == "erase")

    assert erase["example"] is False


@pytest.mark.parametrize("model", ["SegmentCreation", "SegmentChange"])
def test_the_document_allows_every_percent_that_the_service_allows(model):
    check = validator(model)
    hundredths = [number / 100 for number in range(1, 10_001)]

    assert [percent for percent in hundredths if not check.is_valid({"slug": "AAA", "user_percent": percent})] == []


@pytest.mark.parametrize("slug", sorted(RESERVED_SLUGS))
def test_the_document_allows_no_reserved_slug(slug):
    [in_path] = (each for each in OPERATIONS["GET /segment/{slug}"]["parameters"] if each["name"] == "slug")

    assert not validator("SegmentCreation").is_valid({"slug": slug})
    assert not Draft202012Validator(in_path["schema"]).is_valid(slug)


def validator(model):
    return Draft202012Validator(OPENAPI["components"]["schemas"][model])


def test_the_greatest_id_is_exact():
    [user_id] = (each for each in OPERATIONS["DELETE /user/{user_id}"]["parameters"] if each["name"] == "user_id")

    assert user_id["schema"]["maximum"] == 2**63 - 1
