"""CORS: the parameter CorsOrigins names the origins, and an empty one means none."""

import re

import pytest

from segmentation.api.idempotency import HEADER


@pytest.fixture(scope="module")
def cors(translated):
    return translated["Resources"]["HttpApi"]["Properties"]["Body"]["x-amazon-apigateway-cors"]["Fn::If"]


def test_without_an_origin_there_is_no_cors(template, cors):
    assert template["Parameters"]["CorsOrigins"]["Default"] == ""
    assert template["Conditions"]["AnswersCors"] == {"Fn::Not": [{"Fn::Equals": [{"Ref": "CorsOrigins"}, ""]}]}
    assert (cors[0], cors[2]) == ("AnswersCors", {"Ref": "AWS::NoValue"})


def test_pages_of_the_named_origins_may_use_every_method_of_the_api(template, translated, cors):
    paths = translated["Resources"]["HttpApi"]["Properties"]["Body"]["paths"]
    methods = {method.upper() for path, item in paths.items() if path != "$default" for method in item}

    assert cors[1]["allowOrigins"] == {"Fn::Split": [",", template["Parameters"]["CorsOrigins"]["Default"]]}
    assert {*cors[1]["allowMethods"]} == methods


@pytest.mark.parametrize("value", ["", "*", "https://app.example.com", "http://localhost:3000,https://b.example"])
def test_origins_are_separated_by_commas(template, value):
    assert re.fullmatch(template["Parameters"]["CorsOrigins"]["AllowedPattern"], value)


@pytest.mark.parametrize(
    "value", ["app.example.com", "https://a.example/", "https://a.example, https://b.example", ","]
)
def test_value_that_is_no_list_of_origins_is_refused_by_cloudformation(template, value):
    assert not re.fullmatch(template["Parameters"]["CorsOrigins"]["AllowedPattern"], value)


def test_pages_may_send_a_token_and_an_idempotency_key(cors):
    assert {"authorization", "content-type", HEADER.lower()} <= {*cors[1]["allowHeaders"]}


def test_no_cookie_or_other_credential_of_the_browser_is_permitted(cors):
    assert not cors[1].get("allowCredentials")


def test_a_preflight_needs_no_token(translated):
    default = translated["Resources"]["HttpApi"]["Properties"]["Body"]["paths"]["$default"]

    assert default["x-amazon-apigateway-any-method"]["security"] == [{"NONE": []}]


def test_pages_may_keep_an_answer_by_its_etag(cors):
    assert "if-none-match" in cors[1]["allowHeaders"]
    assert "etag" in cors[1]["exposeHeaders"]
