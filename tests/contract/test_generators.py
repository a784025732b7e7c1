"""docs/openapi.json has what generators of clients need. Each rule is a client that did not compile or was wrong."""

import json
import re
from urllib.parse import urlsplit

import pytest

from local.settings import ROOT
from segmentation.contract import requests
from tools.openapi import generators

OPENAPI = json.loads((ROOT / "docs" / "openapi.json").read_text("utf-8"))
MODELS = OPENAPI["components"]["schemas"]


def schemas_in(value, place="#"):
    """Every schema with its place in the document."""
    if isinstance(value, dict):
        if isinstance(value.get("type"), str):
            yield place, value
        for name, member in value.items():
            if name not in {"example", "examples"}:
                yield from schemas_in(member, f"{place}/{name}")
    if isinstance(value, list):
        for number, item in enumerate(value):
            yield from schemas_in(item, f"{place}/{number}")


SCHEMAS = dict(schemas_in(OPENAPI))


def of_type(name):
    return {place: schema for place, schema in SCHEMAS.items() if schema["type"] == name}


def test_the_license_has_a_url_and_no_identifier():
    assert OPENAPI["info"]["license"].keys() == {"name", "url"}


def test_every_server_has_a_host():
    assert [each["url"] for each in OPENAPI["servers"] if not urlsplit(each["url"]).netloc] == []


def test_every_whole_number_has_a_format():
    assert [
        place for place, schema in of_type("integer").items() if schema.get("format") not in {"int32", "int64"}
    ] == []


def test_a_whole_number_of_32_bits_has_its_limits():
    narrow = [schema for schema in of_type("integer").values() if schema["format"] == "int32"]

    assert narrow
    assert all(-(2**31) <= schema["minimum"] <= schema["maximum"] < 2**31 for schema in narrow)


def test_every_id_of_a_user_has_64_bits():
    ids = [schema for place, schema in of_type("integer").items() if re.search("user_ids?(/items|/anyOf/0)?$", place)]

    assert len(ids) > 5
    assert {schema["format"] for schema in ids} == {"int64"}


def test_a_percent_is_a_double():
    assert {schema.get("format") for schema in of_type("number").values()} == {"double"}


def test_no_instant_has_a_default():
    instants = {place: schema for place, schema in SCHEMAS.items() if schema.get("format") == "date-time"}

    assert instants
    assert [place for place, schema in instants.items() if "default" in schema] == []


def test_no_member_of_a_request_has_a_default():
    asked = {name: MODELS[name] for name in MODELS if hasattr(requests, generators.model_name(name))}

    assert len(asked) > 5
    members = {(name, each): schema for name in asked for each, schema in asked[name]["properties"].items()}
    assert [place for place, schema in members.items() if "default" in schema] == []


@pytest.mark.parametrize("prefix", ["New", "Api"])
def test_no_model_has_the_name_of_a_function_or_type_that_a_generator_makes(prefix):
    assert [name for name in MODELS if name.startswith(prefix)] == []


def test_names_of_models_differ_in_more_than_case():
    assert len({name.lower() for name in MODELS}) == len(MODELS)


def test_every_operation_has_a_name_of_its_own():
    names = [operation["operationId"] for methods in OPENAPI["paths"].values() for operation in methods.values()]

    assert len({name.lower().replace("_", "") for name in names}) == len(names)


@pytest.mark.parametrize("name", ["NewUser", "User", "SegmentCreated"])
def test_a_published_name_leads_back_to_its_model(name):
    assert generators.model_name(generators.published_name(name)) == name
