"""The routes of the template that require a token, and the role that each route needs."""

import copy
import json
import re

import pytest

from local.settings import ROOT
from local.template import ALIAS
from segmentation.access import permissions as caller_permissions

ASKS_FOR_A_TOKEN = [{"Token": []}]
OF_AUTHORIZER = {"Ref": f"AuthorizeRequest{ALIAS}"}


@pytest.fixture(scope="module")
def api(translated):
    return translated["Resources"]["HttpApi"]["Properties"]["Body"]


@pytest.fixture(scope="module")
def translate(run_tool, tmp_path_factory):
    def run(template):
        path = tmp_path_factory.mktemp("template") / "template.json"
        path.write_text(json.dumps(template))
        answer = run_tool("python", "tests/contract/translate.py", str(path))
        assert answer.returncode == 0, answer.stderr
        return json.loads(answer.stdout)["translated"]["Resources"]["HttpApi"]["Properties"]["Body"]

    return run


def security(api):
    """The security scheme of each route."""
    return {
        path if path == "$default" else f"{method.upper()} {path}": operation.get("security")
        for path, methods in api["paths"].items()
        for method, operation in methods.items()
    }


def test_every_route_but_the_public_ones_asks_for_a_token(api):
    asked = security(api)

    assert {route for route, scheme in asked.items() if scheme != ASKS_FOR_A_TOKEN} == caller_permissions.PUBLIC


def test_head_is_a_route_of_every_public_page(api):
    pages = {route.removeprefix("GET ") for route in caller_permissions.PUBLIC if route.startswith("GET ")}

    assert {f"HEAD {page}" for page in pages} <= security(api).keys()


@pytest.mark.parametrize(
    ("page", "sentence"),
    [
        ("README.md", r"public routes \(([^)]*)\)"),
        ("docs/how-to/deploy.md", r"(.*) are public;"),
    ],
)
def test_the_documents_name_every_public_route(page, sentence):
    [named] = re.findall(sentence, (ROOT / page).read_text())

    routes = {*re.findall(r"`([A-Z]+ /[^`]*)`", named)}
    assert "HEAD" in named
    assert routes | {f"HEAD {path}" for method, path in map(str.split, routes) if method == "GET"} == (
        caller_permissions.PUBLIC - {"$default"}
    )


def test_an_added_route_asks_for_a_token_by_default(template, translate):
    grown = copy.deepcopy(template)
    events = grown["Resources"]["ListUsers"]["Properties"]["Events"]
    events["Added"] = copy.deepcopy(events["Route"])
    events["Added"]["Properties"] |= {"Method": "PUT", "Path": "/added"}

    assert security(translate(grown))["PUT /added"] == ASKS_FOR_A_TOKEN


def test_an_unknown_route_that_writes_is_for_admins():
    assert caller_permissions.required_role("PUT /added") == "admin"
    assert caller_permissions.required_role("POST /added") == "admin"


def test_the_authorizer_checks_tokens_and_its_answer_is_cached_by_token(api):
    scheme = api["components"]["securitySchemes"]["Token"]

    authorizer = scheme["x-amazon-apigateway-authorizer"]

    assert authorizer["authorizerUri"]["Fn::Sub"][1] == {"__FunctionArn__": OF_AUTHORIZER}
    assert authorizer["identitySource"] == ["$request.header.Authorization"]
    assert authorizer["authorizerPayloadFormatVersion"] == "2.0"
    assert authorizer["enableSimpleResponses"] is True
    assert authorizer["authorizerResultTtlInSeconds"] == 300


def test_api_gateway_may_invoke_the_authorizer(translated):
    permissions = [
        resource["Properties"]["FunctionName"]
        for resource in translated["Resources"].values()
        if resource["Type"] == "AWS::Lambda::Permission" and "authorizers" in json.dumps(resource)
    ]

    assert permissions == [OF_AUTHORIZER]


def test_the_table_of_roles_names_existing_routes(api):
    named = caller_permissions._READER_ROUTES | caller_permissions._EDITOR_ROUTES | caller_permissions._ADMIN_READS

    assert named <= security(api).keys()


def test_only_admins_manage_accounts_and_change_users(api):
    of_admins = {route for route in security(api) if caller_permissions.required_role(route) == "admin"}

    assert of_admins == {
        "POST /auth/sign-up",
        "GET /account",
        "GET /user/{user_id}/export",
        "PATCH /account/{username}",
        "DELETE /account/{username}",
        "POST /user",
        "DELETE /user/{user_id}",
    }


def test_readers_read_order_reports_and_change_their_own_password(api):
    of_readers = {route for route in security(api) if caller_permissions.required_role(route) == "reader"}

    assert {route for route in of_readers if not route.startswith("GET ")} == {
        "POST /segment/user/batch",
        "POST /segment/{slug}/export",
        "POST /report",
        "POST /auth/password",
        "POST /ofrep/v1/evaluate/flags",
        "POST /ofrep/v1/evaluate/flags/{key}",
    }


def test_routes_that_hash_passwords_for_everybody_are_throttled(api, translated):
    [stage] = [
        each["Properties"] for each in translated["Resources"].values() if each["Type"] == "AWS::ApiGatewayV2::Stage"
    ]

    assert stage["RouteSettings"].keys() == {"POST /auth/sign-in", "POST /auth/password"}


def test_no_variable_of_a_function_holds_a_key_or_a_password(translated):
    for resource in translated["Resources"].values():
        variables = resource.get("Properties", {}).get("Environment", {}).get("Variables", {})

        assert variables.keys().isdisjoint({"SIGNING_KEYS", "FIRST_ADMIN", "DATABASE_URL", "DATABASE_OWNER_URL"})
        assert "resolve:secretsmanager" not in json.dumps(variables)


def test_the_authorizer_is_outside_the_vpc_because_that_cannot_reach_a_provider(translated):
    assert translated["Resources"]["AuthorizeRequest"]["Properties"]["VpcConfig"] == {"Ref": "AWS::NoValue"}


def test_secrets_manager_generates_a_signing_key_that_is_long_enough(translated):
    made = translated["Resources"]["SigningKeys"]["Properties"]["GenerateSecretString"]

    assert (made["GenerateStringKey"], made["SecretStringTemplate"]) == ("current", "{}")
    assert made["PasswordLength"] >= 64
