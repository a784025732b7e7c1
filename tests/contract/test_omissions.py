"""What the generators lack is said in a sentence that names the file to change."""

import pytest

from tools.omission import Omission
from tools.openapi import examples, operations, schemas
from tools.openapi.routes import Route
from tools.postman.collection import of_step
from tools.postman.story import Step

ROUTE = Route("/new", "show_new", "Show it.", "reader", has_body=False, takes_key=False, problems=())
DESCRIBED = {"New": {"description": "It is new.", "properties": {"novelty": {"type": "string"}}}}


def reference(name):
    return {"$ref": schemas.REF + name}


def answer(schema):
    success = {"description": "Successful Response", "content": {"application/json": {"schema": schema}}}
    return {"responses": {"200": success}}


def test_a_member_without_an_example_is_named():
    with pytest.raises(Omission, match=r"^novelty has no example: add one to MEMBERS in tools/openapi/examples.py"):
        examples.of(reference("New"), DESCRIBED)


def test_a_parameter_without_an_example_is_named():
    with pytest.raises(Omission, match=r"^novelty has no example"):
        examples.of_parameter("novelty", {})


def test_a_path_without_a_tag_is_named():
    with pytest.raises(Omission, match=r"^/new has no tag: add its prefix to TAG_OF_PATH in tools/openapi"):
        operations.complete(answer(reference("New")), ROUTE, DESCRIBED)


def test_a_model_that_is_defined_elsewhere_is_named():
    with pytest.raises(Omission, match=r"^Newest is no model of requests, evaluation, responses or flags"):
        schemas.model("Newest", DESCRIBED)


def test_a_route_without_a_model_is_named(monkeypatch):
    monkeypatch.setitem(operations.TAG_OF_PATH, "/new", "Operations")

    with pytest.raises(Omission, match=r"^show_new answers no model: return one of responses.py"):
        operations.complete(answer({"type": "object"}), ROUTE, DESCRIBED)


def test_a_step_of_no_operation_is_named():
    with pytest.raises(Omission, match=r"^The document has no operation show_new"):
        of_step(Step("show_new"), {})
